"""Notes to a score, and what a score's melody, key and sections are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from restyle.analysis.form import Key, key_of, sections_of
from restyle.analysis.melody import melody_of, melody_track
from restyle.analysis.meter import Meter
from restyle.analysis.quantise import quantise
from restyle.io.scores import read_score
from restyle.notes import DRUMS, Notes
from restyle.score import STEPS, Score

SONGS = Path(__file__).parents[3] / "shared" / "data" / "pop909"
real = pytest.mark.skipif(not SONGS.is_dir(), reason="the songs of POP909 are not there")


def _played(starts: list[int], meter: Meter, deviations: np.ndarray, *, length: float = 0.1) -> Notes:
    onset = meter.time(np.array(starts) / STEPS) + deviations
    return Notes.of([(max(0.0, t), max(0.0, t) + length, 60 + k % 12, 0.8, 0) for k, t in enumerate(onset)])


@pytest.mark.parametrize("beat", [[0, 3, 6, 9], [0, 4, 8], [0, 6], [0, 8], [0, 3, 6], [0, 2, 4, 6, 8, 10]])
@pytest.mark.parametrize("tempo", [72, 110, 150])
def test_sixteenths_and_triplets_are_told_apart(beat: list[int], tempo: int) -> None:
    """Of eight beats alike, played unevenly, at a tempo that drifts."""
    starts = [STEPS * k + place for k in range(8) for place in beat]
    meter = Meter(60 / tempo * np.cumsum([0, *np.linspace(0.95, 1.05, 12)]), 4, 0)
    deviations = np.random.default_rng(0).normal(0, 0.01, len(starts)).clip(-0.012, 0.012)
    assert quantise(_played(starts, meter, deviations), meter).start.tolist() == starts


def test_each_beat_has_the_grid_of_its_own() -> None:
    starts = [0, 6, 12, 16, 20, 24, 27, 30, 33, 36, 40, 44, 48]
    meter = Meter(0.6 * np.arange(6), 4, 0)
    deviations = np.array([0, 10, -5, 8, -9, 3, 5, -6, 10, -10, 8, -4, 0]) / 1000
    assert quantise(_played(starts, meter, deviations), meter).start.tolist() == starts


def test_notes_of_a_chord_begin_on_one_step() -> None:
    meter = Meter(0.5 * np.arange(5), 4, 0)
    rolled = [(0.5 + 0.125 + 0.012 * k, 1.0, 60 + 4 * k, 0.8, 0) for k in range(4)]  # over more than a step
    assert quantise(Notes.of(rolled), meter).start.tolist() == [15] * 4


def test_the_nearest_point_of_the_chosen_grid_is_taken() -> None:
    """Against a plain search through all points of sixteenths."""
    rng = np.random.default_rng(1)
    meter = Meter(np.cumsum([0, *rng.uniform(0.5, 0.7, 30)]), 4, 0)
    starts = sorted(rng.choice(np.arange(0, 30 * STEPS, 3), 60, replace=False).tolist())
    notes = _played(starts, meter, rng.uniform(-0.03, 0.03, 60))
    points = meter.time(np.arange(0, 31, 0.25))
    nearest = 3 * np.abs(points - notes.onset[:, None]).argmin(axis=1)
    assert quantise(notes, meter).start.tolist() == nearest.tolist()


def test_bars_begin_with_a_pickup_and_times_are_the_meters() -> None:
    meter = Meter(np.array([0.0, 0.4, 0.9, 1.5, 2.0]), 3, 2)
    score = quantise(Notes.of([(0.0, 0.2, 60, 1, 0), (2.0, 3.1, 60, 1, 0)]), meter)
    assert score.bars.tolist() == [0, 24, 60, 96]
    assert score.times == pytest.approx([0, 0.4, 0.9, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0])
    assert score.length.tolist() == [6, 27]


def test_without_a_beat_there_are_120_a_minute() -> None:
    score = quantise(Notes.of([(1.0, 1.26, 60.4, 0.7, 40), (1.5, 1.5001, 38, 0.5, DRUMS), (1.5, 2, 48, 0.6, 0)]), None)
    assert (score.start.tolist(), score.length.tolist(), score.pitch.tolist()) == (
        [24, 36, 36],
        [6, 12, 1],
        [60, 48, 38],
    )
    assert (score.track.tolist(), score.programme.tolist()) == ([1, 0, 2], [40, 0, DRUMS])
    assert score.bars.tolist() == [0, 48] and score.times == pytest.approx(0.5 * np.arange(5))
    assert len(quantise(Notes.of([]), None)) == 0


def _lead(
    *pitches: int, length: int = 12, programme: int = 73, track: int = 0
) -> list[tuple[int, int, int, float, int, int]]:
    return [(length * k, length, pitch, 0.8, programme, track) for k, pitch in enumerate(pitches)]


TUNE = (67, 69, 71, 72, 74, 72, 71, 69, 67, 64, 65, 67, 69, 67, 65, 64)
CHORDS = [(48 * bar, 48, p, 0.6, 0, 1) for bar in range(4) for p in (52, 55, 60)]
BASS = [(24 * k, 24, 36 + 5 * (k % 2), 0.7, 33, 2) for k in range(8)]
BARS = 48 * np.arange(5)


def test_the_melody_is_the_track_that_looks_like_one() -> None:
    counter = [(48 * bar + 24, 24, p, 0.5, 40, 3) for bar in range(4) for p in (76, 79)]
    high_drums = [(6 * k, 6, 90, 1.0, DRUMS, 4) for k in range(32)]
    found = melody_of(Score.of(_lead(*TUNE) + CHORDS + BASS + counter + high_drums, bars=BARS))
    assert found.pitch.tolist() == list(TUNE) and set(found.track.tolist()) == {0}


def test_neither_a_bass_nor_a_bell_is_the_melody() -> None:
    bell = [(0, 6, 96, 0.8, 14, 3), (768, 6, 96, 0.8, 14, 3)]
    chords = [(48 * bar, 48, p, 0.6, 0, 1) for bar in range(17) for p in (64, 67, 72 + bar % 3)]
    bass = [(24 * k, 24, 36 + 5 * (k % 2), 0.7, 33, 2) for k in range(34)]
    score = Score.of(chords + bass + bell, bars=48 * np.arange(18))
    assert melody_track(score) is None
    assert (melody_of(score).track == 1).mean() > 0.8 and 2 not in melody_of(score).track
    assert (
        melody_track(Score.of(_lead(*TUNE, track=7) + chords + bass, bars=48 * np.arange(18))) is None
    )  # 4 bars of 17
    assert melody_track(Score.of(_lead(*TUNE * 4, track=7) + chords + bass, bars=48 * np.arange(18))) == 7


def test_a_figure_that_repeats_above_the_tune_is_not_the_melody() -> None:
    """Louder and nearer in pitch than the tune is, bar by bar the same."""
    figure = [(48 * bar + 6 * k, 6, 79 + (0, 2, 4, 2)[k % 4], 0.95, 24, 3) for bar in range(8) for k in (0, 1, 2, 3, 5)]
    score = Score.of(_lead(*TUNE, *TUNE[::-1]) + figure + CHORDS + BASS, bars=48 * np.arange(9))
    assert melody_track(score) == 0


def test_a_riff_looks_most_like_a_melody_but_not_for_sure() -> None:
    riff = [(48 * bar + at, 6, 67 + up, 0.7, 27, 0) for bar in range(8) for at, up in ((0, 0), (18, 7), (30, 0))]
    band = [(48 * bar, 48, pitch, 0.7, 0, 1) for bar in range(8) for pitch in (48, 52, 55)]
    score = Score.of(riff + band, bars=48 * np.arange(9))
    assert melody_track(score) == 0 and melody_track(score, sure=True) is None
    song = Score.of(_lead(*TUNE) + CHORDS + BASS, bars=BARS)
    assert melody_track(song, sure=True) == melody_track(song) == 0


def test_in_one_track_the_melody_is_a_line_on_top() -> None:
    both = [(start, length, pitch, velocity, 0, 0) for start, length, pitch, velocity, *_ in _lead(*TUNE) + CHORDS]
    assert melody_of(Score.of(both, bars=BARS)).pitch.tolist() == list(TUNE)


def test_the_line_leaves_out_a_high_note_far_away_and_does_not_leap_into_the_bass() -> None:
    rows = [(12 * k, 12, p, 0.8, 0, 0) for k, p in enumerate(TUNE) if k not in (6, 7)]
    low = [(72 + 3 * k, 3, p, 0.5, 0, 0) for k, p in enumerate((36, 43, 48, 36, 43, 48, 36, 43))]
    spark = [(54, 2, 103, 0.3, 0, 0)]
    chords = [(48 * bar, 48, p, 0.5, 0, 0) for bar in range(4) for p in (45, 48)]
    found = melody_of(Score.of(rows + low + spark + chords, bars=BARS))
    assert found.pitch.tolist() == [p for k, p in enumerate(TUNE) if k not in (6, 7)]


def _random(seed: int, *, tracks: int) -> Score:
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, 380, 150), rng.integers(1, 60, 150), rng.integers(30, 100, 150), rng.uniform(0, 1, 150)
    track = rng.integers(0, tracks, 150)
    return Score(*columns, np.where(track == 3, DRUMS, track), track, 48 * np.arange(9), 0.5 * np.arange(33))


@pytest.mark.parametrize("tracks", [1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_the_melody_is_of_the_score_and_one_note_at_a_time(seed: int, tracks: int) -> None:
    score = _random(seed, tracks=tracks)
    found = melody_of(score)
    rows = {(s, p, t) for s, p, t in zip(score.start, score.pitch, score.track, strict=True)}
    assert len(found) and {(s, p, t) for s, p, t in zip(found.start, found.pitch, found.track, strict=True)} <= rows
    assert (found.end[:-1] <= found.start[1:]).all() and DRUMS not in found.programme


def test_nothing_has_no_melody() -> None:
    assert len(melody_of(Score.of([], bars=[0, 48]))) == 0
    assert len(melody_of(Score.of([(0, 12, 38, 1, DRUMS, 0)], bars=[0, 48]))) == 0


def _agreement(found: Score, truth: Score) -> float:
    """F1 of notes that begin on a step."""
    ours, theirs = (set(zip(s.start.tolist(), s.pitch.tolist(), strict=True)) for s in (found, truth))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


@real
def test_melodies_of_real_songs() -> None:
    songs = [read_score(path) for path in sorted(SONGS.glob("*.mid"))[1:240:24]]
    truths = [song.select(song.track == 0) for song in songs]
    one = [replace(song, track=np.zeros_like(song.track)) for song in songs]
    assert np.mean([_agreement(melody_of(song), truth) for song, truth in zip(songs, truths, strict=True)]) > 0.85
    assert np.mean([_agreement(melody_of(song), truth) for song, truth in zip(one, truths, strict=True)]) > 0.55


MAJOR = (0, 4, 7, 0, 5, 9, 0, 7, 11, 2, 7, 0, 4, 2, 0, 0)
MINOR = (0, 3, 7, 0, 5, 8, 0, 7, 11, 2, 7, 0, 3, 2, 0, 0)


@pytest.mark.parametrize("tonic", range(12))
def test_keys(tonic: int) -> None:
    for degrees, mode in ((MAJOR, "major"), (MINOR, "minor")):
        assert key_of(Score.of(_lead(*(48 + tonic + d for d in degrees)), bars=BARS)) == Key(tonic, mode)


def test_drums_and_silence_have_no_key_of_their_own() -> None:
    kit = [(k, 1, 37, 1.0, DRUMS, 1) for k in range(192)]
    assert str(key_of(Score.of(_lead(*(48 + d for d in MINOR)) + kit, bars=BARS))) == "C minor"
    assert key_of(Score.of(kit, bars=BARS)) == Key(0, "major")


def _song(*parts: tuple[int, tuple[int, ...], int], first: int = 0) -> Score:
    """Parts of (bars, chord, notes a bar), after a pickup of so many steps."""
    rows, bars = [(0, first, 55, 0.8, 0, 0)] * (first > 0), [0, first][: 1 + (first > 0)]
    for count, chord, times in parts:
        for _ in range(count):
            length = 48 // times
            rows += [(bars[-1] + length * k, length, p, 0.8, 0, 0) for k in range(times) for p in chord]
            bars.append(bars[-1] + 48)
    return Score.of(rows, bars=bars)


VERSE, CHORUS, BRIDGE = (60, 64, 67), (62, 65, 69), (61, 66, 70)


def test_sections_begin_where_harmony_or_rhythm_change() -> None:
    song = _song((8, VERSE, 2), (8, CHORUS, 2), (4, BRIDGE, 1), (8, VERSE, 2), (8, VERSE, 8))
    assert sections_of(song).tolist() == [0, 8, 16, 20, 28]


def test_unusual_lengths_are_found_where_the_change_is_plain() -> None:
    assert sections_of(_song((5, VERSE, 2), (8, CHORUS, 8))).tolist() == [0, 5]
    assert sections_of(_song((4, VERSE, 2), (10, CHORUS, 8), (8, VERSE, 4))).tolist() == [0, 4, 14]


def test_a_pickup_belongs_to_the_first_section() -> None:
    assert sections_of(_song((8, VERSE, 2), (8, CHORUS, 4), first=12)).tolist() == [0, 9]


def test_what_does_not_change_is_in_phrases_of_eight() -> None:
    assert sections_of(_song((24, VERSE, 2))).tolist() == [0, 8, 16]
    assert sections_of(Score.of([], bars=[0, 48])).tolist() == [0]
