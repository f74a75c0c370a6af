"""Scores in 4/4 as piano rolls of sixteenths, and back. Floor 4."""

from __future__ import annotations

import numpy as np

from restyle.errors import RestyleError
from restyle.score import STEPS, Score

CELL = STEPS // 4  # steps of a sixteenth
BAR = 16  # cells
LOWEST, PITCHES = 24, 84  # MIDI pitch of the first row, and how many rows


def is_common(score: Score) -> bool:
    """Return whether all bars are 4/4.

    Example:
        >>> is_common(Score.of([], bars=[0, 48])), is_common(Score.of([], bars=[0, 36]))
        (True, False)
    """
    return bool((np.diff(score.bars) == BAR * CELL).all())


def roll_of(score: Score) -> np.ndarray:
    """Return which keys are down in each sixteenth.

    Notes begin and end on the nearest sixteenth, and last one at least; a key that is struck again is let go in the
    sixteenth before, unless it was struck in that one. Drums are left out, as are pitches beyond the rows.

    Args:
        score: in 4/4.

    Returns:
        bool ``[84, 16 M]`` for M bars; the rows are MIDI pitches 24 to 107.

    Raises:
        RestyleError: if a bar has another length.

    Example:
        >>> roll = roll_of(Score.of([(0, 6, 24, 0.8, 0, 0), (6, 12, 24, 0.8, 0, 0)], bars=[0, 48]))
        >>> roll[0].nonzero()[0].tolist()
        [0, 2, 3, 4, 5]
    """
    if not is_common(score):
        raise RestyleError("the piece has bars that are not 4/4, which the piano rolls need; give one in 4/4")
    notes, cells = score.pitched(), BAR * score.bar_count
    notes = notes.select(inside(notes))
    first = np.minimum((notes.start + CELL // 2) // CELL, cells - 1)
    last = np.clip((notes.end + CELL // 2) // CELL, first + 1, cells)
    row = notes.pitch - LOWEST
    change, struck = np.zeros((PITCHES, cells + 1), np.int64), np.zeros((PITCHES, cells), bool)
    np.add.at(change, (row, first), 1)
    np.add.at(change, (row, last), -1)
    struck[row, first] = True
    roll = np.cumsum(change[:, :-1], axis=1) > 0
    roll[:, :-1] &= ~(struck[:, 1:] & ~struck[:, :-1])
    return roll


def inside(score: Score) -> np.ndarray:
    """Return which notes have a pitch that the rolls have, ``[N]``."""
    return np.asarray((score.pitch >= LOWEST) & (score.pitch < LOWEST + PITCHES))


def notes_of(roll: np.ndarray) -> np.ndarray:
    """Return the notes of a roll: start and length in steps, and pitch, int64 ``[N, 3]``; each run of cells is one.

    Example:
        >>> notes_of(roll_of(Score.of([(12, 6, 60, 0.8, 0, 0)], bars=[0, 48]))).tolist()
        [[12, 6, 60]]
    """
    edges = np.diff(np.pad(roll.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1]
    return np.stack([CELL * first, CELL * (last - first), LOWEST + row], axis=1)
