"""The value for what is written: notes on the beats and bars of a piece, a track each part. Floor 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from restyle.notes import DRUMS, Notes

STEPS = 12  # of a beat, which is a quarter note: sixteenths and triplets both fall on them
COLUMNS = ("start", "length", "pitch", "velocity", "programme", "track")


@dataclass(frozen=True, eq=False)
class Score:
    """Notes on a grid of twelve steps a quarter note, sorted by start, one array a column.

    Args:
        start: step at which each note begins, counted from the first bar line, shape ``[N]``.
        length: steps that it lasts, 1 at least.
        pitch: MIDI number of its key, 0..127; of drums, General MIDI's.
        velocity: 0..1.
        programme: General MIDI programme 0..127, or ``DRUMS`` (128).
        track: which of the piece's tracks it belongs to, 0 and up.
        bars: steps at which the bars begin and the last one ends, rising from 0, shape ``[M + 1]``. A pickup is a
            short first bar.
        times: seconds of each quarter note from step 0 to the end of the last bar or later, rising, shape ``[B + 1]``.

    Raises:
        ValueError: if the columns differ in length, a note is shorter than a step or before the first bar, bars or
            times do not rise, or the times end before the bars.

    Example:
        >>> score = Score.of([(12, 6, 64, 0.8, 0, 0), (0, 12, 60, 0.8, 0, 0)], bars=[0, 48], tempo=120)
        >>> score.pitch.tolist(), score.notes().onset.tolist()
        ([60, 64], [0.0, 0.5])
    """

    start: np.ndarray
    length: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    programme: np.ndarray
    track: np.ndarray
    bars: np.ndarray
    times: np.ndarray

    def __post_init__(self) -> None:
        columns = [np.asarray(getattr(self, name)).reshape(-1) for name in COLUMNS]
        bars, times = np.asarray(self.bars, dtype=np.int64), np.asarray(self.times, dtype=np.float64)
        if len({len(column) for column in columns}) != 1:
            raise ValueError("the columns of a Score differ in length")
        if len(columns[0]) and (columns[1].min() < 1 or columns[0].min() < 0):
            raise ValueError("every note must last a step at least and begin in a bar")
        if len(bars) < 2 or bars[0] != 0 or (np.diff(bars) <= 0).any() or (np.diff(times) <= 0).any():
            raise ValueError("bars must begin at step 0 and rise, as must the times of beats")
        if (len(times) - 1) * STEPS < bars[-1]:
            raise ValueError("the times of beats must reach the end of the last bar")
        order = np.lexsort((columns[2], columns[5], columns[0]))
        for name, column in zip(COLUMNS, columns, strict=True):
            kind = np.float64 if name == "velocity" else np.int64
            object.__setattr__(self, name, column[order].astype(kind))
        object.__setattr__(self, "bars", bars)
        object.__setattr__(self, "times", times)

    @classmethod
    def of(
        cls,
        rows: Sequence[tuple[int, int, int, float, int, int]],
        *,
        bars: Sequence[int] | np.ndarray,
        tempo: float = 120.0,
    ) -> Score:
        """Make a score of rows (start, length, pitch, velocity, programme, track), at a steady tempo in beats/min."""
        table = np.array(list(rows), dtype=np.float64).reshape(-1, len(COLUMNS))
        beats = -(-int(np.asarray(bars)[-1]) // STEPS)
        columns = dict(zip(COLUMNS, table.T, strict=True))
        return cls(**columns, bars=np.asarray(bars), times=60.0 / tempo * np.arange(beats + 1))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def end(self) -> np.ndarray:
        """The step at which each note ends, ``[N]``."""
        return self.start + self.length

    @property
    def bar_count(self) -> int:
        """How many bars there are."""
        return len(self.bars) - 1

    def select(self, which: np.ndarray) -> Score:
        """Return the score with the notes alone that a boolean mask or an index array picks."""
        return replace(self, **{name: getattr(self, name)[which] for name in COLUMNS})

    def pitched(self) -> Score:
        """Return the score without drums."""
        return self.select(self.programme != DRUMS)

    def bar_of(self, steps: np.ndarray) -> np.ndarray:
        """Return the number of the bar in which each step lies; steps after the end lie in the last."""
        return np.asarray(np.clip(np.searchsorted(self.bars, steps, side="right") - 1, 0, self.bar_count - 1))

    def between(self, first: int, last: int) -> Score:
        """Return bars ``first`` to ``last`` (not included), counted from 0; a note belongs to the bar it begins in.

        Notes that ring on are cut at the end.
        """
        left, right = int(self.bars[first]), int(self.bars[last])
        inside = self.select((self.start >= left) & (self.start < right))
        beats = -(-(right - left) // STEPS)
        times = self.seconds(left + STEPS * np.arange(beats + 1))
        return replace(
            inside,
            start=inside.start - left,
            length=np.minimum(inside.length, right - inside.start),
            bars=self.bars[first : last + 1] - left,
            times=times - times[0],
        )

    def seconds(self, steps: np.ndarray) -> np.ndarray:
        """Return the times in seconds of steps; the last beat's tempo goes on after the end."""
        beat = np.asarray(steps, dtype=np.float64) / STEPS
        last = len(self.times) - 1
        known = np.interp(beat, np.arange(last + 1), self.times)
        return np.asarray(known + np.maximum(beat - last, 0) * (self.times[-1] - self.times[-2]))

    def notes(self) -> Notes:
        """Return the notes in seconds; tracks of one programme become one."""
        onset, offset = self.seconds(self.start), self.seconds(self.end)
        return Notes(onset, offset, self.pitch, self.velocity, self.programme)


def joined(scores: Sequence[Score]) -> Score:
    """Return the notes of several scores of the same piece in one, on the bars of the first; tracks keep numbers."""
    columns = {name: np.concatenate([getattr(score, name) for score in scores]) for name in COLUMNS}
    return replace(scores[0], **columns)
