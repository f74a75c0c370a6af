"""MIDI files: there and back, as others write them, and damaged."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restyle.errors import RestyleError, collect_warnings
from restyle.io.midi import read_bends, read_midi, write_midi
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


ON, OFF, DRUM_ON = 0x90, 0x80, 0x99
ORGAN = (0, bytes([0xC0, 19]))
END = (0, b"\xff\x2f\0")


def _number(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(out[::-1])


def _track(*messages: tuple[int, bytes], off_by: int = 0) -> bytes:
    """A track of (ticks since the message before, bytes); its length may be told wrongly."""
    data = b"".join(_number(delta) + message for delta, message in messages)
    return b"MTrk" + (len(data) + off_by).to_bytes(4) + data


def _file(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    return b"MThd" + b"".join([(6).to_bytes(4), *(n.to_bytes(2) for n in (kind, len(tracks), division)), *tracks])


def _note(key: int = 69, ticks: int = 480, *, wait: int = 0) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    return (wait, bytes([ON, key, 100])), (ticks, bytes([OFF, key, 0]))


def _tempo(microseconds: int) -> bytes:
    return b"\xff\x51\x03" + microseconds.to_bytes(3)


def _read(tmp_path: Path, data: bytes) -> tuple[list[tuple[float, ...]], list[str]]:
    """(onset, offset, pitch) of the notes, and the warnings."""
    (tmp_path / "a.mid").write_bytes(data)
    with collect_warnings() as told:
        notes = read_midi(tmp_path / "a.mid")
    columns = (notes.onset, notes.offset, notes.pitch)
    return [tuple(round(float(x), 6) for x in row) for row in zip(*columns, strict=True)], told


def _one(tmp_path: Path, *messages: tuple[int, bytes]) -> tuple[list[tuple[float, ...]], list[str]]:
    return _read(tmp_path, _file(_track(*messages, END)))


@pytest.mark.parametrize("kind", [0, 1])
def test_tempo_changes_are_followed_in_both_formats(tmp_path: Path, kind: int) -> None:
    tempi = (0, _tempo(500_000)), (960, _tempo(250_000))
    played = (0, bytes([0xC0, 40])), *_note(), *_note(), *_note()
    if kind:
        data = _file(_track(*tempi, END), _track(*played, END))
    else:
        data = _file(_track(tempi[0], *played[:5], (0, tempi[1][1]), *played[5:], END), kind=0)
    assert _read(tmp_path, data) == ([(0, 0.5, 69), (0.5, 1, 69), (1, 1.25, 69)], [])
    notes = read_midi(tmp_path / "a.mid")
    assert notes.programme.tolist() == [40, 40, 40] and notes.velocity == pytest.approx([100 / 127] * 3)


def test_a_tempo_in_a_later_track_counts_for_all(tmp_path: Path) -> None:
    data = _file(_track(*_note(), END), _track((0, _tempo(250_000)), END))
    assert _read(tmp_path, data) == ([(0, 0.25, 69)], [])


def test_a_program_change_in_another_track_counts(tmp_path: Path) -> None:
    _read(tmp_path, _file(_track(ORGAN, END), _track(*_note(), END)))
    assert read_midi(tmp_path / "a.mid").programme.tolist() == [19]


def test_running_status_and_note_on_without_velocity(tmp_path: Path) -> None:
    messages = (0, bytes([ON, 60, 90])), (0, bytes([64, 90])), (480, bytes([60, 0])), (480, bytes([64, 0]))
    assert _one(tmp_path, *messages) == ([(0, 0.5, 60), (0, 1, 64)], [])


def test_drums_are_told_by_their_channel(tmp_path: Path) -> None:
    _one(tmp_path, (0, bytes([DRUM_ON, 38, 90])), (240, bytes([DRUM_ON, 38, 0])))
    notes = read_midi(tmp_path / "a.mid")
    assert (notes.programme.tolist(), notes.onset.tolist(), notes.offset.tolist()) == ([DRUMS], [0.0], [0.25])


def test_frames_a_second_instead_of_beats(tmp_path: Path) -> None:
    for frames, seconds in ((25, 0.48), (29, 480 * 1001 / 1_200_000)):
        data = _file(_track((0, _tempo(250_000)), *_note(), END), division=(256 - frames) << 8 | 40)
        assert _read(tmp_path, data) == ([(0, round(seconds, 6), 69)], [])


def _control(number: int, value: int, *, wait: int = 0, channel: int = 0) -> tuple[int, bytes]:
    return wait, bytes([0xB0 | channel, number, value])


def test_the_sustain_pedal_holds_notes_until_it_is_lifted_or_they_are_struck_again(tmp_path: Path) -> None:
    down, up = _control(64, 127), _control(64, 0, wait=480)
    assert _one(tmp_path, down, *_note(), up, *_note(60)) == ([(0, 1, 69), (1, 1.5, 60)], [])
    assert _one(tmp_path, down, *_note(), *_note(wait=480), up)[0] == [(0, 1, 69), (1, 2, 69)]
    assert _one(tmp_path, down, *_note(), (960, b"\xff\x01\0")) == ([(0, 1.5, 69)], [])  # never lifted
    assert _one(tmp_path, _control(64, 63), *_note(), up) == ([(0, 0.5, 69)], [])


def test_the_pedal_of_one_channel_leaves_others_alone(tmp_path: Path) -> None:
    assert _one(tmp_path, _control(64, 127, channel=1), *_note(), _control(64, 0, wait=480, channel=1))[0][0][1] == 0.5


def test_the_sostenuto_pedal_holds_only_what_is_down(tmp_path: Path) -> None:
    on, off = _note()
    found = _one(tmp_path, on, _control(66, 127), off, *_note(60), _control(66, 0, wait=480))
    assert found == ([(0, 1.5, 69), (0.5, 1, 60)], [])


def test_all_notes_off_respects_the_pedal_and_all_sound_off_does_not(tmp_path: Path) -> None:
    on, down = _note()[0], _control(64, 127)
    lift = _control(64, 0, wait=480)
    assert _one(tmp_path, on, _control(123, 0, wait=480), lift)[0] == [(0, 0.5, 69)]
    assert _one(tmp_path, down, on, _control(123, 0, wait=480), lift)[0] == [(0, 1, 69)]
    assert _one(tmp_path, down, on, _control(120, 0, wait=480), lift)[0] == [(0, 0.5, 69)]
    assert _one(tmp_path, down, on, _control(121, 0, wait=240), (240, bytes([OFF, 69, 0])), lift)[0] == [(0, 0.5, 69)]


def _wheel(steps: int, *, wait: int = 0) -> tuple[int, bytes]:
    value = min(16383, 8192 + steps)
    return wait, bytes([0xE0, value & 0x7F, value >> 7])


def test_the_pitch_wheel_bends_notes_that_come_after_it(tmp_path: Path) -> None:
    assert _one(tmp_path, _wheel(4096), *_note()) == ([(0, 0.5, 70)], [])
    assert _one(tmp_path, _wheel(4096), _wheel(0), *_note()) == ([(0, 0.5, 69)], [])
    assert _one(tmp_path, _wheel(4096), _control(121, 0), *_note()) == ([(0, 0.5, 69)], [])
    assert read_midi(tmp_path / "a.mid", bent=False).pitch.tolist() == [69]


def test_the_wheel_reaches_as_far_as_the_file_says(tmp_path: Path) -> None:
    reach = (_control(101, 0), _control(100, 0), _control(6, 12), _control(38, 50))
    assert _one(tmp_path, *reach, _wheel(4096), *_note())[0] == [(0, 0.5, 75.25)]
    assert _one(tmp_path, _wheel(4096), *reach[:3], *_note())[0] == [(0, 0.5, 75)]
    nothing = (_control(101, 127), _control(100, 127), _control(6, 24))
    assert _one(tmp_path, *reach[:3], *nothing, _wheel(4096), *_note())[0] == [(0, 0.5, 75)]
    assert _one(tmp_path, *reach[:2], _control(99, 1), _control(6, 12), _wheel(4096), *_note())[0] == [(0, 0.5, 70)]
    _one(tmp_path, *reach[:3], *_note(), _wheel(-8192), *_note())
    assert read_bends(tmp_path / "a.mid")[0].tolist() == [[0.0, 0.5], [0.0, -12.0]]


def test_a_note_that_slides_has_the_pitch_that_it_holds_longest(tmp_path: Path) -> None:
    on, off = _note()
    rows, (told,) = _one(tmp_path, _wheel(-8192), on, _wheel(-4096, wait=60), _wheel(0, wait=60), off)
    assert rows == [(0, 0.625, 69)] and "1 of its notes slide" in told
    vibrato = [_wheel(500 * (-1) ** k, wait=48) for k in range(10)]
    assert _one(tmp_path, on, *vibrato, off)[1] == []


def test_a_note_struck_again_ends_the_one_before(tmp_path: Path) -> None:
    on, off = (0, bytes([ON, 69, 100])), (480, bytes([OFF, 69, 0]))
    assert _one(tmp_path, on, (480, on[1]), off, off)[0] == [(0, 0.5, 69), (0.5, 1, 69)]
    assert _one(tmp_path, on, (480, on[1]), (0, off[1]), off)[0] == [(0, 0.5, 69), (0.5, 1, 69)]  # on before off
    two = _file(_track(*_note(), END), _track(*_note(), END))
    assert _read(tmp_path, two) == ([(0, 0.5, 69)], [])  # in unison


def _told(found: tuple[list[tuple[float, ...]], list[str]], what: str) -> list[tuple[float, ...]]:
    """The notes of a file of which one warning says what was mended."""
    rows, (sentence,) = found
    assert what in sentence and "a.mid" in sentence and "\n" not in sentence
    return rows


def test_a_note_of_no_length_is_heard(tmp_path: Path) -> None:
    assert _told(_one(tmp_path, *_note(ticks=0), *_note(60)), "no length") == [(0, 0.5, 60), (0, 0.01, 69)]


def test_a_last_chord_that_never_ends_is_kept(tmp_path: Path) -> None:
    chord = (0, bytes([ON, 60, 90])), (0, bytes([ON, 64, 90]))
    assert _told(_one(tmp_path, *_note(), *chord), "2 of its notes never end")[1:] == [(0.5, 1.5, 60), (0.5, 1.5, 64)]
    late = _file(_track(*chord, (1920, END[1])))
    assert _told(_read(tmp_path, late), "never end") == [(0, 2, 60), (0, 2, 64)]


def test_values_above_127_and_what_is_no_key_signature(tmp_path: Path) -> None:
    assert _told(_one(tmp_path, _control(7, 255), *_note()), "127") == [(0, 0.5, 69)]
    held = _one(tmp_path, _control(64, 255), *_note(), _control(64, 0, wait=480))
    assert _told(held, "127") == [(0, 1, 69)]
    assert _one(tmp_path, (0, b"\xff\x59\x02\x1f\x05"), *_note()) == ([(0, 0.5, 69)], [])
    assert _told(_one(tmp_path, (0, _tempo(0)), *_note()), "tempo") == [(0, 0.5, 69)]
    assert _one(tmp_path, (0, b"\xf0\x03abc"), (0, b"\xf7\x01a"), *_note()) == ([(0, 0.5, 69)], [])


@pytest.mark.parametrize("off_by", [3, -3])
def test_a_track_length_that_is_wrong(tmp_path: Path, off_by: int) -> None:
    tracks = _track(*_note(), END, off_by=off_by), _track(*_note(60), END, off_by=off_by)
    assert _told(_read(tmp_path, _file(*tracks)), "length of a track") == [(0, 0.5, 60), (0, 0.5, 69)]


def test_tracks_without_an_end_and_chunks_of_others(tmp_path: Path) -> None:
    foreign = b"XFIH" + (3).to_bytes(4) + b"abc"
    data = _file(_track(*_note()), foreign + _track(*_note(60)) + foreign)
    assert _read(tmp_path, data) == ([(0, 0.5, 60), (0, 0.5, 69)], [])


def test_riff_around_it(tmp_path: Path) -> None:
    inside = _file(_track(*_note(), END))
    body = b"RMIDdata" + len(inside).to_bytes(4, "little") + inside
    data = b"RIFF" + len(body).to_bytes(4, "little") + body
    assert _read(tmp_path, data) == ([(0, 0.5, 69)], [])


def test_what_a_cut_or_damaged_file_still_holds_is_read(tmp_path: Path) -> None:
    whole = _file(_track(*_note(), *_note(60), END), _track(*_note(64), END))
    assert _told(_read(tmp_path, whole[:-3]), "cut off") == [(0, 0.5, 64), (0, 0.5, 69), (0.5, 1, 60)]
    assert _told(_read(tmp_path, whole[:-30]), "1 of its 2 tracks are missing")[0] == (0, 0.5, 69)
    broken = _track(*_note(), (0, b"\xf4"), END)
    assert _told(_read(tmp_path, _file(broken, _track(*_note(60), END))), "damaged") == [(0, 0.5, 60), (0, 0.5, 69)]


def test_a_track_that_is_cut_does_not_take_the_next_for_notes(tmp_path: Path) -> None:
    whole = _track(*_note(60), *_note(62))
    assert _told(_read(tmp_path, _file(whole[:-8], _track(*_note(64)))), "a track is cut off")[:2] == [
        (0, 0.5, 60),
        (0, 0.5, 64),
    ]


def test_of_notes_that_overlap_on_one_key_the_first_is_cut(tmp_path: Path) -> None:
    rows = [(0, 1, 60), (0.5, 2, 60), (3, 5, 60), (3, 4, 60), (1, 2, 61)]
    write_midi(tmp_path / "a.mid", Notes.of([(*row, 0.5, 0) for row in rows]))
    back = read_midi(tmp_path / "a.mid")
    found = sorted(zip(back.onset, back.offset, back.pitch, strict=True))
    assert found == [(0, 0.5, 60), (0.5, 2, 60), (1, 2, 61), (3, 5, 60)]


def _damaged(folder: Path) -> list[Path]:
    whole = _file(_track((0, _tempo(500_000)), END), _track(*_note(), END))
    files = {
        "text.mid": b"this is no music" * 20,
        "empty.mid": b"",
        "header.mid": whole[:10],
        "tracks.mid": whole[:14],
        "cut.mid": whole[:30],
        "division.mid": _file(_track(*_note(), END), division=0),
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


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 90), value=st.integers(0, 255), cut=st.integers(1, 90))
def test_no_damage_ends_in_another_error(tmp_path: Path, at: int, value: int, cut: int) -> None:
    data = bytearray(_file(_track(ORGAN, *_note(), *_note(60), END), _track(*_note(64), END)))
    data[min(at, len(data) - 1)] = value
    for given_bytes in (bytes(data), bytes(data[:cut])):
        (tmp_path / "a.mid").write_bytes(given_bytes)
        with contextlib.suppress(RestyleError):
            read_midi(tmp_path / "a.mid")


def _crowd(count: int, *, at_once: bool) -> Notes:
    """Each programme plays a key of its own, twice, one after the other or all at once."""
    step = 0.0 if at_once else 0.5
    rows = [(t + step * i, t + step * i + 0.4, 40 + i, 0.8, i) for i in range(count) for t in (0.0, 20.0)]
    return Notes.of(rows)


def test_more_programmes_than_channels_keep_theirs(tmp_path: Path) -> None:
    for count in (15, 16, 17, 40):
        notes = _crowd(count, at_once=False)
        with collect_warnings() as told:
            write_midi(tmp_path / "a.mid", notes)
            back = read_midi(tmp_path / "a.mid")
        assert told == []
        assert sorted(zip(back.pitch, back.programme, strict=True)) == sorted(
            zip(notes.pitch, notes.programme, strict=True)
        )


def test_where_more_sound_at_once_than_channels_none_is_changed(tmp_path: Path) -> None:
    with collect_warnings() as told:
        write_midi(tmp_path / "a.mid", _crowd(17, at_once=True))
        back = read_midi(tmp_path / "a.mid")
    assert len(told) == 1 and "4 notes get another programme" in told[0]
    wrong = [
        (pitch, programme)
        for pitch, programme in zip(back.pitch, back.programme, strict=True)
        if pitch - 40 != programme
    ]
    assert len(back) == 34 and len(wrong) == 4


def test_bends_stay_with_their_programme_on_channels_given_on(tmp_path: Path) -> None:
    notes, curve = _crowd(20, at_once=False), np.array([[0.0], [1.0]])
    write_midi(tmp_path / "a.mid", notes, {3: curve})
    back = read_midi(tmp_path / "a.mid")
    assert {int(p): float(x) - 40 - p for x, p in zip(back.pitch, back.programme, strict=True)} == {
        p: float(p == 3) for p in range(20)
    }


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
