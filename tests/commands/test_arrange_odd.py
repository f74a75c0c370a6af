"""``restyle arrange`` of odd pieces: the melody is kept, or one sentence says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.analysis.melody import melody_of
from restyle.commands import arrange as verb
from restyle.evaluation.symbolic import melody_f1
from restyle.io.scores import read_score, write_score
from restyle.notes import DRUMS
from restyle.score import Score

BARS = 48 * np.arange(5)
UNEVEN = [0, 48, 84, 120, 168, 228, 264]  # 4/4, 3/4, 3/4, 4/4, 5/4, 3/4


def tune(notes, first=0):
    return [(first + 12 * k, 12, (72, 76, 79, 74, 77)[k % 5], 0.9, 73, 900) for k in range(notes)]


def band(beats, *, drums=True):
    rows = [(12 * k, 6, p, 0.6, 0, 0) for k in range(beats) for p in (48, 60, 64, 67)]
    return rows + [(12 * k, 3, 42, 0.6, DRUMS, 1) for k in range(beats) if drums]


def crowd(tracks):
    return [(12 * (k % 16), 12, 40 + k % 40, 0.6, k % 100, k) for k in range(tracks)]


def kit(beats):
    return [(12 * k, 3, 38, 0.8, DRUMS, 0) for k in range(beats)]


CONTENTS = {
    "one note": ([(0, 12, 72, 0.8, 73, 0)], [0, 48]),
    "200 tracks": (crowd(200) + tune(16), BARS),
    "three beats": (tune(24), 36 * np.arange(9)),
    "a pickup": (tune(17), [0, 12, 60, 108, 156, 204]),
    "changing metre": (tune(22), UNEVEN),
    "bars without notes": (tune(4, first=96), BARS),
    "no chord": (tune(16) + [(48 * k, 48, p, 0.5, 0, 1) for k in range(4) for p in range(48, 60)], BARS),
    "drums along": (tune(16) + kit(16), BARS),
    "low": ([(12 * k, 12, (31, 33, 36)[k % 3], 0.8, 32, 0) for k in range(16)], BARS),
}
STYLES = {
    "one bar": (band(4), [0, 48]),
    "one note": ([(0, 12, 40, 0.8, 33, 0)], [0, 48]),
    "drums alone": (kit(16), BARS),
    "no drums": (band(16, drums=False), BARS),
    "200 tracks": (crowd(200), BARS),
    "three beats": (band(12), 36 * np.arange(5)),
    "changing metre": (band(22), UNEVEN),
    "a pickup": (band(17), [0, 12, 60, 108, 156, 204]),
    "bars without notes": ([(s + 96, *rest) for s, *rest in band(4)], BARS),
}


@pytest.fixture
def put(tmp_path):
    def put(name, rows, bars):
        write_score(tmp_path / f"{name}.mid", Score.of(rows, bars=bars))
        return tmp_path / f"{name}.mid"

    return put


def arranged(content, style, **asked):
    """The content's bars and tune are there, and something with them."""
    out = content.with_name("out.mid")
    [record] = verb.run(content, style, out, verb.Asked(**asked))
    piece, made = read_score(content), read_score(out)
    melody = melody_of(piece)
    assert melody_f1(made, melody) == 1 and len(made) > len(melody)
    assert made.bars.tolist() == piece.bars.tolist()
    assert len(record["bars"]) == made.bar_count
    return made, record


@pytest.mark.parametrize("name", CONTENTS)
def test_odd_contents_keep_their_tune_and_bars(put, name):
    _, record = arranged(put("content", *CONTENTS[name]), put("style", band(16), BARS))
    assert (record["bars"][0] is None) == (name == "a pickup")
    told = [warning for warning in record["warnings"] if "4 quarter notes, those of the content 3" in warning]
    assert bool(told) == (name in ("three beats", "changing metre"))


@pytest.mark.parametrize("name", STYLES)
def test_odd_styles_accompany(put, name):
    made, _ = arranged(put("content", tune(16), BARS), put("style", *STYLES[name]))
    quiet = name in ("no drums", "one note", "200 tracks")
    assert (made.programme == DRUMS).any() != quiet


