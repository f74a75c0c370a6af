"""Levels in mel-spaced bands, and gains given for bands: what tone is measured and changed with. Floor 2."""

from __future__ import annotations

import numpy as np
import torch

from restyle.dsp.bands import Bands, triangles


class MelBands(Bands):
    """Bands that are equally spaced in mel.

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

    def __init__(self, rate: int, n_fft: int, *, count: int = 64, highest: float = 24000.0) -> None:
        centres = centre_frequencies(count, highest)
        self.centres = centres[: max(2, int(np.sum(centres <= rate / 2)))]
        bins, order = np.linspace(0, rate / 2, n_fft // 2 + 1), np.arange(len(self.centres))
        places = torch.from_numpy(np.interp(_mel(bins), _mel(self.centres), order))
        super().__init__(triangles(torch.arange(-1.0, len(order) + 1), places), rate=rate, n_fft=n_fft)


def centre_frequencies(count: int, highest: float) -> np.ndarray:
    """Return ``count`` frequencies in Hz from 0 to ``highest``, equally spaced in mel."""
    mel = np.linspace(0, _mel(np.array(highest)), count)
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def _mel(frequency: np.ndarray) -> np.ndarray:
    return np.asarray(2595 * np.log10(1 + frequency / 700))
