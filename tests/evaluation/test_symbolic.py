"""Metrics of arrangements: known answers, what they depend on, and plain versions of their definitions."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from restyle.evaluation.symbolic import (
    METRICS,
    accompaniment,
    content_chroma,
    evaluate,
    genre_similarity,
    melody_f1,
    structure,
)
from restyle.evaluation.symbolic_harmony import chord_accuracy, degree_of_arrangement
from restyle.evaluation.symbolic_style import (
    groove_similarity,
    onset_drum_profile,
    onset_duration_profile,
    style_similarity,
    time_pitch_profile,
)
from restyle.notes import DRUMS
from restyle.score import Score

BARS = [0, 48, 96, 144, 192]
TRACKS = (0, 24, 32, DRUMS)  # programmes of a band's tracks


def band(seed, *, count=160, bars=BARS, tracks=TRACKS):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        track = int(rng.integers(len(tracks)))
        start, length = int(rng.integers(bars[-1])), int(rng.integers(1, 60))
        rows.append((start, length, int(rng.integers(30, 90)), 0.8, tracks[track], track))
    return Score.of(rows, bars=bars)


def played(*notes, programme=0, bars=BARS):
    """A score of one track of (start, length, pitch)."""
    return Score.of([(*note, 0.8, programme, 0) for note in notes], bars=bars)


def chorded(pitches, *, bars=BARS, step=48):
    """Each of the groups of pitches for a step of time."""
    rows = [(i * step, step, pitch, 0.8, 0, 0) for i, group in enumerate(pitches) for pitch in group]
    return Score.of(rows, bars=bars)


def sets(*chords):
    table = np.zeros((len(chords), 12), dtype=bool)
    for row, chord in zip(table, chords, strict=True):
        row[list(chord)] = True
    return table


def moved(score, semitones):
    return replace(score, pitch=score.pitch + semitones * (score.programme != DRUMS))


SILENT = Score.of([], bars=BARS)
DRUM = played((0, 6, 36), (12, 6, 38), programme=DRUMS)
NOTE = played((0, 12, 60))
ODD = [SILENT, DRUM, NOTE, band(1), band(2, bars=[0, 12, 48, 84]), band(3, tracks=(0,), count=5)]


# Plain versions


def plain_chroma(score, frames):
    chroma = np.zeros((12, frames))
    for start, end, pitch in zip(score.start, score.end, score.pitch, strict=True):
        for step in range(start, end):
            chroma[pitch % 12, step] += 1
    return chroma


def plain_content(output, content):
    """As the authors' code: windows of 24 frames, by 12, aligned to the left edge of a full convolution."""
    output, content = output.pitched(), content.pitched()
    frames = int(max(output.end.max(initial=0), content.end.max(initial=0)))
    chroma = [plain_chroma(score, frames) for score in (output, content)]
    cosines = []
    for last in range(23 % 12, frames + 23, 12):
        one, other = (c[:, max(0, last - 23) : last + 1].sum(axis=1) for c in chroma)
        norms = np.linalg.norm(one), np.linalg.norm(other)
        if max(norms) > 0:
            cosines.append(one @ other / np.prod(norms) if min(norms) > 0 else 0.0)
    return np.mean(cosines)


def plain_time_pitch(score):
    notes = [(s / 12, p) for s, p in zip(score.pitched().start, score.pitched().pitch, strict=True)]
    pairs = [
        (later[1] - earlier[1], later[0] - earlier[0])
        for earlier, later in itertools.permutations(notes, 2)
        if 0 <= later[0] - earlier[0] < 4 - 1e-9
    ]
    intervals, gaps = np.array(pairs).reshape(-1, 2).T
    edges = [np.arange(-21, 21) + 0.5, np.arange(25) / 6 - 1e-9]
    return np.histogram2d(intervals, gaps, bins=edges)[0]


