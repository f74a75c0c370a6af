"""WaveNet: gated dilated convolutions that generate sound sample by sample, conditioned on notes. Floor 4.

Source: van den Oord et al., "WaveNet: a generative model for raw audio", 2016 (arXiv 1609.03499); the autoencoder is
Engel et al., "Neural audio synthesis of musical notes with WaveNet autoencoders", ICML 2017 (arXiv 1704.01279).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from restyle.methods.wavenet.excitation import GROUPS, tones
from restyle.methods.wavenet.reference import Conditioning, ReferenceEncoder, TemporalEncoder, roll

CLASSES = 256  # of mu-law
SILENCE = 128  # the class of 0
TWICE = tuple(2**i for i in range(10)) * 2


def mu_law_encode(x: Tensor) -> Tensor:
    """Return classes 0..255 of samples -1..1: finer steps near 0 (mu = 255).

    Example:
        >>> mu_law_encode(torch.tensor([-1.0, 0.0, 1.0])).tolist()
        [0, 128, 255]
    """
    x = x.clamp(-1, 1)
    y = x.sign() * torch.log1p((CLASSES - 1) * x.abs()) / math.log(CLASSES)
    return ((y + 1) / 2 * (CLASSES - 1) + 0.5).long()


def mu_law_decode(classes: Tensor) -> Tensor:
    """Return the samples that classes stand for; silence is 0.

    Example:
        >>> mu_law_decode(torch.tensor([0, 128, 255])).tolist()
        [-1.0, 0.0, 1.0]
    """
    y = 2 * classes.float() / (CLASSES - 1) - 1
    x = y.sign() * torch.expm1(y.abs() * math.log(CLASSES)) / (CLASSES - 1)
    return torch.where(classes == SILENCE, torch.zeros_like(x), x)


class Stack(nn.Module):
    """Gated dilated convolutions with residual and skip connections, conditioned anew in every frame.

    Args:
        channels: C of the layers.
        skip: S of what they give.
        condition: W of the condition.
        dilations: samples between the taps of each layer.
        hop: samples of a frame.
        causal: two taps, now and before; else three, around.
    """

    def __init__(
        self, *, channels: int, skip: int, condition: int, dilations: Sequence[int], hop: int, causal: bool
    ) -> None:
        super().__init__()
        self.channels, self.skip, self.hop, self.causal = channels, skip, hop, causal
        self.dilations = list(dilations)
        taps = 2 if causal else 3
        self.dilated = nn.ModuleList(nn.Conv1d(channels, 2 * channels, taps, dilation=d, bias=False) for d in dilations)
        self.mix = nn.ModuleList(nn.Conv1d(channels, channels + skip, 1) for _ in dilations)
        self.condition = nn.Conv1d(condition, 2 * channels * len(self.dilations), 1)

    @property
    def reach(self) -> int:
        """Samples before (and, if not causal, after) a sample that it depends on."""
        return sum(self.dilations)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """``[B, C, T]`` under ``[B, W, T / hop]``, to the sum of the skip connections ``[B, S, T]``."""
        shifts = self.condition(condition)[..., None].chunk(len(self.dilations), dim=1)
        total: Tensor | float = 0.0
        for d, dilated, mix, bias in zip(self.dilations, self.dilated, self.mix, shifts, strict=True):
            padded = nn.functional.pad(x, (d, 0 if self.causal else d))
            wave, gate = (dilated(padded).unflatten(-1, (-1, self.hop)) + bias).flatten(-2).chunk(2, dim=1)
            residual, skip = mix(wave.tanh() * gate.sigmoid()).split([self.channels, self.skip], dim=1)
            x, total = x + residual, total + skip
        assert isinstance(total, Tensor)
        return total


class WaveNet(nn.Module):
    """The autoregressive decoder: the probabilities of every sample from those before it, notes and a reference.

    Args:
        bins: mel bands of the reference.
        rate: Hz.
        hop: samples of a frame of notes.
        channels: of the layers.
        skip: of what the layers give.
        condition: channels of the condition.
        dilations: of the layers.
        embedding: size of the reference's embedding; 0 for neither notes nor reference.
        code: channels of a temporal encoder's code beside them; 0 for none.

    Example:
        >>> network = WaveNet(channels=8, skip=8, dilations=(1, 2, 4), code=0)
        >>> notes, reference = torch.tensor([[[0.0, 0.03, 60, 0.8, 0]]]), network.reference(torch.rand(1, 80, 9))
        >>> network(torch.full((1, 512), 128), network.told(notes, reference, 2)).shape
        torch.Size([1, 256, 512])
    """

    def __init__(
        self,
        *,
        bins: int = 80,
        rate: int = 16000,
        hop: int = 256,
        channels: int = 48,
        skip: int = 64,
        condition: int = 64,
        dilations: Sequence[int] = TWICE,
        embedding: int = 48,
        code: int = 4,
    ) -> None:
        super().__init__()
        self.bins, self.rate, self.hop, self.channels, self.skip = bins, rate, hop, channels, skip
        self.condition, self.dilations, self.embedding, self.code = condition, list(dilations), embedding, code
        self.reference = ReferenceEncoder(bins=bins, size=embedding) if embedding else None
        self.encoder = TemporalEncoder(code=code, hop=2 * hop) if code and embedding else None
        size = self.reference.size if self.reference else 0
        self.conditioning = Conditioning(reference=size, code=code, width=condition)
        self.entry = nn.Embedding(CLASSES, channels)
        self.heard = nn.Conv1d(GROUPS, channels, 1, bias=False) if embedding else None
        self.stack = Stack(channels=channels, skip=skip, condition=condition, dilations=dilations, hop=hop, causal=True)
        self.inner = nn.Conv1d(skip, skip, 1)
        self.outer = nn.Conv1d(skip, CLASSES, 1)

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("bins", "rate", "hop", "channels", "skip", "condition", "dilations", "embedding", "code")
        return {name: getattr(self, name) for name in names}

    def told(self, notes: Tensor, reference: Tensor, frames: int, code: Tensor | None = None) -> Tensor:
        """Return the condition ``[B, W, L]``.

        Args:
            notes: ``[B, N, 5]``, as in `methods/wavenet/excitation.py`.
            reference: embeddings ``[B, D]``.
            frames: L.
            code: of the encoder, ``[B, C, L / 2]``; None where it is to do without.
        """
        drawn = roll(notes, frames, self.hop / self.rate)
        return self.conditioning(drawn, reference, None if code is None else spread(code, frames))

    def tuned(self, notes: Tensor, frames: int) -> Tensor | None:
        """Return what the first layer takes beside the last sample, ``[B, C, L * hop]``: the notes as plain tones.

        A piano roll alone leaves the network to learn the period of each of 88 pitches.
        """
        if self.heard is None:
            return None
        with torch.no_grad():
            played = tones(notes, frames, hop=self.hop, rate=self.rate)
        return self.heard(played)

    def forward(self, classes: Tensor, condition: Tensor, tuned: Tensor | None = None) -> Tensor:
        """Return logits ``[B, 256, T]`` of every sample from the ones before it.

        Args:
            classes: mu-law classes ``[B, T]``; each is predicted from those before it.
            condition: ``[B, W, T / hop]``.
            tuned: of the notes, ``[B, C, T]``.
        """
        before = nn.functional.pad(classes[:, :-1], (1, 0), value=SILENCE)
        x = self.entry(before).transpose(1, 2)
        x = self.stack(x if tuned is None else x + tuned, condition)
        return self.outer(self.inner(x.relu()).relu())


def spread(code: Tensor, frames: int) -> Tensor:
    """Bring codes ``[B, C, L']`` to ``frames`` frames, each as it is until the next."""
    return code.repeat_interleave(-(-frames // code.shape[-1]), dim=-1)[..., :frames]
