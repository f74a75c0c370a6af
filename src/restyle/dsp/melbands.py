"""Levels in mel-spaced bands, and gains given for bands: what tone is measured and changed with. Floor 2."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class MelBands(nn.Module):
    """Overlapping triangular bands over the bins of a spectrogram, equally spaced in mel, that sum to one at each bin.

    Args:
        rate: sampling rate in Hz.
        n_fft: samples in a window of the spectrogram.
        count: number of bands M from 0 Hz to ``highest``; those above half the rate are left out.
        highest: centre of the last band in Hz. The centres do not depend on the rate.

    Example:
        >>> bands = MelBands(16000, 1024, count=20)
        >>> power = torch.ones(513, 100)
        >>> bands(power).shape, bands.spread(torch.zeros(len(bands.centres), 100)).shape
        (torch.Size([14, 100]), torch.Size([513, 100]))
    """

    weights: Tensor
    means: Tensor

    def __init__(self, rate: int, n_fft: int, *, count: int = 64, highest: float = 24000.0) -> None:
        super().__init__()
        self.rate, self.n_fft = rate, n_fft
        centres = centre_frequencies(count, highest)
        self.centres = centres[: max(2, int(np.sum(centres <= rate / 2)))]
        bins, order = np.linspace(0, rate / 2, n_fft // 2 + 1), np.arange(len(self.centres))
        position = np.interp(_mel(bins), _mel(self.centres), order)
        weights = np.maximum(0, 1 - np.abs(position - order[:, None]))
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)), persistent=False)
        sums = self.weights.sum(dim=1, keepdim=True).clamp_min(1e-3)
        self.register_buffer("means", self.weights / sums, persistent=False)

    def forward(self, power: Tensor) -> Tensor:
        """Return the mean power in each band: ``[..., F, L]`` to ``[..., M, L]``."""
        return self.means @ power

    def spread(self, values: Tensor) -> Tensor:
        """Interpolate values given for bands (dB, say) to bins: ``[..., M, L]`` to ``[..., F, L]``."""
        return self.weights.T @ values


def centre_frequencies(count: int, highest: float) -> np.ndarray:
    """Return ``count`` frequencies in Hz from 0 to ``highest``, equally spaced in mel."""
    mel = np.linspace(0, _mel(np.array(highest)), count)
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def _mel(frequency: np.ndarray) -> np.ndarray:
    return np.asarray(2595 * np.log10(1 + frequency / 700))
