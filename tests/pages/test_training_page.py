"""The page of a run."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from restyle import Audio
from restyle.pages.training import curve, page, picture

SHOWN = {
    "rows": [{"epoch": i, "step": 9 * i, "seconds": 1.0, "train_loss": 1 / i, "val_loss": 2 / i} for i in (1, 2, 3)],
    "points": [{"step": i, "loss": 1 / i, "learning_rate": 10.0**-i} for i in range(1, 5)],
    "best": {"epoch": 3, "val_loss": 2 / 3},
    "monitor": "val_loss",
    "verdict": ("still improving", "More may help."),
    "seconds": 80,
    "left": 3700,
    "facts": {"name": "a<b", "hop": 256},
    "examples": [],
}


def places(svg: str) -> list[np.ndarray]:
    lines = re.findall(r'points="([^"]*)"', svg)
    return [np.array([[float(v) for v in point.split(",")] for point in line.split()]) for line in lines]


def test_a_curve_goes_where_the_numbers_go():
    drawn = curve("t", {"down": [(0, 4), (1, 2), (2, 0)], "flat": [(0, 2), (2, 2)]}, "x")
    down, flat = places(drawn)
    assert (np.diff(down[:, 0]) > 0).all() and np.allclose(np.diff(down[:, 0]), np.diff(down[:, 0])[0])
    assert (np.diff(down[:, 1]) > 0).all()  # a picture's rows go downward
    assert np.allclose(flat[:, 1], down[1, 1])


def test_a_logarithmic_axis():
    [line] = places(curve("t", {"rate": [(0, 1), (1, 0.1), (2, 0.01), (3, 0)]}, "x", log=True))
    assert len(line) == 3 and np.allclose(np.diff(line[:, 1]), np.diff(line[:, 1])[0], atol=0.11)


def test_values_that_are_no_numbers_and_single_ones():
    assert places(curve("t", {"a": [(0, 1), (1, float("nan")), (2, 3)]}, "x"))[0].shape == (2, 2)
    assert np.isfinite(places(curve("t", {"a": [(1, 5)]}, "x"))[0]).all()
    assert curve("t", {"a": [(0, float("inf"))], "b": []}, "x") == ""


def test_what_stands_in_the_page():
    made = page(SHOWN)
    assert "<title>Training a&lt;b</title>" in made and "a<b" not in made
    assert "<b>still improving</b>. More may help. Best epoch: 3 (val loss 0.6667). 1 min so far" in made
    assert "about 1 h 2 min left" in made and "refresh" in made
    assert made.count("<tr class=best>") == 1
    assert "refresh" not in page(SHOWN | {"left": 0})
    assert "No epoch is done yet" in page(SHOWN | {"rows": [], "points": [], "best": None})


def test_a_picture_has_low_frequencies_below():
    values = np.zeros((4, 6))
    values[0] = 1
    data = base64.b64decode(picture(values).partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data))).sum(-1)
    assert pixels.shape == (4, 6) and (pixels[3] > pixels[0]).all()


def test_examples_to_hear():
    tone = Audio(0.1 * np.sin(np.arange(8000) * 0.3), 8000)
    made = page(SHOWN | {"examples": [{"title": "x", "sound": tone, "text": "heard as jazz"}]})
    assert '<audio controls preload="none" src="data:audio/mpeg;base64,' in made and "heard as jazz" in made
