"""Bars as events and back, and what may come next."""

import numpy as np
import pytest

from restyle.arrangement import tokens
from restyle.arrangement.harmony import Harmony
from restyle.arrangement.tokens import BAR, DRUM, INSTRUMENT, LENGTHS, ONSET, PITCHED, Grammar
from restyle.score import Score

CHORDS = ("C:maj", "C:maj", "A:min", "A:min", "D:min7", "G:7", "N", "F:maj7")


def band(rng, bars=(0, 48, 96), size=60):
    """Notes at random of four instruments, none twice on a step."""
    rows = {}
    for _ in range(size):
        programme = int(rng.choice([0, 33, 48, 128]))
        start, pitch = int(rng.integers(bars[-1])), int(rng.integers(128))
        length = int(rng.choice([long for long in LENGTHS if long <= bars[-1] - start]))
        rows[start, pitch, programme] = (start, length, pitch, 0.5, programme, [0, 33, 48, 128].index(programme))
    return Score.of(list(rows.values()), bars=list(bars))


def harmony(labels=CHORDS):
    return Harmony.of(labels, 0, "major")


def silent(score):
    return score.select(np.zeros(len(score), bool))


def table_of(score, labels=CHORDS):
    return tokens.beats(score.bars, harmony(labels), silent(score))


@pytest.mark.parametrize("bars", [(0, 48, 96), (0, 36, 72), (0, 12, 60, 108), (0, 42, 84, 126)])
def test_events_are_read_back_as_they_were(bars):
    for seed in range(5):
        score = band(np.random.default_rng(seed), bars)
        table = table_of(score, CHORDS * 2)
        rows = tokens.notes_of(tokens.events_of(score, table), table, score.bars)
        truth = np.stack([score.start, score.length, score.pitch, tokens.families(score)], axis=1)
        assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, truth.tolist()))


def test_the_order_is_by_bar_instrument_onset_and_pitch():
    score = band(np.random.default_rng(3))
    events = tokens.events_of(score, table_of(score))
    assert (np.diff(events[:, 4]) >= 0).all() and (events[:, 0] == BAR).sum() == 2
    for bar in range(2):
        own = events[(events[:, 4] == bar) & (events[:, 0] != BAR)]
        heads = own[(own[:, 0] < ONSET), 0] - INSTRUMENT
        inside = score.bar_of(score.start) == bar
        mean = [score.pitch[inside & (tokens.families(score) == name)].mean() for name in heads[heads > 0]]
        assert heads[0] == 0 and mean == sorted(mean) and len(set(heads)) == len(heads)
        for name in heads:
            notes = own[(own[:, 3] == 1 + name) & (own[:, 0] >= ONSET)]
            keys = [tuple(row) for row in notes[:, :2].tolist()]
            assert keys == sorted(set(keys)) and keys


def test_a_pattern_is_the_same_over_every_root():
    """A riff moved with its chord has the same numbers; drums have the keys that they have."""
    made = []
    for shift, label in ((0, "C:maj"), (5, "F:maj"), (11, "B:maj")):
        rows = [(12 * k, 6, 40 + shift + p, 0.8, 33, 0) for k, p in enumerate((0, 4, 7, 9))]
        score = Score.of([*rows, (0, 1, 36, 0.8, 128, 1)], bars=[0, 48])
        made.append(tokens.events_of(score, table_of(score, [label] * 4)))
    assert (made[0] == made[1]).all() and (made[0] == made[2]).all()
    assert made[0][2, 1] == DRUM + 36 and made[0][4, 1] == PITCHED + 40


def test_of_equal_notes_the_longest_counts_and_what_rings_on_ends_with_the_piece():
    score = Score.of([(0, 6, 60, 0.5, 0, 0), (0, 12, 60, 0.5, 5, 1), (36, 40, 62, 0.5, 0, 0)], bars=[0, 48])
    table = table_of(score, CHORDS[:4])
    rows = tokens.notes_of(tokens.events_of(score, table), table, score.bars)
    assert rows.tolist() == [[0, 12, 60, 1], [36, 12, 62, 1]]


