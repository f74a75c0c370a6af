"""What a genre classifier sees of a score: rhythms of drums, of the lowest voice and of the rest. Floor 3.

Conventions:

* What is counted does not depend on key, tempo, instruments or loudness, nor on how the notes are parted into tracks.
* Counts are means over four beats, so that a bar and a whole piece look alike.
"""

from __future__ import annotations

import numpy as np

from restyle.notes import DRUMS
from restyle.score import STEPS, Score

STEP_COUNT = 4 * STEPS  # columns: places in the bar, or steps to the next onset
KITS = (  # General MIDI's drums that count as one
    (35, 36), (38, 39, 40), (37,), (42, 44, 46), (51, 53, 59), (49, 52, 55, 57), (41, 43, 45, 47, 48, 50),
    (60, 61, 62, 63, 64, 65, 66), (54, 69, 70, 82), (56, 67, 68, 80, 81),
)  # fmt: skip
LOW = 52  # MIDI pitch below which the lowest of the notes that begin together is bass
LENGTHS = (
    3,
    5,
    8,
    14,
    26,
)  # steps at which longer kinds of notes begin: thirds of a beat, halves, beats ...
SIZES = (2, 3, 4, 5)  # notes that begin together at which fuller kinds of chords begin
LEAPS = (-7, -4, -2, 0, 1, 3, 5, 8)  # semitones at which wider kinds of intervals upwards begin

_KIT = np.full(128, len(KITS))  # kind of each drum; all others are one more
for _kind, _pitches in enumerate(KITS):
    _KIT[list(_pitches)] = _kind
HEIGHTS = (len(KITS) + 1, *2 * (len(LENGTHS) + 1, len(LEAPS) + 1), len(SIZES) + 1)
ROWS = sum(HEIGHTS)


def profile(score: Score) -> np.ndarray:
    """Return what a score's accompaniment is like, however long it is, float32 ``[46, 48]``.

    The columns are the steps of a bar of four beats (of others, counted from the bar line, a step after four beats
    counts as the first again) or, in rows of intervals, steps to the next onset, 48 at most. The rows are kinds of
    drums; for the bass lengths and intervals to its next note; for all else lengths, intervals of the highest notes,
    and numbers of notes that begin together. The bass is whatever begins lowest on a step, and below E3.

    Args:
        score: a piece or bars of one.

    Returns:
        Square roots of mean counts in four beats; zeros without notes.

    Example:
        >>> hit = [(48 * bar, 6, 36, 0.8, DRUMS, 0) for bar in range(3)]
        >>> seen = profile(Score.of(hit, bars=[0, 48, 96, 144]))
        >>> seen.shape, seen[0, 0], seen.sum()
        ((46, 48), np.float32(1.0), np.float32(1.0))
    """
    place = _places(score)
    drums = score.programme == DRUMS
    pitched = ~drums
    low, rest = _voices(score, pitched)
    tables = [_counts(_KIT[score.pitch[drums].clip(0, 127)], place[drums], HEIGHTS[0])]
    for voice, lead in ((low, low), (rest, _highest(score, rest))):
        kind = np.searchsorted(LENGTHS, score.length[voice], side="right")
        tables += [_counts(kind, place[voice], len(LENGTHS) + 1), _intervals(score, lead)]
    _, first, sizes = np.unique(score.start[pitched], return_index=True, return_counts=True)
    kind = np.searchsorted(SIZES, sizes, side="right")
    tables.append(_counts(kind, place[pitched][first], len(SIZES) + 1))
    return np.sqrt(np.concatenate(tables) * (STEP_COUNT / score.bars[-1])).astype(np.float32)


def _places(score: Score) -> np.ndarray:
    """Steps from each note's bar line; a first bar shorter than the second is a pickup, which ends where a bar ends."""
    origin = score.bars[:-1].copy()
    if score.bar_count > 1:
        origin[0] = min(0, 2 * score.bars[1] - score.bars[2])
    return np.asarray((score.start - origin[score.bar_of(score.start)]) % STEP_COUNT)


def _voices(score: Score, pitched: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the notes of the bass, and of all others that are no drums."""
    order = np.flatnonzero(pitched)
    order = order[np.lexsort((score.pitch[order], score.start[order]))]
    lowest = np.diff(score.start[order], prepend=-1) > 0
    low = lowest & (score.pitch[order] < LOW)
    return order[low], order[~low]


def _highest(score: Score, notes: np.ndarray) -> np.ndarray:
    """Of notes sorted by start and pitch, the highest of each step."""
    return notes[np.diff(score.start[notes], append=np.inf) > 0]


def _intervals(score: Score, notes: np.ndarray) -> np.ndarray:
    """Count intervals from each note to the next by the steps between them."""
    kind = np.searchsorted(LEAPS, np.diff(score.pitch[notes]), side="right")
    return _counts(kind, np.minimum(np.diff(score.start[notes]), STEP_COUNT) - 1, len(LEAPS) + 1)


def _counts(row: np.ndarray, column: np.ndarray, rows: int) -> np.ndarray:
    flat = np.bincount(row * STEP_COUNT + column, minlength=rows * STEP_COUNT)
    return flat.reshape(rows, STEP_COUNT).astype(np.float64)
