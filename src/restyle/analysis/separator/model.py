"""A compact network that shares a mix out among its stems, in bands of its spectrogram. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

STEMS = ("vocals", "drums", "bass", "other")
# bins of a band, and up to which Hz bands are so wide; above the last the rest is one band
WIDTHS = ((2, 500.0), (4, 1000.0), (8, 2000.0), (16, 4000.0), (32, 8000.0), (96, 16000.0))
LIMIT = 6.0  # of logits, to either side: a stem that is ruled out can still be learnt
SCALE = 0.1  # magnitudes below this are taken linearly, above logarithmically


class Separator(nn.Module):
    """Shares of every stem in a stereo spectrogram; in every bin they add up to one.

    Bins are gathered in bands, whose channels are worked on by convolutions over time and bands and by layers over
    all bands of a frame; between two halves of them a stack of dilated convolutions looks at the seconds around. What
    a frame depends on is limited (`context` frames to either side), so that blocks give what the whole would.

    Args:
        channels: of every band.
        blocks: of convolutions, before and after the middle together.
        hidden: channels of the middle.
        dilations: of its convolutions.
        rate: of the sound, Hz.
        n_fft: of the spectrogram.
        hop: of the spectrogram.

    Sources: bands of unequal width, Luo and Yu, "Music source separation with band-split RNN", TASLP 2023;
    convolutions beside layers over frequency, Choi et al., "Investigating U-Nets with various intermediate blocks for
    spectrogram-based singing voice separation", ISMIR 2020; dilated stacks, Luo and Mesgarani, "Conv-TasNet", 2019.

    Example:
        >>> network = Separator(channels=4, blocks=2, hidden=8, dilations=[1])
        >>> shares = network(torch.zeros(1, 2, 2049, 5))
        >>> tuple(shares.shape), bool(torch.allclose(shares.sum(1), torch.ones(1, 2, 2049, 5)))
        ((1, 4, 2, 2049, 5), True)
    """

    def __init__(
        self,
        *,
        channels: int = 24,
        blocks: int = 6,
        hidden: int = 128,
        dilations: Sequence[int] = (1, 2, 4, 8, 16, 1, 2, 4, 8),
        rate: int = 44100,
        n_fft: int = 4096,
        hop: int = 1024,
    ) -> None:
        super().__init__()
        self.channels, self.rate, self.n_fft, self.hop = channels, rate, n_fft, hop
        self._settings = {"channels": channels, "blocks": blocks, "hidden": hidden, "dilations": list(dilations)}
        self._settings |= {"rate": rate, "n_fft": n_fft, "hop": hop}
        self.context = 2 * blocks + 2 * sum(dilations)
        groups = band_groups(n_fft, rate)
        self.split = Bands(groups, 3, channels)
        self.share = Shares(groups, channels, 2 * len(STEMS))
        bands = sum(count for count, _ in groups)
        self.first = nn.ModuleList([Block(channels, bands) for _ in range(blocks // 2)])
        self.last = nn.ModuleList([Block(channels, bands) for _ in range(blocks - blocks // 2)])
        self.narrow = nn.Sequential(nn.Conv1d(channels * bands, hidden, 1), nn.BatchNorm1d(hidden), nn.GELU())
        self.middle = nn.ModuleList([Dilated(hidden, dilation) for dilation in dilations])
        self.widen = nn.Conv1d(hidden, channels * bands, 1)

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return dict(self._settings)

    def forward(self, magnitude: Tensor) -> Tensor:
        """Return the stems' shares.

        Args:
            magnitude: of left and right ``[B, 2, F, L]``, of the unscaled transform.

        Returns:
            Shares in the order of `STEMS`, 0..1, ``[B, S, 2, F, L]``.
        """
        size, _, _, frames = magnitude.shape
        x = self.split(features(magnitude))
        for block in self.first:
            x = block(x)
        seen = self.narrow(x.flatten(1, 2))
        for layer in self.middle:
            seen = seen + layer(seen)
        x = x + self.widen(seen).view_as(x)
        for block in self.last:
            x = block(x)
        logits = self.share(x).view(size, len(STEMS), 2, -1, frames).float()
        return (LIMIT * torch.tanh(logits / LIMIT)).softmax(1)


def features(magnitude: Tensor) -> Tensor:
    """Return what the network looks at: levels of left, right, and of their difference, ``[B, 3, F, L]``."""
    left, right = magnitude[:, 0], magnitude[:, 1]
    apart = (left - right) / (left + right + 1e-3)
    return torch.stack([torch.log1p(left / SCALE), torch.log1p(right / SCALE), apart], 1)


def band_groups(n_fft: int, rate: int) -> list[tuple[int, int]]:
    """Return how many bands follow each other, and the bins of each: (count, width).

    Example:
        >>> band_groups(4096, 44100)
        [(23, 2), (12, 4), (11, 8), (12, 16), (12, 32), (8, 96), (1, 523)]
    """
    groups, at, bins = [], 0, n_fft // 2 + 1
    for width, top in WIDTHS:
        count = max(0, round((min(top, rate / 2) * n_fft / rate - at) / width))
        count = min(count, (bins - at) // width)
        if count:
            groups.append((count, width))
            at += count * width
    if at < bins:
        groups.append((1, bins - at))
    return groups


class Bands(nn.Module):
    """Bins ``[B, I, F, L]`` to bands ``[B, C, K, L]``: in each a linear layer of its own."""

    def __init__(self, groups: list[tuple[int, int]], inputs: int, channels: int) -> None:
        super().__init__()
        self.groups, self.channels = groups, channels
        bands = sum(count for count, _ in groups)
        self.convolutions = nn.ModuleList(
            [nn.Conv1d(count * inputs * width, count * channels, 1, groups=count) for count, width in groups]
        )
        self.norm = nn.BatchNorm1d(bands * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the bands."""
        size, _, _, frames = x.shape
        x, at, found = x.transpose(1, 2), 0, []  # [B, F, I, L]
        for (count, width), convolution in zip(self.groups, self.convolutions, strict=True):
            piece = x[:, at : at + count * width].flatten(1, 2)
            found.append(convolution(piece))
            at += count * width
        bands = self.norm(torch.cat(found, 1)).view(size, -1, self.channels, frames)
        return bands.transpose(1, 2).contiguous()