def test_what_the_network_is_told_of_beats():
    tune = Score.of([(0, 18, 64, 0.8, 0, 0), (18, 2, 67, 0.8, 0, 0), (20, 28, 74, 0.8, 0, 0)], bars=[0, 24, 72])
    table = tokens.beats(tune.bars, harmony(("C:maj", "A:min", "D:min7", "D:min7", "G:7", "G:7")), tune)
    assert table[:, tokens.ROOT].tolist() == [0, 9, 2, 2, 7, 7]
    assert table[:, tokens.NEXT].tolist() == [9, 5, 0, 5, 0, 0]
    assert [np.flatnonzero(row).tolist() for row in table[:, tokens.CHORD]] == [
        *([0, 4, 7], [0, 3, 7]),
        *([[0, 3, 7, 10]] * 2),
        *([[0, 4, 7, 10]] * 2),
    ]
    assert [np.flatnonzero(row).tolist() for row in table[:, tokens.TUNE]] == [[4], [5, 7, 10], [0], [0], [], []]
    assert table[:, tokens.STRUCK].tolist() == [1, 2, 0, 0, 0, 0]
    assert table[:, tokens.BEAT].tolist() == [0, 1, 0, 1, 2, 3]
    assert table[:, tokens.BEAT_BAR].tolist() == [0, 0, 1, 1, 1, 1]
    assert table[:, tokens.PHRASE].tolist() == [3, 3, 0, 0, 0, 0]  # the first is a pickup


def test_bars_that_are_too_long_have_their_first_steps():
    score = Score.of([(0, 12, 60, 0.5, 0, 0), (100, 12, 60, 0.5, 0, 0), (120, 12, 65, 0.5, 0, 0)], bars=[0, 120, 168])
    table = table_of(score, CHORDS * 2)
    rows = tokens.notes_of(tokens.events_of(score, table), table, score.bars)
    assert np.bincount(table[:, tokens.BEAT_BAR]).tolist() == [8, 4] and rows[:, 0].tolist() == [0, 120]


def at_random(grammar, rng, end):
    """The events of a bar of which each is chosen at random; the bar ends with a probability where it may."""
    rows = [(BAR, 0, 0, 0, 0)]
    while True:
        mask = grammar.moves()
        assert mask.any()
        if mask[BAR] and (rng.random() < end or mask.sum() == 1):
            return np.array(rows)
        move = int(rng.choice(np.flatnonzero(mask[1:]) + 1))
        pitch = int(rng.choice(np.flatnonzero(grammar.pitches(move)))) if move >= ONSET else 0
        grammar.take(move, pitch)
        rows.append((move, pitch, int(move >= ONSET), grammar.family + 1, 0))


@pytest.mark.parametrize("end", [0.0, 0.05])
@pytest.mark.parametrize("length", [1, 7, 36, 48, 96, 200])
def test_whatever_is_chosen_is_well_formed(end, length):
    rng = np.random.default_rng(length)
    roots = rng.integers(12, size=-(-min(length, 96) // 12)).tolist()
    for _ in range(5):
        events = at_random(Grammar(length, roots, {0, 3, 5, 16}), rng, end)
        bars = np.array([0, length])
        table = np.zeros((len(roots), tokens.WIDTH), np.int64)
        table[:, tokens.ROOT] = roots
        start, long, pitch, family = tokens.notes_of(events, table, bars).T
        assert ((start >= 0) & (start < min(length, 96)) & (pitch >= 0) & (pitch < 128) & (long >= 1)).all()
        assert set(family.tolist()) <= {0, 3, 5, 16} and np.bincount(family).max(initial=0) <= tokens.LIMIT
        heads = events[(events[:, 0] >= INSTRUMENT) & (events[:, 0] < ONSET), 0] - INSTRUMENT
        assert len(set(heads)) == len(heads) and 0 not in heads[1:] and set(heads) == set(family.tolist())
        for name in heads:
            keys = list(zip(start[family == name], pitch[family == name], strict=True))
            assert keys == sorted(set(keys))


def test_every_bar_of_a_score_may_be_written():
    score = band(np.random.default_rng(8), size=150)
    table = table_of(score)
    events = tokens.events_of(score, table)
    for bar in range(2):
        roots = table[table[:, tokens.BEAT_BAR] == bar, tokens.ROOT]
        grammar = Grammar(48, roots, set(tokens.families(score).tolist()))
        for move, pitch, *_ in events[events[:, 4] == bar][1:].tolist():
            assert grammar.moves()[move] and (move < ONSET or grammar.pitches(move)[pitch])
            grammar.take(move, pitch)
        assert grammar.moves()[BAR]


def test_columns_of_an_empty_score():
    score = Score.of([], bars=[0, 48, 96])
    events = tokens.events_of(score, table_of(score))
    assert events[:, 0].tolist() == [BAR, BAR] and len(tokens.notes_of(events, table_of(score), score.bars)) == 0
