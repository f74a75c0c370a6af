"""The harmony of a score: which chord each beat has. Floor 3."""

from __future__ import annotations

import numpy as np

from restyle.analysis.chord_path import evidence, labels, most_likely
from restyle.score import STEPS, Score

QUALITIES = ("maj", "min", "7", "min7", "maj7", "dim", "hdim7", "sus4", "aug")
FADING = 24.0  # steps after which what is held counts a third
HELD = 18  # steps for which a low note is the bass, at most
DEEP, HIGH = 52, 64  # MIDI pitches to which the lowest note is all bass, and from which it is none
CHANGE, HALFWAY, BARLINE = 5.0, 3.0, 1.5  # nats that a change costs: on a beat, halfway in a bar, where one begins
SILENT = 0.02  # of a quarter note, in which less sounds of any pitch class
LASTING = -2.0  # nats of a chord that goes on in a silent beat
UNLIKELY = -1e3  # nats of what cannot be

# In tenths of a nat: how much a full pitch class, counted from the root, speaks for each quality, in the harmony and in
# the bass; then for the quality itself. Fitted by logistic regression to popular songs and accompaniments of charts.
HARMONY_WEIGHTS = (
    (48, -26, 7, -32, 44, -5, -12, 55, -29, -6, -63, -39),
    (52, -18, -1, 51, -50, -7, -31, 52, -29, -31, -33, -29),
    (37, -12, -13, -35, 42, -8, -10, 26, -38, -26, 46, -39),
    (45, -33, -2, 44, -47, -18, -33, 34, -18, -27, 47, -18),
    (49, -19, -10, -24, 38, -9, -22, 35, -26, -23, -40, 51),
    (50, -7, -10, 50, -8, -13, 60, -12, -32, -12, -33, -14),
    (49, -15, -6, 41, -17, -10, 49, -22, -24, -14, 49, -9),
    (57, -11, -17, -24, -27, 60, 0, 55, -19, -16, 2, -16),
    (42, -13, -13, -16, 50, -5, -15, -23, 53, -9, 15, -15),
)
BASS_WEIGHTS = (
    (15, -1, 9, -2, -2, 12, -4, 1, -4, -6, -2, -2),
    (14, -1, 9, -4, 0, 6, -1, 4, -2, -5, -4, -5),
    (2, 3, 25, 2, -9, 22, 4, 2, -3, 16, -17, -3),
    (5, -5, 17, -12, -2, 19, -3, 0, 7, -3, -13, -3),
    (3, -5, 19, -3, -7, 18, -2, -1, -3, 11, -4, -7),
    (5, -3, -1, -12, -2, 6, -12, -3, -6, 3, -2, -7),
    (6, -3, 9, -9, -3, 4, -7, -3, -3, -3, -11, -5),
    (9, -2, 6, -5, -2, -12, -1, -3, -3, -2, 0, -2),
    (12, -4, 8, 0, -11, 4, -3, -2, -9, -1, -5, -2),
)
BIASES = (10, 5, 22, 6, 4, -7, -16, -15, -8)


def chords_of(score: Score) -> tuple[str, ...]:
    """Find the chord of each beat.

    A beat's pitch classes count by how long they sound in it, the less the longer they have been held; the lowest of
    them count once more as its bass. Chords rather change where a bar begins than halfway in it, and there rather than
    elsewhere; they go on through short rests.

    Returns:
        The chord of each quarter note from the first bar to the end of the last, as Harte et al. write it: a root and
        ``maj``, ``min``, ``7``, ``min7``, ``maj7``, ``dim``, ``hdim7``, ``sus4`` or ``aug``; ``N`` where there is none.

    Example:
        >>> rows = [(0, 24, p, 0.8, 0, 0) for p in (48, 64, 67)] + [(24, 24, p, 0.8, 0, 0) for p in (43, 59, 62, 65)]
        >>> chords_of(Score.of(rows, bars=[0, 48]))
        ('C:maj', 'C:maj', 'G:7', 'G:7')

    Source: Sheh, Ellis, "Chord segmentation and recognition using EM-trained hidden Markov models", ISMIR 2003, for
    the model; Pardo, Birmingham, "Algorithms for chordal analysis", Computer Music Journal 26(2), 2002, for scores of
    templates on the notes of a score; Papadopoulos, Peeters, "Joint estimation of chords and downbeats from an audio
    signal", IEEE TASLP 19, 2011, for changes where bars begin.
    """
    chroma = _chroma(score.pitched())
    scores = evidence(chroma, np.stack([HARMONY_WEIGHTS, BASS_WEIGHTS]) / 10, np.array(BIASES) / 10)
    silent = chroma.max(axis=(1, 2)) < SILENT
    scores[silent] = LASTING
    states = most_likely(np.column_stack([scores, np.where(silent, 0.0, UNLIKELY)]), _changes(score))
    names = labels(QUALITIES)
    return tuple(names[state] for state in states)


def _changes(score: Score) -> np.ndarray:
    """What a change of chord costs before each beat."""
    steps = STEPS * np.arange(_beats(score))
    bar = score.bar_of(steps)
    place, length = steps - score.bars[bar], np.diff(score.bars)[bar]
    return np.where(place == 0, BARLINE, np.where(2 * place == length, HALFWAY, CHANGE))


def _beats(score: Score) -> int:
    return -(-int(score.bars[-1]) // STEPS)


def _chroma(score: Score) -> np.ndarray:
    """How much of each beat each pitch class sounds, in the harmony and as the bass, ``[N, 2, 12]``."""
    chroma = np.zeros((_beats(score), 2, 12))
    first, last = score.start // STEPS, np.minimum(-(-score.end // STEPS), len(chroma))
    count = np.maximum(0, last - first)  # of beats in which each note sounds
    note = np.repeat(np.arange(len(score)), count)
    beat = np.arange(len(note)) - np.repeat(np.cumsum(count) - count, count) + first[note]
    since = np.maximum(STEPS * beat - score.start[note], 0)
    until = np.minimum(STEPS * (beat + 1) - score.start[note], score.length[note])
    weight = FADING / STEPS * (np.exp(-since / FADING) - np.exp(-until / FADING))
    np.add.at(chroma[:, 0], (beat, score.pitch[note] % 12), weight)
    lowest = _lowest(score, STEPS * len(chroma))
    steps = np.flatnonzero(lowest < HIGH)
    weight = np.clip((HIGH - lowest[steps]) / (HIGH - DEEP), 0, 1) / STEPS
    np.add.at(chroma[:, 1], (steps // STEPS, lowest[steps] % 12), weight)
    return chroma


def _lowest(score: Score, count: int) -> np.ndarray:
    """The lowest pitch that sounds at each step, 128 where none does."""
    lowest = np.full(count, 128)
    for k in np.argsort(-score.pitch, kind="stable"):
        lowest[score.start[k] : score.start[k] + min(score.length[k], HELD)] = score.pitch[k]
    return lowest
