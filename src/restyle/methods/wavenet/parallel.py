"""The parallel WaveNet: tones and noise of the notes, shaped note by note, filtered by a dilated stack. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from restyle.dsp.mel import hz_to_mel
from restyle.dsp.pitch import midi_to_hz
from restyle.methods.wavenet.autoregressive import Stack
from restyle.methods.wavenet.excitation import (
    BANDS,
    FIRST,
    GROUPS,
    LAST,
    Noise,
    Sounding,
    harmonics,
    sounding,
)
from restyle.methods.wavenet.reference import Conditioning, ReferenceEncoder, roll

TIMES = (0.005, 0.02, 0.06, 0.2, 0.6, 2.0)  # seconds in which the memory of a moment fades
BUMPS = 12  # over the pitches
DILATIONS = tuple(2**i for i in range(10))


class Gains(nn.Module):
    """How loud a note's groups of partials and its noise are at a moment, from what is played and the reference.

    Args:
        bins: mel bands of the reference's tone.
        embedding: size of the reference's embedding, whose last values are the tone.
        width: of the network.
        rate: Hz.
    """

    def __init__(self, *, bins: int, embedding: int, width: int, rate: int) -> None:
        super().__init__()
        self.bins, self.top = bins, float(hz_to_mel(torch.tensor(rate / 2)))
        features = 2 * len(TIMES) + 2 + BUMPS + 3 + GROUPS
        self.entry = nn.Linear(features, width)
        self.reference = nn.Linear(embedding, width)
        self.inner = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.outer = nn.Linear(width, GROUPS + BANDS)
        with torch.no_grad():
            self.outer.weight.mul_(0.1)
            self.outer.bias.copy_(torch.tensor([-3.0] * GROUPS + [-7.0] * BANDS))

    def forward(self, notes: Sounding, later: float, reference: Tensor) -> Tensor:
        """Return amplitudes ``[M, K + bands]``.

        Args:
            notes: the frames of the notes.
            later: seconds after the start of the frame.
            reference: embeddings ``[B, D]``.
        """
        tone = self._tone(reference[:, -self.bins :], notes)
        features = torch.cat([moments(notes, later), tone], dim=1)
        x = (self.entry(features) + self.reference(reference)[notes.row]).relu()
        level = self.outer(self.inner(x))
        known = torch.cat([tone, torch.zeros_like(level[:, GROUPS:])], dim=1)  # as loud as the reference is there
        return (level + known).clamp(-14, 2).exp()

    def _tone(self, tone: Tensor, notes: Sounding) -> Tensor:
        """The tone ``[B, M]`` where the groups of partials lie, ``[M, K]``."""
        middle = (torch.tensor(FIRST) * torch.tensor(LAST)).sqrt().to(tone)
        place = hz_to_mel(midi_to_hz(notes.pitch)[:, None] * middle) / self.top * (self.bins + 1) - 1
        place = place.clamp(0, self.bins - 1.001)
        low = place.long()
        rows = tone[notes.row]
        return rows.gather(1, low).lerp(rows.gather(1, low + 1), place - low)


def moments(notes: Sounding, later: float) -> Tensor:
    """Return what is played at a moment of every frame, as numbers near 0..1, ``[M, D]``."""
    times = torch.tensor(TIMES, device=notes.offset.device)
    since, ended = (notes.onset.float() + later).clamp_min(0), (notes.offset + later).clamp_min(0)
    fades = [(-t[:, None] / times).exp() for t in (since, ended)]
    held = (notes.offset + later < 0).float()
    place = (notes.pitch[:, None] - torch.linspace(21, 108, BUMPS, device=times.device)) * (BUMPS / 88)
    bumps = (1 - place.abs()).clamp_min(0)
    loud = notes.velocity.clamp_min(0.02)
    rest = torch.stack([held, since.log1p(), (notes.pitch - 60) / 24, loud, loud.log()], dim=1)
    return torch.cat([*fades, bumps, rest], dim=1)


class ParallelWaveNet(nn.Module):
    """All samples at once: a harmonic-plus-noise excitation in channels, and the stack that turns it into the sound.

    Every note's groups of partials and bands of noise get their level over time from a small network that knows the
    note and the reference (grouped additive synthesis); the notes' sums, channel by channel, pass a WaveNet stack that
    is conditioned on what is played, and whose output is added.

    Args:
        bins: mel bands of the reference.
        rate: Hz.
        hop: samples of a frame.
        channels: of the stack's layers.
        skip: of what they give.
        condition: channels of the condition.
        dilations: of the layers.
        embedding: size of the reference's embedding.
        width: of the network of the levels.

    Example:
        >>> network = ParallelWaveNet(channels=8, skip=8, dilations=(1, 2, 4))
        >>> reference = network.reference(torch.rand(1, 80, 100))
        >>> network(torch.tensor([[[0.0, 0.5, 60, 0.8, 0]]]), reference, frames=31).shape
        torch.Size([1, 7936])

    Source: the stack is van den Oord et al., "WaveNet", 2016; the excitation Wang, Takaki, Yamagishi, "Neural
    source-filter waveform models", 2019, and Engel et al., "DDSP", ICLR 2020.
    """

    def __init__(
        self,
        *,
        bins: int = 80,
        rate: int = 16000,
        hop: int = 256,
        channels: int = 16,
        skip: int = 16,
        condition: int = 48,
        dilations: Sequence[int] = DILATIONS,
        embedding: int = 48,
        width: int = 128,
    ) -> None:
        super().__init__()
        self.bins, self.rate, self.hop, self.channels, self.skip = bins, rate, hop, channels, skip
        self.condition, self.dilations, self.embedding, self.width = condition, list(dilations), embedding, width
        self.reference = ReferenceEncoder(bins=bins, size=embedding)
        self.gains = Gains(bins=bins, embedding=self.reference.size, width=width, rate=rate)
        self.noise = Noise(rate)
        self.conditioning = Conditioning(reference=self.reference.size, width=condition)
        self.entry = nn.Conv1d(GROUPS + BANDS, channels, 1)
        self.stack = Stack(
            channels=channels, skip=skip, condition=condition, dilations=dilations, hop=hop, causal=False
        )
        self.outer = nn.Conv1d(skip, 1, 1)
        nn.init.zeros_(self.outer.weight)  # the stack begins as nothing
        nn.init.zeros_(self.outer.bias)  # type: ignore[arg-type]

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("bins", "rate", "hop", "channels", "skip", "condition", "dilations", "embedding", "width")
        return {name: getattr(self, name) for name in names}

    def forward(self, notes: Tensor, reference: Tensor, frames: int, start: int = 0) -> Tensor:
        """Play notes like a reference.

        Args:
            notes: ``[B, N, 5]``, as in `methods/wavenet/excitation.py`.
            reference: embeddings ``[B, D]``.
            frames: L.
            start: place in the noise, so that neighbouring blocks have one noise.

        Returns:
            Samples ``[B, L * hop]``.
        """
        parts = self.shaped(notes, reference, frames, start)
        condition = self.conditioning(roll(notes, frames, self.hop / self.rate), reference)
        more = self.outer(self.stack(self.entry(parts), condition).relu())
        return parts.sum(1) + more[:, 0]

    def shaped(self, notes: Tensor, reference: Tensor, frames: int, start: int = 0) -> Tensor:
        """Return the groups of partials and the bands of noise, each at its level, ``[B, K + bands, T]``."""
        rows = len(notes)
        played = sounding(notes, frames, hop=self.hop, rate=self.rate)
        before = self.gains(played, 0.0, reference)
        after = self.gains(played, self.hop / self.rate, reference)
        with torch.no_grad():
            tones = harmonics(played, hop=self.hop, rate=self.rate)
            noise = self.noise(start, frames * self.hop)
        along = torch.arange(self.hop, device=notes.device) / self.hop
        tones = tones * before[:, :GROUPS, None].lerp(after[:, :GROUPS, None], along)
        # the noise of all notes is one: their powers add up
        begun = (played.onset + self.hop / self.rate > 0).float()[:, None]
        powers = torch.cat([before[:, GROUPS:] * (played.onset >= 0)[:, None], after[:, GROUPS:] * begun], 1).square()
        place = played.row * frames + played.frame
        summed = tones.new_zeros(rows * frames, GROUPS, self.hop).index_add(0, place, tones)
        level = (powers.new_zeros(rows * frames, 2 * BANDS).index_add(0, place, powers) + 1e-12).sqrt()[..., None]
        noisy = level[:, :BANDS].lerp(level[:, BANDS:], along).view(rows, frames, BANDS, -1)
        noisy = noisy.transpose(1, 2).flatten(2) * noise
        return torch.cat([summed.view(rows, frames, GROUPS, -1).transpose(1, 2).flatten(2), noisy], dim=1)
