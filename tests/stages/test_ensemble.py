"""Drums among notes, beside what is pitched."""

from __future__ import annotations

import numpy as np
import pytest
from tests.methods.test_drum_strokes import RATE, bars

from restyle.audio import Audio
from restyle.errors import collect
from restyle.methods.drums import DrumsMethod
from restyle.notes import DRUMS, Notes
from restyle.stages.ensemble import strokes, with_drums
from restyle.stages.parts import loudness_of

PITCHED = Audio(0.05 * np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE), RATE)
KEYS = (36, 46, 40, 51) * 4  # bass drum, open hi-hat, electric snare, ride
NOTES = Notes.of([(0.25 * i, 0.25 * i + 0.1, key, 0.8, DRUMS) for i, key in enumerate(KEYS)])


@pytest.fixture(scope="module")
def parts():
    learnt = DrumsMethod().fit([bars(4, seed=9)])
    return {f"drums/{name}": array for name, array in learnt.items()} | {"levels": np.array([-3.0, -200.0, -9.0])}


def test_drums_are_as_loud_beside_the_rest_as_the_styles_own(parts):
    with collect() as collected:
        made = with_drums(PITCHED, NOTES, parts, DrumsMethod(), seed=0)
    struck = Audio(made.samples - PITCHED.samples, RATE)
    assert loudness_of(struck) - loudness_of(PITCHED) == pytest.approx(6.0, abs=0.1)
    assert collected.facts["drums"] == {"played": 16, "left out": 0, "beside": 6.0} and not collected.warnings
    begun = np.abs(struck.samples[0]).reshape(-1, round(0.25 * RATE))[:, : round(0.05 * RATE)].max(axis=1)
    assert (begun > 0.01).all()


def test_the_same_seed_gives_the_same_strokes(parts):
    one, other = (with_drums(PITCHED, NOTES, parts, DrumsMethod(), seed=3) for _ in range(2))
    assert np.array_equal(one.samples, other.samples)


def test_keys_of_general_midi_are_hits_of_four_classes():
    assert strokes(NOTES).pitch.tolist() == [36, 42, 38, 42] * 4
    assert len(strokes(Notes.of([(0, 1, 56, 0.5, DRUMS), (0, 1, 36, 0.5, 0)]))) == 0  # a cowbell; a low note


def test_without_drums_nothing_changes_and_without_a_kit_it_is_said(parts):
    tune = Notes.of([(0, 1, 60, 0.5, 0)])
    assert with_drums(PITCHED, tune, parts, DrumsMethod(), seed=0) is PITCHED
    levels = {"levels": np.array([-200.0, -200.0, 0.0])}
    for known in (levels, {}):
        with collect() as collected:
            assert with_drums(PITCHED, NOTES, known, DrumsMethod(), seed=0) is PITCHED
        assert "left out" in collected.warnings[0] and collected.facts["drums"] == {"played": 0, "left out": 16}


def test_beside_silence_drums_are_alone(parts):
    silence = Audio(np.zeros((2, RATE)), RATE)
    assert np.abs(with_drums(silence, NOTES, parts, DrumsMethod(), seed=0).samples).max() > 0.01


def test_drums_go_on_after_the_last_pitched_note(parts):
    late = Notes.of([(k, k + 0.1, 36, 0.8, DRUMS) for k in range(8)])
    with collect() as collected:
        whole = with_drums(PITCHED, late, parts, DrumsMethod(), seed=0, whole=True)
    assert whole.duration == pytest.approx(8.0) and collected.facts["drums"]["played"] == 8
    assert np.abs(whole.samples[:, 7 * RATE :]).max() > 0.001
    with collect() as collected:
        cut = with_drums(PITCHED, late, parts, DrumsMethod(), seed=0)
    facts = collected.facts["drums"]
    assert cut.length == PITCHED.length and (facts["played"], facts["left out"]) == (4, 4)


def test_drums_that_no_kit_has_are_told(parts):
    with collect() as collected:
        made = with_drums(PITCHED, Notes.of([(0, 1, 56, 0.8, DRUMS)]), parts, DrumsMethod(), seed=0)
    assert made is PITCHED and "of kinds that no kit" in collected.warnings[0]
