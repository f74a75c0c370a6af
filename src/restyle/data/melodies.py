"""Melodies made up over chords: phrases of motifs that come again, varied. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from restyle.data.charts import mma_chord
from restyle.score import STEPS, Score

MAJOR = (0, 2, 4, 5, 7, 9, 11)
LOWEST, HIGHEST = (55, 66), (69, 82)  # between which the lowest and the highest pitch of a melody lie
SPAN = 12  # semitones from the lowest to the highest, at least
LEAP = 9  # semitones to where a motif began before, at most
# Rhythms by the beats that they fill, in steps; what is negative is silent.
Cells = dict[int, tuple[tuple[int, ...], ...]]
STRAIGHT: Cells = {
    1: ((12,), (6, 6), (6, 3, 3), (3, 3, 6), (3, 3, 3, 3), (9, 3), (-6, 6), (-12,)),
    2: ((24,), (18, 6), (6, 12, 6), (12, 6, 6), (-6, 6, 12), (9, 9, 6), (-12, 12)),
    3: ((36,), (24, 12), (18, 18)),
}
TERNARY: Cells = {
    1: ((12,), (8, 4), (8, 4), (4, 4, 4), (-8, 4), (4, 8), (-12,)),
    2: ((24,), (20, 4), (8, 12, 4), (12, 8, 4), (-8, 4, 12), (8, 8, 8)),
    3: ((36,), (24, 12), (24, 8, 4)),
}
CADENCES = ((24,), (12, 24), (36,), (6, 6, 24), (12, 12, 12))  # how a phrase ends
FORMS = ("aaab", "abab", "aabb", "abac", "aabc", "abcb")  # which motif each bar of a phrase has; the last one closes
MOVES, CHANCES = (-4, -3, -2, -1, 0, 1, 2, 3, 4), (0.02, 0.03, 0.08, 0.28, 0.2, 0.26, 0.07, 0.03, 0.03)
VARIED, SILENT, PICKED_UP, CHROMATIC = 0.35, 0.04, 0.35, 0.08  # chances: of a motif's return, a bar, a phrase, a note


@dataclass(frozen=True)
class Motif:
    """A bar of a melody without its place.

    Args:
        rhythm: (start, length) of each note, in steps from the bar line.
        moves: steps of the scale from the note before to each.
    """

    rhythm: tuple[tuple[int, int], ...]
    moves: tuple[int, ...]


@dataclass(frozen=True)
class Manner:
    """What a melody keeps from its first bar to its last.

    Args:
        cells: `STRAIGHT` or `TERNARY`.
        busy: how much it prefers rhythms of many notes, -1..1.
        lowest: pitch.
        highest: pitch.
        early: chance that a note on the first beat comes before it.
    """

    cells: Cells
    busy: float
    lowest: int
    highest: int
    early: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Manner:
        """Draw one."""
        lowest = int(rng.integers(*LOWEST))
        highest = max(lowest + SPAN, int(rng.integers(*HIGHEST)))
        cells = TERNARY if rng.random() < 0.4 else STRAIGHT
        return cls(cells, float(rng.uniform(-0.6, 0.8)), lowest, highest, float(rng.choice((0.0, 0.0, 0.3))))


def melody(bars: Sequence[Sequence[str]], *, seed: int) -> Score:
    """Make up a melody over chords.

    Phrases of four bars have forms as aaab of motifs of a bar; a motif that comes again keeps its rhythm and its
    contour, mostly, over other chords. On strong beats and for long there are tones of the chord, in between those of
    the scale that fits chords and key; a phrase ends on a tone of the chord and a rest.

    Args:
        bars: the names of the chords of each beat of each bar.
        seed: 0 and up.

    Returns:
        One note at a time, on track 0 with programme 0.

    Example:
        >>> tune = melody([("C",) * 4, ("G7",) * 4] * 4, seed=1)
        >>> tune.bar_count, set(tune.programme.tolist()), bool((tune.end[:-1] <= tune.start[1:]).all())
        (8, {0}, True)
    """
    rng = np.random.default_rng(seed)
    manner, key, beats = Manner.drawn(rng), _key(bars), len(bars[0])
    chords = [mma_chord(name).classes for bar in bars for name in bar]
    scales = [_scale(classes, key) for classes in chords]
    starts = _anticipated(_rhythm(len(bars), beats, manner, rng), beats, manner, rng)
    pitches, now = [], float(rng.uniform(manner.lowest + 4, manner.highest - 3))
    opened: dict[Motif, float] = {}
    for start, length, move, motif in starts:
        beat = start // STEPS
        if motif is not None:  # it begins: where it began before, or a step away
            now += float(np.clip(opened.setdefault(motif, now) + rng.choice((0, 0, 0, -2, 2)) - now, -LEAP, LEAP))
        tones = chords[beat] if _is_strong(start, length, beats) else scales[beat]
        now = float(_move(now, move, scales[beat], tones, manner))
        pitches.append(int(now))
    pitches = _approached(pitches, starts, rng)
    rows = [
        (start, length, pitch, 0.62 + 0.1 * _is_strong(start, length, beats) + 0.06 * float(rng.random()), 0, 0)
        for (start, length, *_), pitch in zip(starts, pitches, strict=True)
    ]
    return Score.of(rows, bars=beats * STEPS * np.arange(len(bars) + 1))


Placed = tuple[int, int, int, Motif | None]  # start, length, move, and the motif that begins here


def _rhythm(count: int, beats: int, manner: Manner, rng: np.random.Generator) -> list[Placed]:
    """The notes of all bars without their pitches."""
    sections = [(str(rng.choice(FORMS)), {letter: _motif(beats, manner, rng) for letter in "abc"}) for _ in range(2)]
    placed: list[Placed] = []
    for bar in range(count):
        phrase, place = divmod(bar, 4)
        form, motifs = sections[int(phrase % 4 == 2)]  # as in a song of the form AABA
        motif = motifs[form[place]]
        if place == 3 or bar == count - 1:
            varied = _cadence(beats, rng)
        else:
            varied = _varied(motif, rng) if rng.random() < VARIED else motif
        entry = int(rng.integers(1, beats)) * STEPS if place == 0 and rng.random() < PICKED_UP and beats > 1 else 0
        if place not in (0, 3) and rng.random() < SILENT:
            continue
        line = bar * beats * STEPS
        notes = [(s, n, m) for (s, n), m in zip(varied.rhythm, varied.moves, strict=True) if s >= entry]
        placed += [(line + s, n, m, motif if k == 0 and place < 3 else None) for k, (s, n, m) in enumerate(notes)]
    return placed


def _motif(beats: int, manner: Manner, rng: np.random.Generator) -> Motif:
    rhythm, at = [], 0
    while at < beats:
        cells = [(width, cell) for width, of in manner.cells.items() if width <= beats - at for cell in of]
        weights = np.exp([manner.busy * len(cell) / width for width, cell in cells])
        width, cell = cells[int(rng.choice(len(cells), p=weights / weights.sum()))]
        step = at * STEPS
        for length in cell:
            if length > 0:
                rhythm.append((step, length))
            step += abs(length)
        at += width
    return Motif(tuple(rhythm), tuple(rng.choice(MOVES, len(rhythm), p=CHANCES).tolist()))


def _varied(motif: Motif, rng: np.random.Generator) -> Motif:
    """Another end, two notes joined, or a long note halved."""
    rhythm, moves = list(motif.rhythm), list(motif.moves)
    if not rhythm:
        return motif
    k, how = int(rng.integers(len(rhythm))), int(rng.integers(3))
    start, length = rhythm[k]
    if how == 0:
        moves[-1] = int(rng.choice(MOVES, p=CHANCES))
    elif how == 1 and k + 1 < len(rhythm) and rhythm[k + 1][0] == start + length:
        rhythm[k : k + 2] = [(start, length + rhythm[k + 1][1])]
        del moves[k + 1]
    elif length % 12 == 0:
        rhythm[k : k + 1] = [(start, length // 2), (start + length // 2, length // 2)]
        moves.insert(k + 1, int(rng.choice((-1, 0, 1))))
    return Motif(tuple(rhythm), tuple(moves))


def _cadence(beats: int, rng: np.random.Generator) -> Motif:
    """A bar that comes to rest; its last step is silent."""
    lengths, at, rhythm = CADENCES[int(rng.integers(len(CADENCES)))], 0, []
    for length in lengths:
        kept = min(length, beats * STEPS - 6 - at)
        if kept > 0:
            rhythm.append((at, kept))
        at += length
    return Motif(tuple(rhythm), tuple(rng.choice((-2, -1, 1), len(rhythm)).tolist()))


def _anticipated(placed: list[Placed], beats: int, manner: Manner, rng: np.random.Generator) -> list[Placed]:
    """Let some notes on a first beat begin an eighth before it, where the note before leaves room or can be cut."""
    lead = 4 if manner.cells is TERNARY else 6
    made: list[Placed] = []
    for start, length, move, motif in placed:
        if start and start % (beats * STEPS) == 0 and length >= 12 and rng.random() < manner.early:
            start, length = start - lead, length + lead
            while made and made[-1][0] >= start:
                made.pop()
        if made and made[-1][0] + made[-1][1] > start:
            made[-1] = (made[-1][0], start - made[-1][0], *made[-1][2:])
        made.append((start, length, move, motif))
    return made


def _key(bars: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """The major scale, as pitch classes, that has most of what the chords have."""
    counts = np.zeros(12)
    for bar in bars:
        for name in bar:
            counts[list(mma_chord(name).classes)] += 1
    scales = [tuple((tonic + step) % 12 for step in MAJOR) for tonic in range(12)]
    return max(scales, key=lambda scale: float(counts[list(scale)].sum()))


def _scale(classes: Sequence[int], key: Sequence[int]) -> tuple[int, ...]:
    """The chord and the key, but what of the key lies half a tone from a tone of the chord that is foreign to it."""
    near = {(c + side) % 12 for c in classes if c not in key for side in (-1, 1)}
    return tuple(sorted({*classes} | ({*key} - near)))


def _is_strong(start: int, length: int, beats: int) -> bool:
    """Whether a note is heard as the harmony: on every other beat of four, on the first of others, or held."""
    every = 2 * STEPS if beats % 2 == 0 else beats * STEPS
    return start % every == 0 or length > STEPS


def _move(now: float, move: int, scale: Sequence[int], tones: Sequence[int], manner: Manner) -> int:
    """The pitch so many steps of a scale away, turned back at the ends of the range, moved to the nearest tone."""
    ladder = [p for p in range(manner.lowest, manner.highest + 1) if p % 12 in scale]
    place = int(np.argmin(np.abs(np.array(ladder) - now)))
    there = place + move if 0 <= place + move < len(ladder) else place - move
    target = ladder[min(max(there, 0), len(ladder) - 1)]
    return min((p for p in range(manner.lowest, manner.highest + 1) if p % 12 in tones), key=lambda p: abs(p - target))


def _approached(pitches: list[int], placed: list[Placed], rng: np.random.Generator) -> list[int]:
    """Let some short notes before another pitch come from half a tone beside it."""
    made = list(pitches)
    for k, ((start, length, *_), (following, *_)) in enumerate(pairwise(placed)):
        if length < STEPS and start % STEPS and start + length == following and rng.random() < CHROMATIC:
            made[k] = pitches[k + 1] + (1 if pitches[k] > pitches[k + 1] else -1)
    return made
