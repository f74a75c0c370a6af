"""How far a recording is tuned from A4 = 440 Hz. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.pitch import hz_to_midi

RATE = 8000  # Hz
FRAME, HOP, FFT = 2048, 1024, 8192  # samples; spectra are padded with zeros, so that peaks are found more exactly
BLOCK = 20.0  # seconds
LOWEST, HIGHEST = 100.0, 2000.0  # Hz; semitones are not resolved below, partials stretched above
RANGE = 0.03  # of a frame's highest peak, below which peaks may be the window's side lobes (-30 dB)
SILENT = 1e-4  # of the sum of the window, below which a frame has no peaks
WIDTH = 12.0  # cents, standard deviation of the kernel that smooths the histogram: both ends of a vibrato
CONFIDENT = 0.5  # lowest confidence of a tuning that is relied on
AGREEING = 1.0  # statistic of the test that gives that confidence; drums reach less, pitched instruments more
IN_TUNE = 3.0  # cents that are left as they are: about what the estimate can tell


@dataclass(frozen=True)
class Tuning:
    """The tuning of a recording.

    Args:
        cents: from equal temperament on A4 = 440 Hz, -50..50.
        confidence: 0..1, how far the pitches agree on it; noise, percussion and silence are near 0.
    """

    cents: float
    confidence: float

    @property
    def known(self) -> bool:
        """Whether the tuning can be relied on."""
        return self.confidence >= CONFIDENT

    @property
    def offset(self) -> float:
        """Cents to be undone for an analysis; 0 where the tuning is not known, or too near to 440 Hz to matter."""
        return self.cents if self.known and abs(self.cents) > IN_TUNE else 0.0

    def distance(self, other: Tuning) -> float:
        """Return the cents from another tuning to this one, -50..50; 0 where either is not known or they are alike.

        Example:
            >>> Tuning(45, 1).distance(Tuning(-45, 1)), Tuning(45, 1).distance(Tuning(-45, 0))
            (-10, 0.0)
        """
        apart = (self.cents - other.cents + 50) % 100 - 50
        return apart if self.known and other.known and abs(apart) > IN_TUNE else 0.0


def estimate_tuning(audio: Audio) -> Tuning:
    """Estimate how far a whole recording is tuned from A4 = 440 Hz.

    The deviations of spectral peaks from equal temperament are gathered in a histogram of cents for each pitch. Every
    pitch counts by the square root of its weight, so that one loud note or drum does not decide, and a single pitch is
    no evidence. The tuning is the top of the smoothed sum of the histograms: moderate vibrato, stretched octaves and
    partials that lie beside the scale leave it where it is. It is one number for the recording: where the tuning
    drifts, as on tape, it is the one that is heard most. That of choirs and other thick choruses is often not known.

    Args:
        audio: any rate, channels and length, read in blocks.

    Example:
        >>> t = np.arange(32000) / 16000
        >>> chord = sum(np.sin(2 * np.pi * f * k * t) / k for f in (216, 272.1, 323.6) for k in range(1, 6))
        >>> found = estimate_tuning(Audio(0.1 * chord, 16000))
        >>> abs(found.cents + 32) < 2, found.known
        (True, True)

    Source: the histogram of deviations of spectral peaks is that of ``librosa.estimate_tuning``; the test of agreement
    on one direction is the V test (Mardia, Jupp, "Directional statistics", 2000, section 6.3).
    """
    histogram = np.zeros((128, 100))
    for span in blocks.spans(audio.length, round(BLOCK * audio.rate), 0):
        pitch, weight = _peaks(blocks.mono(audio, span.start, span.stop, RATE))
        beside = np.floor((pitch - np.round(pitch) + 0.5) * 100).astype(int).clip(0, 99)
        np.add.at(histogram, (np.round(pitch).astype(int), beside), weight)
    total = histogram.sum(axis=1)
    if not total.any():
        return Tuning(0.0, 0.0)
    votes = histogram / np.sqrt(np.maximum(total, 1e-12))[:, None]
    found = _top(votes.sum(axis=0))
    return Tuning(found, _agreement(votes, found))


def _peaks(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MIDI pitch and magnitude of the spectral peaks of all frames."""
    padded = np.pad(samples, (0, max(0, FRAME - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    window = np.hanning(FRAME).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(frames * window, FFT))
    spectrum = spectrum[:, int(LOWEST * FFT / RATE) - 1 : int(HIGHEST * FFT / RATE) + 2]
    middle = spectrum[:, 1:-1]
    least = np.maximum(RANGE * middle.max(axis=1, keepdims=True), SILENT * window.sum())
    frame, k = np.nonzero((middle > spectrum[:, :-2]) & (middle >= spectrum[:, 2:]) & (middle > least))
    left, top, right = (np.log(spectrum[frame, k + shift] + 1e-12) for shift in (0, 1, 2))
    curvature = np.minimum(left - 2 * top + right, -1e-6)
    shift = np.clip(0.5 * (left - right) / curvature, -0.5, 0.5)  # the vertex of the parabola through three points
    frequency = (k + shift + int(LOWEST * FFT / RATE)) * (RATE / FFT)
    return hz_to_midi(frequency), np.exp(top)


def _top(histogram: np.ndarray) -> float:
    """The highest place of a smoothed histogram of cents ``[100]`` that goes round, -50..50."""
    apart = np.minimum(np.arange(100), 100 - np.arange(100))
    kernel = np.exp(-0.5 * (apart / WIDTH) ** 2)
    smooth = np.fft.irfft(np.fft.rfft(histogram) * np.fft.rfft(kernel), 100)
    best = int(smooth.argmax())
    left, top, right = (smooth[(best + shift) % 100] for shift in (-1, 0, 1))
    place = best + 0.5 + 0.5 * (left - right) / min(left - 2 * top + right, -1e-12)
    return float(place % 100 - 50)


def _agreement(votes: np.ndarray, cents: float) -> float:
    """How surely pitches agree on a tuning, 0..1, from what each votes for ``[P, 100]``."""
    weight = votes.sum(axis=1)
    angle = 2 * np.pi / 100 * (np.arange(-50, 50) + 0.5 - cents)
    resultant = max(0.0, float(votes.sum(axis=0) @ np.cos(angle) / weight.sum()))
    count = weight.sum() ** 2 / np.square(weight).sum() - 1  # as many pitches of one weight, beside the first
    return float(1 - 0.5 ** (count * resultant**2 / AGREEING))
