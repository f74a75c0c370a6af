"""Does a score have the right harmony? Chords that are recognised, and what its tracks make of them. Floor 4.

Conventions:

* Chords are a boolean row of the twelve pitch classes (C first) for each beat, a quarter note, from the first bar line
  on, so that they need no names. Drums do not count.
"""

from __future__ import annotations

import numpy as np

from restyle.score import STEPS, Score

# Semitones above the root of the chords that are recognised, and of those that are in inversions too.
INVERTED = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10))
OTHERS = (
    (0, 4, 8), (0, 3, 6), (0, 5, 7), (0, 2, 7), (0, 3, 6, 9), (0, 3, 6, 10), (0, 5, 7, 10), (0, 3, 7, 11),
    (0, 4, 7, 9), (0, 3, 7, 9), (0, 2, 4, 7), (0, 2, 3, 7), (0, 2, 5, 7, 10), (0, 2, 4, 7, 10), (0, 2, 4, 7, 11),
    (0, 2, 3, 7, 10), (0, 3, 4, 7, 10), (0, 2, 4, 7, 9), (0, 2, 3, 7, 9), (0, 4, 5, 7, 11), (0, 3, 5, 7, 11),
    (0, 2, 4, 5, 7, 10), (0, 2, 4, 5, 7, 11), (0, 2, 3, 5, 7, 10), (0, 2, 4, 5, 7, 9, 10),
    (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 9, 10),
)  # fmt: skip
BASS, SIZE, TURNED, NONE = 0.5, 0.1, 0.05, 0.2  # worth of a bass; cost of a class, of an inversion; worth of no chord
HELD, HALF, ODD = 0.7, 0.15, 0.2  # worth of a beat without change; of a change in mid-bar, on an odd beat
SPAN = 12  # beats of the longest chord
SELDOM = 0.2  # of the time; a track that sounds less is not the bass
THIN = 0.95  # pitch classes at once that weigh nothing
OCTAVES = 11  # that hold the MIDI pitches


def chord_accuracy(output: Score, chords: np.ndarray) -> float | None:
    """Return on what part of the beats the chord that is recognised in the output is the wanted one, 0..1.

    Chords are equal if they have the same pitch classes. A rule-based recogniser finds those that fit best what
    sounds and the bass, and change seldom, and rather on strong beats; tracks of full chords and the lowest track
    weigh most. It knows triads to thirteenths, and the wanted chords.

    Args:
        output: the arrangement; drums do not count.
        chords: the pitch classes of the wanted chord of each beat, boolean ``[B, 12]``, from the first bar line; no
            class where there should be no chord. Where the output is shorter it is silent, beats after count nothing.

    Returns:
        None without beats.

    Raises:
        ValueError: if chords are of another shape.

    Example:
        >>> triad = Score.of([(0, 48, pitch, 0.8, 0, 0) for pitch in (48, 64, 67)], bars=[0, 48])
        >>> chords = np.zeros((4, 12), bool)
        >>> chords[:, [0, 4]], chords[:3, 7], chords[3, 9] = True, True, True
        >>> chord_accuracy(triad, chords)
        0.75

    Source: Zhao, Xia, Wang, Wang, "Structured multi-track accompaniment arrangement via style prior modelling"
    (AccoMontage-3), NeurIPS 2024, after their code, which finds chords with the recogniser of Jiang's in Dai, Zhang,
    Dannenberg, "Automatic analysis and influence of hierarchical structure on melody, rhythm and harmony in popular
    music", CSMC-MuMe 2020. Theirs compares the qualities of the two chords alone, whatever their roots.
    """
    wanted = np.asarray(chords, dtype=bool)
    if wanted.ndim != 2 or wanted.shape[1] != 12:
        raise ValueError(f"chords must be of shape [B, 12], not {wanted.shape}")
    if not len(wanted):
        return None
    return float(np.mean((_recognise(output, wanted) == wanted).all(axis=1)))


def degree_of_arrangement(output: Score) -> float | None:
    """Return how much the tracks differ in their choice of pitch classes: 0 where all play alike, in nats.

    For each track, the Kullback-Leibler divergence of its pitch classes in a bar from those of all tracks together,
    mean over the bars in which it begins a note; of these the standard deviation over tracks. Onsets count, whatever
    their length; the same key at the same time in two tracks is one onset of all. Tracks of one onset are left out.

    Args:
        output: the accompaniment; drums do not count.

    Returns:
        None without any track of two onsets.

    Example:
        >>> rows = [(0, 12, 48, 0.8, 32, 0), (24, 12, 48, 0.8, 32, 0)]
        >>> rows += [(step, 12, pitch, 0.8, 0, 1) for step in (0, 24) for pitch in (60, 64, 67)]
        >>> round(degree_of_arrangement(Score.of(rows, bars=[0, 48])), 3)  # the divergences are 0.693 and 0.057
        0.318

    Source: Zhao, Xia, Wang, Wang, "Structured multi-track accompaniment arrangement via style prior modelling"
    (AccoMontage-3), NeurIPS 2024; as their code has it (``kl_div`` in ``test/objective_evaluation.ipynb``).
    """
    notes = output.pitched()
    rows = np.unique(np.stack([notes.track, notes.start, notes.pitch], axis=1), axis=0)
    tracks, counts = np.unique(rows[:, 0], return_counts=True)
    tracks = tracks[counts > 1]
    if not len(tracks):
        return None
    rows = rows[np.isin(rows[:, 0], tracks)]
    mixture = _pitch_classes(output, np.unique(rows[:, 1:], axis=0))
    divergence = [_divergence(_pitch_classes(output, rows[rows[:, 0] == track, 1:]), mixture) for track in tracks]
    return float(np.std(divergence))


