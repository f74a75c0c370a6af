"""How often a classifier or an embedding is right, with intervals. Floor 3."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Share(NamedTuple):
    """A mean of right answers, 0..1, and its 95 % interval; NaN where there are none."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """In per cent: ``80.0 % (75.2 to 84.1)``."""
        return f"{100 * self.mean:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True, eq=False)
class Accuracy:
    """What a classifier gets right.

    Args:
        chunk: part of the chunks.
        track: part of the tracks, each by the mean of its chunks' probabilities.
        confusion: tracks of a class (row) taken for a class (column), ``[classes, classes]``.
        chunks: number of chunks.
        tracks: number of tracks.
    """

    chunk: Share
    track: Share
    confusion: np.ndarray
    chunks: int
    tracks: int


def evaluate(probabilities: np.ndarray, truth: np.ndarray, tracks: Sequence[Hashable] | np.ndarray) -> Accuracy:
    """Hold probabilities against the truth.

    Args:
        probabilities: ``[N, classes]`` of N chunks.
        truth: the class of each chunk, ``[N]``.
        tracks: what each chunk is a part of, ``[N]``; all chunks of a track have one class.

    Returns:
        Accuracies of chunks and of tracks. As the chunks of a track are much alike, the interval of the chunks is
        that of drawing tracks, not chunks.

    Example:
        >>> found = evaluate(np.array([[0.6, 0.4], [0.1, 0.9], [0.2, 0.8]]), np.array([0, 0, 1]), ["a", "a", "b"])
        >>> round(found.chunk.mean, 3), found.track.mean, found.confusion.tolist()
        (0.667, 0.5, [[0, 1], [0, 1]])
    """
    probabilities, truth = np.asarray(probabilities, float), np.asarray(truth, int)
    number = {track: i for i, track in enumerate(dict.fromkeys(_plain(tracks)))}
    owner = np.array([number[track] for track in _plain(tracks)], int)
    counts = np.bincount(owner, minlength=len(number))
    means = np.zeros((len(number), probabilities.shape[1]))
    np.add.at(means, owner, probabilities)
    labels = np.zeros(len(number), int)
    labels[owner] = truth
    right = np.bincount(owner, probabilities.argmax(axis=1) == truth, minlength=len(number))
    guesses = (means / np.maximum(counts, 1)[:, None]).argmax(axis=1) if len(number) else labels
    table = np.zeros((probabilities.shape[1],) * 2, int)
    np.add.at(table, (labels, guesses), 1)
    return Accuracy(
        chunk=share(right, counts),
        track=share((guesses == labels).astype(float)),
        confusion=table,
        chunks=len(truth),
        tracks=len(number),
    )


def share(right: np.ndarray, of: np.ndarray | None = None, *, resamples: int = 4000, seed: int = 0) -> Share:
    """Return the part of right answers over groups, and its 95 % percentile-bootstrap interval over the groups.

    Args:
        right: right answers in each group, ``[G]``.
        of: all answers in each group; 1 by default.
        resamples: how many.
        seed: of the resampling.

    Example:
        >>> share(np.ones(5))
        Share(mean=1.0, low=1.0, high=1.0)

    Source: Efron, Tibshirani, "An introduction to the bootstrap", 1993.
    """
    right = np.asarray(right, float)
    whole = np.ones(len(right)) if of is None else np.asarray(of, float)
    if not len(right):
        return Share(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for i in range(resamples):
        drawn = rng.integers(len(right), size=len(right))
        means[i] = right[drawn].sum() / whole[drawn].sum()
    low, high = np.quantile(means, [0.025, 0.975])
    return Share(float(right.sum() / whole.sum()), float(low), float(high))


def triplets(
    embeddings: np.ndarray, labels: Sequence[Hashable] | np.ndarray, sources: Sequence[Hashable] | np.ndarray = ()
) -> Share:
    """Return how often a clip is nearer to one of its own instrument than to one of another.

    All triplets count: each clip against each other one of its label and each one of another label. Every clip weighs
    the same; the interval is over labels, as clips of one instrument are alike.

    Args:
        embeddings: ``[N, D]``; compared by the cosine.
        labels: the instrument of each clip.
        sources: what each clip was cut from: clips of one source are not held against each other as of one instrument.
            By default every clip is its own.

    Example:
        >>> triplets(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]]), ["a", "a", "b", "b"]).mean
        1.0
    """
    points = np.asarray(embeddings, float)
    points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    names, origins = np.array(_plain(labels), object), np.array(_plain(sources) or range(len(points)), object)
    near = points @ points.T
    right: dict[Hashable, list[float]] = {}
    for i, name in enumerate(names):
        others = np.sort(near[i, names != name])
        own = near[i, (names == name) & (origins != origins[i])]
        if len(own) and len(others):
            below, ties = np.searchsorted(others, own, "left"), np.searchsorted(others, own, "right")
            right.setdefault(name, []).append(float((below + ties).mean() / 2 / len(others)))
    sums, counts = np.array([sum(x) for x in right.values()]), np.array([len(x) for x in right.values()])
    return share(sums, counts)


def _plain(values: Sequence[Hashable] | np.ndarray) -> list[Hashable]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
