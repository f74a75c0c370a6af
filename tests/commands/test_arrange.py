"""``restyle arrange``: files in, files out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.commands import arrange as verb
from restyle.errors import RestyleError
from restyle.io.scores import read_score, write_score
from restyle.io.sound import read, write
from restyle.notes import DRUMS
from restyle.score import Score


@pytest.fixture
def pieces(tmp_path):
    tune = [(12 * k, 12, (72, 76, 79, 74)[k % 4], 0.9, 73, 0) for k in range(16)]
    band = [(12 * k, 6, p, 0.6, 0, 0) for k in range(16) for p in (48, 60, 64, 67)]
    band += [(12 * k, 3, 42, 0.6, DRUMS, 1) for k in range(16)]
    for name, rows in (("tune", tune), ("band", band)):
        write_score(tmp_path / f"{name}.mid", Score.of(rows, bars=48 * np.arange(5)))
    return tmp_path


def test_a_midi_file_is_arranged_and_its_record_says_how(pieces):
    out = pieces / "out.mid"
    [record] = verb.run(pieces / "tune.mid", pieces / "band.mid", out)
    made = read_score(out)
    assert set(made.programme) == {73, 0, DRUMS} and made.bar_count == 4
    assert json.loads((pieces / "out.json").read_text()) == json.loads(json.dumps(record))
    assert len(record["chords"]) == 16 and len(record["bars"]) == 4


def test_bars_and_takes(pieces):
    asked = verb.Asked(bars=(2, 3), takes=3, seed=5)
    records = verb.run(pieces / "tune.mid", pieces / "band.mid", pieces / "out.mid", asked)
    assert [record["settings"]["seed"] for record in records] == [5, 6, 7]
    assert all(read_score(pieces / f"out-{k}.mid").bar_count == 2 for k in (1, 2, 3))
    with pytest.raises(RestyleError, match="bars 1 to 4"):
        verb.run(pieces / "tune.mid", pieces / "band.mid", pieces / "more.mid", verb.Asked(bars=(7, 9)))
    assert not (pieces / "more.mid").exists()


@pytest.mark.slow
def test_recordings_are_arranged_and_played_by_the_style(pieces):
    time = np.arange(8 * 16000) / 16000
    for name, semitones in (("song", (0, 4, 7, 12)), ("style", (0, 7, 4, 7))):
        steps = np.array(semitones)[(time // 0.5).astype(int) % 4]
        sound = sum(np.sin(2 * np.pi * 220 * h * np.cumsum(2 ** (steps / 12)) / 16000) / h for h in (1, 2, 3))
        write(pieces / f"{name}.wav", Audio((0.2 * sound * np.exp(-4 * (time % 0.5))).astype(np.float32), 16000))
    [record] = verb.run(pieces / "song.wav", pieces / "style.wav", pieces / "out.wav")
    made = read(pieces / "out.wav")
    assert record["notes"] > 8 and np.abs(made.samples).max() > 0.01 and np.isfinite(made.samples).all()
    with pytest.raises(RestyleError, match="has no sound"):
        verb.run(pieces / "song.wav", pieces / "band.mid", pieces / "other.wav")


def test_the_command_line_and_its_mistakes(restyle, pieces):
    tune, band, out = (pieces / name for name in ("tune.mid", "band.mid", "out.mid"))
    assert "16 beats" in restyle("arrange", tune, band, "-o", out).out
    for extra, word in ((["--bars", "x"], "1-32"), (["--keep", "flute"], "flute"), (["--takes", 0], "1 to 16")):
        ran = restyle("arrange", tune, band, "-o", pieces / "new.mid", *extra)
        assert ran.code == 2 and word in ran.err and ran.err.strip().count("\n") == 0
    assert restyle("arrange", tune, band, "-o", out).code == 2


def test_an_arrangement_is_evaluated_by_its_notes(restyle, pieces):
    tune, band, out = (pieces / name for name in ("tune.mid", "band.mid", "out.mid"))
    verb.run(tune, band, out)
    scores = json.loads(restyle("evaluate", out, "--content", tune, "--style", band, "--json").out)["symbolic"]
    assert scores["melody_f1"] == 1 and scores["style"] > 0.8 and scores["chord_accuracy"] is not None
    copied = json.loads(restyle("evaluate", tune, "--content", tune, "--style", band, "--json").out)["symbolic"]
    assert copied["content_chroma"] == 1 and copied["groove"] < scores["groove"]
    assert "symbolic.groove" in restyle("evaluate", out, "--style", band).out
    ran = restyle("evaluate", out, "--content", pieces / "tune.wav")
    assert ran.code == 2 and "no such file" in ran.err


def test_a_lead_sheet_is_arranged_on_its_chords(restyle, pieces):
    sheet = pieces / "chords.txt"
    sheet.write_text("Fm7 / Bb7 /\n| Eb / / / |\n")
    ran = restyle("arrange", pieces / "tune.mid", pieces / "band.mid", "-o", pieces / "out.mid", "--chords", sheet)
    assert ran.code == 0, ran.err
    made = read_score(pieces / "out.mid")
    for beat, classes in enumerate([{5, 8, 0}] * 2 + [{10, 2, 5}] * 2 + [{3, 7, 10}] * 4):
        sounding = made.pitch[(made.programme == 0) & (made.start == 12 * beat)] % 12
        assert set(sounding) <= classes and len(sounding), beat
    for text, word in (("/ C", "begin with a chord"), ("Q7 / / /", "Q7")):
        sheet.write_text(text)
        ran = restyle("arrange", pieces / "tune.mid", pieces / "band.mid", "-o", pieces / "x.mid", "--chords", sheet)
        assert ran.code == 2 and word in ran.err
