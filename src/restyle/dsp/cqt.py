"""Constant-Q (and variable-Q) transform with an exact inverse: a nonstationary Gabor frame. Floor 2."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from restyle.dsp.filters import maximum_filter, mean_filter

QUIETEST = 36.0  # dB below the loudest moment at which a passage is no longer raised


class Cqt(nn.Module):
    """Constant-Q transform by filters with compact support in frequency.

    Each filter is a Hann window over the spectrum of the whole signal; its output is sampled every ``hop`` samples.
    With ``hop`` short enough for the widest filter the frame is painless and :meth:`inverse` is exact between the
    lowest and the highest filter, else only :meth:`forward` is defined. The signal is treated as circular: pad it when
    its ends matter. It is transformed as a whole: cut long recordings into blocks.

    Args:
        rate: sampling rate in Hz.
        hop: samples between two frames.
        f_min: centre frequency of the lowest filter in Hz (27.5 is the piano's lowest A).
        bins: number of filters.
        bins_per_octave: filters in an octave.
        width: support of a filter in units of the distance to its neighbour (2 or more covers every frequency).
        gamma: Hz added to the support of each filter: shorter time responses at low frequencies (variable Q).

    Raises:
        ValueError: if a filter would lie above half the rate.

    Example:
        >>> cqt = Cqt(rate=16000, hop=16, bins=88, bins_per_octave=12)
        >>> x = torch.sin(2 * math.pi * 440 * torch.arange(16000) / 16000)
        >>> y = cqt(x)
        >>> y.shape, bool((cqt.inverse(y, 16000) - x).abs().max() < 1e-3)
        (torch.Size([88, 1000]), True)

    Source: Velasco, Holighaus, Dörfler, Grill, "Constructing an invertible constant-Q transform with nonstationary
    Gabor frames", DAFx 2011.
    """

    def __init__(
        self,
        *,
        rate: int = 16000,
        hop: int = 256,
        f_min: float = 27.5,
        bins: int = 294,
        bins_per_octave: int = 36,
        width: float = 3.0,
        gamma: float = 8.0,
    ) -> None:
        super().__init__()
        self.rate, self.hop, self.f_min, self.bins = rate, hop, f_min, bins
        self.bins_per_octave, self.width, self.gamma = bins_per_octave, width, gamma
        self.frequencies = [f_min * 2 ** (k / bins_per_octave) for k in range(bins)]
        if self.frequencies[-1] >= rate / 2:
            highest = self.frequencies[-1]
            raise ValueError(f"{bins} bins from {f_min} Hz reach {highest:.0f} Hz, above half of {rate} Hz")
        self._plans: dict[int, list[tuple[Tensor, Tensor]]] = {}

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("rate", "hop", "f_min", "bins", "bins_per_octave", "width", "gamma")
        return {name: getattr(self, name) for name in names}

    def forward(self, x: Tensor) -> Tensor:
        """Transform samples ``[..., T]`` to complex coefficients ``[..., F, ceil(T / hop)]``."""
        frames = math.ceil(x.shape[-1] / self.hop)
        spectrum = torch.fft.rfft(x, n=frames * self.hop)
        out = spectrum.new_zeros(*x.shape[:-1], self.bins, frames)
        for k, (index, window) in enumerate(self._plan(frames)):
            band = spectrum[..., index] * window
            out[..., k, :].index_add_(-1, index % frames, band)  # folding is sampling in time
        return torch.fft.ifft(out) / self.hop

    def inverse(self, y: Tensor, length: int) -> Tensor:
        """Return the samples ``[..., length]`` of coefficients ``[..., F, L]``; what no filter covers is lost.

        Raises:
            ValueError: if ``hop`` is too long for an exact inverse.
        """
        frames = y.shape[-1]
        plan = self._plan(frames)
        widest = max(len(index) for index, _ in plan)
        if widest > frames:
            longest = frames * self.hop // widest
            raise ValueError(f"hop {self.hop} is too long for an inverse: the widest filter needs {longest} or less")
        bands = torch.fft.fft(y) * self.hop
        spectrum = bands.new_zeros(*y.shape[:-2], frames * self.hop // 2 + 1)
        frame_operator = torch.zeros(spectrum.shape[-1], device=y.device)
        for k, (index, window) in enumerate(plan):
            spectrum.index_add_(-1, index, bands[..., k, index % frames] * window)
            frame_operator.index_add_(0, index, window**2)
        # a floor keeps the thin edges beyond the first and last filter from being amplified
        spectrum = spectrum / frame_operator.clamp_min(1e-4)
        return torch.fft.irfft(spectrum, n=frames * self.hop)[..., :length]

    def _plan(self, frames: int) -> list[tuple[Tensor, Tensor]]:
        """Spectrum indices and window of every filter, for a signal of ``frames`` frames."""
        plan = self._plans.get(frames)  # several threads may ask
        if plan is None:
            if len(self._plans) > 4:
                self._plans.clear()
            plan = self._plans[frames] = [self._filter(f, frames * self.hop) for f in self.frequencies]
        return plan

    def _filter(self, frequency: float, length: int) -> tuple[Tensor, Tensor]:
        support = self.width * frequency * (2 ** (1 / self.bins_per_octave) - 1) + self.gamma
        half = support / 2 * length / self.rate
        centre = frequency * length / self.rate
        index = torch.arange(max(0, math.ceil(centre - half)), min(length // 2, math.floor(centre + half)) + 1)
        window = 0.5 + 0.5 * torch.cos(math.pi * (index - centre) / half)
        return index, 2 * window.float()


def level(coefficients: Tensor, floor: float = -120.0) -> Tensor:
    """Return magnitudes in dB (0 dB for a sine of amplitude 1 at a filter's centre), not below ``floor``."""
    return 20 * torch.log10(coefficients.abs().clamp_min(10 ** (floor / 20)))


def unit_level(level_db: Tensor, reference: Tensor | float, span: float = 80.0) -> Tensor:
    """Scale dB to 0..1: ``span`` dB below ``reference`` and less is 0, ``reference`` is 1."""
    return ((level_db - reference) / span + 1).clamp(0, 1)


def loudest_around(loudest: np.ndarray, hop: float) -> np.ndarray:
    """Return the level that counts as loudest at each frame: the loudest within 8 s, but not far below the whole's.

    Args:
        loudest: dB of the loudest bin in each frame of a recording, ``[..., L]``.
        hop: seconds of a frame.

    Returns:
        dB ``[..., L]``, the ``reference`` of :func:`unit_level` in training as in use.

    Example:
        >>> loudest_around(np.full(3, -20.0), 0.016).tolist()
        [-20.0, -20.0, -20.0]
    """
    near = mean_filter(maximum_filter(loudest, round(8 / hop)), round(4 / hop))
    return np.maximum(near, loudest.max(axis=-1, keepdims=True) - QUIETEST)
