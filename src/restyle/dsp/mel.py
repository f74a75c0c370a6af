"""Mel spectrograms on Slaney's scale, their decibels, and the way back. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from restyle.dsp.bands import triangles

LINEAR = 200 / 3  # Hz a mel below 1 kHz
KNEE = 1000 / LINEAR  # mels at 1 kHz, where the scale turns logarithmic
LOGARITHMIC = math.log(6.4) / 27  # nepers a mel above


def hz_to_mel(frequency: Tensor) -> Tensor:
    """Convert Hz to Slaney's mels: linear up to 1 kHz, logarithmic above.

    Example:
        >>> hz_to_mel(torch.tensor([0.0, 1000.0, 6400.0]))
        tensor([ 0., 15., 42.])
    """
    above = KNEE + torch.log(frequency.clamp_min(1000) / 1000) / LOGARITHMIC
    return torch.where(frequency < 1000, frequency / LINEAR, above)


def mel_to_hz(mel: Tensor) -> Tensor:
    """Convert Slaney's mels to Hz."""
    return torch.where(mel < KNEE, LINEAR * mel, 1000 * torch.exp(LOGARITHMIC * (mel - KNEE)))


class Mel(nn.Module):
    """Triangular filters, evenly spaced on the mel scale, each of unit area: ``librosa.filters.mel``'s defaults.

    Args:
        rate: sampling rate in Hz.
        n_fft: samples in a window of the spectrogram's transform.
        bins: number of mel bands M.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz; half the rate when ``None``.

    Raises:
        ValueError: if the edges are not in order.

    Example:
        >>> mel = Mel(rate=22050, n_fft=2048, bins=128)
        >>> power = torch.rand(2, 1025, 10)
        >>> mel(power).shape, mel.inverse(mel(power)).shape
        (torch.Size([2, 128, 10]), torch.Size([2, 1025, 10]))

    Source: Slaney, "Auditory Toolbox", technical report 1998-010, Interval Research.
    """

    filters: Tensor

    def __init__(
        self, rate: int = 22050, n_fft: int = 2048, bins: int = 128, *, f_min: float = 0.0, f_max: float | None = None
    ) -> None:
        super().__init__()
        f_max = rate / 2 if f_max is None else f_max
        if not 0 <= f_min < f_max <= rate / 2:
            raise ValueError(f"the bands must lie between 0 and {rate / 2:g} Hz, not from {f_min:g} to {f_max:g}")
        self.rate, self.n_fft, self.bins, self.f_min, self.f_max = rate, n_fft, bins, f_min, f_max
        edges = self._edges()
        hertz = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * rate / n_fft
        filters = triangles(edges, hertz) * (2 / (edges[2:] - edges[:-2]))[:, None]
        self.register_buffer("filters", filters.float(), persistent=False)

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments, as stored beside weights."""
        return {name: getattr(self, name) for name in ("rate", "n_fft", "bins", "f_min", "f_max")}

    def frequencies(self) -> Tensor:
        """Return the centre frequency of each band in Hz, shape ``[M]``."""
        return self._edges()[1:-1].float()

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Sum a spectrogram of power (or magnitude) ``[..., F, L]`` in bands ``[..., M, L]``."""
        return self.filters @ spectrogram.to(self.filters.dtype)

    def inverse(self, mel: Tensor, *, iterations: int = 32) -> Tensor:
        """Return a smooth, non-negative spectrogram ``[..., F, L]`` whose mel spectrogram is near ``mel``.

        Args:
            mel: bands ``[..., M, L]``, not negative.
            iterations: multiplicative steps toward the least squared difference; 0 interpolates between the bands.

        Source: the steps are Lee, Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.
        """
        tiny = torch.finfo(self.filters.dtype).tiny
        back = self.filters.T
        spectrogram = back @ (mel / self.filters.square().sum(1, keepdim=True).clamp_min(tiny))
        target = back @ mel
        for _ in range(iterations):
            spectrogram = spectrogram * (target / (back @ (self.filters @ spectrogram)).clamp_min(tiny))
        return spectrogram

    def _edges(self) -> Tensor:
        """Lower edge, centre and upper edge of all bands in Hz, ``[M + 2]``: neighbours share them."""
        low, high = hz_to_mel(torch.tensor([self.f_min, self.f_max], dtype=torch.float64)).tolist()
        return mel_to_hz(torch.linspace(low, high, self.bins + 2, dtype=torch.float64))


def power_to_db(power: Tensor, *, floor: float = 1e-10, span: float | None = 80.0) -> Tensor:
    """Return ``10 log10(power)``: ``librosa.power_to_db``'s defaults.

    Args:
        power: ``[..., M, L]``.
        floor: smallest power.
        span: dB below the loudest value of each ``[M, L]`` at which to cut off; ``None`` for no such cut.

    Example:
        >>> power_to_db(torch.tensor([[1.0, 0.1, 1e-12]]))
        tensor([[  0., -10., -80.]])
    """
    level = 10 * torch.log10(power.clamp_min(floor))
    if span is None or not level.numel():
        return level
    return torch.maximum(level, level.amax((-2, -1), keepdim=True) - span)


def db_to_power(level: Tensor) -> Tensor:
    """Return the power of decibels: the inverse of :func:`power_to_db`."""
    return 10 ** (level / 10)
