"""Arrangement by retrieval: what is kept, what is written anew, and what cannot be arranged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from restyle.arrangement import arrange, part_of
from restyle.arrangement.harmony import Harmony, moved
from restyle.arrangement.retrieval import CHANGE, QUALITY, _unlike, choose, laid
from restyle.errors import RestyleError
from restyle.evaluation.symbolic import content_chroma, melody_f1
from restyle.notes import DRUMS
from restyle.score import Score

BAR = 48
TRIADS = {"C": (60, 64, 67), "F": (60, 65, 69), "G": (59, 62, 67), "Am": (60, 64, 69)}
ROOTS = {"C": 36, "F": 41, "G": 43, "Am": 45}


def band(chords, *, bar=BAR, hats=4, lead=False):
    """A band that plays a chord a bar: drums, bass on each beat, chords on two and four; perhaps a tune."""
    rows = []
    for i, name in enumerate(chords):
        start = i * bar
        rows += [(start + bar * k // hats, 3, 42, 0.6, DRUMS, 0) for k in range(hats)]
        rows += [(start + 12 * k, 12, ROOTS[name], 0.8, 33, 1) for k in range(bar // 12)]
        rows += [(start + 12 * k, 6, p, 0.6, 4, 2) for k in range(1, bar // 12, 2) for p in TRIADS[name]]
        if lead:
            rows += [(start + 12 * k, 12, 72 + (k * 5 + i) % 8, 0.9, 73, 3) for k in range(bar // 12)]
    return Score.of(rows, bars=bar * np.arange(len(chords) + 1))


def tune(chords, *, bar=BAR):
    """A tune over block chords on another piano."""
    rows = []
    for i, name in enumerate(chords):
        rows += [(i * bar, bar, p, 0.5, 0, 0) for p in (ROOTS[name], *TRIADS[name])]
        rows += [(i * bar + 12 * k, 12, TRIADS[name][k % 3] + 12, 0.9, 73, 1) for k in range(bar // 12)]
    return Score.of(rows, bars=bar * np.arange(len(chords) + 1), tempo=100)


def test_a_note_stays_what_it_is_in_its_chord():
    names = ("C:maj", "A:min", "G:7", "F:maj7", "D:sus4", "B:dim")
    chords = Harmony.of(names, 0, "major")
    for b, (root, third, fifth) in enumerate([(0, 4, 7), (9, 0, 4), (7, 11, 2), (5, 9, 0), (2, 7, 9), (11, 2, 5)]):
        found = [moved(pitch, chords, 0, chords, b) for pitch in (60, 64, 67)]
        assert [pitch % 12 for pitch in found] == [root, third, fifth]
        assert all(abs(pitch - old) <= 7 for pitch, old in zip(found, (60, 64, 67), strict=True))
    assert moved(71, chords, 2, chords, 1) % 12 == 0  # the third of G, then of A minor
    assert moved(65, chords, 2, chords, 3) % 12 == 4  # sevenths
    assert moved(65, chords, 2, chords, 0) % 12 == 0  # a triad has none: its root


def test_a_passing_note_goes_to_the_scale_and_a_chromatic_one_stays_chromatic():
    chords = Harmony.of(["C:maj", "E:min"], 0, "major")
    assert moved(62, chords, 0, chords, 1) == 65  # F natural above E, not F sharp
    assert moved(61, chords, 0, chords, 1) == 65
    flat = Harmony.of(["C:maj", "C:maj"], 0, "minor")
    assert moved(61, flat, 0, flat, 1) == 61


def test_a_chord_takes_no_tension_along_and_a_line_its_passing_notes():
    style = Score.of(
        [(0, 12, p, 0.6, 0, 0) for p in (60, 64, 67, 69)] + [(k, 12, 36 + k // 6, 0.8, 32, 1) for k in (0, 12, 24)],
        bars=[0, BAR],
    )
    own, other = Harmony.of(["C:maj"] * 4, 0, "major"), Harmony.of(["F:maj"] * 4, 0, "major")
    made = laid(style, other, style, own, [0])
    assert sorted(made.pitch[made.track == 0] % 12) == [0, 0, 5, 9]  # the sixth is a fifth now, too
    assert (made.pitch[made.track == 1] % 12).tolist() == [5, 7, 9]


def test_bars_whose_chords_change_alike_are_chosen():
    """Against a plain count of what differs."""
    rng = np.random.default_rng(2)
    names = ("C:maj", "C:maj", "A:min", "F:maj", "B:hdim7")
    one, other = (Harmony.of([names[k] for k in rng.integers(0, 5, 4 * n)], 0, "major") for n in (5, 7))
    content, style = (band(["C"] * n) for n in (5, 7))

    def kind(harmony, beat):
        classes = harmony.classes[beat]
        return 3 in classes and 4 not in classes, 7 not in classes

    def unlike(i, j):
        here, there = range(4 * i, 4 * i + 4), range(4 * j, 4 * j + 4)
        changed = [[h.roots[b] != h.roots[b - 1] for b in bar[1:]] for h, bar in ((one, here), (other, there))]
        kinds = [kind(one, a) != kind(other, b) for a, b in zip(here, there, strict=True)]
        return CHANGE * np.sum(np.not_equal(*changed)) + QUALITY * np.mean(kinds)

    found = _unlike(one, content.bars[:-1], other, style.bars[:-1], np.diff(content.bars))
    assert np.allclose(found, [[unlike(i, j) for j in range(7)] for i in range(5)]) and np.ptp(found) > 1


def test_the_style_arranged_over_its_own_chords_is_itself():
    style = band(["C", "Am", "F", "G"])
    harmony = Harmony.of(
        [f"{c[0]}:{'min' if 'm' in c else 'maj'}" for c in ("C", "Am", "F", "G") for _ in range(4)], 0, "major"
    )
    chosen = choose(harmony, style, harmony, style)
    made = laid(style, harmony, style, harmony, chosen)
    assert chosen.tolist() == [0, 1, 2, 3]
    for name in ("start", "length", "pitch", "programme", "track"):
        assert np.array_equal(getattr(made, name), getattr(style, name))


def test_the_tune_is_kept_and_the_accompaniment_is_the_styles_on_the_tunes_chords():
    content, style = tune(["F", "G", "C", "Am"] * 2), band(["C", "C", "G", "C"])
    made = arrange(content, style)
    melody = content.select(content.track == 1)
    assert melody_f1(made.score, melody) == 1.0
    assert np.array_equal(made.score.bars, content.bars) and np.array_equal(made.score.times, content.times)
    bass = made.score.select(made.score.programme == 33)
    assert [bass.pitch[bass.start == BAR * i][0] % 12 for i in range(8)] == [5, 7, 0, 9] * 2
    drums = made.score.select(made.score.programme == DRUMS)
    assert np.array_equal(np.unique(drums.start % BAR), [0, 12, 24, 36]) and set(drums.pitch) == {42}
    assert content_chroma(made.score, content) > 0.8
    assert set(made.score.programme[np.isin(made.score.track, made.kept)]) == {73}
    assert not (made.score.programme == 0).any()


def test_what_is_to_be_kept_replaces_the_styles():
    content, style = band(["F", "G"], hats=2, lead=True), band(["C", "G"], hats=8)
    made = arrange(content, style, keep=("melody", "drums")).score
    assert (made.programme == DRUMS).sum() == 4
    assert {33, 4, 73} <= set(made.programme)
    with pytest.raises(RestyleError, match="no part that is not kept"):
        arrange(content, style.select(style.programme == DRUMS), keep=("melody", "drums"))


def test_the_tune_of_the_style_is_left_out():
    made = arrange(tune(["C", "F"]), band(["C", "G"], lead=True)).score
    assert (made.programme == 73).sum() == 8  # the content's alone


def test_a_pickup_is_not_accompanied_and_a_bar_of_another_length_is_filled():
    pickup = Score.of(
        [(0, 12, 67, 0.9, 73, 0), *((12 + 12 * k, 12, 72, 0.9, 73, 0) for k in range(8))], bars=[0, 12, 60, 108]
    )
    made = arrange(pickup, band(["C", "C"]))
    assert made.chosen[0] == -1
    accompaniment = made.score.select(~np.isin(made.score.track, made.kept))
    assert accompaniment.start.min() >= 12
    for bar in (36, 60):
        waltz = arrange(tune(["C", "G", "C"], bar=bar), band(["C", "G", "F"])).score
        drums = waltz.select(waltz.programme == DRUMS)
        assert (waltz.end <= 3 * bar).all()
        assert set(range(0, 3 * bar, bar)) <= set(drums.start.tolist())


def pads(rows, bars=4):
    return Score.of([(*note, 0.8, 89, 0) for note in rows], bars=BAR * np.arange(bars + 1))


def test_what_rings_past_a_bar_line_ends_with_its_chord():
    """A pad of two bars: over one chord it rings on, also where the style's next bar does not follow."""
    style, own = pads([(0, 2 * BAR, 60)], bars=2), Harmony.of(["C:maj"] * 8, 0, "major")
    content = pads([(0, 12, 72)])
    for names, length in ((["C:maj"] * 16, 2 * BAR), (["C:maj"] * 4 + ["D:maj"] * 12, BAR)):
        made = laid(content, Harmony.of(names, 0, "major"), style, own, [0, -1, -1, -1])
        assert (made.start.tolist(), made.length.tolist()) == ([0], [length])
    assert laid(content, Harmony.of(["C:maj"] * 16, 0, "major"), style, own, [-1, -1, -1, 0]).end.tolist() == [4 * BAR]


