"""Chords: which major and minor chords and sevenths sound, from beat to beat. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restyle.analysis.beats import Beats, onset_curve, track
from restyle.analysis.meter import moved_to_bass
from restyle.analysis.transcriber.infer import transcribe
from restyle.audio import Audio
from restyle.dsp.pianoroll import Roll

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
QUALITIES = ("maj", "min", "7", "min7", "maj7")
NONE = "N"  # no chord
STEP = 0.5  # s between possible changes where there is no steady beat
SHORTEST = 0.05  # s of a step at the start and the end
BASS, HARMONY = 48, 52  # MIDI pitches to which all is bass, and from which nothing is; in between it is shared
SOUNDING = 0.1  # probability that some pitch class sounds, below which there is no chord
FAINT = 0.2  # the least that chroma are scaled by: faint traces stay small
CHANGE = 2.5  # nats that a change of chord costs
UNLIKELY = -1e3  # nats of what cannot be

# In tenths of a nat: how much a full pitch class, counted from the root, speaks for each quality, in the harmony and in
# the bass; then for the quality itself. Fitted by logistic regression to the beats of rendered accompaniments.
HARMONY_WEIGHTS = (
    (34, -20, 8, -24, 38, -2, -12, 35, 9, -7, -50, -39),
    (33, -6, -6, 39, -15, -13, -9, 39, -21, -10, -42, -6),
    (27, 7, -10, -28, 31, 3, -11, 27, -7, -22, 38, -16),
    (31, -25, -20, 29, -26, -8, -15, 23, -13, -8, 37, -8),
    (38, -11, -19, -14, 28, 2, -11, 14, -15, -24, -24, 45),
)
BASS_WEIGHTS = (
    (18, -6, 14, -5, 5, 13, -7, 17, -6, -13, -8, -21),
    (7, -4, 2, -1, -5, 7, -4, 12, -16, -5, -15, -4),
    (8, -5, 8, -19, 4, 14, -16, 11, -5, 0, -6, -10),
    (17, -6, 15, -4, -8, 11, -5, 16, -1, -13, 4, -3),
    (19, -5, 14, -4, -9, 11, -8, 13, -5, -10, -5, 6),
)
BIASES = (4, -1, 4, -4, -3)


@dataclass(frozen=True, eq=False)
class Chords:
    """Which chord sounds when.

    Args:
        times: start and end of each chord in seconds, shape ``[N, 2]``, without gaps.
        labels: the chords as Harte et al. write them: ``C:maj``, ``A:min``, ``G:7``, ``D:min7``, ``Bb:maj7``; ``N``
            where there is none.
    """

    times: np.ndarray
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, time: float) -> str:
        """Return the chord at a time in seconds; ``N`` before the first and after the last.

        Example:
            >>> Chords(np.array([[0.0, 2.0], [2.0, 4.0]]), ("C:maj", "G:7")).at(2.5)
            'G:7'
        """
        found = np.flatnonzero((self.times[:, 0] <= time) & (time < self.times[:, 1]))
        return self.labels[found[0]] if len(found) else NONE


def estimate_chords(audio: Audio, *, beats: Beats | None = None) -> Chords:
    """Find the chords of a recording of any instruments; they change on beats where there is a steady beat.

    Args:
        audio: the recording.
        beats: its beats; tracked where None.

    Returns:
        The chords from the start to the end of the recording.

    Example:
        >>> t = np.arange(32000) / 16000
        >>> tones = [np.sin(2 * np.pi * f * k * t) / k for f in (220, 261.63, 329.63) for k in range(1, 6)]
        >>> estimate_chords(Audio(0.1 * sum(tones) * np.exp(-t), 16000)).at(1.0)
        'A:min'

    Source: Sheh, Ellis, "Chord segmentation and recognition using EM-trained hidden Markov models", ISMIR 2003, for
    the model; Mauch, Dixon, "Simultaneous estimation of chords and musical context from audio", IEEE TASLP 18, 2010,
    for chroma of bass and harmony by the beat; labels: Harte et al., "Symbolic representation of musical chords", ISMIR
    2005. The chroma are the transcriber's activations.
    """
    found = transcribe(audio)
    moved = moved_to_bass(beats or track(onset_curve(audio)), found.notes)
    edges = _edges(moved, audio.duration)
    states = _most_likely(_likelihoods(_chroma(found.roll, edges)))
    starts = np.flatnonzero(np.diff(states, prepend=-1))
    labels = [f"{ROOTS[k % 12]}:{QUALITIES[k // 12]}" for k in range(12 * len(QUALITIES))] + [NONE]
    times = np.stack([edges[starts], edges[np.append(starts[1:], len(states))]], axis=1)
    return Chords(times, tuple(labels[k] for k in states[starts]))


def _edges(beats: Beats, duration: float) -> np.ndarray:
    """Where chords may change: the beats, as many before and after them as there is room for, start and end."""
    first, step, inner = 0.0, STEP, np.zeros(0)
    last = first
    if beats.steady:
        inner, step = beats.times, float(np.median(np.diff(beats.times)))
        first, last = float(inner[0]), float(inner[-1])
    before = np.arange(first - step, 0, -step)[::-1]
    edges = np.concatenate([before, inner, np.arange(last + step, duration, step)])
    edges = edges[(edges > SHORTEST) & (edges < duration - SHORTEST)]
    return np.concatenate([[0.0], edges, [duration]])


def _chroma(roll: Roll, edges: np.ndarray) -> np.ndarray:
    """Mean probability of each pitch class between edges, in the harmony and in the bass, ``[N, 2, 12]``."""
    place = np.round(edges / roll.hop).astype(int).clip(0, len(roll.frame))
    before = np.concatenate([np.zeros((1, roll.frame.shape[1])), np.cumsum(roll.frame, axis=0, dtype=np.float64)])
    means = (before[place[1:]] - before[place[:-1]]) / np.maximum(1, np.diff(place))[:, None]
    pitches = roll.lowest + np.arange(roll.frame.shape[1])
    low = ((HARMONY - pitches) / (HARMONY - BASS)).clip(0, 1)
    classes = np.eye(12)[pitches % 12]
    return np.stack([means * (1 - low) @ classes, means * low @ classes], axis=1)


def _likelihoods(chroma: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of each quality on each root, and of no chord last, ``[N, 61]``."""
    scaled = chroma / np.maximum(chroma.max(axis=2, keepdims=True), FAINT)
    turned = scaled[:, :, (np.arange(12)[:, None] + np.arange(12)) % 12]  # [N, 2, root, pitch class above it]
    weights = np.stack([HARMONY_WEIGHTS, BASS_WEIGHTS]) / 10
    scores = np.einsum("nbrp,bqp->nqr", turned, weights) + np.array(BIASES)[:, None] / 10
    scores = scores.reshape(len(chroma), -1)
    scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    silent = chroma.max(axis=(1, 2)) < SOUNDING
    return np.column_stack([scores, np.where(silent, 0.0, UNLIKELY)])


def _most_likely(likelihoods: np.ndarray) -> np.ndarray:
    """The most likely states ``[N]`` where every change costs the same (Viterbi)."""
    count, states = likelihoods.shape
    score, before = likelihoods[0], np.zeros((count, states), int)
    for step in range(1, count):
        best = int(score.argmax())
        changed = score < score[best] - CHANGE
        before[step] = np.where(changed, best, np.arange(states))
        score = np.where(changed, score[best] - CHANGE, score) + likelihoods[step]
    path = np.full(count, int(score.argmax()))
    for step in range(count - 1, 0, -1):
        path[step - 1] = before[step, path[step]]
    return path
