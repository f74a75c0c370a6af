"""Scores as MIDI files: there and back, as others write them, and what bars and beats they have."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restyle.errors import RestyleError, collect_warnings
from restyle.io.midi import read_midi
from restyle.io.scores import read_score, write_score
from restyle.notes import DRUMS
from restyle.score import COLUMNS, STEPS, Score

QUARTER = 480  # ticks
EXACT = ("start", "length", "pitch", "programme", "track")


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Tracks of some programmes, bars of any length; on a key of a track, no note begins before the last one ended."""
    bars = np.cumsum([0, *draw(st.lists(st.integers(1, 60), min_size=1, max_size=8))])
    rows = []
    for track, programmes in enumerate(draw(st.lists(st.sampled_from([(0,), (40,), (128,), (0, 19)]), max_size=5))):
        for pitch in draw(st.lists(st.integers(0, 127), min_size=1, max_size=3, unique=True)):
            clock = 0
            for _ in range(draw(st.integers(1, 3))):
                start = clock + draw(st.integers(0, 30))
                clock = start + draw(st.integers(1, 30))
                rows.append(
                    (start, clock - start, pitch, draw(st.floats(0, 1)), programmes[start % len(programmes)], track)
                )
    end = max((row[0] + row[1] for row in rows), default=1)
    bars = np.append(bars[bars < end], end)
    tempi = draw(st.lists(st.floats(0.1, 3.0), min_size=-(-end // STEPS), max_size=-(-end // STEPS)))
    return Score(*np.array(rows, dtype=np.float64).reshape(-1, 6).T, bars, np.cumsum([0.0, *tempi]))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(score=scores())
def test_round_trip(tmp_path: Path, score: Score) -> None:
    write_score(tmp_path / "a.mid", score)
    back = read_score(tmp_path / "a.mid")
    assert all(np.array_equal(getattr(back, name), getattr(score, name)) for name in EXACT)
    assert np.array_equal(back.bars, score.bars)
    assert back.velocity == pytest.approx(score.velocity.clip(1 / 127, 1), abs=0.5 / 127 + 1e-9)
    assert back.times == pytest.approx(score.times, abs=1e-6 * len(score.times))


def test_it_sounds_as_written(tmp_path: Path) -> None:
    score = Score.of(
        [(0, 12, 60, 0.8, 0, 0), (6, 3, 64, 0.8, 0, 1), (18, 1, 38, 0.8, DRUMS, 2)], bars=[0, 48], tempo=90
    )
    write_score(tmp_path / "a.mid", score)
    played, expected = read_midi(tmp_path / "a.mid"), score.notes()
    assert played.programme.tolist() == expected.programme.tolist() and played.pitch.tolist() == [60, 64, 38]
    assert played.onset == pytest.approx(expected.onset) and played.offset == pytest.approx(expected.offset)


def test_tracks_of_one_programme_are_tracks_of_their_own(tmp_path: Path) -> None:
    unison = Score.of([(0, 24, 60, 0.5, 40, 0), (6, 24, 60, 0.5, 40, 1), (6, 6, 62, 0.5, 40, 1)], bars=[0, 36])
    write_score(tmp_path / "a.mid", unison)
    data = (tmp_path / "a.mid").read_bytes()
    assert data.count(b"MTrk") == 3 and data[8:10] == b"\0\1"
    assert {channel & 0xF for channel in data if channel in range(0x90, 0xA0)} == {0}
    assert read_score(tmp_path / "a.mid").length.tolist() == [24, 24, 6]


def test_a_track_may_change_its_programme(tmp_path: Path) -> None:
    score = Score.of([(12 * k, 12, 60, 0.5, (71, 73)[k % 2], 0) for k in range(4)], bars=[0, 48])
    write_score(tmp_path / "a.mid", score)
    back = read_score(tmp_path / "a.mid")
    assert (back.programme.tolist(), back.track.tolist()) == ([71, 73, 71, 73], [0] * 4)


def test_of_notes_that_overlap_on_a_key_the_first_is_cut(tmp_path: Path) -> None:
    rows = [(0, 12, 60), (6, 18, 60), (36, 12, 60), (36, 6, 60), (0, 24, 61)]
    write_score(tmp_path / "a.mid", Score.of([(*row, 0.5, 0, 0) for row in rows], bars=[0, 48]))
    back = read_score(tmp_path / "a.mid")
    found = sorted(zip(back.start.tolist(), back.length.tolist(), back.pitch.tolist(), strict=True))
    assert found == [(0, 6, 60), (0, 24, 61), (6, 18, 60), (36, 12, 60)]


def test_more_programmes_than_channels_are_told(tmp_path: Path) -> None:
    at_once = Score.of([(0, 12, 60 + p, 0.5, p, p) for p in range(17)], bars=[0, 12])
    one_by_one = Score.of([(12 * p, 12, 60 + p, 0.5, p, p) for p in range(17)], bars=[0, 17 * 12])
    for score, displaced in ((at_once, 2), (one_by_one, 0)):
        with collect_warnings() as told:
            write_score(tmp_path / "a.mid", score)
        assert [f"{displaced} notes get another programme" in sentence for sentence in told] == [True] * (displaced > 0)
        back = read_score(tmp_path / "a.mid")
        assert len(back) == 17 and (back.programme != back.track).sum() == displaced


def _signatures(path: Path) -> list[tuple[int, int]]:
    """The time signatures of a file, as beats of a bar and 2 to the power of the beat."""
    parts = path.read_bytes().split(b"\xff\x58\x04")[1:]
    return [(part[0], 2 ** part[1]) for part in parts]


@pytest.mark.parametrize(
    ("length", "signature"),
    [(48, (4, 4)), (36, (3, 4)), (24, (2, 4)), (42, (7, 8)), (18, (3, 8)), (6, (1, 8)), (3, (1, 16)), (15, (5, 16))],
)
def test_bars_are_time_signatures(tmp_path: Path, length: int, signature: tuple[int, int]) -> None:
    write_score(tmp_path / "a.mid", Score.of([(0, 2 * length, 60, 0.5, 0, 0)], bars=[0, length, 2 * length]))
    assert _signatures(tmp_path / "a.mid") == [signature]


def test_a_bar_that_no_signature_tells_is_cut_by_the_next(tmp_path: Path) -> None:
    bars = [0, 4, 52, 100, 107]
    write_score(tmp_path / "a.mid", Score.of([(0, 107, 60, 0.5, 0, 0)], bars=bars))
    assert _signatures(tmp_path / "a.mid") == [(2, 16), (4, 4), (3, 16), (4, 4)]
    assert read_score(tmp_path / "a.mid").bars.tolist() == bars


def _number(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(out[::-1])


def _file(path: Path, *tracks: list[tuple[int, bytes]], division: int = QUARTER) -> Path:
    """A file of tracks of (tick, message)."""
    data = b"MThd" + b"".join([(6).to_bytes(4), *(n.to_bytes(2) for n in (1, len(tracks), division))])
    for track in tracks:
        ticks = [tick for tick, _ in track]
        body = b"".join(
            _number(tick - before) + message for before, (tick, message) in zip([0, *ticks], track, strict=False)
        )
        data += b"MTrk" + (len(body) + 4).to_bytes(4) + body + b"\0\xff\x2f\0"
    path.write_bytes(data)
    return path


def _notes(*rows: tuple[int, int, int], channel: int = 0) -> list[tuple[int, bytes]]:
    """Messages of notes (tick, ticks, key)."""
    on = [(tick, bytes([0x90 | channel, key, 100])) for tick, _, key in rows]
    off = [(tick + ticks, bytes([0x80 | channel, key, 0])) for tick, ticks, key in rows]
    return sorted(on + off)


def _signature(tick: int, beats: int, power: int) -> tuple[int, bytes]:
    return tick, bytes([0xFF, 0x58, 4, beats, power, 24, 8])


def _control(tick: int, number: int, value: int) -> tuple[int, bytes]:
    return tick, bytes([0xB0, number, value])


def test_a_track_is_a_channel_of_a_track_in_the_order_of_the_file(tmp_path: Path) -> None:
    late, early = _notes((960, 480, 50), channel=3), _notes((0, 480, 60), channel=7)
    kit, other = _notes((480, 240, 38), channel=9), _notes((0, 480, 70), channel=3)
    silent: list[tuple[int, bytes]] = [(0, bytes([0xC3, 40]))]
    score = read_score(_file(tmp_path / "a.mid", silent, sorted(late + early), kit, other))
    assert list(zip(score.track.tolist(), score.pitch.tolist(), strict=True)) == [(0, 60), (3, 70), (2, 38), (1, 50)]
    assert score.programme.tolist() == [0, 40, DRUMS, 40]


def test_no_signature_is_four_four_until_the_last_note_ends(tmp_path: Path) -> None:
    for end, bars in ((1920, [0, 48]), (2160, [0, 48]), (2200, [0, 48, 96]), (480, [0, 48])):
        path = _file(tmp_path / "a.mid", [*_notes((0, end, 60)), (9 * 1920, b"\xff\x01\0")])
        assert read_score(path).bars.tolist() == bars


def test_a_note_that_begins_makes_a_bar_however_short(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.mid", _notes((0, 1920, 60), (1920, 40, 62)))
    assert read_score(path).bars.tolist() == [0, 48, 96]


def test_the_metre_changes_and_a_pickup_stays(tmp_path: Path) -> None:
    tempo = [_signature(0, 1, 2), _signature(480, 3, 2), _signature(480 + 2 * 1440, 7, 3), _signature(10**6, 2, 2)]
    path = _file(tmp_path / "a.mid", tempo, _notes((0, 480 + 2 * 1440 + 2000, 60)))
    assert read_score(path).bars.tolist() == [0, 12, 48, 84, 126, 168]
    begun = [_signature(480, 4, 2)]  # no bar is told before it
    assert read_score(_file(tmp_path / "a.mid", begun, _notes((0, 1000, 60)))).bars.tolist() == [0, 12, 60]
    odd = [_signature(0, 5, 5)]  # seven steps and a half
    assert read_score(_file(tmp_path / "a.mid", odd, _notes((0, 1000, 60)))).bars.tolist() == [0, 8, 15, 23, 30]
    wrong = [_signature(0, 0, 2), _signature(0, 4, 200)]
    assert read_score(_file(tmp_path / "a.mid", wrong, _notes((0, 480, 60)))).bars.tolist() == [0, 48]


def test_notes_go_to_the_nearest_step_and_last_one_at_least(tmp_path: Path) -> None:
    rows = [(19, 5, 60), (20, 100, 61), (59, 41, 62), (160, 320, 63), (60, 1, 64)]
    score = read_score(_file(tmp_path / "a.mid", _notes(*rows)))
    found = sorted(zip(score.pitch.tolist(), score.start.tolist(), score.length.tolist(), strict=True))
    assert found == [(60, 0, 1), (61, 1, 2), (62, 1, 2), (63, 4, 8), (64, 2, 1)]


def test_of_notes_that_begin_on_one_step_of_a_key_the_longest_is_kept(tmp_path: Path) -> None:
    score = read_score(_file(tmp_path / "a.mid", _notes((5, 10, 60), (16, 400, 60))))
    assert (score.start.tolist(), score.length.tolist()) == ([0], [10])


def test_the_pedal_holds_notes_and_the_wheel_bends_none(tmp_path: Path) -> None:
    wheel = [(0, bytes([0xE0, 0, 96]))]
    events = sorted([_control(0, 64, 127), _control(1440, 64, 0), *_notes((0, 240, 60))], key=lambda m: m[0])
    score = read_score(_file(tmp_path / "a.mid", wheel + events))
    assert (score.length.tolist(), score.pitch.tolist()) == ([36], [60])


def test_beats_follow_the_tempo(tmp_path: Path) -> None:
    tempi = [(0, b"\xff\x51\x03" + (400_000).to_bytes(3)), (720, b"\xff\x51\x03" + (200_000).to_bytes(3))]
    score = read_score(_file(tmp_path / "a.mid", tempi, _notes((0, 960, 60))))
    assert score.times == pytest.approx([0, 0.4, 0.7, 0.9, 1.1]) and score.length.tolist() == [24]


def test_files_that_count_frames_have_120_beats_a_minute(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.mid", _notes((0, 1000, 60), (1000, 250, 62)), division=(256 - 25) << 8 | 40)
    score = read_score(path)
    assert (score.start.tolist(), score.length.tolist()) == ([0, 24], [24, 6])
    assert score.times == pytest.approx(0.5 * np.arange(5))


def test_what_was_mended_is_told(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.mid", [(0, bytes([0x90, 60, 100])), (480, b"\xff\x01\0")])
    with collect_warnings() as told:
        score = read_score(path)
    assert score.length.tolist() == [24] and len(told) == 1 and "never end" in told[0]


def test_no_notes(tmp_path: Path) -> None:
    write_score(tmp_path / "a.mid", Score.of([], bars=[0, 36]))
    back = read_score(tmp_path / "a.mid")
    assert len(back) == 0 and back.bars.tolist() == [0, 36] and all(len(getattr(back, name)) == 0 for name in COLUMNS)


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RestyleError, match=r"no such MIDI file"):
        read_score(tmp_path / "none.mid")
    (tmp_path / "b.mid").write_bytes(b"no music")
    with pytest.raises(RestyleError, match=r"damaged or no MIDI file"):
        read_score(tmp_path / "b.mid")
    with pytest.raises(RestyleError, match=r"a\.mid lasts 200,\d+ quarter notes"):
        read_score(_file(tmp_path / "a.mid", _notes((200_000, 480, 60)), division=1))
    with pytest.raises(RestyleError, match=r"no such folder"):
        write_score(tmp_path / "none" / "a.mid", Score.of([], bars=[0, 48]))


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 120), value=st.integers(0, 255), cut=st.integers(1, 120))
def test_no_damage_ends_in_another_error(tmp_path: Path, at: int, value: int, cut: int) -> None:
    tempo = [_signature(0, 3, 2), (0, b"\xff\x51\x03" + (400_000).to_bytes(3))]
    path = _file(tmp_path / "a.mid", tempo, _notes((0, 480, 60), (480, 480, 62)), _notes((0, 480, 38), channel=9))
    data = bytearray(path.read_bytes())
    data[min(at, len(data) - 1)] = value
    for given_bytes in (bytes(data), bytes(data[:cut])):
        path.write_bytes(given_bytes)
        with contextlib.suppress(RestyleError):
            read_score(path)