def test_a_key_that_is_struck_again_ends():
    style, own = pads([(0, 2 * BAR, 60), (12, BAR, 64)], bars=2), Harmony.of(["C:maj"] * 8, 0, "major")
    made = laid(pads([(0, 12, 72)]), Harmony.of(["C:maj"] * 16, 0, "major"), style, own, [0, 0, -1, -1])
    assert made.start.tolist() == [0, 12, BAR, BAR + 12] and made.length.tolist() == [BAR, BAR, 2 * BAR, BAR]


def test_voices_of_a_strummed_chord_that_meet_are_struck_once():
    """A seventh strummed over a triad: its two upper notes become one, which lasts."""
    style = pads([(0, 24, 60), (0, 24, 64), (1, 23, 67), (2, 22, 70)], bars=1)
    own, triad = (Harmony.of([name] * 4, 0, "major") for name in ("C:7", "C:maj"))
    made = laid(pads([(0, 12, 72)], bars=1), triad, style, own, [0])
    assert len(set(made.pitch.tolist())) == len(made) and made.length.min() >= 22
    drums = Score.of([(0, 3, 38, 0.8, DRUMS, 0), (1, 3, 38, 0.8, DRUMS, 0)], bars=[0, BAR])
    assert len(laid(pads([(0, 12, 72)], bars=1), triad, drums, own, [0])) == 2  # a flam


