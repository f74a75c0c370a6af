"""Does a score go like the style's? What its instruments play when, and its groove. Floor 4.

Conventions:

* Scores are compared as they are written: in steps of a beat, which is a quarter note; tempo does not matter. Give the
  accompaniment alone (`restyle.evaluation.symbolic.accompaniment`), as the sources do.
* Similarities are 1 for equal scores and 0 at worst; None where there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from restyle.notes import DRUMS
from restyle.score import STEPS, Score

BIN = STEPS // 6  # steps of a sixth of a beat
WINDOW = 4 * STEPS  # steps within which two onsets are a pair; steps after which positions in a bar repeat
INTERVAL = 20  # the widest interval in semitones
LONGEST = 2 * STEPS  # steps of the longest note that counts


def time_pitch_profile(score: Score) -> np.ndarray:
    """Count how far apart, in pitch and in time, two notes begin: ordered pairs of onsets less than four beats apart.

    Two notes that begin together are two pairs, one up and one down. Intervals above 20 semitones do not count.

    Args:
        score: notes of one instrument; drums do not count.

    Returns:
        Counts ``[41, 24]``: intervals -20..20 semitones from the earlier note, by sixths of a beat.

    Example:
        >>> score = Score.of([(0, 6, 60, 0.8, 0, 0), (12, 6, 64, 0.8, 0, 0)], bars=[0, 48])
        >>> profile = time_pitch_profile(score)
        >>> profile.sum(), profile[20 + 4, 6]
        (np.float64(1.0), np.float64(1.0))

    Source: Cífka, Şimşekli, Richard, "Groove2Groove: one-shot music style transfer with supervision from synthetic
    data", IEEE/ACM TASLP 28, 2020; after their code (``max_time`` 4, ``bin_size`` 1/6, ``pitch_range`` 20).
    """
    notes = score.pitched()
    profile = np.zeros((2 * INTERVAL + 1, WINDOW // BIN))
    for lag in range(1, len(notes)):
        gap, interval = notes.start[lag:] - notes.start[:-lag], notes.pitch[lag:] - notes.pitch[:-lag]
        if gap.min() >= WINDOW:  # starts rise: neither is any pair further on in the table near
            break
        counts = (gap < WINDOW) & (abs(interval) <= INTERVAL)
        np.add.at(profile, (INTERVAL + interval[counts], gap[counts] // BIN), 1)
        together = counts & (gap == 0)
        np.add.at(profile, (INTERVAL - interval[together], 0), 1)
    return profile


def onset_duration_profile(score: Score) -> np.ndarray:
    """Count where in the bar notes begin, and how long they last; notes longer than two beats do not count.

    Positions are counted from the bar line and repeat after four beats, so that the fifth beat counts as the first.
    A first bar shorter than the second is a pickup: it ends where a bar ends.

    Args:
        score: notes of one instrument; drums do not count.

    Returns:
        Counts ``[24, 12]``: positions by durations, both in sixths of a beat; exactly two beats count as just less.

    Example:
        >>> score = Score.of([(12, 6, 60, 0.8, 0, 0), (60, 6, 64, 0.8, 0, 0)], bars=[0, 48, 96])
        >>> onset_duration_profile(score)[6, 3]
        np.float64(2.0)

    Source: see `time_pitch_profile` (``bar_duration`` 4, ``bin_size`` 1/6, ``max_value`` 2).
    """
    notes = score.pitched()
    notes = notes.select(notes.length <= LONGEST)
    profile = np.zeros((WINDOW // BIN, LONGEST // BIN))
    np.add.at(profile, (_positions(notes), np.minimum(notes.length // BIN, LONGEST // BIN - 1)), 1)
    return profile


def onset_drum_profile(score: Score) -> np.ndarray:
    """Count where in the bar which drum is struck, ``[24, 128]``: positions as in `onset_duration_profile`, by pitch.

    Source: see `time_pitch_profile` (``config_drums.yaml``).
    """
    drums = score.select(score.programme == DRUMS)
    profile = np.zeros((WINDOW // BIN, 128))
    np.add.at(profile, (_positions(drums), drums.pitch), 1)
    return profile


PROFILES: dict[str, Callable[[Score], np.ndarray]] = {
    "time_pitch": time_pitch_profile,
    "onset_duration": onset_duration_profile,
    "onset_drum": onset_drum_profile,
}


def style_similarity(output: Score, style: Score) -> dict[str, float | None]:
    """Return the cosines of the style profiles of each instrument of the style, mean over instruments, 0..1.

    Instruments are General MIDI programmes, and drums. One that either score lacks, or whose profile is empty in
    either, is left out, as the authors do: style and output need not have the same number of parts.

    Args:
        output: the accompaniment.
        style: the style's.

    Returns:
        ``time_pitch`` and ``onset_duration`` of what has pitch, ``onset_drum``, and their mean ``style``; None where
        no instrument can be compared.

    Example:
        >>> score = Score.of([(0, 6, 60, 0.8, 0, 0), (12, 6, 64, 0.8, 0, 0)], bars=[0, 48])
        >>> style_similarity(score, score)
        {'time_pitch': 1.0, 'onset_duration': 1.0, 'onset_drum': None, 'style': 1.0}

    Source: see `time_pitch_profile`; their evaluation with one style input (``evaluate_style_nano``).
    """
    found: dict[str, list[float]] = {name: [] for name in PROFILES}
    for programme in np.unique(style.programme):
        ours, theirs = (score.select(score.programme == programme) for score in (output, style))
        for name, profile in PROFILES.items():
            similarity = _cosine(profile(ours), profile(theirs))
            if similarity is not None:
                found[name].append(similarity)
    means = {name: float(np.mean(values)) if values else None for name, values in found.items()}
    defined = [value for value in means.values() if value is not None]
    return means | {"style": float(np.mean(defined)) if defined else None}


def groove_similarity(output: Score, style: Score) -> float | None:
    """Return how much the bars' grooves are ones of the style, 0..1: mean over bars, each against its likest.

    A groove is the set of steps of a bar at which anything begins, drums or not; the similarity of two is 1 - Hamming
    distance / steps. The likest bar of the style counts, not the mean of all, so that a style with several grooves is
    as good a model of itself as one with a single groove. Of bars of unequal lengths the shorter goes on in silence.

    Returns:
        None if neither has notes, 0 if one has none.

    Example:
        >>> two = Score.of([(0, 6, 36, 0.8, DRUMS, 0), (24, 6, 38, 0.8, DRUMS, 0)], bars=[0, 48])
        >>> one = Score.of([(0, 6, 36, 0.8, DRUMS, 0)], bars=[0, 48])
        >>> groove_similarity(one, two) == 1 - 1 / 48
        True

    Source: Wu, Yang, "The Jazz Transformer on the front line: exploring the shortcomings of AI-composed music through
    quantitative measures", ISMIR 2020 (grooving pattern similarity, there of the bars of one piece).
    """
    if not len(output) or not len(style):
        return None if len(output) == len(style) else 0.0
    lengths = np.diff(output.bars), np.diff(style.bars)
    longest = max(int(length.max()) for length in lengths)
    ours, theirs = _onsets(output, longest), _onsets(style, longest)
    distance = ours @ (1 - theirs).T + (1 - ours) @ theirs.T
    return float(np.mean((1 - distance / np.maximum.outer(*lengths)).max(axis=1)))


def _positions(score: Score) -> np.ndarray:
    """In which sixth of a beat of four beats of its bar each note begins."""
    origin = score.bars[:-1].copy()
    if score.bar_count > 1:
        origin[0] = min(0, 2 * score.bars[1] - score.bars[2])
    return np.asarray((score.start - origin[score.bar_of(score.start)]) % WINDOW // BIN)


def _cosine(one: np.ndarray, other: np.ndarray) -> float | None:
    energy = float(np.sum(one**2) * np.sum(other**2))
    return float(np.sum(one * other)) / energy**0.5 if energy else None


def _onsets(score: Score, longest: int) -> np.ndarray:
    """Whether anything begins at each step of each bar, ``[M, longest]``."""
    bar = score.bar_of(score.start)
    step = score.start - score.bars[bar]
    onsets = np.zeros((score.bar_count, longest))
    onsets[bar[step < longest], step[step < longest]] = 1
    return onsets
