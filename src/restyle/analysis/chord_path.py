"""From chroma to the likeliest succession of chords: how each speaks for them, and what a change costs. Floor 3."""

from __future__ import annotations

import numpy as np

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
NONE = "N"  # no chord
FAINT = 0.2  # the least that chroma are scaled by: faint traces stay small
CHANGE = 2.5  # nats that a change of chord costs


def evidence(chroma: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Return the logarithms of the probabilities of the qualities on each root.

    Args:
        chroma: of the harmony and of the bass, scaled here to a maximum of 1, shape ``[N, 2, 12]``.
        weights: nats by which a pitch class, counted from the root, speaks for a quality in the harmony and in the
            bass, shape ``[2, Q, 12]``.
        biases: nats for each quality, shape ``[Q]``.

    Returns:
        Shape ``[N, 12 * Q]``, all roots of a quality after another, as `labels` names them.

    Example:
        >>> triad = np.zeros((1, 2, 12))
        >>> triad[0, :, [7, 11, 2]] = 1
        >>> major = np.tile([3, -3, -1, -3, 3, -1, -3, 3, -1, -1, -1, -1], (2, 1, 1))
        >>> labels(("maj",))[evidence(triad, major, np.zeros(1)).argmax()]
        'G:maj'
    """
    scaled = chroma / np.maximum(chroma.max(axis=2, keepdims=True), FAINT)
    turned = scaled[:, :, (np.arange(12)[:, None] + np.arange(12)) % 12]  # [N, 2, root, pitch class above it]
    scores = np.einsum("nbrp,bqp->nqr", turned, weights) + biases[:, None]
    scores = scores.reshape(len(chroma), -1)
    return np.asarray(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))


def labels(qualities: tuple[str, ...]) -> list[str]:
    """Return the chords of these qualities on all roots, and no chord last."""
    return [f"{root}:{quality}" for quality in qualities for root in ROOTS] + [NONE]


def most_likely(likelihoods: np.ndarray, change: float | np.ndarray = CHANGE) -> np.ndarray:
    """Return the most likely states ``[N]`` (Viterbi).

    Args:
        likelihoods: nats of each state, shape ``[N, S]``.
        change: nats that a change costs before each step, whichever states it joins, one or ``[N]``.

    Example:
        >>> doubtful = np.array([[0.0, -5.0], [-1.0, 0.0], [0.0, -5.0]])
        >>> most_likely(doubtful, 2.0).tolist(), most_likely(doubtful, 0.1).tolist()
        ([0, 0, 0], [0, 1, 0])
    """
    count, states = likelihoods.shape
    costs = np.broadcast_to(change, count)
    score, before = likelihoods[0], np.zeros((count, states), int)
    for step in range(1, count):
        best, cost = int(score.argmax()), costs[step]
        changed = score < score[best] - cost
        before[step] = np.where(changed, best, np.arange(states))
        score = np.where(changed, score[best] - cost, score) + likelihoods[step]
    path = np.full(count, int(score.argmax()))
    for step in range(count - 1, 0, -1):
        path[step - 1] = before[step, path[step]]
    return path
