"""Chords of scores, and what the names of chords mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restyle.analysis.chord_names import parse_chord
from restyle.analysis.chord_path import NONE, ROOTS, most_likely
from restyle.analysis.harmony import QUALITIES, chords_of
from restyle.errors import RestyleError
from restyle.io.scores import read_score
from restyle.notes import DRUMS
from restyle.score import Score

CHARTS = Path(__file__).parents[3] / "shared" / "data" / "midi" / "synthetic_parallel"
KINDS = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "min7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "dim": (0, 3, 6),
    "hdim7": (0, 3, 6, 10),
    "sus4": (0, 5, 7),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "maj6": (0, 4, 7, 9),
    "dim7": (0, 3, 6, 9),
    "min6": (0, 3, 7, 9),
    "sus4(b7)": (0, 5, 7, 10),
    "9": (0, 2, 4, 7, 10),
    "7(b9)": (0, 1, 4, 7, 10),
    "7(#9)": (0, 3, 4, 7, 10),
    "aug(b7)": (0, 4, 8, 10),
}


def _block(root: int, kind: str, start: int = 0, length: int = 48) -> list[tuple[int, int, int, float, int, int]]:
    """A chord in close position over its root in the bass."""
    pitches = [36 + root, *(60 + (root + interval) % 12 for interval in KINDS[kind])]
    return [(start, length, pitch, 0.7, 0, 0) for pitch in pitches]


@pytest.mark.parametrize("kind", QUALITIES)
@pytest.mark.parametrize("root", range(12))
def test_chords_of_blocks(root: int, kind: str) -> None:
    assert chords_of(Score.of(_block(root, kind), bars=[0, 48])) == (f"{ROOTS[root]}:{kind}",) * 4


def test_a_chord_is_told_for_each_quarter_note_of_the_bars() -> None:
    score = Score.of(_block(0, "maj", 0, 36) + _block(5, "min7", 36, 18), bars=[0, 36, 78])
    assert chords_of(score)[:5] == ("C:maj",) * 3 + ("F:min7",) * 2 and len(chords_of(score)) == 7


def test_broken_chords_with_a_melody_above_them() -> None:
    """Passing notes change no chord."""
    rows = []
    for bar, (root, kind) in enumerate([(9, "min"), (5, "maj"), (0, "maj"), (7, "7")]):
        tones = [48 + root, *(60 + (root + k) % 12 for k in KINDS[kind])]
        rows += [(48 * bar + 6 * k, 6, tones[k % len(tones)], 0.6, 0, 0) for k in range(8)]
        rows.append((48 * bar, 48, 36 + root, 0.8, 33, 1))
    scale = (76, 77, 76, 74, 72, 74, 76, 77, 79, 77, 76, 74, 74, 76, 77, 79)
    rows += [(12 * k, 12, pitch, 0.9, 73, 2) for k, pitch in enumerate(scale)]
    found = chords_of(Score.of(rows, bars=48 * np.arange(5)))
    assert [found[4 * bar + 2] for bar in range(4)] == ["A:min", "F:maj", "C:maj", "G:7"]
    assert all(len({label[0] for label in found[4 * bar : 4 * bar + 4]}) == 1 for bar in range(4))


def test_a_chord_goes_on_through_a_rest_and_drums_have_none() -> None:
    kit = [(6 * k, 6, 38, 1.0, DRUMS, 1) for k in range(64)]
    assert set(chords_of(Score.of(kit, bars=48 * np.arange(9)))) == {NONE}
    score = Score.of(_block(2, "min", 0, 24) + _block(2, "min", 48, 24) + kit, bars=48 * np.arange(9))
    found = chords_of(score)
    assert found[:6] == ("D:min",) * 6 and found[-8:] == (NONE,) * 8
    assert chords_of(Score.of([], bars=[0, 48])) == (NONE,) * 4


def test_the_bass_tells_chords_of_the_same_notes_apart() -> None:
    sixth, seventh = ([(0, 48, p, 0.7, 0, 0) for p in (bass, 60, 64, 67, 69)] for bass in (36, 45))
    assert chords_of(Score.of(sixth, bars=[0, 48]))[0] == "C:maj6"
    assert chords_of(Score.of(seventh, bars=[0, 48]))[0] == "A:min7"


def test_changes_are_where_bars_begin_rather_than_a_beat_early() -> None:
    """An anticipation above the chord."""
    rows = [row for k in range(4) for row in _block(0, "maj", 12 * k, 12)] + _block(5, "maj", 48)
    rows += [(36, 12, 65, 0.7, 0, 0), (36, 12, 69, 0.7, 0, 0)]
    assert chords_of(Score.of(rows, bars=[0, 48, 96])) == ("C:maj",) * 4 + ("F:maj",) * 4


@given(st.integers(1, 11))
def test_transposed_scores_have_transposed_chords(by: int) -> None:
    rng = np.random.default_rng(by)
    rows = [
        (int(s), 12, int(p), 0.7, 0, 0) for s, p in zip(rng.integers(0, 180, 60), rng.integers(64, 80, 60), strict=True)
    ]
    rows += [(48 * bar, 48, 36, 0.7, 0, 0) for bar in range(4)]
    higher = [(s, length, p + by, *rest) for s, length, p, *rest in rows]
    ours, theirs = (chords_of(Score.of(r, bars=48 * np.arange(5))) for r in (rows, higher))
    moved = [ROOTS[(ROOTS.index(label.split(":")[0]) + by) % 12] + ":" + label.split(":")[1] for label in ours]
    assert list(theirs) == moved


def test_the_most_likely_path_against_all_paths() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        likelihoods, changes = rng.normal(0, 2, (5, 3)), rng.uniform(0, 3, 5)
        paths = np.stack(np.meshgrid(*[range(3)] * 5, indexing="ij"), -1).reshape(-1, 5)
        values = likelihoods[np.arange(5), paths].sum(1) - ((np.diff(paths, axis=1) != 0) * changes[1:]).sum(1)
        assert most_likely(likelihoods, changes).tolist() == paths[values.argmax()].tolist()


@pytest.mark.parametrize(
    ("text", "root", "classes", "bass"),
    [
        ("Dm7", 2, {0, 3, 7, 10}, None),
        ("D:min7", 2, {0, 3, 7, 10}, None),
        ("Bb13", 10, {0, 2, 4, 7, 9, 10}, None),
        ("Ebm7", 3, {0, 3, 7, 10}, None),
        ("FM7", 5, {0, 4, 7, 11}, None),
        ("F:maj7/3", 5, {0, 4, 7, 11}, 9),
        ("Bdim7", 11, {0, 3, 6, 9}, None),
        ("C7b9", 0, {0, 1, 4, 7, 10}, None),
        ("F#m7b5", 6, {0, 3, 6, 10}, None),
        ("F#:hdim7/b3", 6, {0, 3, 6, 10}, 9),
        ("C/E", 0, {0, 4, 7}, 4),
        ("C/Bb", 0, {0, 4, 7}, 10),
        ("Gsus4", 7, {0, 5, 7}, None),
        ("G:sus4(b7)", 7, {0, 5, 7, 10}, None),
        ("G7sus4", 7, {0, 5, 7, 10}, None),
        ("G+", 7, {0, 4, 8}, None),
        ("G7+", 7, {0, 4, 8, 10}, None),
        ("C-7", 0, {0, 3, 7, 10}, None),
        ("C7-9", 0, {0, 1, 4, 7, 10}, None),
        ("CmM7", 0, {0, 3, 7, 11}, None),
        ("C6/9", 0, {0, 2, 4, 7, 9}, None),
        ("Cadd9", 0, {0, 2, 4, 7}, None),
        ("C7no5", 0, {0, 4, 10}, None),
        ("C7alt", 0, {0, 1, 3, 4, 8, 10}, None),
        ("CΔ", 0, {0, 4, 7, 11}, None),
        ("Bø", 11, {0, 3, 6, 10}, None),
        ("C:(3,5)", 0, {0, 4, 7}, None),
        ("C:maj(*3)", 0, {0, 7}, None),
        ("C5", 0, {0, 7}, None),
        ("C:1", 0, {0}, None),
        ("Cb7", 11, {0, 4, 7, 10}, None),
        ("B#", 0, {0, 4, 7}, None),
        *((nothing, None, set(), None) for nothing in ("N", "X", "z", "NC", "")),
    ],
)
def test_names_of_chords(text: str, root: int | None, classes: set[int], bass: int | None) -> None:
    assert parse_chord(text) == (root, frozenset(classes), bass)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_chords_of_tells_can_be_read(root: str, kind: str) -> None:
    assert parse_chord(f"{root}:{kind}") == (ROOTS.index(root), frozenset(KINDS[kind]), None)


@pytest.mark.parametrize("text", ["H7", "C7?", "Cfoo", "m7", "C/", "7", "C//E", "c"])
def test_what_is_no_name_of_a_chord(text: str) -> None:
    with pytest.raises(RestyleError, match=r"is no name of a chord; write it as"):
        parse_chord(text)


@given(st.text("ABCDEFGb#m7M69maj+-/:()sudin345 ,*°", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        root, classes, bass = parse_chord(text)
    except RestyleError:
        return
    assert (root is None and not classes) or (0 in classes and root in range(12))
    assert classes <= set(range(12)) and bass in (None, *range(12))


@pytest.mark.skipif(not CHARTS.is_dir(), reason="the charts and their accompaniments are not there")
def test_accompaniments_of_charts_have_its_chords() -> None:
    """Roots and thirds, of beats whose chord is a major or minor one."""
    hits, beats = 0, 0
    for style in ("bossa", "funk", "jazz_swing"):
        for path in sorted((CHARTS / style).glob("chart00[1357]_*.mid")):
            chart = (CHARTS / "chords" / f"{path.name.split('_')[0]}.txt").read_text(encoding="utf-8").split()
            names = [chart[max(j for j in range(k + 1) if chart[j] != "/")] for k in range(len(chart))]
            for found, name in zip(chords_of(read_score(path)), names, strict=False):
                (root, ours, _), (expected, theirs, _) = parse_chord(found), parse_chord(name)
                if 7 in theirs and {3, 4} & theirs:
                    beats += 1
                    hits += root == expected and {3, 4} & ours == {3, 4} & theirs
    assert hits / beats > 0.85
