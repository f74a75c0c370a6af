"""The value for what is played: a table of notes. Floor 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

DRUMS = 128  # the programme number that stands for a drum kit; 0..127 are General MIDI's
DRUM_CHANNEL = 9  # of MIDI's, counted from 0
CROWDED = "more than 15 programmes sound at once, as many as MIDI has channels for: {} notes get another programme"


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


class Span(NamedTuple):
    """The time in s from ``start`` to ``stop`` in which a MIDI channel has a programme."""

    start: float
    stop: float
    channel: int
    programme: int


@dataclass(frozen=True, eq=False)
class Channels:
    """The MIDI channels on which notes are played.

    Args:
        of: channel of each note, shape ``[N]``.
        spans: which programme each channel has when.
        displaced: how many notes are on a channel of another programme, because all sounded.
    """

    of: np.ndarray
    spans: list[Span]
    displaced: int

    def moves(self, bends: Mapping[int, np.ndarray]) -> Iterator[tuple[float, Span, float]]:
        """Yield (time in s, channel and programme, semitones) of the moves of the pitch wheels.

        Args:
            bends: programme -> (times in s, semitones) ``[2, K]``.
        """
        for span in self.spans:
            times, semitones = np.asarray(bends.get(span.programme, np.zeros((2, 0))), dtype=np.float64)
            first, last = np.searchsorted(times, [span.start, span.stop])
            if span.start > 0:  # what had the channel before may have left it bent
                yield span.start, span, float(semitones[first - 1]) if first else 0.0
            for time, value in zip(times[first:last].tolist(), semitones[first:last].tolist(), strict=True):
                yield time, span, value


def assign_channels(notes: Notes, count: int = 16) -> Channels:
    """Give each programme a MIDI channel; with more than 15 of them (and drums), silent channels are given on.

    A channel that sounds keeps its programme: where none is silent, a note goes to that of the nearest programme.

    Args:
        notes: what is played.
        count: of channels that there are, 16 in a file.

    Example:
        >>> channels = assign_channels(Notes.of([(0, 1, 60, 0.5, 40), (0, 1, 36, 0.5, DRUMS), (0, 1, 48, 0.5, 32)]))
        >>> channels.of.tolist(), channels.spans[0]
        ([9, 0, 1], Span(start=0.0, stop=inf, channel=0, programme=32))
    """
    melodic = [channel for channel in range(count) if channel % 16 != DRUM_CHANNEL]
    programmes = sorted(set(notes.pitched().programme.tolist()))
    fits = len(programmes) <= len(melodic)
    starts = {c: [(0.0, p)] for c, p in zip(melodic, programmes, strict=False)} if fits else {}
    owner = {channel: owned[0][1] for channel, owned in starts.items()} | {DRUM_CHANNEL: DRUMS}
    starts[DRUM_CHANNEL] = [(0.0, DRUMS)]
    until = dict.fromkeys(range(count), -np.inf)
    of, displaced = np.zeros(len(notes), dtype=np.int64), 0
    for i, (onset, offset, programme) in enumerate(zip(notes.onset, notes.offset, notes.programme, strict=True)):
        channel = next((c for c, p in owner.items() if p == programme), None)
        if channel is None:
            channel = min(melodic, key=until.__getitem__)  # that which is silent for longest
            if until[channel] <= onset:
                owner[channel] = int(programme)
                starts.setdefault(channel, []).append((float(onset), int(programme)))
            else:
                channel = min(melodic, key=lambda c: abs(owner[c] - programme))
                displaced += 1
        of[i], until[channel] = channel, max(until[channel], offset)
    spans = [
        Span(start, stop, channel, programme)
        for channel, owned in sorted(starts.items())
        for (start, programme), stop in zip(owned, [*(start for start, _ in owned[1:]), np.inf], strict=True)
    ]
    return Channels(of, spans, displaced)