def plain_onset_duration(score):
    start, length = score.pitched().start, score.pitched().length
    kept = length <= 24
    edges = [np.arange(25) / 6 - 1e-9, np.append(np.arange(12) / 6 - 1e-9, 2.0)]
    return np.histogram2d(start[kept] % 48 / 12, length[kept] / 12, bins=edges)[0]


def plain_groove(output, style):
    def bars(score):
        return [
            ({s - left for s in score.start if left <= s < right}, right - left)
            for left, right in itertools.pairwise(score.bars.tolist())
        ]

    best = []
    for ours, length in bars(output):
        best.append(max(1 - len(ours ^ theirs) / max(length, other) for theirs, other in bars(style)))
    return np.mean(best)


def plain_degree(score):
    """As the authors' code: entropy of each track's bars relative to all, nanmean over bars, nanstd over tracks."""
    score = score.pitched()
    tracks = [
        {(s, p) for s, p, t in zip(score.start, score.pitch, score.track, strict=True) if t == track}
        for track in np.unique(score.track)
    ]
    tracks = [track for track in tracks if len(track) >= 2]
    mixture = set().union(*tracks)

    def histogram(onsets, bar):
        left, right = score.bars[bar : bar + 2]
        counts = np.bincount([p % 12 for s, p in onsets if left <= s < right], minlength=12)
        return counts / counts.sum() if counts.sum() else None

    means = []
    for track in tracks:
        values = []
        for bar in range(score.bar_count):
            p, q = histogram(track, bar), histogram(mixture, bar)
            if p is not None:
                values.append(sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a))
        means.append(np.mean(values))
    return np.std(means)


def plain_structure(score, sections):
    vectors, kinds, bar = [], [], 0
    for kind, count in sections:
        bars = list(range(bar, bar + count))
        bars += bars[-1:] if count % 2 else []
        for pair in zip(bars[::2], bars[1::2], strict=True):
            vector = {}
            for place, one in enumerate(pair):
                for s, p in zip(score.pitched().start, score.pitched().pitch, strict=True):
                    if one * 48 <= s < one * 48 + 48:
                        key = place, (s - one * 48) // 3, p // 12
                        vector[key] = vector.get(key, 0) + 1
            vectors.append(vector)
            kinds.append(kind)
        bar += count

    def cosine(a, b):
        norms = np.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values()))
        return sum(v * b.get(k, 0) for k, v in a.items()) / norms if norms else 0.0

    pairs = list(itertools.permutations(range(len(kinds)), 2))
    every = [cosine(vectors[i], vectors[j]) for i, j in pairs]
    same = [value for value, (i, j) in zip(every, pairs, strict=True) if kinds[i] == kinds[j]]
    return np.mean(same) / np.mean(every)


@pytest.mark.parametrize("seed", range(5))
def test_profiles_agree_with_plain_histograms(seed):
    score = band(seed)
    np.testing.assert_array_equal(time_pitch_profile(score), plain_time_pitch(score))
    np.testing.assert_array_equal(onset_duration_profile(score), plain_onset_duration(score))


@pytest.mark.parametrize("seed", range(5))
def test_metrics_agree_with_their_definitions(seed):
    output, other = band(seed, count=60), band(seed + 100, count=90, bars=[0, 24, 72, 108, 156])
    assert content_chroma(output, other) == pytest.approx(plain_content(output, other))
    assert groove_similarity(output, other) == pytest.approx(plain_groove(output, other))
    assert degree_of_arrangement(output) == pytest.approx(plain_degree(output))
    sections = [("A", 1), ("B", 2), ("A", 1)]
    thick = band(seed, count=400)
    assert structure(thick, sections) == pytest.approx(plain_structure(thick, sections))


# Content


def test_content_counts_silence_at_one_side_as_unlike():
    content, output = chorded([[60], [60]], step=12), chorded([[60]], step=12)
    # windows end at beats 1, 2 and 3: both sound in the first two, the content alone in the last
    assert content_chroma(output, content) == pytest.approx(2 / 3)
    assert content_chroma(content, output) == pytest.approx(2 / 3)
    late = Score.of([(96, 12, 60, 0.8, 0, 0)], bars=BARS)
    assert content_chroma(late, late) == 1  # silence in both is left out


