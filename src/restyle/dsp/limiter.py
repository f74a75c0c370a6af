"""Peaks above full scale turned down where they are, and only there. Floor 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from restyle.dsp.filters import lowpass, minimum_and_smooth, oversampled

CEILING = -0.1  # dB of full scale, of the true peak
HOP = 0.001  # seconds between two values of the gain
AHEAD = 5  # hops before and after a peak, over which the gain falls and is held
RELEASE = 60.0  # dB a second, at which the gain rises again
PART = 2**16  # values of the gain worked on at once
TIMES = 4  # oversampling with which peaks between samples are found
HALF = 10  # samples on either side that such a peak depends on


class Limiter:
    """The gain over time, one for all channels, that keeps the true peaks of a sound below full scale.

    The gain falls smoothly before a peak and rises slowly after it; elsewhere it is exactly 1.

    Args:
        blocks: the whole sound, float32 ``[n, C]`` each, of any lengths.
        rate: Hz.

    Example:
        >>> sound = np.zeros((8000, 1), np.float32)
        >>> sound[4000] = 2.0
        >>> limiter = Limiter([sound], 8000)
        >>> limited = np.concatenate(list(limiter([sound])))
        >>> round(limiter.largest, 1), bool(0.9 < limited.max() < 1)
        (6.1, True)

    Source: true peak by fourfold oversampling as in ITU-R BS.1770-4, annex 2; the minimum over a window, smoothed over
    a window of that length, never exceeds what a peak in its middle allows.
    """

    def __init__(self, blocks: Iterable[np.ndarray], rate: int) -> None:
        self.rate, self._hop = rate, max(1, round(HOP * rate))
        found = list(_true_peaks(blocks, self._hop))
        peaks = np.concatenate(found) if found else np.zeros(0, np.float32)
        gain = np.zeros(len(peaks) + 1, np.float32)  # dB at the edges of the hops
        allowed = np.minimum(0, CEILING - 20 * np.log10(np.maximum(peaks, 1e-3)))
        gain[:-1] = allowed
        np.minimum(gain[1:], allowed, out=gain[1:])
        _release(gain, RELEASE * self._hop / rate)
        self._gain = minimum_and_smooth(gain, AHEAD)

    @property
    def largest(self) -> float:
        """By how many dB the highest peak is turned down."""
        return -float(self._gain.min())

    @property
    def seconds(self) -> float:
        """How much of the sound is changed."""
        return float(np.count_nonzero(self._gain) * self._hop / self.rate)

    def __call__(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the blocks of the sound with the gain applied."""
        at = 0
        for block in blocks:
            first, last = at // self._hop, (at + len(block)) // self._hop + 2
            near = self._gain[first:last]
            if near.any():
                where = (at + np.arange(len(block))) / self._hop - first
                decibels = np.interp(where, np.arange(len(near)), near)
                block = block * (10 ** (decibels / 20)).astype(np.float32)[:, None]
            yield block
            at += len(block)


def _true_peaks(blocks: Iterable[np.ndarray], hop: int) -> Iterator[np.ndarray]:
    """The highest level between the samples too, of all channels in each hop: arrays ``[hops]``."""
    held = None
    for block in blocks:
        held = np.concatenate([np.zeros((HALF, block.shape[1]), np.float32) if held is None else held, block])
        hops = (len(held) - 2 * HALF) // hop
        if hops > 0:
            yield _oversampled(held[: hops * hop + 2 * HALF]).reshape(hops, -1).max(axis=1)
            held = held[hops * hop :]
    if held is not None and len(held) > HALF:
        last = np.concatenate([held, np.zeros((HALF, held.shape[1]), np.float32)])
        yield _oversampled(last).max(keepdims=True)


def _oversampled(samples: np.ndarray) -> np.ndarray:
    """Absolute levels ``[TIMES * n]`` of the loudest channel; ``HALF`` samples at both ends are context."""
    kernel = TIMES * lowpass(2 * HALF * TIMES + 1, 1 / TIMES, beta=5.0)
    first, count = 2 * HALF * TIMES, (len(samples) - 2 * HALF) * TIMES
    if np.abs(samples).max() * np.abs(kernel).sum() / TIMES < 0.5:  # far from any peak
        return np.zeros(count, np.float32)
    found = [oversampled(channel, kernel.astype(np.float32), TIMES) for channel in samples.T]
    return np.abs(found)[:, first : first + count].max(axis=0)


def _release(gain: np.ndarray, step: float) -> None:
    """Let a gain in dB rise by ``step`` from one value to the next at most, in place."""
    last = 0.0
    for at in range(0, len(gain), PART):
        part = gain[at : at + PART]
        rise = step * np.arange(len(part))
        part[:] = rise + np.minimum.accumulate(np.minimum(part - rise, last + step))
        last = float(part[-1])