class Shares(nn.Module):
    """Bands ``[B, C, K, L]`` to bins ``[B, O, F, L]``."""

    def __init__(self, groups: list[tuple[int, int]], channels: int, outputs: int) -> None:
        super().__init__()
        self.groups, self.outputs = groups, outputs
        self.convolutions = nn.ModuleList(
            [nn.Conv1d(count * channels, count * outputs * width, 1, groups=count) for count, width in groups]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the bins."""
        size, _, _, frames = x.shape
        x, at, found = x.transpose(1, 2), 0, []  # [B, K, C, L]
        for (count, width), convolution in zip(self.groups, self.convolutions, strict=True):
            piece = convolution(x[:, at : at + count].flatten(1, 2))
            found.append(piece.view(size, count, self.outputs, width, frames).transpose(1, 2).flatten(2, 3))
            at += count
        return torch.cat(found, 2)


class Block(nn.Module):
    """Two convolutions over bands and time, and between them a layer over all bands of a frame."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.after = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.down, self.up = nn.Linear(bands, bands // 4), nn.Linear(bands // 4, bands)
        self.gelu = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the bands, changed."""
        y = self.gelu(self.before(x))
        across = self.up(self.gelu(self.down(y.transpose(2, 3)))).transpose(2, 3)
        out: Tensor = x + self.gelu(self.after(y + across))
        return out


class Dilated(nn.Module):
    """A residual layer over time: each channel on its own, then all together."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation, groups=channels, bias=False),
            nn.BatchNorm1d(channels),
            nn.Conv1d(channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv1d(2 * channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return what is added to ``[B, H, L]``."""
        out: Tensor = self.layers(x)
        return out