def test_content_follows_transposition_and_not_octave_tempo_or_instrument():
    content = chorded([[60, 64, 67], [65, 69, 72]])
    assert content_chroma(moved(content, 12), content) == 1
    other = replace(content, times=content.times * 2, programme=content.programme + 40, velocity=content.velocity / 2)
    assert content_chroma(other, content) == 1
    assert content_chroma(moved(content, 1), content) < 0.1


# Style


def test_simultaneous_notes_are_a_pair_up_and_one_down():
    profile = time_pitch_profile(played((0, 6, 60), (0, 6, 64), (48, 6, 60)))
    assert profile[20 + 4, 0] == profile[20 - 4, 0] == 1
    assert profile.sum() == 2  # four beats are too far


def test_wide_intervals_and_long_notes_do_not_count():
    score = played((0, 6, 40), (6, 25, 61), (12, 24, 60))
    profile = time_pitch_profile(score)
    assert [profile[20 + 20, 6], profile[20 - 1, 3], profile.sum()] == [1, 1, 2]
    profile = onset_duration_profile(score)
    assert [profile[0, 3], profile[6, 11], profile.sum()] == [1, 1, 2]


def test_positions_are_counted_from_the_bar_line():
    pickup = played((0, 6, 60), (12, 6, 60), (48, 6, 60), bars=[0, 12, 48, 84])  # three beats a bar, one before
    assert onset_duration_profile(pickup)[[12, 0], 3].tolist() == [1, 2]
    drums = played((18, 6, 36), (66, 6, 36), programme=DRUMS)
    assert onset_drum_profile(drums)[9, 36] == 2
    assert onset_duration_profile(drums).sum() == time_pitch_profile(drums).sum() == 0
    five = played((48, 6, 60), bars=[0, 60, 120])
    assert onset_duration_profile(five)[0, 3] == 1


def test_style_does_not_follow_transposition():
    score = band(4)
    assert style_similarity(moved(score, 5), score) == dict.fromkeys(style_similarity(score, score), 1.0)
    assert style_similarity(band(5), score)["style"] < 0.9


def test_style_is_a_mean_over_the_instruments_that_both_have():
    bass, up, down = (0, 6, 36), [(0, 6, 60), (12, 6, 65)], [(0, 6, 60), (12, 6, 55)]
    style = Score.of(
        [(*note, 0.8, programme, 0) for programme in (0, 24) for note in up] + [(*bass, 0.8, 32, 1)], bars=BARS
    )
    rows = [(*note, 0.8, 0, 0) for note in up] + [(*note, 0.8, 24, 1) for note in down] + [(*bass, 0.8, 40, 2)]
    similarity = style_similarity(Score.of(rows, bars=BARS), style)
    assert similarity == {"time_pitch": 0.5, "onset_duration": 1.0, "onset_drum": None, "style": 0.75}


# Groove


def test_groove_takes_the_likest_bar():
    style = played((0, 6, 36), (48, 6, 36), (72, 6, 38), programme=DRUMS, bars=[0, 48, 96])
    off = played((0, 6, 36), (24, 6, 38), (48, 6, 36), (49, 6, 36), programme=DRUMS, bars=[0, 48, 96])
    assert groove_similarity(off, style) == pytest.approx((1 + 47 / 48) / 2)


def test_groove_of_bars_of_other_lengths():
    three, four = played((0, 6, 60), bars=[0, 36]), played((0, 6, 60), (36, 6, 60), bars=[0, 48])
    assert groove_similarity(three, four) == groove_similarity(four, three) == 1 - 1 / 48


# Melody


