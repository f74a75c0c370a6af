"""How an instrument would play a note, as told by other notes of it: partials and noise in and out. Floor 4.

The network looks at the notes heard in a clip. What was heard near a note that is wanted (in pitch, and at the same
moment of the note) is copied; what was not is inferred from what the network has learnt of instruments.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restyle.dsp.additive import synthesise
from restyle.dsp.pitch import midi_to_hz

HOP = 128  # samples between two moments of a sound
RELEASE = 0.3  # seconds that a note is heard after its end
LOUDEST = 2.0  # amplitude of a partial
SCALE = 20.0  # dB that count as one
QUIET = -6.0  # in these units: nothing that is softer matters
PITCH, LEVEL = 24.0, 10.0  # semitones and dB that count as one
MIDDLE = 60.0  # MIDI pitch
SOON = 0.005  # seconds, added before logarithms are taken of times
LEAST_TRUST = 0.05


class Heard(NamedTuple):
    """Moments of notes that were heard; levels in dB relative to the clip's median note.

    Args:
        facts: pitch, onset s (not looked at), time since the onset s, time since the offset s (negative while held),
            duration s, level of the note, how many notes sound, velocity (not looked at), stiffness: ``[B, R, 9]``.
        amplitude: of each partial ``[B, R, K]``.
        trust: 1 where no other note covers a partial ``[B, R, K]``.
        envelope: of the partials, at the frequencies of the bands ``[B, R, M]``.
        noise: per Hz in each band ``[B, R, M]``.
        known: 1 for bands below half the rate, ``[B, M]``.
        there: whether a row is one, boolean ``[B, R]``.
    """

    facts: Tensor
    amplitude: Tensor
    trust: Tensor
    envelope: Tensor
    noise: Tensor
    known: Tensor
    there: Tensor


class Played(NamedTuple):
    """How wanted moments sound, in dB relative to the heard clip's median note.

    Args:
        amplitude: of partials 1 to K, ``[B, Q, K]``.
        envelope: of the partials at the frequencies of the bands ``[B, Q, M]``: for partials above K.
        noise: per Hz in each band ``[B, Q, M]``.
    """

    amplitude: Tensor
    envelope: Tensor
    noise: Tensor


class Encoded(NamedTuple):
    """What `NoteSynth` works out of a clip once.

    Args:
        whole: an embedding of the clip ``[B, D]``.
        key: of the attention, ``[B, heads, R, D / heads]``.
        value: of the attention, the same shape.
        given: what the choice of copies compares, ``[B, R, copies, 16]``.
        own: what is told of the rows' moments, ``[B, R, 6]``.
        trusted: amplitudes times their trust, ``[B, R, K]``.
    """

    whole: Tensor
    key: Tensor
    value: Tensor
    given: Tensor
    own: Tensor
    trusted: Tensor


class NoteSynth(nn.Module):
    """Attention over heard notes, copies of them, and a correction.

    Args:
        partials: K.
        bands: M.
        width: of tokens and queries.
        heads: of the attention.
        copies: ways to choose what is copied.
        hidden: width of the decoder.

    Example:
        >>> network = NoteSynth(partials=4, bands=3, width=16, heads=2, hidden=16)
        >>> heard = Heard(*(torch.rand(1, 5, n) for n in (9, 4, 4, 3, 3)), torch.ones(1, 3), torch.ones(1, 5) > 0)
        >>> network(heard, torch.rand(1, 7, 5), torch.zeros(3)).amplitude.shape
        torch.Size([1, 7, 4])

    Source: attention as in Vaswani et al., "Attention is all you need", NeurIPS 2017; copying as in Vinyals et al.,
    "Pointer networks", NeurIPS 2015; partials and noise as in Engel et al., "DDSP", ICLR 2020.
    """

    def __init__(
        self,
        *,
        partials: int = 48,
        bands: int = 48,
        width: int = 128,
        heads: int = 4,
        copies: int = 3,
        hidden: int = 320,
    ) -> None:
        super().__init__()
        self.partials, self.bands, self.width = partials, bands, width
        self.heads, self.copies, self.hidden = heads, copies, hidden
        self.token = _mlp(8 + 2 * partials + 2 * bands, hidden, width)
        self.whole = _mlp(2 * width + 2 * bands, width, width)
        self.query = _mlp(6 + width, width, width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.chooser = nn.Linear(width, copies * 16)
        self.chosen = nn.Linear(width, copies * 16)
        nn.init.zeros_(self.chooser.weight)
        nn.init.zeros_(self.chooser.bias)
        near = torch.tensor([[2.0, 1.0, 2.0, 0.5], [0.7, 2.0, 2.0, 0.3], [0.7, 0.7, 2.0, 1.0]])
        self.near = nn.Parameter(near.repeat(-(-copies // 3), 1)[:copies])
        inner = 3 * width + partials * 2 + bands * 2
        self.decoder = _mlp(inner, hidden, hidden)
        self.share = nn.Linear(hidden, copies * 2)
        self.correction = nn.Linear(hidden, partials + 2 * bands)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)
        # what is measured between partials is mostly their leakage
        self.hiss = nn.Parameter(torch.full((bands,), -15.0 / SCALE))

    def settings(self) -> dict[str, int]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("partials", "bands", "width", "heads", "copies", "hidden")
        return {name: getattr(self, name) for name in names}

    def forward(self, heard: Heard, wanted: Tensor, centres: Tensor, bias: Tensor | None = None) -> Played:
        """Say how moments of notes sound.

        Args:
            heard: of the clip.
            wanted: pitch, time since the onset s, time since the offset s (negative while held), duration s, level in
                dB relative to the median note, ``[B, Q, 5]``.
            centres: log2 of the bands' frequencies in Hz ``[M]``.
            bias: what fitting to the clip found, ``[D + K + 2 M]``: added to its embedding and to the results.
        """
        return self.play(heard, self.encode(heard), wanted, centres, bias)

    def play(
        self,
        heard: Heard,
        encoded: Encoded,
        wanted: Tensor,
        centres: Tensor,
        bias: Tensor | None = None,
    ) -> Played:
        """Do the same with what :meth:`encode` returned for the clip, which needs to be asked once only."""
        whole = encoded.whole
        bias = whole.new_zeros(self.biases) if bias is None else bias
        whole = whole + bias[: self.width]
        pitch = wanted[..., :1]
        facts = torch.cat([*_moment(wanted[..., :4]), wanted[..., 4:5] / LEVEL], dim=-1)
        query = self.query(torch.cat([facts, whole[:, None].expand(-1, wanted.shape[1], -1)], dim=-1))
        found = self._attend(query, encoded, heard.there)
        weight = self._choose(heard, query, encoded, facts)  # [B, C, Q, R]
        trust = heard.trust + LEAST_TRUST
        alike = torch.einsum("bcqr,brk->bqck", weight, encoded.trusted)
        alike = alike / torch.einsum("bcqr,brk->bqck", weight, trust).clamp_min(1e-6) / SCALE
        envelope = torch.einsum("bcqr,brm->bqcm", weight, heard.envelope) / SCALE
        noise = torch.einsum("bqr,brm->bqm", weight.mean(1), heard.noise) / SCALE
        shifted = self.at(envelope, pitch[..., None], centres)
        inner = torch.cat([alike, shifted], dim=2)  # [B, Q, 2 C, K]
        known = heard.known[:, None].expand(-1, wanted.shape[1], -1)
        seen = [query, found, whole[:, None].expand_as(query), inner.mean(2), alike.mean(2), noise * known, known]
        state = self.decoder(torch.cat([x.clamp_min(QUIET) for x in seen], dim=-1))
        share = self.share(state).softmax(-1)
        change = self.correction(state) + bias[self.width :]
        sizes = (self.partials, self.bands, self.bands)
        partials, bands, hiss = change.split(sizes, dim=-1)
        amplitude = (share[..., None] * inner).sum(2) + partials
        parts = share.unflatten(-1, (2, -1)).sum(-2)
        return Played(SCALE * amplitude, SCALE * ((parts[..., None] * envelope).sum(2) + bands), SCALE * (noise + hiss))

    def _attend(self, query: Tensor, encoded: Encoded, there: Tensor) -> Tensor:
        """What `attention` gives; its own call imports a computer algebra system first, which takes over a second."""
        asked = self._projected(query, 0)
        mask = there[:, None, None]
        found = nn.functional.scaled_dot_product_attention(asked, encoded.key, encoded.value, attn_mask=mask)
        return self.attention.out_proj(found.transpose(1, 2).flatten(2))

    def _projected(self, x: Tensor, part: int) -> Tensor:
        """Queries, keys or values (0, 1, 2) of the attention, ``[B, heads, N, D / heads]``."""
        weight, bias = self.attention.in_proj_weight.chunk(3)[part], self.attention.in_proj_bias.chunk(3)[part]
        return nn.functional.linear(x, weight, bias).unflatten(-1, (self.heads, -1)).transpose(1, 2)

    @property
    def biases(self) -> int:
        """Length of what fitting finds: D + K + 2 M."""
        return self.width + self.partials + 2 * self.bands

    def encode(self, heard: Heard) -> Encoded:
        """Return all that is worked out of a clip before anything is asked."""
        known = heard.known[:, None].expand(-1, heard.facts.shape[1], -1)
        facts = torch.cat(
            [*_moment(heard.facts[..., [0, 2, 3, 4]]), heard.facts[..., 5:6] / LEVEL, heard.facts[..., 6:7].log1p()],
            dim=-1,
        )
        facts = torch.cat([facts, heard.facts[..., 8:9] * 1e3], dim=-1)
        levels = [(x / SCALE).clamp_min(QUIET) for x in (heard.amplitude, heard.noise)]
        x = torch.cat([facts, levels[0], heard.trust, levels[1] * known, known], dim=-1)
        tokens = self.token(x)
        there = heard.there[..., None]
        count = there.sum(1).clamp_min(1)
        mean = (tokens * there).sum(1) / count
        most = tokens.masked_fill(~there, -math.inf).amax(1)
        bands = [
            ((y / SCALE).clamp_min(QUIET) * there).sum(1) / count * heard.known for y in (heard.envelope, heard.noise)
        ]
        whole = self.whole(torch.cat([mean, most.clamp_min(-10), *bands], dim=-1))
        given = self.chosen(tokens).unflatten(-1, (self.copies, 16))
        own = torch.cat([*_moment(heard.facts[..., [0, 2, 3, 4]]), heard.facts[..., 5:6] / LEVEL], dim=-1)
        trusted = (heard.trust + LEAST_TRUST) * heard.amplitude
        return Encoded(whole, self._projected(tokens, 1), self._projected(tokens, 2), given, own, trusted)

    def sound(
        self,
        heard: Heard,
        wanted: Tensor,
        ratios: Tensor,
        level: float,
        centres: Tensor,
        *,
        rate: int,
        generator: torch.Generator | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Play notes together.

        Args:
            heard: one clip.
            wanted: notes at moments ``HOP`` samples apart, ``[N, L, 5]``; before its onset and when its release is
                over a note is silent.
            ratios: frequencies of the partials in multiples of the fundamental's, ``[N, P]``.
            level: of the clip's median note in dB of full scale.
            centres: of the bands in Hz ``[M]``.
            rate: Hz.
            generator: draws phases and noise.
            bias: see :meth:`forward`.

        Returns:
            Samples ``[(L - 1) * HOP]``.
        """
        count, frames = wanted.shape[:2]
        played = self(heard, wanted.reshape(1, -1, 5), centres.log2(), bias)
        partials = ratios.shape[1]
        amplitude = self.partials_of(played, wanted[..., :1].reshape(1, -1, 1), centres.log2(), partials)
        on = ((wanted[..., 1] >= 0) & (wanted[..., 2] < RELEASE)).reshape(1, -1, 1)
        linear = (10 ** ((amplitude + level) / 20)).clamp_max(LOUDEST) * on
        linear = linear.reshape(count, frames, partials).transpose(0, 1).reshape(1, frames, -1)
        hiss = (10 ** ((played.noise + SCALE * self.hiss + level) / 10)).clamp_max(LOUDEST) * on
        fundamental = midi_to_hz(wanted[:, :1, 0])
        lines = (fundamental * ratios).reshape(1, 1, -1)
        noise = hiss.reshape(count, frames, -1).sum(0)[None]
        return synthesise(linear, lines, noise, centres, rate=rate, size=4 * HOP, generator=generator)[0]

    def partials_of(self, played: Played, pitch: Tensor, centres: Tensor, count: int) -> Tensor:
        """Return dB of the first ``count`` partials ``[B, Q, count]``: those above K follow the envelope."""
        if count <= self.partials:
            return played.amplitude[..., :count]
        higher = self.at(played.envelope, pitch, centres, self.partials + 1, count)
        return torch.cat([played.amplitude, higher], dim=-1)

    def at(self, envelope: Tensor, pitch: Tensor, centres: Tensor, first: int = 1, last: int | None = None) -> Tensor:
        """Read an envelope ``[..., M]`` at partials (1 to K) of a pitch ``[..., 1]``: ``[..., K]``."""
        number = torch.arange(first, (last or self.partials) + 1, device=pitch.device)
        place = midi_to_hz(pitch).log2() + number.log2()
        place = place.expand(*envelope.shape[:-1], len(number))
        high = torch.searchsorted(centres, place.contiguous()).clamp(1, self.bands - 1)
        part = (place - centres[high - 1]) / (centres[high] - centres[high - 1])
        part = part.clamp(0, 1)
        return envelope.gather(-1, high - 1) * (1 - part) + envelope.gather(-1, high) * part

    def _choose(self, heard: Heard, query: Tensor, encoded: Encoded, facts: Tensor) -> Tensor:
        """Weights ``[B, C, Q, R]`` of what is copied: of near notes, at the same moment of the note."""
        asked = self.chooser(query).unflatten(-1, (self.copies, 16))
        likeness = torch.einsum("bqcd,brcd->bcqr", asked, encoded.given) / 4
        distance = (facts[:, :, None] - encoded.own[:, None]).abs()  # [B, Q, R, 6]
        pairs = torch.stack([distance[..., 0] * (PITCH / 3), distance[..., 1], distance[..., 2], distance[..., 5]], 1)
        score = likeness - torch.einsum("cj,bjqr->bcqr", nn.functional.softplus(self.near), pairs)
        return score.masked_fill(~heard.there[:, None, None], -math.inf).softmax(-1)


def _moment(facts: Tensor) -> list[Tensor]:
    """What is told of a moment: pitch, time since the onset, since the offset, whether released, duration."""
    pitch, time, released, duration = facts.split(1, dim=-1)
    after = released.clamp_min(0)
    return [
        (pitch - MIDDLE) / PITCH,
        (time - after + SOON).clamp_min(SOON).log() / 2,
        after.div(0.05).clamp_max(5),
        (released > 0).float(),
        (duration + SOON).log() / 2,
    ]


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.GELU(),
        nn.LayerNorm(hidden),
        nn.Linear(hidden, outputs),
        nn.GELU(),
        nn.LayerNorm(outputs),
    )
