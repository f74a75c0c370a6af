"""Bands of a spectrogram, narrow enough for single partials: linear low down, by pitch above. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Bands(nn.Module):
    """Triangular bands, one a bin while bins are wider than ``1 / per_semitone`` semitones, by pitch above.

    Args:
        n_fft: samples in a window of the transform that the bands are taken from.
        rate: sampling rate in Hz.
        per_semitone: bands in a semitone, where bins are narrow enough for it.

    Example:
        >>> bands = Bands(n_fft=2048, rate=16000)
        >>> flat = torch.ones(1025, 7)
        >>> bands(flat).shape == (bands.count, 7), bool(torch.allclose(bands(flat), torch.ones(1)))
        (True, True)
    """

    analysis: Tensor
    synthesis: Tensor

    def __init__(self, *, n_fft: int, rate: int, per_semitone: int = 3) -> None:
        super().__init__()
        self.n_fft, self.rate, self.per_semitone = n_fft, rate, per_semitone
        weights = _triangles(n_fft // 2 + 1, 2 ** (1 / (12 * per_semitone)))
        self.count = len(weights)
        self.register_buffer("analysis", weights / weights.sum(1, keepdim=True), persistent=False)
        self.register_buffer("synthesis", (weights / weights.sum(0)).T.contiguous(), persistent=False)

    def forward(self, magnitude: Tensor) -> Tensor:
        """Average bins ``[..., F, L]`` to bands ``[..., count, L]``."""
        return self.analysis @ magnitude

    def inverse(self, values: Tensor) -> Tensor:
        """Spread values of bands, such as gains, ``[..., count, L]`` over the bins: ``[..., F, L]``."""
        return self.synthesis @ values

    def smooth(self, values: Tensor, octaves: float = 1.0) -> Tensor:
        """Smooth values ``[count]`` over bands by a Hann window of ``octaves`` half width (where bands go by pitch)."""
        half = max(1, round(12 * self.per_semitone * octaves))
        kernel = torch.hann_window(2 * half + 1, periodic=False, device=values.device)
        padded = nn.functional.pad(values[None, None], (half, half), mode="replicate")
        return nn.functional.conv1d(padded, (kernel / kernel.sum())[None, None])[0, 0]


def _triangles(bins: int, ratio: float) -> Tensor:
    """Weights ``[count, F]``, every column with a positive sum."""
    centres = [0.0]
    while centres[-1] < bins - 1:
        centres.append(max(centres[-1] + 1, centres[-1] * ratio))
    centres[-1] = bins - 1.0
    edges = torch.tensor([-1.0, *centres, float(bins)], dtype=torch.float64)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bin_ = torch.arange(bins, dtype=torch.float64)
    rise, fall = (bin_ - left) / (middle - left), (right - bin_) / (right - middle)
    return torch.minimum(rise, fall).clamp_min(0).float()


def window_for(rate: int, seconds: float = 0.128) -> int:
    """Return the window length in samples nearest to ``seconds``: a multiple of 512, at least 512, quick to transform.

    Example:
        >>> window_for(16000), window_for(44100)
        (2048, 5632)
    """
    return 512 * max(1, math.floor(seconds * rate / 512 + 0.5))