def test_melody_is_looked_for_in_one_track():
    melody = [(0, 12, 60), (12, 12, 62), (24, 12, 64), (36, 12, 65)]
    rows = [(*note, 0.8, 73, 0) for note in melody[:3]] + [(*note, 0.8, 48, 1) for note in melody[2:]]
    output = Score.of([*rows, (25, 6, 65, 0.8, 73, 0), (0, 48, 36, 0.8, 32, 2)], bars=BARS)
    assert melody_f1(output, played(*melody)) == pytest.approx(2 * 3 / 8)
    assert accompaniment(output, played(*melody)).track.tolist() == [2, 1, 1]
    assert melody_f1(moved(output, 1), played(*melody)) == 0
    assert len(accompaniment(moved(output, 12), played(*melody))) == len(output)


def test_a_note_is_found_once():
    assert melody_f1(played((0, 12, 60), (0, 6, 60)), played((0, 12, 60))) == pytest.approx(2 / 3)


# Harmony

FOUR = [(0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2, 5)]  # C, Am, F, G7


def test_chords_that_are_played_are_recognised():
    score = chorded([[48 + chord[0], *(60 + p for p in chord)] for chord in FOUR])
    chords = np.repeat(sets(*FOUR), 4, axis=0)
    assert chord_accuracy(score, chords) == 1
    assert chord_accuracy(moved(score, 3), np.roll(chords, 3, axis=1)) == 1
    assert chord_accuracy(score, np.roll(chords, 4, axis=0)) == 0
    assert chord_accuracy(moved(score, 1), chords) == 0
    chords[4:6] = sets((0, 4, 7))
    assert chord_accuracy(score, chords) == 14 / 16


@pytest.mark.parametrize("chord", [(0, 4, 7, 10, 1), (0, 1, 2, 3), (0, 7)])
def test_wanted_chords_that_are_in_no_list_are_recognised(chord):
    score = chorded([[48, *(60 + p for p in chord)]] * 4)
    assert chord_accuracy(score, sets(*[chord] * 16)) == 1


def test_a_broken_chord_over_a_walking_bass_under_a_melody_is_one_chord():
    broken = [(12 * i, 12, 60 + p, 0.8, 0, 0) for i, p in enumerate([0, 4, 7, 4, 9, 12, 16, 12])]
    bass = [(12 * i, 12, p, 0.8, 32, 1) for i, p in enumerate([36, 40, 43, 38, 33, 36, 40, 35])]
    pads = [(24 + 48 * i, 18, 60 + p, 0.8, 24, 2) for i, chord in enumerate(FOUR[:2]) for p in chord]
    tune = [(12 * i, 12, 72 + p, 0.8, 73, 3) for i, p in enumerate([7, 5, 4, 2, 0, 2, 4, 5])]
    score = Score.of(broken + bass + pads + tune, bars=[0, 48, 96])
    assert chord_accuracy(score, np.repeat(sets(*FOUR[:2]), 4, axis=0)) == 1


def test_silence_is_no_chord():
    score = chorded([[48, 60, 64, 67]])
    wanted = sets(*[(0, 4, 7)] * 4 + [()] * 8)
    assert chord_accuracy(score, wanted) == 1
    assert chord_accuracy(DRUM, wanted) == 8 / 12
    assert chord_accuracy(score, sets()) is None
    with pytest.raises(ValueError, match="12"):
        chord_accuracy(score, wanted[:4].T)


def test_chords_do_not_depend_on_the_order_of_tracks():
    score, chords = band(6), np.repeat(sets(*FOUR), 4, axis=0)
    assert chord_accuracy(replace(score, track=9 - score.track), chords) == chord_accuracy(score, chords)


