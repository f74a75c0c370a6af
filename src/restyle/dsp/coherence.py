"""Whether one sound is another one, filtered: magnitude-squared coherence by octave bands. Floor 2."""

from __future__ import annotations

import numpy as np

from restyle.audio import Audio
from restyle.dsp import blocks

WINDOW = 0.093  # seconds
LOWEST, HIGHEST = 40.0, 18000.0  # Hz
FEWEST = 4  # bins that make a band


def band_coherence(output: Audio, content: Audio) -> np.ndarray:
    """Return the coherence of two sounds in the octaves from 40 Hz to 18 kHz, 0..1 each, all channels together.

    It is 1 where one is the other through any filter, and near 0 where it was played anew, though it be the same music.

    Args:
        output: one sound.
        content: the other, of the same rate; what is longer is cut, and channels are mixed if they are not as many.

    Returns:
        One value a band, below half the rate; 0 where either is silent.

    Example:
        >>> noise = Audio(np.random.default_rng(0).normal(0, 0.1, 44100), 44100)
        >>> bool(band_coherence(Audio(0.3 * noise.samples, 44100), noise).min() > 0.99)
        True

    Source: Welch's method; Carter, Knapp, Nuttall, "Estimation of the magnitude-squared coherence function via
    overlapped fast Fourier transform processing", IEEE TAE 1973.
    """
    rate, length = output.rate, min(output.length, content.length)
    alike = output.channels == content.channels
    size = 2 ** round(np.log2(WINDOW * rate))
    hop, window = size // 2, np.hanning(size)
    cross, own, other = np.zeros(size // 2 + 1, complex), np.zeros(size // 2 + 1), np.zeros(size // 2 + 1)
    for span in blocks.spans(max(1, length - size + 1), 200 * hop, 0):
        stop = min(length, span.stop + size)
        a, b = (
            _spectra(sound.slice(span.start, stop).samples, alike, size, hop, window) for sound in (output, content)
        )
        for sound in (output, content):
            blocks.release(sound.samples)
        cross += (a * b.conj()).sum(axis=(0, 1))
        own += np.square(np.abs(a)).sum(axis=(0, 1))
        other += np.square(np.abs(b)).sum(axis=(0, 1))
    coherent = np.square(np.abs(cross)) / np.maximum(own * other, 1e-20)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    edges = [LOWEST * 2**k for k in range(9)]
    bands = [(hertz >= low) & (hertz < min(2 * low, HIGHEST)) for low in edges]
    weight = own + 1e-20
    return np.array([np.average(coherent[x], weights=weight[x]) for x in bands if x.sum() >= FEWEST])


def _spectra(samples: np.ndarray, apart: bool, size: int, hop: int, window: np.ndarray) -> np.ndarray:
    """Spectra ``[C, L, F]`` of samples ``[C, T]``, or of their mean."""
    samples = np.nan_to_num(samples if apart else samples.mean(axis=0, keepdims=True))
    padded = np.pad(samples, ((0, 0), (0, max(0, size - samples.shape[1]))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    return np.fft.rfft(frames * window, axis=2)