@pytest.mark.parametrize(
    ("to", "expected"), [("F:maj", [60, 65, 69]), ("G:maj", [59, 62, 67]), ("A:min", [60, 64, 69])]
)
def test_voices_of_a_chord_move_as_little_as_they_can(to, expected):
    own, new = (Harmony.of([name] * 4, 0, "major") for name in ("C:maj", to))
    made = laid(pads([(0, 12, 72)], bars=1), new, pads([(0, 48, p) for p in (60, 64, 67)], bars=1), own, [0])
    assert sorted(made.pitch.tolist()) == expected
    piano = pads([(0, 48, p) for p in (36, 60, 64, 67)], bars=1)
    made = laid(pads([(0, 12, 72)], bars=1), new, piano, own, [0])
    assert made.pitch.min() % 12 == new.roots[0]  # the bass stays the root


def test_a_part_stays_in_the_range_that_it_has_in_the_style():
    style = band(["C", "F", "G", "Am"] * 2)
    bass = style.pitch[style.programme == 33]
    for chord in ("D:maj", "E:min", "B:dim", "F#:maj", "Bb:maj"):
        made = laid(pads([(0, 12, 72)], bars=8), Harmony.of([chord] * 32, 0, "major"), style,
                    Harmony.of([n for n in ("C:maj", "F:maj", "G:maj", "A:min") * 2 for _ in range(4)], 0, "major"),
                    list(range(8)))  # fmt: skip
        low = made.pitch[made.programme == 33]
        assert low.min() >= bass.min() - 2 and low.max() <= bass.max() + 2


def test_what_begins_in_a_bar_has_the_end_of_it():
    style = band(["C"] * 3)
    content = Score.of([(12 * k, 12, 72, 0.9, 73, 0) for k in range(11)], bars=[0, 36, 84, 132])
    made = arrange(content, style)
    begun = made.of(made.kept, others=True)
    whole = style.between(0, 1)
    first = begun.select(begun.start < 36)
    assert made.chosen[0] >= 0
    assert first.start.tolist() == [at - 12 for at in whole.start.tolist() if at >= 12]


def test_bars_of_as_many_notes_are_as_dense():
    style = band(["C"] * 4)
    own = Harmony.of(["C:maj"] * 16, 0, "major")
    assert choose(own, style, own, style, density=1.0).tolist() == choose(own, style, own, style).tolist()


