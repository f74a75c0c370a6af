"""The value for sound: samples and their rate. Floor 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from restyle.downmix import Downmix


@dataclass(frozen=True, eq=False)
class Audio:
    """A stretch of sound.

    Args:
        samples: float32, shape ``[C, T]`` (channels, samples), full scale at -1..1. A one-dimensional array is taken
            as one channel. Long recordings may be backed by a file on disk (a memory map).
        rate: sampling rate in Hz.
        downmix: how its channels become one; give it where the sound is derived from a recording, channel by channel,
            so that all parts of one recording are mixed alike.

    Raises:
        ValueError: if the array has no channel or more than two dimensions, or the rate is not positive.

    Example:
        >>> sound = Audio(np.zeros((2, 44100)), 44100)
        >>> sound.channels, sound.length, sound.duration
        (2, 44100, 1.0)
    """

    samples: np.ndarray
    rate: int
    downmix: Downmix | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        samples = self.samples if isinstance(self.samples, np.ndarray) else np.asarray(self.samples)
        if samples.dtype != np.float32:
            samples = samples.astype(np.float32)
        if samples.ndim == 1:
            samples = samples[None, :]
        if samples.ndim != 2 or samples.shape[0] == 0:
            raise ValueError(f"samples must have the shape [channel, time], not {samples.shape}")
        if self.rate <= 0:
            raise ValueError(f"rate must be positive, not {self.rate}")
        object.__setattr__(self, "samples", samples)
        if self.downmix is None and len(samples) > 1:
            object.__setattr__(self, "downmix", Downmix(samples))
        object.__setattr__(self, "rate", int(self.rate))

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def length(self) -> int:
        """Number of samples in each channel."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.length / self.rate

    def slice(self, start: int, stop: int) -> Audio:
        """Return samples ``start`` to ``stop`` (exclusive) as a copy in memory; the ends are clamped to the sound."""
        start, stop = max(0, start), max(0, min(self.length, stop))
        return Audio(np.array(self.samples[:, start:stop]), self.rate, downmix=self.downmix)

    def mono(self) -> np.ndarray:
        """Return one channel, float32 ``[T]``: the mean, unless the channels cancel one another (see `Downmix`).

        Example:
            >>> tone = np.sin(np.arange(1000))
            >>> bool(np.allclose(Audio([tone, -tone], 8000).mono(), tone, atol=1e-6))
            True
        """
        return self.samples[0] if self.downmix is None else self.downmix(self.samples)


def resample(
    samples: np.ndarray, rate: float | Fraction, target: float | Fraction, *, quality: str = "HQ"
) -> np.ndarray:
    """Return samples ``[T]`` or ``[C, T]`` at another rate, with the same dtype; themselves where the rate is the same.

    Args:
        samples: float32 or float64.
        rate: theirs in Hz.
        target: the one to go to, in Hz.
        quality: of soxr's filters.

    Example:
        >>> resample(np.zeros((2, 44100), np.float32), 44100, 22050).shape
        (2, 22050)
    """
    if rate == target:
        return samples
    import soxr

    return np.ascontiguousarray(soxr.resample(samples.T, float(rate), float(target), quality=quality).T)
