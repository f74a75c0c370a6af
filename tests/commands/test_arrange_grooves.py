"""``restyle arrange --groove``: names of grooves, and what plays them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from restyle.commands.shared import grooves
from restyle.data import mma
from restyle.data.mma import Groove
from restyle.data.mma_reading import Played
from restyle.errors import RestyleError
from restyle.io.scores import read_score, write_score
from restyle.notes import DRUMS
from restyle.score import Score

needs_mma = pytest.mark.skipif(shutil.which("mma") is None, reason="the program mma is not installed")

LIBRARY = {
    "alexis/hiphop": ["HipHop"],
    "casio/hip-hop": ["Hip"],
    "casio/swing": ["Swing", "CasioSwing"],
    "stdlib/bossanova": ["BossaNova", "BossaNovaPlus"],
    "stdlib/metronome": ["Metronome2"],
    "stdlib/rockballad": ["RockBallad"],
    "stdlib/rockwaltz": ["RockWaltz"],
    "stdlib/swing": ["Swing", "SwingWalk"],
    "yamaha/jazzbossa": ["JazzBossaA"],
    "zoom/bossa": ["Bossa1"],
}


def played(groove, bars, *, seed):
    """A bass that plays the root of each beat, and a drum."""
    assert seed == 0 and all(len(bar) == groove.beats for bar in bars)
    names = [name for bar in bars for name in bar]
    rows = [(12 * k, 9, 36 + "C D EF G A B".index(name[0]), 0.8, 33, 0) for k, name in enumerate(names)]
    rows += [(12 * k, 3, 42, 0.8, DRUMS, 1) for k in range(len(names))]
    return Played(Score.of(rows, bars=12 * groove.beats * np.arange(len(bars) + 1)), ("Bass", "Drum"))


@pytest.fixture
def library(monkeypatch):
    def of(family):
        beats = 3 if "waltz" in family else 4
        return [] if "metronome" in family else [Groove(family, name, beats) for name in LIBRARY[family]]

    monkeypatch.setattr(mma, "families", lambda: sorted(LIBRARY))
    monkeypatch.setattr(mma, "defined", LIBRARY.__getitem__)
    monkeypatch.setattr(mma, "grooves", of)
    monkeypatch.setattr(mma, "play", played)


@pytest.fixture
def tune(tmp_path):
    rows = [(12 * k, 12, (72, 76, 79, 74)[k % 4], 0.9, 73, 0) for k in range(16)]
    write_score(tmp_path / "tune.mid", Score.of(rows, bars=48 * np.arange(5)))
    return tmp_path / "tune.mid"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("bossa", "stdlib/bossanova:BossaNova"),  # the beginning of a library file, and of its first groove
        ("Bossa-Nova Plus", "stdlib/bossanova:BossaNovaPlus"),
        ("swing", "stdlib/swing:Swing"),  # MMA's own of two
        ("swingwalk", "stdlib/swing:SwingWalk"),
        ("walk", "stdlib/swing:SwingWalk"),  # a part of one alone
        ("casio/swing", "casio/swing:Swing"),
        ("CASIO/SWING:casioswing", "casio/swing:CasioSwing"),
        ("jazzboss", "yamaha/jazzbossa:JazzBossaA"),
    ],
)
def test_a_groove_is_found_by_its_name_or_a_part_of_it(library, name, address):
    assert grooves.find(name).address == address


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rock", "'rock' may be stdlib/rockballad, stdlib/rockwaltz; give more"),
        ("hiphop", "may be alexis/hiphop, casio/hip-hop;"),
        ("bosanova", "no groove 'bosanova', but stdlib/bossanova"),
        ("qqq", "no groove 'qqq'; "),
        (" ", "no groove ' '; "),
        ("metronome", "plays no chords or bass"),
    ],
)
def test_what_a_name_may_mean_is_told(library, name, said):
    with pytest.raises(RestyleError) as refused:
        grooves.find(name)
    assert said in str(refused.value) and "--list-grooves" in str(refused.value)


def test_grooves_are_listed_without_those_of_drums_alone(library, restyle):
    ran = restyle("arrange", "--list-grooves")
    assert ran.code == 0 and "BossaNova, BossaNovaPlus" in ran.out and "zoom" not in ran.out


def test_a_groove_is_the_style(library, restyle, tune):
    out = tune.with_name("out.mid")
    ran = restyle("arrange", tune, "--groove", "bossa", "-o", out)
    assert ran.code == 0 and "stdlib/bossanova:BossaNova" in ran.out and not ran.err
    made, record = read_score(out), json.loads(out.with_suffix(".json").read_text())
    assert set(made.programme) == {73, 33, DRUMS} and made.bar_count == 4
    assert record["style"] == "stdlib/bossanova:BossaNova" and record["settings"]["groove"] == "bossa"
    assert [given["file"] for given in record["inputs"]] == [tune.resolve().as_posix()]


def test_a_groove_of_another_metre_is_taken_and_the_record_says_so(library, restyle, tune):
    out = tune.with_name("out.mid")
    ran = restyle("arrange", tune, "--groove", "rockwaltz", "-o", out)
    [warning] = json.loads(out.with_suffix(".json").read_text())["warnings"]
    assert "3 quarter notes, those of the content 4" in warning and warning in ran.err
    assert np.diff(read_score(out).bars).tolist() == [48] * 4


def test_one_style_is_given(library, restyle, tune):
    out = tune.with_name("out.mid")
    for given, word in (((), "no style"), ((tune, "--groove", "bossa"), "two styles")):
        ran = restyle("arrange", tune, *given, "-o", out)
        assert ran.code == 2 and word in ran.err and ran.err.count("\n") == 1 and not out.exists()
    ran = restyle("arrange", tune, "--groove", "bossa", "-o", out.with_suffix(".wav"))
    assert ran.code == 2 and "the groove bossa has no sound" in ran.err


def test_without_mma_one_sentence_says_what_to_do(restyle, tune, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    mma._library.cache_clear()
    for given in ((tune, "--groove", "bossa", "-o", tmp_path / "out.mid"), ("--list-grooves",)):
        ran = restyle("arrange", *given)
        assert ran.code == 2 and "Debian's package mma" in ran.err and "give a file" in ran.err
        assert ran.err.count("\n") == 1


@needs_mma
def test_mma_plays_the_grooves_that_are_named():
    for name, beats in (("bossa", 4), ("Waltz", 3)):
        groove = grooves.find(name)
        style = grooves.played(groove)
        assert groove.beats == beats and groove.family.startswith("stdlib/")
        assert style.bar_count == len(grooves.BARS) and set(np.diff(style.bars)) == {12 * beats}
        assert len(style.pitched()) > 50 and (style.programme == DRUMS).any()
