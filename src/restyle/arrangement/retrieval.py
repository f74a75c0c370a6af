"""Arrangement by retrieval: the bars of a style, chosen for a content's chords and form, and moved to them. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from restyle.arrangement.harmony import Harmony, moved
from restyle.notes import DRUMS
from restyle.score import STEPS, Score

CHANGE = 1.0  # cost of a chord that changes where the style's does not, or the other way round
QUALITY = 0.5  # cost of a bar whose chords are of another kind throughout
JUMP = 1.0  # cost of a bar that does not follow the one before in the style
PHASE = 0.4  # cost beside it of one that stands elsewhere in its phrase
PHRASE = 4  # bars
DENSE = 2.0  # cost of the most unlike density, where one is asked for
CHANCE = 0.3  # of costs, by which takes differ
SHORTEST = STEPS // 2  # steps of what is struck anew when a chord changes under a note
NARROW = 7.0  # semitones around its usual place within which a part stays


def choose(
    harmony: Harmony, content: Score, own: Harmony, style: Score, *, density: float | None = None, seed: int = 0
) -> np.ndarray:
    """Choose a bar of the style for each bar of the content.

    Args:
        harmony: the content's chords.
        content: the piece; of its bars the lengths count.
        own: the style's chords.
        style: its accompaniment.
        density: 0 for the bars with the fewest notes to 1 for those with the most; as the style goes by default.
        seed: 0 for the best choice; other numbers give other takes.

    Returns:
        Numbers of bars of the style ``[M]``; -1 for a pickup, which is not accompanied.
    """
    lengths, known = np.diff(content.bars), np.diff(style.bars)
    costs = np.array(
        [
            [_unlike(harmony, content.bars[i], own, style.bars[j], int(lengths[i])) for j in range(style.bar_count)]
            for i in range(content.bar_count)
        ]
    )
    costs += 3.0 * (np.abs(lengths[:, None] - known) / np.maximum(lengths[:, None], known))
    counts = np.bincount(style.bar_of(style.start), minlength=style.bar_count)
    costs += np.where(counts == 0, 4.0, 0.0)
    if density is not None:
        rank = counts.argsort(kind="stable").argsort(kind="stable") / max(1, len(counts) - 1)
        costs += DENSE * np.abs(rank - density)
    if seed:
        costs += CHANCE * np.random.default_rng(seed).exponential(size=costs.shape)
    chosen = _path(costs)
    if content.bar_count > 1 and lengths[0] < lengths[1]:
        chosen[0] = -1
    return chosen


def _unlike(harmony: Harmony, start: int, own: Harmony, other: int, length: int) -> float:
    """How far the chords of two bars differ, whatever their roots."""
    steps = range(0, length, STEPS)
    here, there = ([h.at(int(first) + step) for step in steps] for h, first in ((harmony, start), (own, other)))
    changes = sum(
        (harmony.roots[a] != harmony.roots[b]) != (own.roots[c] != own.roots[d])
        for a, b, c, d in zip(here[1:], here[:-1], there[1:], there[:-1], strict=True)
    )
    kinds = np.mean([_kind(harmony, a) != _kind(own, c) for a, c in zip(here, there, strict=True)])
    return CHANGE * changes + QUALITY * float(kinds)


def _kind(harmony: Harmony, beat: int) -> tuple[bool, bool]:
    """Whether a chord is minor, and whether its fifth is not perfect."""
    classes = harmony.classes[beat]
    return 3 in classes and 4 not in classes, 7 not in classes


def _path(costs: np.ndarray) -> np.ndarray:
    """The cheapest bars ``[M]`` of costs ``[M, K]``, where a bar best follows the one that it follows in the style."""
    count = costs.shape[1]
    place = np.arange(count) % PHRASE
    total, before = costs[0] + PHASE * (place != 0), np.zeros(costs.shape, int)
    for i in range(1, len(costs)):
        best = int(total.argmin())
        jumped = total[best] + JUMP + PHASE * (place != i % PHRASE)
        followed = np.concatenate([[np.inf], total[:-1]])
        before[i] = np.where(followed <= jumped, np.arange(count) - 1, best)
        total = np.minimum(followed, jumped) + costs[i]
    path = [int(total.argmin())]
    for i in range(len(costs) - 1, 0, -1):
        path.append(int(before[i][path[-1]]))
    return np.array(path[::-1])


def laid(content: Score, harmony: Harmony, style: Score, own: Harmony, chosen: Sequence[int] | np.ndarray) -> Score:
    """Lay bars of a style under a content, each note moved from the style's chord to the content's.

    Args:
        content: the piece whose bars and tempo are kept.
        harmony: its chords.
        style: the accompaniment; its tracks and programmes are kept.
        own: its chords.
        chosen: for each bar of the content a bar of the style, -1 for none.

    Returns:
        The accompaniment on the content's bars.
    """
    usual = {int(t): float(np.median(style.pitch[style.track == t])) for t in np.unique(style.track)}
    last: dict[int, float] = {}
    rows = []
    of_bar = style.bar_of(style.start)
    for i, j in enumerate(chosen):
        if j < 0:
            continue
        left, length = int(content.bars[i]), int(content.bars[i + 1] - content.bars[i])
        size, origin = int(style.bars[j + 1] - style.bars[j]), int(style.bars[j])
        bar = style.select(of_bar == j)
        for shift in range(0, length, size):  # a short bar is played again in a long one
            part = bar.select(bar.start - origin + shift < length)
            start = part.start - origin + shift + left
            rows += _bar(part, start, left + length, harmony, own, usual, last)
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    columns = dict(zip(("start", "length", "pitch", "velocity", "programme", "track"), table.T, strict=True))
    return replace(content, **columns)


def _bar(
    bar: Score,
    start: np.ndarray,
    end: int,
    harmony: Harmony,
    own: Harmony,
    usual: dict[int, float],
    last: dict[int, float],
) -> list[tuple[float, ...]]:
    """The notes of a bar where they begin at other steps, over other chords; what rings on ends with the bar."""
    rows: list[tuple[float, ...]] = []
    for track in np.unique(bar.track):
        which = np.flatnonzero(bar.track == track)
        drums = bar.programme[which[0]] == DRUMS
        notes = []
        for k in which:
            length = min(int(bar.length[k]), end - int(start[k]))
            if drums:
                notes.append((int(start[k]), length, int(bar.pitch[k]), k))
            else:
                played = _over_changes(
                    int(bar.pitch[k]), own, own.at(int(bar.start[k])), harmony, int(start[k]), length
                )
                notes += [(*note, k) for note in played]
        shift = 0
        if not drums:
            pitches = np.array([pitch for _, _, pitch, _ in notes])
            shift = _octave(pitches, usual[int(track)], last.get(int(track)))
            last[int(track)] = float(pitches.mean()) + shift
        for begins, length, pitch, k in notes:
            key = min(127, max(0, pitch + shift))
            rows.append((begins, length, key, bar.velocity[k], bar.programme[k], track))
    return rows


def _over_changes(
    pitch: int, own: Harmony, before: int, harmony: Harmony, start: int, length: int
) -> list[tuple[int, int, int]]:
    """A note moved to other chords, as (start, length, pitch): struck anew where it does not belong to the next."""
    rows, at, end = [], start, start + length
    while at < end:
        beat = harmony.at(at)
        found, until = moved(pitch, own, before, harmony, beat), beat + 1
        while until * STEPS < end and until < len(harmony.roots) and harmony.fits(found, until, beat):
            until += 1
        stop = min(end, until * STEPS) if until < len(harmony.roots) else end
        if at == start or stop - at >= SHORTEST:
            rows.append((at, stop - at, found))
        at = stop
    return rows


def _octave(pitches: np.ndarray, usual: float, before: float | None) -> int:
    """The octaves in semitones by which a part is moved: near to where it was, and not far from where it belongs."""
    middle = float(pitches.mean())

    def cost(shift: int) -> float:
        place = middle + shift
        return abs(place - (usual if before is None else before)) + 4 * max(0.0, abs(place - usual) - NARROW)

    return min((0, -12, 12), key=cost)
