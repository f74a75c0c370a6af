"""Chords that a MIDI file names: those of lead sheets, and words that are none."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.commands import arrange as verb
from restyle.commands.shared.lead_sheets import named_chords, read_chords
from restyle.errors import RestyleError, collect
from restyle.io.scores import read_score, write_score
from restyle.score import Score

QUARTER = 480
TEXT, TITLE, LYRIC, MARKER = 1, 3, 5, 6


def track(events):
    """A chunk of (quarter, bytes of a message)."""
    data, now = b"", 0
    for quarter, message in sorted(events, key=lambda event: event[0]):
        delta = round(QUARTER * quarter) - now
        now += delta
        data += bytes([0x80 | delta >> 14 & 127, 0x80 | delta >> 7 & 127, delta & 127]) + message
    data += b"\x00\xff\x2f\x00"
    return b"MTrk" + len(data).to_bytes(4) + data


def words(kind, *placed):
    return [(quarter, bytes([255, kind, len(text)]) + text.encode("latin-1")) for quarter, text in placed]


def tune(beats):
    pitches = (72, 76, 79, 74)
    return [
        event
        for k in range(beats)
        for event in ((k, bytes([0x90, pitches[k % 4], 90])), (k + 0.9, bytes([0x80, pitches[k % 4], 0])))
    ]


def sheet(path, *tracks):
    header = b"MThd" + b"".join(n.to_bytes(size) for n, size in ((6, 4), (1, 2), (len(tracks), 2), (QUARTER, 2)))
    path.write_bytes(header + b"".join(map(track, tracks)))
    return path


@pytest.fixture
def band(tmp_path):
    rows = [(12 * k, 6, p, 0.6, 0, 0) for k in range(16) for p in (48, 60, 64, 67)]
    write_score(tmp_path / "band.mid", Score.of(rows, bars=48 * np.arange(5)))
    return tmp_path / "band.mid"


@pytest.mark.parametrize("kind", [TEXT, LYRIC, MARKER])
def test_chords_that_are_named_are_taken(tmp_path, kind):
    names = words(kind, (1, "Dm7"), (3, " [G7] "), (4, "C"), (7.1, "F#m7b5"))
    path = sheet(tmp_path / "a.mid", tune(9) + words(TITLE, (0, "A tune")), names + words(TEXT + 6, (0, "Go")))
    assert named_chords(path, 9) == ["N", "Dm7", "Dm7", "G7", "C", "C", "C", "F#m7b5", "F#m7b5"]
    assert named_chords(path, 5, first=2) == ["C", "C", "C", "F#m7b5", "F#m7b5"]


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ((0, "A"), (8, "B"), (12, "A")),  # marks of sections
        ((0, "A"), (1, "maz"), (2, "ing"), (3, "Grace")),
        ((0, "Am"),),
        ((0, "Dm7"), (2, "H7")),
    ],
)
def test_other_words_are_no_chords(tmp_path, texts):
    assert named_chords(sheet(tmp_path / "a.mid", tune(4), words(TEXT, *texts)), 4) is None


def test_a_lead_sheet_is_arranged_on_the_chords_that_it_names(tmp_path, band):
    path = sheet(tmp_path / "a.mid", tune(16), words(TEXT, (0, "Fm7"), (4, "Bb7"), (8, "Eb"), (12, "Abmaj7")))
    [record] = verb.run(path, band, tmp_path / "out.mid")
    assert record["chords"] == [name for name in ("Fm7", "Bb7", "Eb", "Abmaj7") for _ in range(4)]
    assert record["chords from"] == "the names in the content"
    made = read_score(tmp_path / "out.mid")
    made = made.select(~np.isin(made.track, record["kept"]))
    for beat, classes in ((0, {5, 8, 0}), (4, {10, 2, 5}), (8, {3, 7, 10}), (12, {8, 0, 3})):
        assert set(made.pitch[made.start == 12 * beat] % 12) == classes, beat


def test_a_file_of_chords_goes_before_the_names_and_the_notes_come_last(tmp_path, band):
    path = sheet(tmp_path / "a.mid", tune(16), words(TEXT, (0, "Fm7"), (4, "Bb7")))
    (tmp_path / "chords.txt").write_text("G / / /")
    [record] = verb.run(path, band, tmp_path / "out.mid", verb.Asked(chords=tmp_path / "chords.txt"))
    assert set(record["chords"]) == {"G"} and record["chords from"].endswith("chords.txt")
    [record] = verb.run(sheet(tmp_path / "b.mid", tune(16)), band, tmp_path / "b-out.mid")
    assert record["chords from"] == "the content's notes"


def test_a_chart_has_the_bars_of_the_piece(tmp_path):
    piece = Score.of([(0, 12, 60, 0.8, 0, 0)], bars=[0, 36, 72])
    path = tmp_path / "chords.txt"
    path.write_text("C / Am\nDm7 / /\n")
    assert read_chords(path, piece) == ["C", "C", "Am", "Dm7", "Dm7", "Dm7"]
    path.write_text("\ufeffC / Am | G / /", encoding="utf-8")
    assert read_chords(path, piece)[3] == "G"
    path.write_text("C / / Am\nDm7 / G7 /\n")
    with pytest.raises(RestyleError, match="the bar 'C / / Am' has 4 chords for 3 beats"):
        read_chords(path, piece)
    path.write_text("C / Am\n")
    with collect() as collected:
        read_chords(path, piece)
    assert "the chords of 3 of 6 beats" in collected.warnings[0]
