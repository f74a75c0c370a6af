"""The transcriber's output before it decides on notes: how likely each pitch begins and sounds. Floor 3."""

from __future__ import annotations

import numpy as np

from restyle.analysis.transcriber.infer import transcribe
from restyle.analysis.transcriber.model import PITCHES
from restyle.audio import Audio
from restyle.dsp.blocks import Progress

ROWS = 2 * PITCHES  # that each pitch sounds, then that it begins


def salience(
    audio: Audio, frames: int, hop: float, *, tuning: float = 0.0, progress: Progress | None = None
) -> np.ndarray:
    """Return how likely every pitch from A0 to C8 sounds and begins, for models conditioned on what is played.

    Args:
        audio: a recording.
        frames: L, of which the first lies at the recording's start.
        hop: seconds between two frames.
        tuning: cents from A4 = 440 Hz that are undone; 0 for pitches as they lie in a spectrogram of the recording.
        progress: called with the fraction done, 0..1.

    Returns:
        Probabilities, float16 ``[L, 176]``.

    Example:
        >>> t = np.arange(16000) / 16000
        >>> tone = sum(np.sin(2 * np.pi * 440 * k * t) / k for k in range(1, 6)) * np.exp(-2 * t)
        >>> found = salience(Audio(0.2 * tone, 16000), 63, 0.016)
        >>> found.shape, int(found[5:40, :88].mean(0).argmax()) + 21
        ((63, 176), 69)
    """
    roll = transcribe(audio, tuning=tuning, progress=progress).roll
    place = np.arange(frames) * (hop / roll.hop)
    low = np.minimum(place.astype(int), len(roll.frame) - 1)
    part = (place - low).clip(0, 1)[:, None].astype(np.float16)
    result = np.empty((frames, ROWS), np.float16)
    for rows, out in ((roll.frame, result[:, :PITCHES]), (roll.onset, result[:, PITCHES:])):
        np.take(rows, low, axis=0, out=out, mode="clip")  # any other mode makes a copy first
        if part.any():
            out += part * (rows[np.minimum(low + 1, len(rows) - 1)] - out)
    return result
