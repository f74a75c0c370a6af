"""The bass line of what is played. Floor 3."""

from __future__ import annotations

import numpy as np

from restyle.notes import DRUMS, Notes

LOW = 48  # MIDI pitch below which a note is the bass's
TOGETHER = 0.06  # s within which the lowest of several notes is the bass


def bass_of(notes: Notes) -> Notes:
    """Return the lowest notes that are low enough for a bass, one at a time.

    Example:
        >>> bass_of(Notes.of([(0, 1, 40, 0.5, 0), (0, 1, 64, 0.5, 0), (1, 2, 60, 0.5, 0)])).pitch.tolist()
        [40.0]
    """
    return notes.select(bass_line(notes))


def bass_line(notes: Notes) -> np.ndarray:
    """Return the numbers of the notes that `bass_of` returns."""
    low = np.flatnonzero((notes.pitch < LOW) & (notes.programme != DRUMS))
    group = np.cumsum(np.diff(notes.onset[low], prepend=-np.inf) > TOGETHER)
    order = np.lexsort((notes.pitch[low], group))
    first = np.concatenate([[True], np.diff(group[order]) > 0])[: len(low)]
    return np.sort(low[order[first]])
