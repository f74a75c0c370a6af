"""Pairs of stretches, checked on MIDI files made here; nothing is played."""

from itertools import combinations, islice

import numpy as np
import pretty_midi
import pytest

from restyle.data.pairing import KINDS, PITCHED, pairs, playing_range, sounding
from restyle.io.midi import write_midi
from restyle.notes import DRUMS, Notes

SECONDS = 4.0


def part(programme, low, voices=1, seconds=20.0, step=0.25, length=0.22):
    """A scale of chords."""
    return [
        (t, t + length, low + (2 * i) % 12 + 4 * voice, 0.7, programme)
        for i, t in enumerate(np.arange(0, seconds, step))
        for voice in range(voices)
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Four files with parts of every kind, drums and an effect, in two folders."""
    folder = tmp_path_factory.mktemp("midi")
    paths = []
    for i in range(4):
        (folder / "ab"[i % 2]).mkdir(exist_ok=True)
        paths.append(folder / "ab"[i % 2] / f"{i}.mid")
        high, low, chords = (40, 32, (0, 16)) if i % 2 else (73, 24, (48, 4))
        rows = part(high, 65) + part(low, 40) + part(chords[0], 45, 3) + part(chords[1], 64, 2)
        write_midi(paths[-1], Notes.of(rows + part(DRUMS, 36) + part(122, 60) + part(47, 40)))
    return paths


@pytest.fixture(scope="module")
def found(files):
    return list(pairs(files, SECONDS, seed=0, programmes=range(128)))


def test_pairs_are_fair(found):
    assert len(found) >= 8
    for content, style in found:
        assert content.kind == style.kind
        assert content.programme // 8 != style.programme // 8
        assert content.file != style.file
        low, high = style.range
        assert low <= content.notes.pitch.min() and content.notes.pitch.max() <= high
        assert {content.programme, style.programme} <= PITCHED


def test_stretches_have_enough_to_hear(found):
    for stretch in (s for pair in found for s in pair):
        notes = stretch.notes
        assert len(notes) >= 8 and sounding(notes) >= SECONDS / 2
        assert notes.onset.min() >= 0 and notes.offset.max() <= SECONDS
        assert set(notes.programme.tolist()) == {stretch.programme}


def test_no_stretch_comes_twice(found):
    for a, b in combinations([s for pair in found for s in pair], 2):
        apart = abs(a.start - b.start) >= SECONDS / 2
        assert (a.file, a.programme) != (b.file, b.programme) or apart


def test_all_kinds_come_equally_often(found):
    first = [content.kind for content, _ in found[:4]]
    assert sorted(first) == KINDS


def key(pair):
    return [(s.file.name, s.programme, s.start) for s in pair]


def test_a_seed_gives_the_same_pairs_and_another_does_not(files, found):
    again, other = (
        [key(p) for p in islice(pairs(files, SECONDS, seed=seed, programmes=range(128)), 8)] for seed in (0, 1)
    )
    assert again == [key(p) for p in found[:8]] != other


def test_only_what_the_soundfont_has_is_used(files):
    some = {0, 48, 122}
    made = list(pairs(files, SECONDS, seed=0, programmes=some))
    assert made and {s.programme for pair in made for s in pair} <= some


def test_one_file_is_paired_with_itself(tmp_path):
    write_midi(tmp_path / "duo.mid", Notes.of(part(0, 60) + part(73, 62)))
    made = list(pairs([tmp_path / "duo.mid"], SECONDS, seed=0, programmes=range(128)))
    assert made and all({c.programme, s.programme} == {0, 73} for c, s in made)


@pytest.mark.parametrize(
    "rows",
    [
        part(0, 60, seconds=1.5) + part(73, 60),  # too few notes
        part(0, 60, length=0.1) + part(73, 60),  # silent for most of the time
        part(0, 60) + part(5, 62),  # one family
        part(0, 60) + part(73, 60, voices=2),  # another kind
        part(0, 60) + part(124, 62) + part(DRUMS, 60),  # no pitch
        part(57, 62) + part(72, 90),  # each plays where the other cannot
        part(0, 60, seconds=3.0, step=0.01, length=0.009) + part(73, 60),  # a rattle
    ],
    ids=["few", "silent", "family", "kind", "unpitched", "range", "rattle"],
)
def test_what_makes_no_fair_test_is_left_out(tmp_path, rows):
    write_midi(tmp_path / "a.mid", Notes.of(rows))
    assert list(pairs([tmp_path / "a.mid"], SECONDS, seed=0, programmes=range(128))) == []


def test_damaged_files_are_named_once(files, tmp_path, caplog):
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    made = list(pairs([*files, tmp_path / "broken.mid"], SECONDS, seed=0, programmes=range(128)))
    assert made
    assert [r.getMessage().count("broken.mid") for r in caplog.records] == [1]


def test_a_pitch_struck_again_ends_the_note_before(tmp_path):
    """Two tracks of one programme that share a pitch: what is heard is one string of notes."""
    midi = pretty_midi.PrettyMIDI()
    for shift in (0.0, 0.4):
        track = pretty_midi.Instrument(0)
        track.notes = [pretty_midi.Note(90, 60, t + shift, t + shift + 0.7) for t in np.arange(0, 12, 0.8)]
        midi.instruments.append(track)
    midi.write(str(tmp_path / "twice.mid"))
    write_midi(tmp_path / "other.mid", Notes.of(part(73, 60)))
    files = [tmp_path / "twice.mid", tmp_path / "other.mid"]
    pair = next(pairs(files, SECONDS, seed=0, programmes=range(128)))
    notes = next(s.notes for s in pair if s.programme == 0)
    assert len(notes) >= 9 and np.all(notes.offset[:-1] <= notes.onset[1:] + 1e-6)
    assert (notes.offset - notes.onset)[1:-1] == pytest.approx(0.4, abs=3e-3)


def test_sounding_agrees_with_counting():
    rng = np.random.default_rng(0)
    for _ in range(20):
        onset = rng.integers(0, 100, 12)
        notes = Notes.of(
            [(a / 10, (a + d) / 10, 60, 0.8, 0) for a, d in zip(onset, rng.integers(1, 20, 12), strict=True)]
        )
        grid = np.zeros(200, bool)
        for a, b in zip(notes.onset, notes.offset, strict=True):
            grid[round(a * 10) : round(b * 10)] = True
        assert sounding(notes) == pytest.approx(grid.sum() / 10)
    assert sounding(Notes.of([])) == 0


def test_every_pitched_programme_has_a_range_wide_enough():
    for programme in PITCHED:
        low, high = playing_range(programme)
        assert 21 <= low <= high - 24 and high <= 108
    assert playing_range(40)[0] == 55 and playing_range(73)[0] == 60 and playing_range(33)[1] < playing_range(27)[1]
