"""Arrangement by retrieval: the bars of a style, chosen for a content's chords and form, and moved to them. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, permutations

import numpy as np

from restyle.arrangement.harmony import Harmony, moved
from restyle.arrangement.tokens import pickup
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
STRUMMED = 1  # steps between the notes of a strummed chord
LOWEST = 48  # MIDI pitch below which the lowest note of a chord is a bass
MOST_LED = 5  # voices of a chord that are led
OUT = 6.0  # semitones of a leap that cost as much as one outside of the style's range


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
        Numbers of bars of the style ``[M]``; -1 for a pickup of half a bar at most, which is not accompanied.
    """
    lengths, known = np.diff(content.bars), np.diff(style.bars)
    costs = _unlike(harmony, content.bars[:-1], own, style.bars[:-1], lengths)
    costs += 3.0 * (np.abs(lengths[:, None] - known) / np.maximum(lengths[:, None], known))
    counts = np.bincount(style.bar_of(style.start), minlength=style.bar_count)
    costs += np.where(counts == 0, 4.0, 0.0)
    if density is not None:
        below, upto = (np.searchsorted(np.sort(counts), counts, side) for side in ("left", "right"))
        rank = (below + upto - 1) / 2 / max(1, len(counts) - 1)
        costs += DENSE * np.abs(rank - density)
    if seed:
        costs += CHANCE * np.random.default_rng(seed).exponential(size=costs.shape)
    chosen = _path(costs)
    chosen[: pickup(content.bars)] = -1
    return chosen


