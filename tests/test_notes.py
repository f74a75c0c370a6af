"""The value for what is played."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restyle.notes import DRUMS, Notes

rows = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.01, 10), st.floats(0, 127), st.floats(0, 1), st.integers(0, DRUMS)).map(
        lambda row: (row[0], row[0] + row[1], *row[2:])
    ),
    max_size=12,
)


def table(notes: Notes) -> list[tuple[float, ...]]:
    columns = (notes.onset, notes.offset, notes.pitch, notes.velocity, notes.programme)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(rows)
def test_rows_come_back_sorted(given_rows: list[tuple[float, float, float, float, int]]) -> None:
    notes = Notes.of(given_rows)
    assert len(notes) == len(given_rows)
    assert sorted(table(notes)) == sorted(given_rows)
    keys = list(zip(notes.onset, notes.pitch, strict=True))
    assert keys == sorted(keys)
    assert notes.programme.dtype == np.int64
    assert notes.duration == max((row[1] for row in given_rows), default=0.0)


def test_impossible_tables() -> None:
    for offset in (1.0, 0.5):
        with pytest.raises(ValueError, match="end after"):
            Notes.of([(1.0, offset, 60, 0.5, 0)])
    with pytest.raises(ValueError, match="differ in length"):
        Notes(np.zeros(2), np.ones(2), np.zeros(1), np.ones(2), np.zeros(2))


def test_drums_are_not_pitched() -> None:
    notes = Notes.of([(0, 1, 60, 0.5, 0), (0, 1, 38, 0.5, DRUMS), (1, 2, 62, 0.5, 127)])
    assert notes.pitched().pitch.tolist() == [60, 62]


def test_select_by_mask_and_index() -> None:
    notes = Notes.of([(0, 1, 60, 0.5, 0), (1, 2, 61, 0.5, 0), (2, 3, 62, 0.5, 0)])
    assert notes.select(notes.pitch > 60).pitch.tolist() == [61, 62]
    assert notes.select(np.array([2, 0])).pitch.tolist() == [60, 62]


def test_between_cuts_and_counts_from_its_start() -> None:
    notes = Notes.of([(0, 1, 60, 0.5, 0), (0.5, 3, 61, 0.5, 0), (1.5, 1.8, 62, 0.5, 0), (2, 3, 63, 0.5, 0)])
    part = notes.between(1.0, 2.0)
    assert part.pitch.tolist() == [61, 62]
    assert part.onset == pytest.approx([0.0, 0.5]) and part.offset == pytest.approx([1.0, 0.8])


@given(rows, st.floats(0, 110), st.floats(0.01, 50))
def test_between_keeps_what_sounds(
    given_rows: list[tuple[float, float, float, float, int]], start: float, span: float
) -> None:
    notes, stop = Notes.of(given_rows), start + span
    part = notes.between(start, stop)
    assert len(part) == sum(on < stop and off > start for on, off, *_ in given_rows)
    sounding = sum(max(0.0, min(off, stop) - max(on, start)) for on, off, *_ in given_rows)
    assert float((part.offset - part.onset).sum()) == pytest.approx(sounding, abs=1e-6)
    assert len(part) == 0 or (part.onset.min() >= 0 and part.duration <= span + 1e-9)
