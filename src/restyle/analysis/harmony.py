"""The harmony of a score: which chord each beat has. Floor 3."""

from __future__ import annotations

import numpy as np

from restyle.analysis.chord_path import evidence, labels, most_likely
from restyle.score import STEPS, Score

QUALITIES = (
    "maj", "min", "7", "min7", "maj7", "dim", "hdim7", "sus4", "aug",
    "sus2", "maj6", "dim7", "min6", "sus4(b7)", "9", "7(b9)", "7(#9)", "aug(b7)",
)  # fmt: skip
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
    (59, -30, 5, -34, 51, 4, 1, 59, -24, -13, -52, -22),
    (62, -12, 0, 58, -78, 1, -41, 57, -19, -47, -21, -21),
    (43, -51, -27, -66, 40, -8, 13, 43, -33, -23, 49, -43),
    (50, -37, -9, 47, -76, -13, -41, 47, -18, -31, 45, -14),
    (53, -26, -18, -46, 44, -11, -19, 46, -36, -14, -53, 52),
    (61, -13, -12, 54, -10, -17, 72, -18, -35, -30, -41, -18),
    (61, -21, -19, 35, -31, -14, 67, -33, -25, -48, 43, -20),
    (72, -12, -11, -18, -20, 63, -6, 57, -25, -20, -19, -28),
    (55, -14, -19, -16, 56, -17, -22, -30, 62, -17, -40, -14),
    (60, -16, 61, -3, -1, -9, -27, 56, -15, -16, -28, -10),
    (56, -36, 0, -39, 40, -21, -30, 47, -22, 50, -55, -37),
    (59, -17, -21, 39, -18, -35, 55, -24, -26, 42, -36, -14),
    (44, -12, -23, 54, -32, -39, -28, 46, -19, 60, -39, -17),
    (58, -29, -19, -29, -49, 56, -13, 47, -31, -20, 58, -17),
    (44, -26, 43, -39, 42, -40, -18, 32, -19, 16, 48, -29),
    (50, 60, -28, -40, 36, -14, -15, 38, -26, -26, 27, -26),
    (41, -28, -31, 51, 52, -21, -19, 41, -22, -20, 35, -23),
    (49, -21, -19, -32, 49, -12, -23, -34, 55, -12, 56, -19),
)
BASS_WEIGHTS = (
    (14, -7, -11, -5, 0, -5, -10, 4, -13, -9, -3, -8),
    (15, -10, -8, -5, -4, -9, -6, 5, -6, -12, -8, -2),
    (9, 21, 18, 11, 2, 11, 1, 8, 2, 13, -7, 4),
    (15, 0, 13, -5, 6, 8, 6, 5, 13, -7, -1, -6),
    (12, 3, 8, -7, 2, 10, -4, 7, -4, 12, -3, 0),
    (22, -6, -6, -10, -3, -6, -8, -2, -2, 4, -5, 5),
    (18, -6, 7, 2, -5, 3, 2, -5, 5, -6, -7, -7),
    (15, -3, -3, -6, 1, -13, -3, 4, -10, -5, 0, -4),
    (27, -5, 3, -3, -14, 0, -3, 2, -10, -5, -5, -3),
    (21, -1, -7, 1, -11, -8, -4, 3, -5, -4, 8, -6),
    (15, -5, 6, -5, 1, 1, -7, 5, -7, -16, 9, 0),
    (14, -1, 8, -3, -6, 11, -2, -6, 16, -11, -4, 2),
    (25, -3, 3, -3, -4, 1, -5, 8, -6, -20, 0, -7),
    (20, -5, 5, -13, -4, -9, -3, 4, -2, 5, -16, -4),
    (20, 6, -12, -7, 1, 16, -4, 7, -10, -3, -5, 0),
    (13, -18, -5, -6, -2, 12, -4, 12, -4, 7, -6, -4),
    (14, 0, -2, -12, -6, 8, -4, 5, -3, 3, -8, -4),
    (17, -2, 9, -5, 1, 11, -4, 0, 2, 2, -7, -3),
)
BIASES = (21, 15, 32, 19, 11, -13, -8, -12, -13, -5, 5, -3, -9, -12, -1, -2, -6, -9)


def chords_of(score: Score) -> tuple[str, ...]:
    """Find the chord of each beat.

    A beat's pitch classes count by how long they sound in it, the less the longer they have been held; the lowest of
    them count once more as its bass. Chords rather change where a bar begins than halfway in it, and there rather than
    elsewhere; they go on through short rests.

    Returns:
        The chord of each quarter note from the first bar to the end of the last, as Harte et al. write it: a root and
        one of `QUALITIES`; ``N`` where there is none.

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