def test_density_and_seed_choose_other_bars_and_the_same_seed_the_same():
    sparse, dense = band(["C"] * 4, hats=2), band(["C"] * 4, hats=16)
    rows = [
        tuple(
            getattr(s, n)[k] + (at if n == "start" else 0)
            for n in ("start", "length", "pitch", "velocity", "programme", "track")
        )
        for s, at in ((sparse, 0), (dense, 4 * BAR))
        for k in range(len(s))
    ]
    style, content = Score.of(rows, bars=BAR * np.arange(9)), tune(["C"] * 4)
    few, many = (len(arrange(content, style, density=density).score) for density in (0.0, 1.0))
    assert many > 1.5 * few
    takes = {arrange(content, style, seed=seed).chosen for seed in range(6)}
    assert len(takes) > 1
    assert arrange(content, style, seed=3).chosen == arrange(content, style, seed=3).chosen


def test_a_chord_a_bar_leaves_no_bar_without_accompaniment():
    """A style in bars of two of the content's, each of which changes its chord."""
    style = band(["C", "F", "G", "C"])
    style = replace(style, bars=style.bars[::2])
    made = arrange(tune(["C", "F", "G", "C", "F", "G", "Am", "F"]), style)
    assert made.chosen[0] >= 0 and made.of(made.kept, others=True).start.min() == 0


def test_what_cannot_be_arranged_is_said():
    with pytest.raises(RestyleError, match="the seed must be"):
        arrange(tune(["C"]), band(["C"]), seed=-1)
    drums = Score.of([(0, 3, 36, 0.8, DRUMS, 0)], bars=[0, 48])
    with pytest.raises(RestyleError, match="no pitched notes"):
        arrange(drums, band(["C"]))
    with pytest.raises(RestyleError, match="density"):
        arrange(tune(["C"]), band(["C"]), density=2)
    with pytest.raises(RestyleError, match="flute"):
        arrange(tune(["C"]), band(["C"]), keep=("flute",))


def test_one_note_and_many_tracks_are_arranged():
    single = Score.of([(0, 12, 72, 0.8, 0, 0)], bars=[0, 48])
    assert len(arrange(single, band(["C"])).score) > 1
    many = Score.of([(k % 48, 6, 40 + k % 50, 0.5, k % 120, k) for k in range(200)], bars=[0, 48])
    made = arrange(tune(["C", "G"]), many).score
    assert len(np.unique(made.track)) > 150
    assert len(arrange(many, band(["C"])).score)


@pytest.mark.parametrize(
    "programme, pitch, part", [(33, 60, "bass"), (0, 40, "bass"), (0, 60, "chords"), (DRUMS, 36, "drums")]
)
def test_parts_are_told_by_programme_and_register(programme, pitch, part):
    assert part_of(Score.of([(0, 12, pitch, 0.8, programme, 5)], bars=[0, 48]), 5) == part


def test_bars_that_are_half_as_long_as_the_styles_are_taken_together():
    content = tune(["C", "C", "F", "F", "G", "G"], bar=24)
    made = arrange(content, band(["C", "G"], hats=8))
    assert np.array_equal(made.score.bars, content.bars)
    assert made.chosen[::2] == made.chosen[1::2]
    drums = made.score.select(made.score.programme == DRUMS)
    assert np.array_equal(np.unique(drums.start % 48), np.arange(0, 48, 6))
    turned = tune(["G", "C", "C", "F", "F", "G"], bar=24)  # chords change on the other half
    assert arrange(turned, band(["C", "G"])).chosen[0] == -1


def test_the_network_of_the_package_writes_in_the_styles_rhythm_and_on_the_contents_chords():
    content, style = tune(["F", "C", "Am", "G"]), band(["C", "F", "G", "C"])
    made, again, other = (arrange(content, style, weights="arranger", seed=seed) for seed in (1, 1, 2))
    assert made.score.start.tolist() == again.score.start.tolist()
    assert made.score.pitch.tolist() == again.score.pitch.tolist() != other.score.pitch.tolist()
    assert made.of(made.tune).pitch.tolist() == content.select(content.track == 1).pitch.tolist()
    band_of, hats = made.of(made.kept, others=True), style.select(style.programme == DRUMS)
    drums = band_of.select(band_of.programme == DRUMS)
    assert len(drums) and np.isin(drums.start, hats.start).mean() > 0.9
    bass = band_of.select(band_of.programme == 33)
    roots = np.array([ROOTS[name] for name in ("F", "C", "Am", "G")])[bass.bar_of(bass.start)]
    assert len(bass) and np.mean((bass.pitch - roots) % 12 == 0) > 0.7
