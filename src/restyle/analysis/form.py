"""The key of a score, and the sections of its form. Floor 3."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from restyle.analysis.chord_path import ROOTS
from restyle.score import STEPS, Score

MODES = ("major", "minor")
# How usual each pitch class is, counted from the tonic.
PROFILES = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)
LONG = STEPS  # steps of a note, of which more do not count: pedals hold what has been played

PLACES = 8  # of a bar, whose onsets are its rhythm
AROUND = 4  # bars before and after a line, that are compared
GAIN = 5.0  # how much a line at which all changes is worth, beside these costs of a section's length in bars:
COSTS = {8: 0.0, 16: 0.3, 4: 0.5, 12: 0.7}
FOURS, OTHERS, SHORT = 1.0, 2.0, 4.0  # of other multiples of four, of all others, and of less than four
LONGEST = 32  # bars of a section


class Key(NamedTuple):
    """A key: its tonic 0..11, where C is 0, and ``major`` or ``minor``."""

    tonic: int
    mode: str

    def __str__(self) -> str:
        return f"{ROOTS[self.tonic]} {self.mode}"


def key_of(score: Score) -> Key:
    """Find the key in which a score is for the most part: that whose profile agrees best with its pitch classes.

    Returns:
        The key; C major without notes.

    Example:
        >>> scale = [(12 * k, 12, p, 0.8, 0, 0) for k, p in enumerate((62, 66, 69, 74, 71, 67, 69, 73, 62))]
        >>> str(key_of(Score.of(scale, bars=[0, 48, 96, 144])))
        'D major'

    Source: Krumhansl, "Cognitive Foundations of Musical Pitch", 1990, for the method; Temperley, "Music and
    Probability", 2007, for the profiles, which were counted in the Kostka-Payne corpus.
    """
    notes = score.pitched()
    heard = np.bincount(notes.pitch % 12, np.minimum(notes.length, LONG), 12)
    if not np.ptp(heard):
        return Key(0, MODES[0])
    agreement = [np.corrcoef(heard, np.roll(profile, tonic))[0, 1] for profile in PROFILES for tonic in range(12)]
    mode, tonic = divmod(int(np.argmax(agreement)), 12)
    return Key(tonic, MODES[mode])


def sections_of(score: Score) -> np.ndarray:
    """Find the sections of the form, as far as harmony and rhythm tell them.

    A section is the likelier to begin at a bar line the more the four bars from there differ from the four before, and
    the more alike these are among themselves; sections of eight bars are the usual, of 16, 4 and 12 less so. A short
    first bar belongs to the first section, and does not count.

    Returns:
        The numbers of the bars at which sections begin, from 0, rising.

    Example:
        >>> verse = [(48 * bar, 48, 60 + p, 0.8, 0, 0) for bar in range(8) for p in (0, 4, 7)]
        >>> chorus = [(384 + 12 * k, 12, 62 + p, 0.8, 0, 0) for k in range(32) for p in (0, 3, 7)]
        >>> sections_of(Score.of(verse + chorus, bars=np.arange(17) * 48)).tolist()
        [0, 8]

    Source: Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000; Sargent, Bimbot,
    Vincent, "Estimating the structural segmentation of popular music pieces under regularity constraints", IEEE/ACM
    TASLP 25, 2017, for the costs of unusual lengths.
    """
    pickup = int(score.bar_count > 1 and score.bars[1] < score.bars[2] - score.bars[1])
    gains = GAIN * _novelty(_features(score)[pickup:])
    count = len(gains)
    best, before = np.full(count + 1, -np.inf), np.zeros(count + 1, dtype=int)
    best[0] = 0.0
    for end in range(1, count + 1):
        gain = gains[end] if end < count else 0.0
        for start in range(max(0, end - LONGEST), end):
            value = best[start] + gain - _cost(end - start)
            if value > best[end]:
                best[end], before[end] = value, start
    starts = []
    while count:
        count = int(before[count])
        starts.append(count + pickup if count else 0)
    return np.array(starts[::-1])


def _cost(bars: int) -> float:
    return COSTS.get(bars, SHORT if bars < 4 else OTHERS if bars % 4 else FOURS)


def _features(score: Score) -> np.ndarray:
    """The pitch classes and the rhythm of each bar, which count the same, ``[M, 20]``, of unit length."""
    count, lengths = score.bar_count, np.diff(score.bars)
    bar = score.bar_of(score.start)
    classes, rhythm = np.zeros((count, 12)), np.zeros((count, PLACES))
    notes = score.pitched()
    np.add.at(classes, (score.bar_of(notes.start), notes.pitch % 12), np.minimum(notes.length, 4 * LONG))
    place = (score.start - score.bars[bar]) * PLACES // lengths[bar]
    np.add.at(rhythm, (bar, np.minimum(place, PLACES - 1)), 1)
    return np.concatenate([_unit(classes), _unit(rhythm)], axis=1) / np.sqrt(2)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _novelty(features: np.ndarray) -> np.ndarray:
    """How much the bars before and from each line on differ, beyond what each differ among themselves, ``[M]``."""
    alike = features @ features.T
    novelty = np.zeros(len(features))
    for line in range(1, len(features)):
        before, after = slice(max(0, line - AROUND), line), slice(line, line + AROUND)
        within = (alike[before, before].mean() + alike[after, after].mean()) / 2
        novelty[line] = max(0.0, within - alike[before, after].mean())
    return novelty
