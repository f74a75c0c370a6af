"""Triangular bands over the bins of a spectrogram, and those that are narrow enough for single partials. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def triangles(edges: Tensor, places: Tensor) -> Tensor:
    """Return the heights ``[M, F]`` at places ``[F]`` of triangles of height 1, each from one edge to the next but one.

    Example:
        >>> triangles(torch.tensor([0.0, 2.0, 3.0]), torch.arange(4)).tolist()
        [[0.0, 0.5, 1.0, 0.0]]
    """
    edges, width = edges[:, None], edges.diff()[:, None]
    return torch.minimum((places - edges[:-2]) / width[:-1], (edges[2:] - places) / width[1:]).clamp_min(0)


class Bands(nn.Module):
    """Overlapping triangular bands.

    Args:
        weights: of the bins in each band, ``[M, F]``, that sum to one at each bin.
        rate: sampling rate in Hz.
        n_fft: samples in a window of the transform that the bands are taken from.
    """

    weights: Tensor
    means: Tensor

    def __init__(self, weights: Tensor, *, rate: int, n_fft: int) -> None:
        super().__init__()
        self.rate, self.n_fft, self.count = rate, n_fft, len(weights)
        self.register_buffer("weights", weights.float(), persistent=False)
        sums = self.weights.sum(1, keepdim=True).clamp_min(1e-3)  # a band between two bins has none
        self.register_buffer("means", self.weights / sums, persistent=False)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Return the mean in each band of power or magnitudes: ``[..., F, L]`` to ``[..., M, L]``."""
        return self.means @ spectrogram

    def spread(self, values: Tensor) -> Tensor:
        """Interpolate values given for bands, such as gains, to bins: ``[..., M, L]`` to ``[..., F, L]``."""
        return self.weights.T @ values


class PitchBands(Bands):
    """Bands that are one a bin while bins are wider than ``1 / per_semitone`` semitones, and go by pitch above.

    Args:
        n_fft: samples in a window of the transform that the bands are taken from.
        rate: sampling rate in Hz.
        per_semitone: bands in a semitone, where bins are narrow enough for it.

    Example:
        >>> bands = PitchBands(n_fft=2048, rate=16000)
        >>> flat = torch.ones(1025, 7)
        >>> bands(flat).shape == (bands.count, 7), bool(torch.allclose(bands(flat), torch.ones(1)))
        (True, True)
    """

    def __init__(self, *, n_fft: int, rate: int, per_semitone: int = 3) -> None:
        bins, ratio = n_fft // 2 + 1, 2 ** (1 / (12 * per_semitone))
        centres = [0.0]
        while centres[-1] < bins - 1:
            centres.append(max(centres[-1] + 1, centres[-1] * ratio))
        centres[-1] = bins - 1.0
        edges = torch.tensor([-1.0, *centres, float(bins)], dtype=torch.float64)
        super().__init__(triangles(edges, torch.arange(bins)), rate=rate, n_fft=n_fft)
        self.per_semitone = per_semitone

    def smooth(self, values: Tensor, octaves: float = 1.0) -> Tensor:
        """Smooth values ``[count]`` over bands by a Hann window of ``octaves`` half width (where bands go by pitch)."""
        half = max(1, round(12 * self.per_semitone * octaves))
        return smoothed(values, torch.hann_window(2 * half + 1, periodic=False, device=values.device))


def smoothed(values: Tensor, window: Tensor) -> Tensor:
    """Return values ``[F]`` averaged over their neighbours by a window of odd length; the outermost go on."""
    half = len(window) // 2
    padded = nn.functional.pad(values[None, None], (half, half), mode="replicate")
    return nn.functional.conv1d(padded, (window / window.sum())[None, None])[0, 0]


def window_for(rate: int, seconds: float = 0.128) -> int:
    """Return the window length in samples nearest to ``seconds``: a multiple of 512, at least 512, quick to transform.

    Example:
        >>> window_for(16000), window_for(44100)
        (2048, 5632)
    """
    return 512 * max(1, math.floor(seconds * rate / 512 + 0.5))
