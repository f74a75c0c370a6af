import inspect
import math
from pathlib import Path

import pytest

from restyle.errors import RestyleError
from restyle.methods import METHODS, load, method
from restyle.methods.settings import Decibels, Range, Weights, checked

WRONG = ["", "a,b", "nan", math.nan, math.inf, -1e9, [], [5, None], {}, object(), b"x", "5;6"]


def settings(name: str) -> dict[str, object]:
    parameters = inspect.signature(load(name)).parameters
    return {key: value.default for key, value in parameters.items()}


@pytest.mark.parametrize("name", METHODS)
def test_whatever_a_setting_is_given_it_is_taken_or_refused_in_one_sentence(name):
    for key, default in settings(name).items():
        method(name, **{key: default})
        for wrong in [*WRONG, None, True, 5, 0]:
            try:
                method(name, **{key: wrong})
            except RestyleError as error:
                assert str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "key", "value", "need"),
    [
        ("texture", "widths", 5, "one value or more"),
        ("texture", "widths", (2,), "odd and between 1 and 99"),
        ("gatys", "scales", 4, "one value or more"),
        ("gatys", "scales", (1, 0), "between 1 and 1024"),
        ("spectral", "bands", 0, "between 1 and 256"),
        ("spectral", "smoothing", math.nan, "a number"),
        ("mosaic", "templates", 2.5, "a whole number"),
        ("note_synth", "unpitched", "loud", "a number"),
        ("note_synth", "fit", True, "a whole number"),
        ("note_synth", "weights", 3, "the name of a model, or a path"),
        ("wavenet", "decoder", 3, "text"),
    ],
)
def test_what_a_setting_cannot_be_is_said_with_what_it_can(name, key, value, need):
    with pytest.raises(RestyleError, match=f"the setting '{key}' of '{name}' must be {need}"):
        method(name, **{key: value})


def test_an_unknown_setting_is_refused_with_those_there_are():
    with pytest.raises(RestyleError, match="no setting 'bandz'; choose one of bands, range, smoothing, refine"):
        method("spectral", bandz=3)


def test_text_becomes_what_the_annotation_says(tmp_path):
    class Sample:
        name = "sample"

        @checked
        def __init__(self, *, count: int = 1, level: Decibels = 0.0, on: bool = False, weights: Weights = "") -> None:
            self.values = count, level, on, weights

    file = tmp_path / "own.safetensors"
    file.touch()
    assert Sample(count="3", level="-6", on="yes", weights=file).values == (3, -6.0, True, file)
    assert Sample(weights="transcriber").values[3].name == "transcriber.safetensors"
    assert Sample(count=3.0, weights=None).values == (3, 0.0, False, None)
    assert Sample().values == (1, 0.0, False, "")
    assert isinstance(Sample(weights=str(file)).values[3], Path)
    with pytest.raises(RestyleError, match="true or false, not 'maybe'"):
        Sample(on="maybe")


def test_ranges_include_their_ends():
    assert Range(1, 3).holds(1) and Range(1, 3).holds(3) and not Range(1, 3).holds(4) and not Range(1, 3).holds(0.9)
    assert Range(1, odd=True).holds(5) and not Range(1, odd=True).holds(4)
    assert str(Range(0)) == "0 or more" and str(Range(1, 9, odd=True)) == "odd and between 1 and 9"
