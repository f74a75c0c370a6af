"""Patterns: a style's bars of drums and bass on another content's beats and chords."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.methods.test_drum_strokes import BEAT, RATE, bars

from restyle.analysis.bass import bass_of
from restyle.analysis.chords import Chords
from restyle.analysis.facts import Analysis
from restyle.analysis.meter import Meter
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.notes import DRUMS as NOTES_OF_DRUMS
from restyle.notes import Notes
from restyle.pipeline import Given, Settings, transfer
from restyle.stages import patterns

METER = Meter(0.5 * np.arange(17), 4, 0)
ROCK = np.array([(0, 36, 1.0), (1, 38, 0.8), (2, 36, 0.9), (3, 38, 0.8)])
DRUMS = {"drums": ROCK, "drums_bars": np.array([1, 4])}
BASS = {
    "bass": np.array([(0, 1.0, 0, 0.8), (2, 0.5, 7, 0.8), (3, 0.5, 3, 0.8)]),
    "bass_bars": np.array([1, 4]),
    "bass_register": np.array([36.0]),
}


def test_hits_fall_on_the_beats_of_the_content():
    laid = patterns.drums(DRUMS, METER, 0.0, 8.0)
    assert np.allclose(laid.onset, 0.5 * np.arange(16)) and laid.pitch.tolist() == [36, 38] * 8
    slowing = Meter(np.cumsum(np.linspace(0.4, 0.7, 17)) - 0.4, 4, 0)
    assert np.allclose(patterns.drums(DRUMS, slowing, 0.0, 99.0).onset[:16], slowing.times[:16])


def test_bars_begin_where_the_content_has_them_and_play_while_it_does():
    laid = patterns.drums(DRUMS, Meter(METER.times, 4, 1), 1.0, 4.0)
    assert laid.onset.min() >= 0.9 and laid.onset.max() < 4.0
    assert set(laid.pitch[np.isclose((laid.onset - 0.5) % 2, 0)]) == {36}


@pytest.mark.parametrize(
    ("beats", "pitches"), [(3, [36, 38, 36]), (4, [36, 38, 36, 38]), (6, [36, 38, 36, 38, 36, 38])]
)
def test_bars_of_another_length(beats, pitches):
    laid = patterns.drums(DRUMS, Meter(0.5 * np.arange(25), beats, 0), 0.0, 6.0)
    assert laid.pitch[:beats].tolist() == pitches and np.allclose(laid.onset, 0.5 * np.arange(12))


def test_the_bass_follows_the_chords():
    chords = Chords(np.array([[0.0, 2.0], [2.0, 4.0], [4.0, 8.0]]), ("C:maj", "A:min", "N"))
    laid = patterns.bass(BASS, METER, SimpleNamespace(chords=chords), 0.0, 8.0)
    assert laid.onset.tolist() == [0.0, 1.0, 1.5, 2.0, 3.0, 3.5]  # and nothing where there is no chord
    assert (laid.pitch % 12).tolist() == [0, 7, 4, 9, 4, 0]  # the third is that of the chord
    assert (np.abs(laid.pitch - 36) <= 6).all()
    assert np.allclose(laid.offset - laid.onset, [0.5, 0.25, 0.25] * 2)


def test_the_lowest_of_several_notes_is_the_bass():
    notes = Notes.of([(0, 1, 47, 0.5, 0), (0.01, 1, 40, 0.5, 0), (1, 2, 70, 0.5, 0), (1.0, 2, 45, 0.5, 0)])
    assert bass_of(notes).pitch.tolist() == [40, 45]
    assert len(bass_of(Notes.of([(0, 1, 60, 0.5, 0)]))) == 0


def chord(pitches, seconds):
    t = np.arange(round(seconds * RATE)) / RATE
    partials = [np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * k * t) / k for p in pitches for k in range(1, 5)]
    return 0.1 * sum(partials) * np.exp(-2 * t) * np.minimum(1, (seconds - t) / 0.02)


def tune(progression, repeats):
    """Two beats of each chord, its root below on both."""
    sounds = []
    for root, third in progression * repeats:
        bass = chord([root - 24], BEAT)
        sounds.append(chord([root, root + third, root + 7], 2 * BEAT) + np.tile(2 * bass, 2))
    return np.concatenate(sounds)


@pytest.fixture(scope="module")
def style():
    struck = bars(8, start=0.0).mono()
    tones = tune([(60, 4), (65, 4), (67, 4), (60, 4)], 4)
    length = min(len(struck), len(tones))
    return Audio(struck[:length] + tones[:length], RATE), Audio(struck[:length], RATE), Audio(tones[:length], RATE)


def test_the_bars_of_a_style_are_learnt(style):
    whole, struck, _ = style
    profile = patterns.fit([whole], [struck])
    places, pitches, _ = profile["drums"].T
    assert profile["drums_bars"].tolist() == [4, 4] and len(places) >= 28
    kicks, snares = (np.sort(places[pitches == key] % 2) for key in (36, 38))
    assert np.allclose((kicks - snares[0] + 0.5) % 2 - 0.5, 1, atol=0.1)  # they take turns
    assert profile["bass_bars"][1] == 4 and set(profile["bass"][:, 2]) == {0.0}  # roots only
    assert 36 <= profile["bass_register"][0] <= 43


def test_a_style_without_a_beat_has_no_bars():
    noise = Audio(np.random.default_rng(0).normal(0, 0.01, 3 * RATE), RATE)
    assert patterns.fit([noise], [noise]) == {}


def test_drums_and_bass_are_added_where_there_are_none(style):
    whole, struck, tones = style
    content = Audio(np.concatenate([chord([69, 72, 76], 0.75) for _ in range(12)]), RATE)  # A minor at 80 a minute
    given = Given(style={"drums": struck, "other": tones})
    made = transfer(content, whole, add="drums,bass", given=given, keep_parts=True)
    assert made.record["facts"]["patterns"]["drums"] >= 8 and "bass" in made.parts
    assert set(made.parts["bass"].samples.shape) == {1, content.length}
    played = bass_of(Analysis.of(made.parts["bass"]).notes)
    assert len(played) and set(played.pitch.round().astype(int) % 12) == {9}
    plain = transfer(content, whole, given=given, keep_parts=True)
    assert "patterns" not in plain.record["facts"] and "bass" not in plain.parts


def test_the_notes_of_parts_have_a_programme_each(style):
    whole, struck, tones = style
    made = transfer(whole, whole, given=Given(content={"drums": struck, "other": tones}), method="spectral")
    notes = made.notes
    assert set(notes.programme.tolist()) == {0, NOTES_OF_DRUMS}
    hits = notes.select(notes.programme == NOTES_OF_DRUMS)
    assert set(np.round(hits.onset * 2 / BEAT).astype(int)) == set(range(64))
    assert {36, 38} <= set(hits.pitch.astype(int).tolist())
    plain = transfer(whole, whole, given=Given(content={"other": whole}), method="spectral")
    assert NOTES_OF_DRUMS not in plain.notes.programme


def test_what_cannot_play_along_is_said(style):
    whole, _, tones = style
    rng = np.random.default_rng(0)
    swell = Audio(0.1 * rng.normal(0, 1, 12 * RATE) * np.linspace(0, 1, 12 * RATE), RATE)
    made = transfer(swell, whole, add="bass", method="spectral")
    assert any("no steady beat" in sentence for sentence in made.warnings)
    made = transfer(whole, whole, add="bass", method="spectral")
    assert any("plays no notes" in sentence for sentence in made.warnings)
    made = transfer(whole, Audio(tones.samples, RATE), drums_pattern="style", method="spectral")
    assert any("repeats no bars of drums" in sentence for sentence in made.warnings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"add": "violins"}, "add must be none, auto, or drums, bass, not 'violins'"),
        ({"drums_pattern": "mine"}, "drums_pattern must be content or style, not 'mine'"),
    ],
)
def test_settings_that_are_none(settings, sentence):
    with pytest.raises(RestyleError, match=sentence):
        Settings(**settings)


def test_the_floor_of_a_solo_does_not_become_drums(style):
    whole, _, _ = style
    rng = np.random.default_rng(0)
    notes = np.concatenate([chord([pitch], 0.5) for pitch in (69, 71, 72, 74, 76, 74, 72, 71)])
    sound = np.concatenate([notes, np.zeros(2 * RATE)])
    content = Audio(sound + 1e-4 * rng.standard_normal(len(sound)), RATE)  # 60 dB below its notes
    made = transfer(content, whole, method="notes", parts="on").samples
    played, after = (
        np.sqrt(np.mean(made[:, piece] ** 2)) for piece in (slice(0, 4 * RATE), slice(round(4.5 * RATE), None))
    )
    assert 20 * np.log10(after / played) < -50
