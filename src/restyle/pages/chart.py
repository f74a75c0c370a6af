"""Charts as values that the templates draw: lines over one axis, and means with intervals. Floor 6."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from restyle.comparison.statistics import bootstrap

WIDTH, HEIGHT = 560.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, WIDTH - 16, 14.0, HEIGHT - 44  # the ends of the axes
TICKS = 6  # steps of an axis, at most
DOTS = 40  # points of a line that are marked, at most
LINE = 16.0  # height of a label
GLYPH = 7.2  # width of a letter, about

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A name's places in a chart.

    Args:
        name: as it is written.
        line: joined places.
        dots: single places.
        mean: place of the mean of the dots, None where they have none.
        interval: ends of the mean's intervals: left, right, lowest, highest.
        label: place of the name.
        anchor: which end of the name is there, ``start`` or ``end``.
    """

    name: str
    line: tuple[Point, ...] = ()
    dots: tuple[Point, ...] = ()
    mean: Point | None = None
    interval: tuple[float, float, float, float] = (0, 0, 0, 0)
    label: Point = (0, 0)
    anchor: str = "start"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Series, and places and texts of the ticks of both axes."""

    series: tuple[Series, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    bottom: float = BOTTOM


@dataclass(frozen=True)
class Axis:
    """From values between ``low`` and ``high``, which are logarithms where ``log``, to places."""

    low: float
    high: float
    first: float
    last: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value is."""
        value = math.log10(value) if self.log else value
        return round(self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first), 2)

    def ticks(self, least: float = 0.0) -> tuple[tuple[float, str], ...]:
        """Return places and texts of round values that are ``least`` or more apart."""
        span = self.high - self.low
        power = 10 ** math.floor(math.log10(span / TICKS))
        step = max(least, next(k * power for k in (1, 2, 5, 10) if span / (k * power) <= TICKS))
        steps = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        values = [10 ** (k * step) if self.log else k * step for k in steps]
        return tuple((self.place(value), f"{value:.3g}" if self.log else f"{value:g}") for value in values)


def lines(values: Mapping[str, Sequence[Point]], *, log: bool = False) -> Chart | None:
    """Return lines over whole numbers, as epochs or steps; None without points.

    Args:
        values: points (x, y) by name; those that are no numbers are left out.
        log: whether the vertical axis is logarithmic; then values of 0 and less are left out, too.

    Example:
        >>> lines({"loss": [(1, 2.0), (2, math.nan), (3, 0.5)]}).series[0].name
        'loss (0.5)'
    """
    kept = {
        name: [(x, y) for x, y in points if math.isfinite(y) and (y > 0 or not log)] for name, points in values.items()
    }
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        return None
    xs, ys = zip(*(point for points in kept.values() for point in points), strict=True)
    across = Axis(*_ends(xs), LEFT, RIGHT)
    up = Axis(*_ends([math.log10(y) for y in ys] if log else ys), BOTTOM, TOP, log)
    series = []
    for name, points in kept.items():
        line = tuple((across.place(x), up.place(y)) for x, y in points)
        series.append(Series(name=f"{name} ({points[-1][1]:.4g})", line=line, dots=line if len(line) < DOTS else ()))
    return Chart(series=tuple(series), across=across.ticks(1), up=up.ticks())


def scatter(values: Mapping[str, Sequence[Point]]) -> Chart | None:
    """Return means with 95 % intervals on axes from 0, their points as dots; None without points.

    Args:
        values: points (x, y) of 0 or more by name.

    Example:
        >>> scatter({"notes": []}) is None
        True
    """
    values = {name: points for name, points in values.items() if points}
    if not values:
        return None
    highest = np.max([point for points in values.values() for point in points], axis=0)
    ends = np.maximum(1.08 * highest, 0.01).tolist()  # with some air
    across, up = Axis(0.0, ends[0], LEFT, RIGHT), Axis(0.0, ends[1], BOTTOM, TOP)
    series: list[Series] = []
    for name in sorted(values, key=lambda name: float(np.mean([y for _, y in values[name]]))):
        points = values[name]
        x, y = (bootstrap(column) for column in zip(*points, strict=True))
        mean = across.place(x.mean), up.place(y.mean)
        to_left = mean[0] + 10 + GLYPH * len(name) > WIDTH
        series.append(
            Series(
                name=name,
                dots=tuple((across.place(a), up.place(b)) for a, b in points) if len(points) > 1 else (),
                mean=mean,
                interval=(across.place(x.low), across.place(x.high), up.place(y.low), up.place(y.high)),
                label=(mean[0] + (-9 if to_left else 9), _free(mean[0], mean[1] - 5, [s.label for s in series])),
                anchor="end" if to_left else "start",
            )
        )
    return Chart(series=tuple(series), across=across.ticks(), up=up.ticks())


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _free(x: float, y: float, taken: list[Point]) -> float:
    """The height for a label at ``x``, moved up until it is clear of the labels near it."""
    while any(abs(y - other) < LINE and abs(x - at) < 110 for at, other in taken) and y > TOP + LINE:
        y -= 2
    return y
