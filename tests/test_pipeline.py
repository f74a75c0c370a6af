import math

import numpy as np
import pytest

import restyle
from restyle import methods, pipeline
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.methods import METHODS
from restyle.methods.spectral import SpectralMethod
from restyle.notes import DRUMS, Notes
from restyle.pipeline import DEFAULT, Settings, transfer
from restyle.threads import single

RATE = 16000


def tone(pitches=(60, 64, 67), seconds=1.5, shape=np.sin):
    t = np.arange(round(RATE * seconds)) / RATE
    return Audio(0.1 * sum(shape(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * t) for p in pitches), RATE)


CONTENT, STYLE = tone(), tone((57, 62), shape=lambda x: np.sign(np.sin(x)))


def test_a_result_is_a_sound_that_knows_how_it_came_about():
    result = transfer(CONTENT, STYLE, method="notes", seed=3)
    assert isinstance(result, Audio) and (result.rate, result.length) == (RATE, CONTENT.length)
    assert result.content is CONTENT and set(np.round(result.notes.pitch)) >= {60, 64, 67}
    assert result.record["settings"]["method"] == "notes" and result.record["settings"]["seed"] == 3
    assert result.record["facts"]["notes"]["found"] == len(result.notes)
    assert result.record["warnings"] == list(result.warnings) == []


def test_warnings_of_a_transfer_come_back_in_its_result():
    silence = Audio(np.zeros((2, RATE)), RATE)
    result = transfer(silence, STYLE, method="spectral")
    assert result.warnings == ("the content is silent, so the result is silence",)
    assert result.samples.shape == (2, RATE) and not result.samples.any()


def test_what_was_warned_of_a_style_is_in_every_result_made_with_it(tmp_path):
    noise = Audio(np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    learnt = restyle.learn(noise, method="notes")
    assert len(learnt.warnings) == 1 and "no pitched notes" in learnt.warnings[0]
    restyle.style.save(tmp_path / "noise.style", learnt)
    for style in (learnt, restyle.style.load(tmp_path / "noise.style")):
        assert transfer(CONTENT, style).warnings == learnt.warnings
    assert transfer(CONTENT, noise, method="notes").warnings == learnt.warnings


def test_the_method_is_built_once(monkeypatch):
    built = []

    def counting(name, **settings):
        built.append(name)
        return methods.method(name, **settings)

    monkeypatch.setattr(pipeline, "make_method", counting)
    monkeypatch.setattr("restyle.style.make_method", counting)
    transfer(CONTENT, STYLE, method="spectral")
    assert built == ["spectral"]


def test_a_style_is_played_by_the_method_that_learnt_it():
    learnt = restyle.learn(STYLE, method="spectral", options={"bands": 8})
    result = transfer(CONTENT, learnt, options={"refine": 0})
    assert result.record["settings"]["method"] == "spectral"
    method = SpectralMethod(bands=8, refine=0)
    untoned = transfer(CONTENT, learnt, options={"refine": 0}, tone=False)
    with single():
        assert np.array_equal(untoned.samples, method.apply(CONTENT, method.fit([STYLE])).samples)
    with pytest.raises(RestyleError, match="learnt for the method 'spectral', not 'mosaic'"):
        transfer(CONTENT, learnt, method="mosaic")


def test_notes_are_refused_before_any_work_by_methods_that_cannot_play_them(monkeypatch):
    monkeypatch.setattr(SpectralMethod, "fit", lambda *_: pytest.fail("not asked for"))
    with pytest.raises(RestyleError, match="'spectral' needs a recording as content"):
        transfer(Notes.of([(0, 1, 60, 0.5, 0)]), STYLE, method="spectral")


@pytest.mark.parametrize("method", ["notes", "note_synth", "wavenet"])
def test_drums_alone_are_refused_by_methods_that_cannot_play_them(method, monkeypatch):
    monkeypatch.setattr(type(methods.method(method)), "fit", lambda *_: pytest.fail("not asked for"))
    with pytest.raises(RestyleError, match=f"'{method}' cannot play drums"):
        transfer(Notes.of([(0, 1, 38, 0.5, DRUMS)]), STYLE, method=method)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1, "1", None, True, [1]])
def test_a_strength_that_is_no_share_is_refused(value):
    with pytest.raises(RestyleError, match="strength must be"):
        Settings(strength=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 1.5),
        ("seed", -1),
        ("seed", math.nan),
        ("seed", "7"),
        ("tempo", None),
        ("tempo", math.nan),
        ("tempo", "fast"),
        ("tempo", 5),
        ("groove", "yes"),
        ("tone", None),
        ("method", "none"),
        ("options", [1]),
    ],
)
def test_other_settings_are_refused_in_one_sentence(name, value):
    with pytest.raises(RestyleError, match=f"{name}|there is no method"):
        Settings(**{name: value})


def test_progress_rises_to_one():
    done = []
    transfer(CONTENT, STYLE, method="notes", progress=done.append)
    assert done == sorted(done) and done[-1] == 1 and len(done) > 2


def test_every_method_is_there_by_its_default_name():
    assert DEFAULT in METHODS
