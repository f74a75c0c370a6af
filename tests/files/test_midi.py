"""MIDI files: there and back, tempo changes, both formats, damage."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restyle.errors import RestyleError
from restyle.files.midi import read_bends, read_midi, write_midi
from restyle.notes import DRUMS, Notes

TICK = 0.5 / 960  # seconds: the files have 960 ticks a beat at 120 beats a minute


@st.composite
def tables(draw: st.DrawFn) -> Notes:
    """Notes that MIDI can tell apart: of one programme and pitch, none begins before the last one ended."""
    rows = []
    lanes = st.tuples(st.sampled_from([0, 24, 56, 127, DRUMS]), st.integers(0, 127))
    for programme, pitch in draw(st.lists(lanes, max_size=6, unique=True)):
        clock = 0.0
        for _ in range(draw(st.integers(1, 4))):
            onset = clock + draw(st.floats(0.002, 3))
            clock = onset + draw(st.floats(0.002, 3))
            rows.append((onset, clock, pitch, draw(st.floats(0.01, 1)), programme))
    return Notes.of(rows)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=tables())
def test_round_trip(tmp_path: Path, notes: Notes) -> None:
    write_midi(tmp_path / "a.mid", notes)
    back = read_midi(tmp_path / "a.mid")
    order, other = (np.lexsort((n.onset, n.pitch, n.programme)) for n in (notes, back))
    notes, back = notes.select(order), back.select(other)
    assert len(back) == len(notes)
    # selecting sorts by onset again, which a tick's rounding may change: compare note by note in a fixed order
    for ours, theirs in zip(_rows(notes), _rows(back), strict=True):
        assert ours[:2] == theirs[:2]
        assert ours[2:4] == pytest.approx(theirs[2:4], abs=TICK)
        assert ours[4] == pytest.approx(theirs[4], abs=0.5 / 127 + 1e-9)


def _rows(notes: Notes) -> list[tuple[float, ...]]:
    columns = (notes.programme, notes.pitch, notes.onset, notes.offset, notes.velocity)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_extremes_are_clamped(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", Notes.of([(0, 1, -3, 0.0, 0), (0, 1, 60.4, 0.5, 0), (0, 1, 140.0, 2.0, 0)]))
    back = read_midi(tmp_path / "a.mid")
    assert back.pitch.tolist() == [0, 60, 127]
    assert back.velocity == pytest.approx([1 / 127, 64 / 127, 1.0])


def test_no_notes(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", Notes.of([]))
    assert len(read_midi(tmp_path / "a.mid")) == 0


def _song(path: Path, *, kind: int) -> Path:
    """Three quarter notes, the tempo doubled before the third; format 0 has all in one track."""
    tempo = [
        mido.MetaMessage("set_tempo", tempo=500_000, time=0),
        mido.MetaMessage("set_tempo", tempo=250_000, time=960),
    ]
    played = [mido.Message("program_change", program=40, time=0)]
    for _ in range(3):
        played += [mido.Message("note_on", note=69, velocity=100, time=0), mido.Message("note_off", note=69, time=480)]
    song = mido.MidiFile(type=kind, ticks_per_beat=480)
    if kind == 1:
        song.tracks += [mido.MidiTrack(tempo), mido.MidiTrack(played)]
    else:
        song.tracks.append(mido.MidiTrack([tempo[0], *played[:5], tempo[1].copy(time=0), *played[5:]]))
    song.save(path)
    return path


@pytest.mark.parametrize("kind", [0, 1])
def test_tempo_changes_are_followed_in_both_formats(tmp_path: Path, kind: int) -> None:
    notes = read_midi(_song(tmp_path / "a.mid", kind=kind))
    assert notes.onset == pytest.approx([0, 0.5, 1.0])
    assert notes.offset == pytest.approx([0.5, 1.0, 1.25])
    assert notes.programme.tolist() == [40, 40, 40]
    assert notes.velocity == pytest.approx([100 / 127] * 3)


def test_note_on_without_velocity_ends_a_note_and_drums_are_told(tmp_path: Path) -> None:
    song = mido.MidiFile(ticks_per_beat=480)
    on, off = (mido.Message("note_on", note=38, velocity=v, time=t, channel=9) for v, t in ((90, 0), (0, 240)))
    song.tracks.append(mido.MidiTrack([on, off]))
    song.save(tmp_path / "a.mid")
    notes = read_midi(tmp_path / "a.mid")
    assert (notes.programme.tolist(), notes.onset.tolist(), notes.offset.tolist()) == ([DRUMS], [0.0], [0.25])


def test_misplaced_tempo_is_read_without_a_warning(tmp_path: Path) -> None:
    song = mido.MidiFile(type=1, ticks_per_beat=480)
    late = [mido.MetaMessage("set_tempo", tempo=500_000), mido.Message("note_on", note=60, velocity=9)]
    song.tracks += [mido.MidiTrack(), mido.MidiTrack([*late, mido.Message("note_off", note=60, time=480)])]
    song.save(tmp_path / "a.mid")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_midi(tmp_path / "a.mid").offset.tolist() == [0.5]


def _damaged(folder: Path) -> list[Path]:
    whole = _song(folder / "whole.mid", kind=1).read_bytes()
    files = {
        "text.mid": b"this is no music" * 20,
        "empty.mid": b"",
        "header.mid": whole[:10],
        "cut.mid": whole[:-30],
        "garbage.mid": whole[:22] + np.random.default_rng(0).bytes(400),
        "sound.mid": b"RIFF\x24\0\0\0WAVEfmt " + bytes(60),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def test_damage_ends_in_one_sentence(tmp_path: Path) -> None:
    for path in _damaged(tmp_path):
        with pytest.raises(RestyleError, match=r"damaged or no MIDI file") as error:
            read_midi(path)
        assert path.name in str(error.value) and "\n" not in str(error.value)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(RestyleError, match=r"no such MIDI file"):
        read_midi(tmp_path / "a.mid")
    with pytest.raises(RestyleError):
        read_midi(tmp_path)


def test_names(tmp_path: Path) -> None:
    path = tmp_path / "Für Élise, 月光.mid"
    write_midi(path, Notes.of([(0, 1, 60, 0.5, 0)]))
    assert len(read_midi(path)) == 1
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_nothing_is_printed_where_ci_is_set() -> None:
    code = "from restyle.files.midi import read_midi\ntry: read_midi('none.mid')\nexcept Exception: pass"
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == ""


def test_bends_survive_the_way_there_and_back(tmp_path: Path) -> None:
    notes = Notes.of([(0.0, 1.0, 60, 0.5, 3), (0.0, 1.0, 64, 0.5, 9)])
    times, semitones = np.array([0.0, 0.25, 0.5]), np.array([0.0, -0.5, 1.25])
    write_midi(tmp_path / "bent.mid", notes, {9: np.stack([times, semitones])})
    found = read_bends(tmp_path / "bent.mid")
    assert set(found) == {9}
    assert np.allclose(found[9][0], times, atol=TICK) and np.allclose(found[9][1], semitones, atol=1 / 4096)
    assert len(read_midi(tmp_path / "bent.mid")) == 2


@pytest.mark.parametrize("tuning", [-0.5, -0.32, 0.0, 0.4, 0.5])
def test_intervals_survive_a_tuning(tmp_path, tuning):
    pitches = np.array([60, 61, 62, 64, 67, 72])
    rows = [(i * 0.5, i * 0.5 + 0.4, p + tuning, 0.8, 0) for i, p in enumerate(pitches)]
    write_midi(tmp_path / "tuned.mid", Notes.of(rows))
    written = read_midi(tmp_path / "tuned.mid").pitch
    assert np.array_equal(np.diff(written), np.diff(pitches)) and abs(written[0] - 60 - tuning) <= 0.5
