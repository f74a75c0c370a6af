"""``restyle transfer --arrange``: a new accompaniment in the result, its record and its MIDI file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.io.scores import read_score
from restyle.io.sound import read, write

RATE = 16000


@pytest.fixture
def recordings(tmp_path):
    time = np.arange(6 * RATE) / RATE
    for name, semitones, root in (("song", (12, 16, 19, 24), 220), ("style", (0, 7, 4, 7), 220)):
        steps = np.array(semitones)[(time // 0.5).astype(int) % 4]
        sound = sum(np.sin(2 * np.pi * root * h * np.cumsum(2 ** (steps / 12)) / RATE) / h for h in (1, 2, 3))
        write(tmp_path / f"{name}.wav", Audio((0.2 * sound * np.exp(-4 * (time % 0.5))).astype(np.float32), RATE))
    return tmp_path


@pytest.mark.slow
def test_the_result_has_the_contents_form_and_the_record_says_what_was_arranged(restyle, recordings):
    song, style, out, midi = (recordings / name for name in ("song.wav", "style.wav", "out.wav", "out.mid"))
    given = ("transfer", song, style, "-o", out, "--arrange", "1", "--method", "notes", "--midi", midi)
    assert restyle(*given).code == 0
    record, made, content = json.loads((recordings / "out.json").read_text()), read(out), read(song)
    assert (made.rate, made.samples.shape) == (content.rate, content.samples.shape)
    assert np.abs(made.samples).max() > 0.01
    found = record["facts"]["arrangement"]
    assert record["settings"]["arrange"] == 1 and found["new"] == ["bass", "chords", "drums"]
    assert found["notes"]["tune"] >= 8 and found["notes"]["new"] > 0
    assert 0 <= sum(found["notes"].values()) - len(read_score(midi)) <= 1  # two notes of a key may sound at once
    assert "nothing to do" in restyle(*given).out


def test_mistakes_are_said_in_a_sentence(restyle, recordings):
    song, style, out = (recordings / name for name in ("song.wav", "style.wav", "out.wav"))
    for extra, words in (
        (("--arrange", "2"), "arrange must be a number between 0 and 1"),
        (("--arrange", "1", "--strength", "0.5"), "strength must be 1"),
        (("--arrange", "1", "--method", "spectral"), "plays no notes"),
    ):
        ran = restyle("transfer", song, style, "-o", out, *extra)
        assert ran.code == 2 and words in ran.err and ran.err.strip().count("\n") == 0 and not out.exists()