def test_a_file_without_time_signatures_has_bars_of_four(put, tmp_path):
    events = b"".join(bytes([0, 0x90, p, 90, 0x83, 0x60, 0x80, p, 0]) for p in (60, 64, 67, 72) * 4)
    body = events + b"\x00\xff\x2f\x00"
    header = b"MThd" + b"".join(n.to_bytes(size) for n, size in ((6, 4), (0, 2), (1, 2), (480, 2)))
    (tmp_path / "plain.mid").write_bytes(header + b"MTrk" + len(body).to_bytes(4) + body)
    made, _ = arranged(tmp_path / "plain.mid", put("style", band(16), BARS))
    assert np.diff(made.bars).tolist() == [48] * 4


@pytest.mark.slow
def test_a_long_piece(put):
    rows = [(12 * k, 12, 60 + k * 7 % 20, 0.8, 73, 0) for k in range(2000)]
    rows += [(48 * k, 48, p + k % 5, 0.5, 0, 1) for k in range(500) for p in (48, 52, 55)]
    made, _ = arranged(put("content", rows, 48 * np.arange(501)), put("style", band(16), BARS))
    assert made.bar_count == 500 and made.start.max() > 48 * 499


def test_a_file_that_is_cut_off_is_arranged_as_far_as_it_goes(put):
    content = put("content", tune(16), BARS)
    content.write_bytes(content.read_bytes()[:-60])
    _, record = arranged(content, put("style", band(16), BARS))
    assert any("cut off" in warning for warning in record["warnings"])


@pytest.mark.parametrize("silent", ["N / / /", "z"])
def test_chords_that_are_none_are_no_obstacle(put, tmp_path, silent):
    (tmp_path / "chords.txt").write_text(silent)
    arranged(put("content", tune(16), BARS), put("style", band(16), BARS), chords=tmp_path / "chords.txt")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--density", 1.5), "density must be 0 to 1"),
        (("--density", -0.1), "density must be 0 to 1"),
        (("--density", "nan"), "density must be 0 to 1"),
        (("--bars", "9-12"), "has bars 1 to 4"),
        (("--bars", "3-2"), "has bars 1 to 4"),
        (("--bars", "0"), "has bars 1 to 4"),
        (("--bars", "3-"), "bars are given as"),
        (("--takes", 17), "1 to 16 takes"),
        (("--keep", "melody,bass,chords,drums"), "keep less"),
        (("--page", "page.txt"), "extension"),
    ],
)
def test_an_option_out_of_its_range_is_one_sentence(put, restyle, tmp_path, extra, said):
    content, style = put("content", tune(16), BARS), put("style", band(16), BARS)
    ran = restyle("arrange", content, style, "-o", tmp_path / "out.mid", *extra)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content.mid", "style.mid"]


def test_a_piece_that_cannot_be_arranged_is_one_sentence(put, restyle, tmp_path):
    good, drums = put("good", tune(16), BARS), put("drums", kit(16), BARS)
    empty, junk, cut = put("empty", [], [0, 48]), tmp_path / "junk.mid", tmp_path / "cut.mid"
    junk.write_bytes(b"hello" * 50)
    cut.write_bytes(good.read_bytes()[:30])
    for content, style, said in (
        (drums, good, "no pitched notes"),
        (empty, good, "has no notes"),
        (good, empty, "has no notes"),
        (junk, good, "damaged or no MIDI file"),
        (good, junk, "damaged or no MIDI file"),
        (cut, good, "damaged or no MIDI file"),
    ):
        ran = restyle("arrange", content, style, "-o", tmp_path / "out.mid")
        assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, said
        assert not (tmp_path / "out.mid").exists()


def test_a_record_of_another_program_is_not_replaced(put, restyle, tmp_path):
    content, style = put("content", tune(16), BARS), put("style", band(16), BARS)
    (tmp_path / "out.json").write_text("[1]")
    ran = restyle("arrange", content, style, "-o", tmp_path / "out.mid", "--overwrite")
    assert ran.code == 2 and "not a record" in ran.err and (tmp_path / "out.json").read_text() == "[1]"
