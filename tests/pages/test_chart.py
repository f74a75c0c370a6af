"""Charts: values go where their numbers go."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.pages.chart import Axis, lines, scatter

POINTS = {
    "content copy": [(0.0, 0.2), (0.0, 0.22)],
    "notes": [(0.3, 0.02), (0.32, 0.02)],
    "mosaic": [(0.5, 0.04), (0.5, 0.04)],
    "style copy": [(0.9, 0.0), (0.9, 0.0)],
}


def places(values, **options) -> list[np.ndarray]:
    chart = lines(values, **options)
    return [np.array(series.line) for series in chart.series]


def test_a_line_goes_where_the_numbers_go():
    down, flat = places({"down": [(0, 4), (1, 2), (2, 0)], "flat": [(0, 2), (2, 2)]})
    assert (np.diff(down[:, 0]) > 0).all() and np.allclose(np.diff(down[:, 0]), np.diff(down[:, 0])[0])
    assert (np.diff(down[:, 1]) > 0).all()  # a picture's rows go downward
    assert np.allclose(flat[:, 1], down[1, 1])


def test_a_logarithmic_axis():
    [line] = places({"rate": [(0, 1), (1, 0.1), (2, 0.01), (3, 0)]}, log=True)
    assert len(line) == 3 and np.allclose(np.diff(line[:, 1]), np.diff(line[:, 1])[0], atol=0.02)


def test_values_that_are_no_numbers_and_single_ones():
    assert places({"a": [(0, 1), (1, float("nan")), (2, 3)]})[0].shape == (2, 2)
    assert np.isfinite(places({"a": [(1, 5)]})[0]).all()
    assert lines({"a": [(0, float("inf"))], "b": []}) is None


@pytest.mark.parametrize("low, high", [(0, 1), (0.0169, 1), (1, 59), (-5.9, -0.1), (0, 0.01), (99.5, 100.5), (0, 3e5)])
def test_ticks_are_round_and_few(low, high):
    axis = Axis(low, high, 300, 10)
    ticks = axis.ticks()
    assert 3 <= len(ticks) <= 7 and all(10 <= place <= 300 for place, _ in ticks)
    assert [axis.place(float(text)) for _, text in ticks] == [place for place, _ in ticks]
    assert all(float(text).is_integer() for _, text in axis.ticks(1))


def test_a_scatter_keeps_order_and_bounds():
    chart = scatter(POINTS)
    found = {series.name: series for series in chart.series}
    assert set(found) == set(POINTS)
    across, up = ({name: series.mean[axis] for name, series in found.items()} for axis in (0, 1))
    assert across["content copy"] < across["notes"] < across["mosaic"] < across["style copy"]
    assert up["content copy"] < up["mosaic"] < up["notes"] < up["style copy"]  # upward is smaller
    assert across["content copy"] == chart.left and up["style copy"] == chart.bottom
    for series in chart.series:
        left, right, low, high = series.interval
        assert chart.left <= left <= series.mean[0] <= right <= chart.right
        assert chart.top <= high <= series.mean[1] <= low <= chart.bottom
    labels = [series.label for series in chart.series]
    assert all(abs(a[1] - b[1]) >= 14 or abs(a[0] - b[0]) > 60 for k, a in enumerate(labels) for b in labels[:k])
