"""What decoders are conditioned on: how the reference sounds, what is played, an encoder's code. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from restyle.analysis.timbre.model import decibels
from restyle.methods.wavenet.excitation import DRUMS

PITCHES, LOWEST = 88, 21
FADE = 0.05  # seconds in which the mark of an onset fades


class ReferenceEncoder(nn.Module):
    """An embedding of a recording, whatever its level: what a network finds, and its mean tone itself.

    Args:
        bins: mel bands M.
        width: of the convolutions.
        size: of what the network finds.

    Example:
        >>> ReferenceEncoder(bins=80, size=32)(torch.rand(2, 80, 300)).shape
        torch.Size([2, 112])
    """

    def __init__(self, *, bins: int = 80, width: int = 64, size: int = 48) -> None:
        super().__init__()
        self.bins, self.size = bins, size + bins
        channels = (bins, width, width, width)
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv1d(before, after, 3, padding=1), nn.GroupNorm(8, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.out = nn.Linear(2 * width, size)

    def forward(self, mel: Tensor) -> Tensor:
        """Embed log1p mel powers ``[B, M, L]``: ``[B, size]``; the last M values are the tone."""
        features = self.layers(decibels(mel, 2) / 40 + 1)
        deviation = (features.var(-1, unbiased=False) + 1e-5).sqrt()
        return torch.cat([self.out(torch.cat([features.mean(-1), deviation], dim=1)).tanh(), tone(mel)], dim=1)


def tone(mel: Tensor) -> Tensor:
    """Return the mean power in each band of log1p mel powers ``[B, M, L]``, in units of 20 dB below the strongest."""
    power = torch.expm1(mel.float()).mean(-1)
    level = torch.log10(power.clamp_min(1e-10)) / 2
    return (level - level.amax(1, keepdim=True)).clamp_min(-4)


def roll(notes: Tensor, frames: int, hop: float) -> Tensor:
    """Draw notes ``[B, N, 5]`` as velocities while they are held and marks where they begin, ``[B, 2 * 88, L]``.

    Args:
        notes: as in `methods/wavenet/excitation.py`.
        frames: L.
        hop: seconds of a frame, whose notes are those at its middle.
    """
    onset, offset, pitch, velocity, programme = notes.unbind(-1)
    row = pitch.nan_to_num(-1).round().long() - LOWEST
    known = ~onset.isnan() & (programme != DRUMS) & (row >= 0) & (row < PITCHES)
    time = (torch.arange(frames, device=notes.device) + 0.5) * hop
    since = time - onset[..., None]
    held = (known[..., None] & (since >= -hop / 2) & (time < offset[..., None])).to(notes.dtype)
    drawn = torch.stack(
        [held * velocity.nan_to_num()[..., None], held * (-since.clamp_min(0).nan_to_num() / FADE).exp()]
    )
    place = nn.functional.one_hot(row.clamp(0, PITCHES - 1), PITCHES).to(notes.dtype)
    both = torch.einsum("kbnl,bnp->bkpl", drawn, place)
    return both.clamp_max(1).flatten(1, 2).float()


class Conditioning(nn.Module):
    """Notes, reference and code as one signal at frame rate, for a decoder.

    Args:
        reference: size of the reference's embedding; 0 for none.
        code: channels of an encoder's code; 0 for none.
        width: of the signal.
    """

    def __init__(self, *, reference: int, code: int = 0, width: int = 64) -> None:
        super().__init__()
        self.reference = nn.Linear(reference, width) if reference else None
        self.notes = nn.Conv1d(2 * PITCHES, width, 1) if reference else None
        self.code = nn.Conv1d(code, width, 1) if code else None
        self.inner = nn.Conv1d(width, width, 3, padding=1)
        self.outer = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, notes: Tensor | None, reference: Tensor | None, code: Tensor | None = None) -> Tensor:
        """Merge rolls ``[B, 176, L]``, embeddings ``[B, D]`` and codes ``[B, C, L]``: ``[B, W, L]``."""
        parts = []
        if self.notes and self.reference and notes is not None and reference is not None:
            parts += [self.notes(notes) + self.reference(reference)[..., None]]
        if self.code and code is not None:
            parts += [self.code(code)]
        x = torch.stack(torch.broadcast_tensors(*parts)).sum(0).relu()
        return self.outer(self.inner(x).relu()) + x


class TemporalEncoder(nn.Module):
    """A sound as a narrow code: residual dilated convolutions, then the mean over every frame.

    Args:
        code: channels of the code.
        channels: of the convolutions.
        dilations: of the convolutions.
        hop: samples that one code stands for.

    Example:
        >>> TemporalEncoder(code=4, hop=512)(torch.zeros(2, 4096)).shape
        torch.Size([2, 4, 8])

    Source: Engel et al., "Neural audio synthesis of musical notes with WaveNet autoencoders", ICML 2017.
    """

    def __init__(
        self,
        *,
        code: int = 8,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        hop: int = 512,
    ) -> None:
        super().__init__()
        self.hop = hop
        self.entry = nn.Conv1d(1, channels, 3, padding=1)
        self.dilated = nn.ModuleList(nn.Conv1d(channels, channels, 3, padding=d, dilation=d) for d in dilations)
        self.mix = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in dilations)
        self.out = nn.Conv1d(channels, code, 1)

    def forward(self, sound: Tensor) -> Tensor:
        """Encode samples ``[B, T]``: ``[B, C, T / hop]``."""
        x = self.entry(sound[:, None])
        for dilated, mix in zip(self.dilated, self.mix, strict=True):
            x = x + mix(dilated(x.relu()).relu())
        return nn.functional.avg_pool1d(self.out(x), self.hop)
