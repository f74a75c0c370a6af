"""Small filters in numpy: SciPy's take a second to import, a fifth of a short transfer. Floor 2."""

from __future__ import annotations

import numpy as np


def maximum_filter(x: np.ndarray, size: int) -> np.ndarray:
    """Return the largest value of a window around each, cut at the ends (`scipy.ndimage.maximum_filter1d`).

    Example:
        >>> maximum_filter(np.array([0.0, 3.0, 0.0, 0.0, 1.0]), 3).tolist()
        [3.0, 3.0, 3.0, 1.0, 1.0]
    """
    # windows of twice the length from two of one: a few passes, however long the window
    left, right = size // 2, size - 1 - size // 2
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(left, right)], constant_values=-np.inf)
    length = 1
    while 2 * length <= size:
        padded = np.maximum(padded[..., : padded.shape[-1] - length], padded[..., length:])
        length *= 2
    rest = size - length
    return np.asarray(np.maximum(padded[..., : padded.shape[-1] - rest], padded[..., rest:]), x.dtype)


def mean_filter(x: np.ndarray, size: int) -> np.ndarray:
    """Return the mean of a window around each value, mirrored at the ends (`scipy.ndimage.uniform_filter1d`).

    Example:
        >>> mean_filter(np.array([0.0, 3.0, 0.0, 0.0]), 3).tolist()
        [1.0, 1.0, 1.0, 0.0]
    """
    left, right = size // 2, size - 1 - size // 2
    padded = np.pad(x.astype(np.float64), [(0, 0)] * (x.ndim - 1) + [(left + 1, right)], mode="symmetric")
    total = padded.cumsum(axis=-1)
    return np.asarray((total[..., size:] - total[..., :-size]) / size, x.dtype)


def minimum_and_smooth(x: np.ndarray, reach: int) -> np.ndarray:
    """Return the least value within ``reach`` of each, smoothed over a Hann window of that length; ends are held."""
    size = 2 * reach + 1
    lowest = -maximum_filter(-np.pad(x, reach, mode="edge"), size)[reach:-reach]
    window = np.hanning(size + 2)[1:-1]
    return np.convolve(np.pad(lowest, reach, mode="edge"), window / window.sum(), "valid")


def closed(x: np.ndarray, gap: int) -> np.ndarray:
    """Return booleans ``[L]`` with the gaps of so many between two true ones filled (a binary closing).

    Example:
        >>> closed(np.array([True, False, False, True, False, False, False, True]), 2).astype(int).tolist()
        [1, 1, 1, 1, 0, 0, 0, 1]
    """
    places = np.flatnonzero(x)
    result = x.copy()
    small = np.flatnonzero((np.diff(places) > 1) & (np.diff(places) <= gap + 1))
    for k in small:
        result[places[k] : places[k + 1]] = True
    return result


def oversampled(x: np.ndarray, kernel: np.ndarray, times: int) -> np.ndarray:
    """Return ``[times * n + ...]``: zeros put between samples, then filtered (`scipy.signal.upfirdn`).

    Example:
        >>> oversampled(np.array([1.0, 2.0]), np.array([1.0, 0.5]), 2).tolist()
        [1.0, 0.5, 2.0, 1.0]
    """
    taps = -(-len(kernel) // times)
    phases = np.pad(kernel, (0, taps * times - len(kernel))).reshape(taps, times)
    return np.stack([np.convolve(x, phase) for phase in phases.T], axis=1).reshape(-1)[
        : times * (len(x) - 1) + len(kernel)
    ]


def lowpass(taps: int, cutoff: float, beta: float) -> np.ndarray:
    """Return a linear-phase low-pass in a Kaiser window, unity at 0 (`scipy.signal.firwin`).

    Args:
        taps: odd.
        cutoff: as a part of half the rate.
        beta: of the window.
    """
    place = np.arange(taps) - (taps - 1) / 2
    kernel = cutoff * np.sinc(cutoff * place) * np.kaiser(taps, beta)
    return kernel / kernel.sum()


def response(sections: np.ndarray, size: int) -> np.ndarray:
    """Return the frequency response of second-order sections ``[S, 6]`` at the bins of a real FFT of a size."""
    delay = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    powers = np.stack([np.ones_like(delay), delay, delay**2])
    return np.asarray(np.prod([(row[:3] @ powers) / (row[3:] @ powers) for row in sections], axis=0))
