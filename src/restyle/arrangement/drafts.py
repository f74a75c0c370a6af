"""Drafts: bars of a style laid under other chords, which the network reads and writes anew. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restyle.arrangement import retrieval, tokens
from restyle.arrangement.harmony import SCALES, Harmony
from restyle.arrangement.tokens import BEAT_BAR, CHORD, OF_BAR, ONSET, ROOT
from restyle.notes import DRUMS
from restyle.score import STEPS, Score


def drafted(
    band: tuple[np.ndarray, np.ndarray],
    piece: np.ndarray,
    bars: range,
    *,
    scales: tuple[frozenset[int], frozenset[int]],
    seed: int = 0,
) -> Score:
    """Lay bars of a band under some bars of a piece, as `arrangement.retrieval` chooses and moves them.

    Args:
        band: beats (`tokens.beats`) and events (`tokens.events_of`) of the style.
        piece: the piece's beats; bars are of whole quarter notes.
        bars: which are laid; the others count for the choice alone.
        scales: of the style's key and of the piece's.
        seed: of the choice; 0 for the best.

    Returns:
        The draft on the piece's bars, a track each family of instruments.
    """
    style, content = played(band[1], band[0]), _empty(piece)
    own, harmony = (harmony_of(table, scale) for table, scale in zip((band[0], piece), scales, strict=True))
    chosen = retrieval.choose(harmony, content, own, style, seed=seed)
    chosen[[bar not in bars for bar in range(len(chosen))]] = -1
    return retrieval.laid(content, harmony, style, own, chosen)


def harmony_of(table: np.ndarray, scale: frozenset[int]) -> Harmony:
    """Return the chords of beats as `tokens.beats` has them."""
    flags = table[:, CHORD].astype(bool)
    return Harmony(table[:, ROOT], tuple(frozenset(np.flatnonzero(row).tolist()) for row in flags), scale)


def scale_of(table: np.ndarray) -> frozenset[int]:
    """Return the scale that holds most of the tones of the chords of beats, of equal ones that with most tonics.

    Example:
        >>> table = np.zeros((3, tokens.WIDTH), int)
        >>> table[:, ROOT] = (7, 0, 0)
        >>> table[:, [CHORD.start + k for k in (0, 4, 7)]] = 1
        >>> sorted(scale_of(table))
        [0, 2, 4, 5, 7, 9, 11]
    """
    beat, tone = np.nonzero(table[:, CHORD])
    tones = np.bincount((table[beat, ROOT] + tone) % 12, minlength=12)
    roots = np.bincount(table[:, ROOT], minlength=12)
    keys = [
        (tonic, frozenset((tonic + step) % 12 for step in scale)) for tonic in range(12) for scale in SCALES.values()
    ]
    return max(keys, key=lambda key: (tones[list(key[1])].sum(), roots[key[0]]))[1]


def cut(table: np.ndarray, events: np.ndarray, bars: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the beats and the events of some bars, which rise, numbered from 0."""
    found = []
    for rows, column in ((table, BEAT_BAR), (events, OF_BAR)):
        own = rows[np.isin(rows[:, column], bars)].copy()
        own[:, column] = np.searchsorted(bars, own[:, column])
        found.append(own)
    return found[0], found[1]


def located(events: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return events with the row of the beat at which each begins in place of its bar."""
    beat = tokens.beat_of(table, events[:, OF_BAR], np.maximum(events[:, 0] - ONSET, 0))
    return np.column_stack([events[:, :OF_BAR], beat])


def played(events: np.ndarray, table: np.ndarray) -> Score:
    """Return events as a score with a track each family."""
    empty = _empty(table)
    start, length, pitch, family = tokens.notes_of(events, table, empty.bars).T
    programme = np.where(family == 0, DRUMS, 8 * (family - 1))
    return Score(start, length, pitch, np.ones(len(start)), programme, family, empty.bars, empty.times)


def _empty(table: np.ndarray) -> Score:
    bars = STEPS * np.concatenate([[0], np.cumsum(np.bincount(table[:, BEAT_BAR]))])
    return Score.of([], bars=bars)