def _unlike(harmony: Harmony, starts: np.ndarray, own: Harmony, others: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """How far the chords of bars differ, whatever their roots, ``[M, K]``: for as long as each of the first ones is."""
    beats = -(-lengths // STEPS)
    count = int(beats.max())
    changes, kinds = _shape(harmony, starts, count)
    other_changes, other_kinds = _shape(own, others, count)
    inside = (np.arange(count) < beats[:, None])[:, None]
    differing, unlike = (changes[:, None] != other_changes) & inside, (kinds[:, None] != other_kinds) & inside
    return np.asarray(CHANGE * differing.sum(axis=2) + QUALITY * unlike.sum(axis=2) / beats[:, None])


def _shape(harmony: Harmony, starts: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether the root changes before each beat of bars, and of what kind its chord is, ``[M, count]``."""
    beat = np.minimum(starts[:, None] // STEPS + np.arange(count), len(harmony.roots) - 1)
    roots, kinds = harmony.roots[beat], np.array([_kind(classes) for classes in harmony.classes])[beat]
    return np.diff(roots, axis=1, prepend=roots[:, :1]) != 0, kinds


def _kind(classes: frozenset[int]) -> int:
    """Of what kind a chord is: whether it is minor, and whether its fifth is not perfect."""
    return 2 * (3 in classes and 4 not in classes) + (7 not in classes)


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
    usual = {int(t): style.pitch[style.track == t] for t in np.unique(style.track)}
    last: dict[int, float] = {}
    rows = []
    of_bar = style.bar_of(style.start)
    for i, j in enumerate(chosen):
        if j < 0:
            continue
        left, length = int(content.bars[i]), int(content.bars[i + 1] - content.bars[i])
        size, origin = int(style.bars[j + 1] - style.bars[j]), int(style.bars[j])
        bar = style.select(of_bar == j)
        begins = min(0, length - size) if i == 0 and len(chosen) > 1 else 0  # what begins in a bar has its end
        for shift in range(begins, length, size):  # a short bar is played again in a long one
            place = bar.start - origin + shift
            part = bar.select((place >= 0) & (place < length))
            start = part.start - origin + shift + left
            rows += _bar(part, start, left + length, int(content.bars[-1]), harmony, own, usual, last)
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    columns = dict(zip(("start", "length", "pitch", "velocity", "programme", "track"), table.T, strict=True))
    return _damped(replace(content, **columns))


def _damped(score: Score) -> Score:
    """A score in which a note ends where its track strikes the same key again; two voices that meet are struck once."""
    order, gap = _again(score)
    met = order[1:][(gap <= STRUMMED) & (score.programme[order[1:]] != DRUMS)]
    score = score.select(~np.isin(np.arange(len(score)), met))
    order, gap = _again(score)
    length = score.length.copy()
    length[order[:-1]] = np.minimum(length[order[:-1]], np.maximum(gap, 1))
    return replace(score, length=length)


def _again(score: Score) -> tuple[np.ndarray, np.ndarray]:
    """The notes by track, key and start, and after how many steps the same key is struck again, many if it is not."""
    order = np.lexsort((score.start, score.pitch, score.track))
    key = np.stack([score.track, score.pitch])[:, order]
    same = (np.diff(key) == 0).all(axis=0)
    return order, np.where(same, np.diff(score.start[order]), np.iinfo(np.int64).max)


def _bar(
    bar: Score,
    start: np.ndarray,
    line: int,
    end: int,
    harmony: Harmony,
    own: Harmony,
    usual: dict[int, np.ndarray],
    last: dict[int, float],
) -> list[tuple[float, ...]]:
    """The notes of a bar where they begin at other steps, over other chords, at most to an end.

    What rings on past the bar's line ends with its chord. What becomes the same note is played once.
    """
    rows: list[tuple[float, ...]] = []
    for track in np.unique(bar.track):
        which = np.flatnonzero(bar.track == track)
        drums = bar.programme[which[0]] == DRUMS
        notes: dict[tuple[int, int], tuple[int, int]] = {}  # lengths and numbers by start and pitch: once each
        for k in which.tolist():
            at, pitch, length = int(start[k]), int(bar.pitch[k]), min(int(bar.length[k]), end - int(start[k]))
            played = [(at, length, pitch)]
            if not drums:
                struck = tuple(np.unique(bar.pitch[which[start[which] == at]]).tolist())
                played = _over_changes(pitch, own, own.at(int(bar.start[k])), harmony, at, length, line, struck)
            for begins, lasts, found in played:
                notes.setdefault((begins, found), (lasts, k))
        shift = 0
        if not drums:
            pitches = np.array([pitch for _, pitch in notes])
            shift = _octave(pitches, usual[int(track)], last.get(int(track)))
            last[int(track)] = float(pitches.mean()) + shift
        for (begins, pitch), (length, k) in notes.items():
            key = min(127, max(0, pitch + shift))
            rows.append((begins, length, key, bar.velocity[k], bar.programme[k], track))
    return rows


def _over_changes(
    pitch: int, own: Harmony, before: int, harmony: Harmony, start: int, length: int, line: int, struck: tuple[int, ...]
) -> list[tuple[int, int, int]]:
    """A note moved to other chords, as (start, length, pitch): struck anew where it does not belong to the next.

    Those that are struck together are of the chord: they take no tension along that the other chord does not have, and
    each goes to the tone near to it.
    """
    rows, at, end = [], start, start + length
    while at < end:
        beat = harmony.at(at)
        found, until = moved(pitch, own, before, harmony, beat), beat + 1
        if len(struck) > 1:
            tones = [harmony.nearest(moved(voice, own, before, harmony, beat), beat) for voice in struck]
            found = _led(struck, tuple(tones))[struck.index(pitch)]
        while until * STEPS < end and until < len(harmony.roots) and harmony.fits(found, until, beat):
            until += 1
        stop = min(end, until * STEPS) if until < len(harmony.roots) else end
        if at == start or stop - at >= SHORTEST:
            rows.append((at, stop - at, found))
        at = stop
        if at >= line:
            break
    return rows


@lru_cache(maxsize=65536)
def _led(voices: tuple[int, ...], tones: tuple[int, ...]) -> tuple[int, ...]:
    """The tones of a chord, given to voices so that these move as little as they can; a bass keeps its own.

    Args:
        voices: pitches that rise.
        tones: what each would play if all moved alike.
    """
    fixed, best = int(voices[0] < LOWEST), tones
    if not 2 <= len(voices) - fixed <= MOST_LED:
        return tones
    for order in sorted(set(permutations(tone % 12 for tone in tones[fixed:]))):
        near = (voice + (tone - voice + 6) % 12 - 6 for voice, tone in zip(voices[fixed:], order, strict=True))
        led = (*tones[:fixed], *near)
        if _moves(voices, led) < _moves(voices, best) and all(low < high for low, high in pairwise(led)):
            best = led
    return best


def _moves(voices: tuple[int, ...], tones: tuple[int, ...]) -> int:
    return sum(abs(tone - voice) for voice, tone in zip(voices, tones, strict=True))


def _octave(pitches: np.ndarray, usual: np.ndarray, before: float | None) -> int:
    """The octaves in semitones by which a part is moved: within the style's range, and near to where it was."""
    lowest, highest, middle = usual.min(), usual.max(), float(pitches.mean())

    def cost(shift: int) -> float:
        place = pitches + shift
        outside = float((np.maximum(lowest - place, 0) + np.maximum(place - highest, 0)).mean())
        return abs(middle + shift - (float(np.median(usual)) if before is None else before)) + OUT * outside

    return min((0, -12, 12), key=cost)
