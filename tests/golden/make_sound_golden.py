"""Writes golden.json: what every method makes of one pair, as levels in bands, to tell a change of sound from none.

python tests/golden/make_sound_golden.py
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
from triplets import triplet

import restyle
from restyle import Audio
from restyle.methods import METHODS

GOLDEN = Path(__file__).parent / "golden.json"
BANDS, FRAMES, RANGE = 12, 10, 60.0


def levels(audio: Audio) -> np.ndarray:
    """Return levels in dB of third-octave-like bands over time, not below 60 dB under the loudest, ``[12, 10]``."""
    mono = audio.samples.mean(axis=0).astype(float)
    step = len(mono) // FRAMES
    power = np.abs(np.fft.rfft(mono[: FRAMES * step].reshape(FRAMES, step) * np.hanning(step), axis=1)) ** 2
    edges = np.geomspace(60, 0.49 * audio.rate, BANDS + 1) / audio.rate * step
    bands = np.array([power[:, int(a) : int(b) + 1].sum(axis=1) for a, b in itertools.pairwise(edges)])
    db = 10 * np.log10(bands + 1e-12)
    return np.maximum(db, db.max() - RANGE)


def result(method: str) -> Audio:
    """Return the string's tune in the style of the pipe, 5 s, with the default settings."""
    content, style, _ = triplet("string", "pipe")
    return restyle.transfer(content, style, method=method)


if __name__ == "__main__":
    rows = {method: np.round(levels(result(method)), 1).tolist() for method in METHODS}
    GOLDEN.write_text(json.dumps(rows).replace("]], ", "]],\n") + "\n", encoding="utf-8")
