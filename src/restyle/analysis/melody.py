"""Which notes of a score are its melody. Floor 3."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restyle.score import STEPS, Score

SINGLE = 0.85  # of the onsets of a melody's track, how many at least are of one note
WIDE = 8.5  # semitones, of which the standard deviation of its pitches is less: two hands play wider
COVERED, PHRASE = 0.3, 8 * STEPS  # of the stretches of so many steps up to the last onset, in how many it begins notes
LOWEST = 48.0  # MIDI pitch, of which the mean of a melody's track is higher
BASSES = range(32, 40)  # programmes that play no melody
NEAR, STEP = 2 * STEPS, 4  # steps within which one note follows another, and semitones that are no leap
HIGH = 74.0  # MIDI pitch from which higher is no better
FULL = 0.8  # of the stretches, from which more is no better
BAR = 4 * STEPS  # steps of which a melody sounds in most, where it begins notes

# How much each speaks for a track: the logarithm of the share of chords, the share of stretches with notes, that of
# steps that are no leaps, octaves of its mean pitch, velocity beside others' (0..1), the deviation of its pitches in
# semitones; the share of its time in which nothing higher sounds, that of bars which are played as one of the two
# before, and that of time in which it sounds, where it plays. Then for a note: highest of its onset, octaves to the
# next below, velocity in standard deviations, octaves of pitch, octaves from the middle of the highest notes around,
# length in powers of two, and in advance. Then for one after another: the octaves between them, quarter notes that they
# overlap. Fitted to popular songs, jazz solos, chorales, dances and accompaniments of charts.
TRACK_WEIGHTS = np.array([-1.2, 13.6, 4.3, 0.9, 6.4, -1.3, 3.4, -4.4, 7.0])
SURE = 26.0  # their sum in 95 of 100 melodies and in a quarter of the tracks most like one in bands without
NOTE_WEIGHTS = np.array([1.5, 1.1, 0.8, 0.5, -1.0, 0.05, -4.0])
LINK_WEIGHTS = np.array([-1.0, -1.2])
OCTAVE = 12.0  # semitones, and no interval counts for more
AROUND = 4 * STEPS  # steps before and after a note that are around it
SHORTER = 2 * STEPS  # steps of a note, of which more do not count as overlap: pedals hold what has been played
LONG = 4 * STEPS  # steps, of which more are no longer
REACH = 60  # notes among which the one before is looked for
SPREAD = 0.02  # of velocity, below which differences say little


def melody_of(score: Score) -> Score:
    """Find the melody.

    Where a track looks like one, the melody is its highest notes: mostly single notes, near in pitch, neither a bass
    nor low, that cover much of the piece. Of several, that is taken which is most like the melodies of known songs:
    it sings through, mostly above the others, and seldom plays a bar as the one before.
    Where there is none, the melody is the line through all notes but drums and basses that is likeliest as a whole: of
    high and loud notes near in pitch to one another, that do not overlap.

    Returns:
        The score with the melody's notes alone, at most one at a time.

    Example:
        >>> tune = [(12 * k, 12, p, 0.8, 73, 0) for k, p in enumerate((67, 69, 71, 72))]
        >>> chords = [(0, 48, p, 0.6, 0, 1) for p in (48, 52, 55)]
        >>> melody_of(Score.of(tune + chords, bars=[0, 48])).pitch.tolist()
        [67, 69, 71, 72]

    Source: Rizo, Ponce de León, Pérez-Sancho, Pertusa, Iñesta, "A pattern recognition approach for melody track
    selection in MIDI files", ISMIR 2006, for what tells a track; Uitdenbogerd, Zobel, "Melodic matching techniques for
    large music databases", ACM Multimedia 1999, for the highest notes (skyline); Tsochantaridis et al., "Large margin
    methods for structured and interdependent output variables", JMLR 6, 2005, for how the line's weights were fitted.
    """
    pitched = score.pitched()
    track = melody_track(pitched)
    if track is None:
        basses = np.isin(pitched.programme, BASSES)
        return _single(_line(pitched if basses.all() else pitched.select(~basses)))
    return _single(pitched.select(_highest(pitched, pitched.track == track)))


def melody_track(score: Score, *, sure: bool = False) -> int | None:
    """Return the number of the track that looks most like a melody, None where none does; see `melody_of`.

    Args:
        score: the piece.
        sure: whether it must be as like one as melodies are: in a band without a tune a riff may be the likest.

    Example:
        >>> tune = [(12 * k, 12, p, 0.8, 73, 5) for k, p in enumerate((67, 69, 71, 72))]
        >>> melody_track(Score.of(tune + [(0, 48, 36, 0.6, 33, 1)], bars=[0, 48]))
        5
    """
    score = score.pitched()
    tracks = np.unique(score.track).tolist()
    above = _sounding(score)
    features = {track: _features(score, score.track == track, above) for track in tracks}
    likely = {t: float(features[t] @ TRACK_WEIGHTS) for t in tracks if _may_be(score, score.track == t, features[t])}
    best = max(likely, key=likely.__getitem__, default=None)
    return None if best is None or (sure and likely[best] < SURE) else best


def _single(score: Score) -> Score:
    """The notes, of which each ends where the next begins at the latest."""
    following = np.append(score.start[1:], score.end[-1:])
    return replace(score, length=np.minimum(score.length, np.maximum(1, following - score.start)))


def _highest(score: Score, which: np.ndarray) -> np.ndarray:
    """The numbers of the highest notes of each onset, of those that a mask picks."""
    inside = np.flatnonzero(which)
    order = inside[np.lexsort((score.pitch[inside], score.start[inside]))]
    return order[np.append(np.diff(score.start[order]) > 0, True)] if len(order) else order


def _may_be(score: Score, own: np.ndarray, features: np.ndarray) -> bool:
    single = 1 - np.exp(features[0])
    bass = np.isin(score.programme[own], BASSES).all() or score.pitch[own].mean() < LOWEST
    return bool(single >= SINGLE and features[1] >= COVERED and features[5] <= WIDE and not bass)


def _features(score: Score, own: np.ndarray, above: np.ndarray) -> np.ndarray:
    """What is told of a track, in the order of its weights; ``above`` is the highest pitch of all at each step."""
    start, pitch = score.start[own], score.pitch[own]
    onsets, together = np.unique(start, return_counts=True)
    highest = _highest(score, own)
    top, line = score.pitch[highest], _sounding(score.select(own))
    near, played = np.diff(onsets) <= NEAR, line >= 0
    covered = len(np.unique(onsets // PHRASE)) / (1 + score.start.max() // PHRASE)
    return np.array(
        [
            np.log(0.01 + (together > 1).mean()),
            min(covered, FULL),
            (np.abs(np.diff(top)[near]) <= STEP).mean() if near.any() else 0.0,
            min(pitch.mean(), HIGH) / OCTAVE,
            score.velocity[own].mean() - score.velocity.mean(),
            pitch.std(),
            (line[played] == above[: len(line)][played]).mean(),
            _repeated(score, highest),
            min(1.0, played.sum() / (BAR * len(np.unique(onsets // BAR)))),
        ]
    )


def _sounding(score: Score) -> np.ndarray:
    """The highest pitch that sounds at each step up to the end of the last note, -1 where none does."""
    start, end, pitch = score.start, score.end, score.pitch
    highest = np.full(int(end.max(initial=0)), -1)
    for k in np.argsort(pitch, kind="stable"):
        highest[start[k] : end[k]] = pitch[k]
    return highest


def _repeated(score: Score, notes: np.ndarray) -> float:
    """The share of the bars with notes that have the rhythm and the intervals of one of the two before."""
    start, pitch, bar = score.start[notes], score.pitch[notes], score.bar_of(score.start[notes])
    place = start - score.bars[bar]
    played = {b: (place[bar == b].tolist(), np.diff(pitch[bar == b]).tolist()) for b in np.unique(bar).tolist()}
    alike = [now in (played.get(b - 1), played.get(b - 2)) for b, now in played.items()]
    return float(np.mean(alike))


def _line(score: Score) -> Score:
    """The likeliest line through all notes (dynamic programming over the last of them)."""
    if not len(score):
        return score
    values, before = _values(score), np.full(len(score), -1)
    held = np.minimum(score.length, SHORTER)
    for i in range(len(score)):
        last = int(np.searchsorted(score.start, score.start[i]))
        k = slice(max(0, last - REACH), last)
        links = [
            np.minimum(np.abs(score.pitch[i] - score.pitch[k]), OCTAVE) / OCTAVE,
            np.maximum(0, score.start[k] + held[k] - score.start[i]) / STEPS,
        ]
        sums = values[k] + LINK_WEIGHTS @ links
        if last and sums.max() > 0:
            before[i] = k.start + int(sums.argmax())
            values[i] += sums.max()
    path = [int(values.argmax())]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return score.select(np.array(path[::-1]))


def _values(score: Score) -> np.ndarray:
    """How much each note by itself speaks for being the melody's, ``[N]``."""
    order = np.lexsort((score.pitch, score.start))
    start, pitch = score.start[order], score.pitch[order]
    alike = np.diff(start) == 0
    below = np.append(OCTAVE, np.where(alike, np.minimum(np.diff(pitch), OCTAVE), OCTAVE))
    top = np.append(~alike, True)
    onsets, high = start[top], pitch[top]
    first, last = np.searchsorted(onsets, start - AROUND), np.searchsorted(onsets, start + AROUND, side="right")
    middle = np.array([np.median(high[a:b]) for a, b in zip(first, last, strict=True)])
    velocity = score.velocity[order]
    features = [
        top,
        below / OCTAVE,
        (velocity - velocity.mean()) / (velocity.std() + SPREAD),
        np.minimum(pitch, HIGH) / OCTAVE,
        np.abs(pitch - middle) / OCTAVE,
        np.log2(np.minimum(score.length[order], LONG)),
        np.ones(len(start)),
    ]
    values = np.zeros(len(score))
    values[order] = NOTE_WEIGHTS @ features
    return values
