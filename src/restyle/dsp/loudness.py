"""Loudness and stereo width."""

from __future__ import annotations

import numpy as np

from restyle.audio import Audio
from restyle.dsp import blocks


def loudness(audio: Audio) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770), measured in blocks; -inf for silence."""
    import pyloudnorm

    if audio.duration < 0.5:
        power = float(np.mean(audio.samples.astype(np.float64) ** 2))
        return 10 * np.log10(power) - 0.7 if power > 0 else -np.inf
    meter = pyloudnorm.Meter(audio.rate)
    powers, durations = [], []
    for span in blocks.spans(audio.length, 60 * audio.rate, 0):
        piece = audio.slice(span.start, span.stop)
        blocks.release(audio.samples)
        if piece.length > 0.4 * audio.rate:
            with np.errstate(divide="ignore"):
                value = meter.integrated_loudness(piece.samples[:5].T.astype(np.float64))
            powers.append(10 ** (value / 10))
            durations.append(piece.length)
    power = np.average(powers, weights=durations)
    return float(10 * np.log10(power)) if power > 0 else -np.inf


def width(audio: Audio) -> float:
    """Return the share of the sides in a sound's amplitude: 0 is mono, 1 has no middle; 0 unless it is stereo."""
    if audio.channels != 2:
        return 0.0
    middle = side = 0.0
    for span in blocks.spans(audio.length, 60 * audio.rate, 0):
        piece = audio.slice(span.start, span.stop).samples
        blocks.release(audio.samples)
        middle += float(np.sum((piece[0] + piece[1]) ** 2, dtype=np.float64))
        side += float(np.sum((piece[0] - piece[1]) ** 2, dtype=np.float64))
    return float(np.sqrt(side / (middle + side))) if side else 0.0
