"""How notes sound: per-note envelopes of partials, noise, fundamental and place in the stereo field. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.signal

from restyle.audio import Audio
from restyle.notes import Notes

BANDS = 40  # noise bands, equally wide on the mel scale
HIGHEST_PARTIAL = 160
RELEASE = 0.25  # seconds followed after a note's end
FLOOR = 1e-7  # amplitude, -140 dB


@dataclass(frozen=True, eq=False)
class Partials:
    """One note, measured every ``hop`` seconds from its onset until its release has been heard.

    Args:
        pitch: mean pitch, MIDI number (fractional).
        duration: seconds from onset to offset; the envelopes go on through the release.
        amplitude: of each partial, linear, ``[K, L]``.
        trust: how far a partial is free of other notes, 0..1, ``[K, L]``.
        noise: power between the partials in each noise band, ``[M, L]``.
        bend: deviation of the fundamental from ``pitch`` in semitones, ``[L]``.
        pan: share of each channel in the note's amplitude, ``[C]``, root mean square 1.
        hop: seconds between two frames.
    """

    pitch: float
    duration: float
    amplitude: np.ndarray
    trust: np.ndarray
    noise: np.ndarray
    bend: np.ndarray
    pan: np.ndarray
    hop: float


def band_edges(rate: float, bands: int = BANDS) -> np.ndarray:
    """Return ``bands + 1`` frequencies in Hz from 0 to half the rate, equally spaced in mel.

    Example:
        >>> band_edges(16000, 4).round().tolist()
        [0.0, 724.0, 2197.0, 4193.0, 8000.0]
    """
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 1400), bands + 1)
    return 700 * (10 ** (mel / 2595) - 1)
