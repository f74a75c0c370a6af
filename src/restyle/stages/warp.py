"""Time maps, and sound played along one at its own pitch. Floor 4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import Progress, empty, release
from restyle.notes import Notes

GROUP = 64  # frames transformed at a time


@dataclass(frozen=True, eq=False)
class TimeMap:
    """A rising, piecewise linear map from old to new times; beyond its ends the last slopes go on.

    Args:
        old: times in seconds, rising, shape ``[N]``, at least two.
        new: where they go.

    Raises:
        ValueError: if either does not rise.

    Example:
        >>> slower = TimeMap.scale(1.5)
        >>> slower(np.array([2.0])).tolist(), slower.back(np.array([3.0])).tolist()
        ([3.0], [2.0])
    """

    old: np.ndarray
    new: np.ndarray

    def __post_init__(self) -> None:
        if len(self.old) < 2 or np.any(np.diff(self.old) <= 0) or np.any(np.diff(self.new) <= 0):
            raise ValueError("a time map must rise")

    @classmethod
    def scale(cls, ratio: float) -> TimeMap:
        """Make the map that stretches all by ``ratio``; above 1 is slower."""
        return cls(np.array([0.0, 1.0]), np.array([0.0, ratio]))

    def __call__(self, times: np.ndarray) -> np.ndarray:
        """Return the new times of old ones."""
        return _interpolate(times, self.old, self.new)

    def back(self, times: np.ndarray) -> np.ndarray:
        """Return the old times of new ones."""
        return _interpolate(times, self.new, self.old)


def warp_notes(notes: Notes, times: TimeMap) -> Notes:
    """Return notes moved along a time map; none begins before 0."""
    onset = np.maximum(times(notes.onset), 0.0)
    offset = np.maximum(times(notes.offset), onset + 1e-3)
    return Notes(onset, offset, notes.pitch, notes.velocity, notes.programme)


def warp(audio: Audio, times: TimeMap, *, progress: Progress | None = None) -> Audio:
    """Play a sound along a time map, pitch kept, by a phase-locked vocoder.

    Every output frame takes its magnitudes from the place that the map names, and its phases from there too, turned so
    that they follow from the frame before: the turn is that between the last output frame and the input one hop before
    the place. One turn a spectral peak keeps partials whole, the same turn for all channels keeps the stereo picture,
    and with a slope of 1 nothing changes at all. Phases never break, however the slope varies; the sound is read and
    written in blocks.

    Args:
        audio: any rate, channels and length.
        times: the map; slopes between about 0.5 and 2 sound well.
        progress: called with the fraction done.

    Returns:
        The same rate and channels, ``round(times(length / rate) * rate)`` samples.

    Source: Puckette, "Phase-locked vocoder", WASPAA 1995; Laroche, Dolson, "Improved phase vocoder time-scale
    modification of audio", IEEE Transactions on Speech and Audio Processing 7, 1999.
    """
    length = max(1, round(float(times(np.array([audio.duration]))[0]) * audio.rate))
    size = 2 ** round(np.log2(0.085 * audio.rate))
    hop = size // 4
    window = np.sqrt(2 / 3) * np.hanning(size + 1)[:-1]  # its square sums to one over the four frames at a sample
    centres = hop * np.arange(-1, length // hop + 3)
    starts = np.round(times.back(centres / audio.rate) * audio.rate).astype(int) - size // 2
    result = empty(audio.channels, length)
    last = None
    for first in range(0, len(centres), GROUP):
        at = starts[first : first + GROUP]
        spectra = np.fft.rfft(_frames(audio, at, size) * window)
        behind = np.fft.rfft(_frames(audio, at - hop, size) * window)
        for i in range(len(at)):
            spectra[i] *= _turn(last, behind[i], spectra[i])
            last = spectra[i]
        for frame, centre in zip(np.fft.irfft(spectra, size) * window, centres[first:], strict=False):
            left, right = max(0, centre - size // 2), min(length, centre + size // 2)
            if left < right:
                offset = size // 2 - centre
                result[:, left:right] += frame[:, left + offset : right + offset].astype(np.float32)
        release(result)
        release(audio.samples)
        if progress:
            progress(min(1.0, (first + GROUP) / len(centres)))
    return Audio(result, audio.rate, downmix=audio.downmix)


def _frames(audio: Audio, starts: np.ndarray, size: int) -> np.ndarray:
    """Return the stretches ``[L, C, size]`` that begin at ``starts``; outside the sound is silence."""
    low, high = int(starts.min()), int(starts.max()) + size
    part = audio.slice(low, high).samples if high > 0 and low < audio.length else audio.samples[:, :0]
    before = min(high - low, max(0, -low))
    part = np.pad(part, ((0, 0), (before, high - low - before - part.shape[1])))
    return np.lib.stride_tricks.sliding_window_view(part, size, axis=1)[:, starts - low].swapaxes(0, 1)


def _turn(last: np.ndarray | None, behind: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Return the unit complex numbers ``[F]`` that turn ``here`` so that it continues the ``last`` output frame."""
    power = _power(here)
    if last is None:
        return np.ones(len(power), complex)
    turn = (last * behind.conj()).sum(0)
    size = np.abs(turn)
    # after silence, and where a sound begins at once, the input's own phases are right: attacks stay sharp
    fresh = (size < 1e-12) | (power > 30 * _power(behind))
    turn = np.where(fresh, 1.0, turn / np.maximum(size, 1e-12))
    peaks = _peaks(power)
    if len(peaks) == 0:
        return turn
    borders = (peaks[1:] + peaks[:-1] + 1) // 2
    return np.repeat(turn[peaks], np.diff(np.concatenate([[0], borders, [len(power)]])))


def _power(spectrum: np.ndarray) -> np.ndarray:
    return np.asarray((spectrum.real**2 + spectrum.imag**2).sum(0))


def _peaks(power: np.ndarray) -> np.ndarray:
    """Bins that are larger than their two neighbours on either side."""
    middle = power[2:-2]
    is_peak = (middle >= power[1:-3]) & (middle > power[3:-1]) & (middle > power[:-4]) & (middle > power[4:])
    return np.flatnonzero(is_peak) + 2


def _interpolate(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise linear through the knots, with the outer slopes going on."""
    x = np.asarray(x, np.float64)
    before = np.minimum(x - xs[0], 0) * ((ys[1] - ys[0]) / (xs[1] - xs[0]))
    after = np.maximum(x - xs[-1], 0) * ((ys[-1] - ys[-2]) / (xs[-1] - xs[-2]))
    return np.asarray(np.interp(x, xs, ys) + before + after)
