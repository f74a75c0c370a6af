"""The command that judges one result."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from commanded import chord
from restyle.evaluation import METRICS


@pytest.fixture
def long_clips(tmp_path):
    """Content, style and a target that is louder and not quite the content, 3 s each."""
    noise = np.random.default_rng(1).normal(0, 0.02, (48000, 1))
    for name, sound in {
        "content": chord(3),
        "style": chord(3, root=330.0),
        "target": 1.3 * chord(3) + noise,
    }.items():
        soundfile.write(tmp_path / f"{name}.wav", sound, 16000)
    return tmp_path


def test_json_holds_every_metric(restyle, long_clips):
    folder = long_clips
    files = ["--content", folder / "content.wav", "--style", folder / "style.wav", "--target", folder / "target.wav"]
    ran = restyle("evaluate", folder / "content.wav", *files, "--json")
    assert ran.code == 0, ran.err
    scores = json.loads(ran.out)
    assert {f"{question}.{name}" for question, found in scores.items() for name in found} == set(METRICS)
    assert scores["quality"]["lsd"] > 0 and scores["style"]["mfcc"] > 0


def test_the_target_itself_is_perfect(restyle, long_clips):
    target = long_clips / "target.wav"
    scores = json.loads(restyle("evaluate", target, "--target", target, "--json").out)
    assert scores["quality"]["lsd"] == 0 and scores["quality"]["si_sdr"] == 100
    assert scores["content"]["pitch"] == 0 and scores["content"]["note_f1"] == 1
    assert scores["style"]["mfcc"] == pytest.approx(0, abs=1e-6)


def test_a_table_without_json(restyle, long_clips):
    folder = long_clips
    ran = restyle("evaluate", folder / "content.wav", "--style", folder / "style.wav")
    assert ran.code == 0 and "style.mfcc" in ran.out and "lower is better" in ran.out
    assert "by embedding" in ran.out.splitlines()[-1]


def test_against_given_notes(restyle, long_clips):
    from restyle import Notes, write_midi

    write_midi(long_clips / "wrong.mid", Notes.of([(0.0, 1.0, 30, 0.5, 0)]))
    ran = restyle("evaluate", long_clips / "content.wav", "--notes", long_clips / "wrong.mid", "--json")
    assert json.loads(ran.out)["content"]["note_f1"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to compare it with"),
        (("--content", "none.wav"), "no such file"),
        (("--content", "content.wav", "--rhythm", "both"), "rhythm must be"),
        (("--notes", "content.wav"), "content.wav is damaged or no MIDI"),
    ],
)
def test_refusals(restyle, long_clips, monkeypatch, arguments, words):
    monkeypatch.chdir(long_clips)
    ran = restyle("evaluate", "content.wav", *arguments)
    assert ran.code == 2 and words in ran.err and ran.err.count("\n") == 1


def test_genres_of_an_arrangement_and_its_style(restyle, tmp_path):
    from restyle.io.scores import write_score
    from restyle.score import Score

    walk = [(12 * k, 12, 36 + 2 * (k % 4), 0.8, 32, 0) for k in range(32)]
    ride = [(12 * k + at, 2, 51, 0.8, 128, 1) for k in range(32) for at in ((0,), (0, 8))[k % 2]]
    write_score(tmp_path / "style.mid", Score.of(walk + ride, bars=range(0, 385, 48)))
    write_score(tmp_path / "out.mid", Score.of(walk, bars=range(0, 385, 48)))
    shown = restyle("evaluate", tmp_path / "out.mid", "--style", tmp_path / "style.mid")
    assert shown.code == 0 and "symbolic.genre" in shown.out
    last = shown.out.splitlines()[-1]
    assert last.startswith("genre of the output: ") and "genre of the style: swing" in last
    scores = json.loads(restyle("evaluate", tmp_path / "style.mid", "--style", tmp_path / "style.mid", "--json").out)
    assert scores["genre"] == {"output": "swing", "style": "swing"} and scores["symbolic"]["genre"] > 0.999
