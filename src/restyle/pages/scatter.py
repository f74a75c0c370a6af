"""Content against style: where each method stands in the trade-off, as places in a picture. Floor 6."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restyle.comparison.statistics import Interval, bootstrap
from restyle.comparison.table import COPIES, Comparison

ACROSS, UP = "content.pitch", "style.mfcc"
WIDTH, HEIGHT = 460.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 14.0, 44.0  # margins
LINE = 16.0  # height of a label
GLYPH = 7.2  # width of a letter, about


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A method: its mean, the ends of its intervals, its pairs, and where its name is written."""

    name: str
    x: float
    y: float
    left: float
    right: float
    low: float
    high: float
    pairs: tuple[tuple[float, float], ...]
    label: tuple[float, float]
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A picture of ``width`` and ``height``: marks, and places and texts of the ticks of both axes."""

    marks: tuple[Mark, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def layout(comparison: Comparison) -> Layout | None:
    """Return the picture of all methods and copies, near the lower left where both are good; None without scores.

    Example:
        >>> layout(Comparison(pairs=(), methods=("notes",), settings={}, version="1")) is None
        True
    """
    points = {name: _points(comparison, name) for name in [*comparison.methods, *COPIES]}
    points = {name: found for name, found in points.items() if found}
    if not points:
        return None
    ends = [_end([point[axis] for found in points.values() for point in found]) for axis in (0, 1)]
    across = [(_x(value, ends[0]), text) for value, text in _ticks(ends[0])]
    up = [(_y(value, ends[1]), text) for value, text in _ticks(ends[1])]
    marks: list[Mark] = []
    for name in sorted(points, key=lambda name: float(np.mean([y for _, y in points[name]]))):
        marks.append(_mark(name, points[name], (ends[0], ends[1]), [mark.label for mark in marks]))
    return Layout(marks=tuple(marks), across=tuple(across), up=tuple(up))


def _points(comparison: Comparison, name: str) -> list[tuple[float, float]]:
    both = zip(comparison.values(name, ACROSS), comparison.values(name, UP), strict=True)
    return [(x, y) for x, y in both if x is not None and y is not None]


def _mark(
    name: str, points: list[tuple[float, float]], ends: tuple[float, float], taken: list[tuple[float, float]]
) -> Mark:
    x, y = (bootstrap([point[axis] for point in points]) for axis in (0, 1))
    place = _x(x.mean, ends[0]), _y(y.mean, ends[1])
    to_left = place[0] + 10 + GLYPH * (len(name) + 5) > WIDTH  # "copy" is added to the copies' names
    left, right, low, high = _cross(x, y, ends)
    return Mark(
        name=name,
        x=place[0],
        y=place[1],
        left=left,
        right=right,
        low=low,
        high=high,
        pairs=tuple((_x(a, ends[0]), _y(b, ends[1])) for a, b in points) if len(points) > 1 else (),
        label=(place[0] + (-9 if to_left else 9), _free(place[0], place[1] - 5, taken)),
        anchor="end" if to_left else "start",
    )


def _cross(x: Interval, y: Interval, ends: tuple[float, float]) -> tuple[float, float, float, float]:
    return _x(x.low, ends[0]), _x(x.high, ends[0]), _y(y.low, ends[1]), _y(y.high, ends[1])


def _free(x: float, y: float, taken: list[tuple[float, float]]) -> float:
    """The height for a label at ``x``, moved up until it is clear of the labels near it."""
    while any(abs(y - other) < LINE and abs(x - at) < 110 for at, other in taken) and y > TOP + LINE:
        y -= 2
    return y


def _x(value: float, end: float) -> float:
    return round(LEFT + value / end * (WIDTH - LEFT - RIGHT), 2)


def _y(value: float, end: float) -> float:
    return round(HEIGHT - BOTTOM - value / end * (HEIGHT - TOP - BOTTOM), 2)


def _end(values: list[float]) -> float:
    """The end of an axis from 0 that holds the values with some air."""
    return max(1.08 * max(values), 0.01)


def _ticks(end: float) -> list[tuple[float, str]]:
    step = next(s for s in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if end / s <= 6 or s == 10)
    return [(step * k, f"{step * k:g}") for k in range(int(end / step) + 1)]