def _recognise(score: Score, wanted: np.ndarray) -> np.ndarray:
    """The pitch classes of the chord of each beat ``[B, 12]``: the sequence of chords that is worth most."""
    beats = len(wanted)
    classes, basses, costs = _candidates(wanted)
    before = np.concatenate([np.zeros((1, 2, 12)), np.cumsum(_heard(score, beats), axis=0)])
    down, worth = _metre(score, beats)
    best, last = [0.0] + [-np.inf] * beats, [(0, -1)] * (beats + 1)
    for stop in range(1, beats + 1):
        for start in range(stop - 1, max(0, stop - SPAN) - 1, -1):
            chroma, bass = before[stop] - before[start]
            fits = (2 * classes @ chroma - chroma.sum()) / classes.sum(axis=1) + BASS * bass[basses] - costs
            chord = int(fits.argmax())
            total = best[start] + max(float(fits[chord]), NONE) + HELD * (stop - 1 - start) + float(worth[start])
            if total > best[stop]:
                best[stop], last[stop] = total, (start, chord if fits[chord] > NONE else -1)
            if start + 1 < stop and down[start + 1]:  # a chord may come a beat before the bar, and no sooner
                break
    found, stop = np.zeros((beats, 12), dtype=bool), beats
    while stop:
        start, chord = last[stop]
        found[start:stop] = chord >= 0 and classes[chord] > 0
        stop = start
    return found


def _candidates(wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The chords that are looked for: classes ``[K, 12]``, bass ``[K]`` and cost ``[K]`` of each."""
    rows: list[tuple[list[int], int, float]] = []
    for root in range(12):
        for quality in INVERTED + OTHERS:
            chord = [(root + step) % 12 for step in quality]
            basses = chord if quality in INVERTED else [root]
            rows += [(chord, bass, 0.0 if bass == root else TURNED) for bass in basses]
    known = {frozenset(chord) for chord, _, _ in rows}
    for row in np.unique(wanted, axis=0):
        chord = np.flatnonzero(row).tolist()
        if frozenset(chord) not in known:  # any of its notes may be its root
            rows += [(chord, bass, TURNED) for bass in chord]
    classes = np.zeros((len(rows), 12))
    for i, (chord, _, _) in enumerate(rows):
        classes[i, chord] = 1
    costs = [SIZE * len(chord) + cost for chord, _, cost in rows]
    return classes, np.array([bass for _, bass, _ in rows]), np.array(costs)


def _heard(score: Score, beats: int) -> np.ndarray:
    """In what part of each beat each pitch class sounds, times its track's weight, and is the bass ``[B, 2, 12]``."""
    notes, steps = score.pitched(), beats * STEPS
    notes = notes.select(notes.start < steps)
    rolls = np.zeros((len(np.unique(notes.track)), steps, OCTAVES * 12), dtype=bool)
    for roll, track in zip(rolls, np.unique(notes.track), strict=True):
        for i in np.flatnonzero(notes.track == track):
            roll[notes.start[i] : notes.end[i], notes.pitch[i]] = True
    heard = np.zeros((2, steps, 12))
    for roll, weight in zip(rolls, _weights(rolls), strict=True):
        heard[0] = np.maximum(heard[0], weight * _folded(roll))
    together = np.logical_or.reduce(rolls)
    sounding = np.flatnonzero(together.any(axis=1))
    heard[1, sounding, together[sounding].argmax(axis=1) % 12] = 1
    return np.asarray(heard.reshape(2, beats, STEPS, 12).mean(axis=2).transpose(1, 0, 2))


def _weights(rolls: np.ndarray) -> np.ndarray:
    """The weights of tracks, by how many pitch classes sound together; that of the lowest is full."""
    if not len(rolls):
        return np.zeros(0)
    counts = [_folded(roll).sum(axis=1) for roll in rolls]
    thickness = np.array([count[count > 0].mean() for count in counts])
    height = [np.nonzero(roll)[1].mean() if roll.any(axis=1).mean() >= SELDOM else np.inf for roll in rolls]
    weights = 1 - np.exp(THIN - thickness)
    weights /= weights.max()
    weights[int(np.argmin(height))] = 1.0
    return weights


def _folded(roll: np.ndarray) -> np.ndarray:
    """Which pitch classes sound at each step, ``[S, 12]``."""
    return np.asarray(roll.reshape(-1, OCTAVES, 12).any(axis=1))


def _metre(score: Score, beats: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether a bar begins in each beat, and what a change of chord is worth on it."""
    first = score.bars[:-1] // STEPS
    place = np.arange(beats) - first[np.searchsorted(first, np.arange(beats), side="right") - 1]
    longest = int(np.diff(score.bars).max()) // STEPS
    return place == 0, HALF * (2 * place == longest) + ODD * (place % 2 == 0)


def _pitch_classes(score: Score, onsets: np.ndarray) -> np.ndarray:
    """How many of the onsets (start, pitch) ``[N, 2]`` each bar has of each pitch class, ``[M, 12]``."""
    counts = np.zeros((score.bar_count, 12))
    np.add.at(counts, (score.bar_of(onsets[:, 0]), onsets[:, 1] % 12), 1)
    return counts


def _divergence(track: np.ndarray, mixture: np.ndarray) -> float:
    """The mean over the track's bars of the divergence of its distribution ``[M, 12]`` from the mixture's, in nats."""
    played = track.any(axis=1)
    ours, theirs = (x[played] / x[played].sum(axis=1, keepdims=True) for x in (track, mixture))
    ratio = np.divide(ours, theirs, out=np.ones_like(ours), where=ours > 0)
    return float(np.mean(np.sum(ours * np.log(ratio), axis=1)))
