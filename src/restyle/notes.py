"""The value for what is played: a table of notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

DRUMS = 128  # the programme number that stands for a drum kit; 0..127 are General MIDI's


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes sorted by onset, one array a column.

    Args:
        onset: start of each note in seconds, shape ``[N]``.
        offset: end of each note in seconds, later than its onset.
        pitch: MIDI number, 60 is middle C; fractions are allowed.
        velocity: 0..1.
        programme: General MIDI programme 0..127, or ``DRUMS`` (128).

    Raises:
        ValueError: if the columns differ in length, or a note does not end after it starts.

    Example:
        >>> notes = Notes.of([(0.5, 1.0, 64, 0.8, 0), (0.0, 0.5, 60, 0.8, 0)])
        >>> notes.pitch.tolist(), notes.duration
        ([60.0, 64.0], 1.0)
    """

    onset: np.ndarray
    offset: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    programme: np.ndarray

    def __post_init__(self) -> None:
        columns = [np.asarray(getattr(self, f.name), dtype=np.float64).reshape(-1) for f in fields(self)]
        if len({len(column) for column in columns}) != 1:
            raise ValueError("the columns of Notes differ in length")
        if np.any(columns[1] <= columns[0]):
            raise ValueError("every note must end after it starts")
        order = np.lexsort((columns[2], columns[0]))
        for f, column in zip(fields(self), columns, strict=True):
            column = column[order]
            object.__setattr__(self, f.name, column.astype(np.int64) if f.name == "programme" else column)

    @classmethod
    def of(cls, rows: Iterable[tuple[float, float, float, float, int]]) -> Notes:
        """Make a table from rows of (onset s, offset s, pitch, velocity, programme)."""
        table = np.array(list(rows), dtype=np.float64).reshape(-1, 5)
        return cls(*table.T)

    @classmethod
    def joined(cls, tables: Sequence[Notes]) -> Notes:
        """Make one table of several.

        Example:
            >>> Notes.joined([Notes.of([(1, 2, 60, 0.5, 0)]), Notes.of([(0, 1, 62, 0.5, 0)])]).pitch.tolist()
            [62.0, 60.0]
        """
        return cls(*(np.concatenate([getattr(table, f.name) for table in tables]) for f in fields(cls)))

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def duration(self) -> float:
        """The time in seconds at which the last note ends; 0 for an empty table."""
        return float(self.offset.max()) if len(self) else 0.0

    def select(self, which: np.ndarray) -> Notes:
        """Return the notes that a boolean mask or an index array picks."""
        return Notes(*(getattr(self, f.name)[which] for f in fields(self)))

    def pitched(self) -> Notes:
        """Return the notes that are not drums."""
        return self.select(self.programme != DRUMS)

    def between(self, start: float, stop: float) -> Notes:
        """Return the part from ``start`` to ``stop`` in s, with times counted from ``start``; notes are cut there."""
        part = self.select((self.onset < stop) & (self.offset > start))
        onset = np.maximum(part.onset, start) - start
        offset = np.minimum(part.offset, stop) - start
        return Notes(onset, offset, part.pitch, part.velocity, part.programme)
