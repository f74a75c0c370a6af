"""Bands that nobody plays: a draft and what is played, both changed alike. Floor 4.

A program's library has some hundred grooves; a network that learns them by heart plays those in place of the one that
it reads. With other instruments, other drums, parts shifted in the bar, and parts of two grooves together there is no
end of them, and what is left to learn is how to read.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restyle.arrangement.tokens import FAMILIES, families
from restyle.notes import DRUMS
from restyle.score import Score, joined

DROPPED, SHIFTED, RAISED, EXCHANGED = 0.15, 0.3, 0.2, 0.6  # how many of the parts, or of the bands, are changed so
KEYS = np.arange(27, 88)  # of drums
Pair = tuple[Score, Score]  # a draft, and what is played, on the same bars


def mixed(one: Pair, other: Pair, rng: np.random.Generator) -> Pair:
    """Return some families of instruments of a band with the others of another that plays the same chords."""
    first = rng.random(FAMILIES) < 0.5
    first[_playing(one) & ~_playing(other)] = True
    first[~_playing(one)] = False
    draft, truth = (
        joined([a.select(first[families(a)]), b.select(~first[families(b)])]) for a, b in zip(one, other, strict=True)
    )
    return draft, truth


def varied(pair: Pair, rng: np.random.Generator) -> Pair:
    """Return a pair with parts left out, shifted in the bar, an octave off, on other instruments and other drums."""
    kept = rng.random(FAMILIES) >= DROPPED
    shift = np.where(rng.random(FAMILIES) < SHIFTED, rng.integers(0, 48, FAMILIES), 0)
    octave = np.where(rng.random(FAMILIES) < RAISED, rng.choice((-12, 12), FAMILIES), 0)
    programme, keys = np.arange(FAMILIES) * 8 - 8, np.arange(128)
    if rng.random() < EXCHANGED:
        programme[1:] = rng.permutation(programme[1:])
    if rng.random() < EXCHANGED:
        keys[KEYS] = rng.permutation(KEYS)
    programme[0] = DRUMS
    if not (kept & _playing(pair)).any():
        kept[:] = True

    def changed(score: Score) -> Score:
        score = score.select(kept[families(score)])
        family, bar = families(score), score.bar_of(score.start)
        left, size = score.bars[bar], np.diff(score.bars)[bar]
        pitch = np.where(family == 0, keys[score.pitch], score.pitch + octave[family])
        pitch = np.where((pitch < 0) | (pitch > 127), score.pitch, pitch)
        start = left + (score.start - left + shift[family]) % size
        return replace(score, start=start, pitch=pitch, programme=programme[family])

    return changed(pair[0]), changed(pair[1])


def _playing(pair: Pair) -> np.ndarray:
    """Which families play, ``[17]``."""
    names = np.concatenate([families(score) for score in pair])
    return np.bincount(names, minlength=FAMILIES) > 0
