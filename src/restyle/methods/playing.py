"""What methods that play notes have in common. Floor 4."""

from __future__ import annotations

import numpy as np

from restyle import blocks
from restyle.analysis.transcription import Transcription
from restyle.audio import Audio

SURE, UNSURE = 0.895, 0.835  # mean probability of what was found, in clear and in dense recordings
SOFTER = 9.0  # dB by which notes stand back where they cannot be relied on, and the content itself is kept


def doubt(heard: Transcription) -> float:
    """How far a transcription cannot be relied on, 0..1: how unsure the network is of what it found."""
    notes, roll = heard.notes, heard.roll
    frames = roll.frame[roll.frame > 0.5]
    if not len(notes) or not len(frames):
        return 1.0
    at = np.minimum(np.round(notes.onset / roll.hop).astype(int), len(roll.onset) - 1)
    onsets = roll.onset[at, notes.pitch.astype(int) - roll.lowest]
    sure = (float(frames.mean(dtype=np.float64)) + float(onsets.mean(dtype=np.float64))) / 2
    # squared: a little of the content beside notes that are nearly right would only blur them
    return float(np.clip((SURE - sure) / (SURE - UNSURE), 0, 1)) ** 2


def blended(content: Audio, result: Audio, strength: float) -> Audio:
    """Cross-fade from the content to the result, in place of the result."""
    if strength < 1:
        for span in blocks.spans(content.length, 20 * content.rate, 0):
            here = slice(span.start, span.stop)
            mixed = (1 - strength) * content.samples[:, here] + strength * result.samples[:, here]
            result.samples[:, here] = mixed
            blocks.release(result.samples)
            blocks.release(content.samples)
    return result