def test_tracks_that_play_alike_are_no_arrangement():
    rows = [(s, 12, p, 0.8, 0, track) for track in range(3) for s in (0, 24, 48) for p in (60, 64)]
    assert degree_of_arrangement(Score.of(rows, bars=BARS)) == 0
    rows = [(0, 12, 60, 0.8, 0, 0), (12, 12, 60, 0.8, 0, 0)] + [
        (s, 12, p, 0.8, 0, 1) for s in (0, 12) for p in (64, 67, 70)
    ]
    score = Score.of(rows, bars=BARS)  # ln 4 and ln 4/3
    assert degree_of_arrangement(score) == pytest.approx(np.log(3) / 2)
    assert degree_of_arrangement(moved(score, 7)) == pytest.approx(np.log(3) / 2)


# Structure


def test_structure_of_two_kinds():
    a, b = [(0, 6, 40), (24, 6, 45)], [(6, 6, 80), (30, 6, 85)]
    bars = list(range(0, 481, 48))
    score = played(
        *((s + 48 * i, n, p) for i, kind in enumerate([a, a, b, b, b, a, a, b, b, b]) for s, n, p in kind), bars=bars
    )
    sections = [("a", 2), ("b", 3), ("a", 2), ("b", 3)]  # six pairs: 2 of one kind, 4 of the other
    assert structure(score, sections) == pytest.approx(1 / (14 / 30))
    assert structure(score, [("a", 10)]) == pytest.approx(1)
    assert structure(score, [("a", 2), ("b", 2)]) is None
    assert structure(score, []) is None


# All


def test_equal_scores_are_perfect():
    score = band(7)
    melody = score.select(score.track == 1)
    scores = evaluate(score, content=score, style=score, melody=melody, sections=[("A", 4)])
    chosen = ("content_chroma", "melody_f1")
    assert {name: scores[name] for name in chosen} == dict.fromkeys(chosen, 1.0)
    whole = evaluate(score, style=score)
    assert {whole[name] for name in ("time_pitch", "onset_duration", "onset_drum", "style", "groove")} == {1.0}


def test_the_melody_is_no_accompaniment():
    tune, bass = [(0, 12, 72, 0.8, 0, 0), (12, 12, 74, 0.8, 0, 0)], [(0, 12, 36, 0.8, 0, 1), (24, 12, 43, 0.8, 0, 1)]
    style, output = Score.of(bass, bars=BARS), Score.of(tune + bass, bars=BARS)
    assert evaluate(output, style=style)["style"] < 1
    assert evaluate(output, style=style, melody=Score.of(tune, bars=BARS))["style"] == 1


@pytest.mark.parametrize(("output", "other"), list(itertools.product(ODD, ODD)))
def test_metrics_are_defined_for_odd_scores(output, other):
    chords = sets(*[(0, 4, 7)] * 40)
    scores = evaluate(output, content=other, style=other, melody=other, chords=chords, sections=[("A", 3), ("B", 8)])
    assert {f"symbolic.{name}" for name in scores} == set(METRICS)
    for name, value in scores.items():
        assert value is None or (type(value) is float and np.isfinite(value) and value >= 0), name
        assert value is None or name in ("degree", "structure") or value <= 1 + 1e-12, name


def test_one_sided_silence_is_the_worst_and_two_sided_undefined():
    score = band(8)
    for metric in (content_chroma, groove_similarity):
        assert metric(SILENT, score) == metric(score, SILENT) == 0
        assert metric(SILENT, SILENT) is None
    assert melody_f1(SILENT, score) == 0
    assert melody_f1(score, SILENT) is None
    assert set(style_similarity(SILENT, score).values()) == {None}


def test_genres_are_alike_in_any_key_and_by_any_instrument():
    score = band(4)
    assert genre_similarity(score, score) == pytest.approx(1)
    pianos = replace(score, programme=np.where(score.programme == DRUMS, DRUMS, 0))
    assert genre_similarity(pianos, score) == pytest.approx(1)
    walk = played(*[(12 * k, 12, 40 + 3 * (k % 3)) for k in range(16)], programme=32)
    assert 0 <= genre_similarity(walk, DRUM) < 0.9
    assert genre_similarity(SILENT, SILENT) is None and genre_similarity(SILENT, score) == 0
