"""Chords: which major and minor chords and sevenths sound, from beat to beat. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from restyle.analysis.chord_path import NONE, evidence, labels, most_likely
from restyle.analysis.chord_path import ROOTS as ROOTS
from restyle.analysis.transcriber.infer import transcribe
from restyle.audio import Audio
from restyle.dsp.pianoroll import Roll

if TYPE_CHECKING:
    from restyle.analysis.beats import Beats

QUALITIES = ("maj", "min", "7", "min7", "maj7")
STEP = 0.5  # s between possible changes where there is no steady beat
SHORTEST = 0.05  # s of a step at the start and the end
PIECE = 4096  # frames that are added up at a time
BASS, HARMONY = 48, 52  # MIDI pitches to which all is bass, and from which nothing is; in between it is shared
SOUNDING = 0.1  # probability that some pitch class sounds, below which there is no chord
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
class Chroma:
    """How likely each pitch class sounds.

    Args:
        frames: probabilities, added up over octaves, in the harmony and in the bass, float16 ``[L, 2, 12]``.
        hop: seconds between two frames.
    """

    frames: np.ndarray
    hop: float

    @classmethod
    def of(cls, roll: Roll) -> Chroma:
        """Add up a transcriber's activations."""
        pitches = roll.lowest + np.arange(roll.frame.shape[1])
        low = ((HARMONY - pitches) / (HARMONY - BASS)).clip(0, 1)[:, None]
        classes = np.eye(12)[pitches % 12]
        weights = np.concatenate([(1 - low) * classes, low * classes], axis=1).astype(np.float32)
        pieces = np.array_split(roll.frame, 1 + len(roll.frame) // PIECE)
        frames = np.concatenate([(piece @ weights).astype(np.float16) for piece in pieces])
        return cls(frames.reshape(-1, 2, 12), roll.hop)

    def between(self, edges: np.ndarray) -> np.ndarray:
        """Return the means between edges in seconds ``[N + 1]``, shape ``[N, 2, 12]``."""
        place = np.round(edges / self.hop).astype(int).clip(0, len(self.frames))
        before = np.concatenate([np.zeros((1, 2, 12)), np.cumsum(self.frames, axis=0, dtype=np.float64)])
        return np.asarray(np.diff(before[place], axis=0) / np.maximum(1, np.diff(place))[:, None, None])


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


def estimate_chords(audio: Audio, *, beats: Beats | None = None, chroma: Chroma | None = None) -> Chords:
    """Find the chords of a recording of any instruments; they change on beats where there is a steady beat.

    Args:
        audio: the recording.
        beats: its beats; tracked where None.
        chroma: of its transcription; transcribed where None.

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
    if beats is None:
        # here, as it loads much of SciPy, and every transcription imports this module
        from restyle.analysis.beats import onset_curves, track

        beats = track(*onset_curves(audio))
    edges = _edges(beats, audio.duration)
    sounding = chroma or Chroma.of(transcribe(audio).roll)
    states = most_likely(_likelihoods(sounding.between(edges)))
    starts = np.flatnonzero(np.diff(states, prepend=-1))
    names = labels(QUALITIES)
    times = np.stack([edges[starts], edges[np.append(starts[1:], len(states))]], axis=1)
    return Chords(times, tuple(names[k] for k in states[starts]))


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


def _likelihoods(chroma: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of each quality on each root, and of no chord last, ``[N, 61]``."""
    scores = evidence(chroma, np.stack([HARMONY_WEIGHTS, BASS_WEIGHTS]) / 10, np.array(BIASES) / 10)
    silent = chroma.max(axis=(1, 2)) < SOUNDING
    return np.column_stack([scores, np.where(silent, 0.0, UNLIKELY)])
