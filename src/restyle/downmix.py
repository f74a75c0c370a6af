"""How the channels of a recording become one without cancelling one another. Floor 1."""

from __future__ import annotations

import numpy as np

from restyle.errors import warn
from restyle.memory import release

BLOCK = 2**16  # samples, in which channels are compared
PRESENT = 0.25  # a channel is in a mix that holds this part of what it would hold if the others were unrelated
LOST = 1 / 3  # part of the power in channels that are not in the mean, above which another mix is made
FLIP = 0.01  # part of the power that inverting a channel must add to the mix


class Downmix:
    """The one way in which the channels of a recording are mixed to one, for all of its parts.

    It is the mean, unless the channels cancel one another in it: then some are inverted, or, where that does not help
    throughout, one channel is taken, with a warning. It is found when first needed, block by block.

    Args:
        samples: the whole recording ``[C, T]``.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=5000)
        >>> Downmix(np.stack([noise, -0.9 * noise])).weights
        array([ 0.5, -0.5], dtype=float32)
    """

    def __init__(self, samples: np.ndarray) -> None:
        self._samples: np.ndarray | None = samples
        self._weights: np.ndarray | None = None
        self._warned = False

    @property
    def weights(self) -> np.ndarray | None:
        """The factor of each channel, float32 ``[C]``; None for the mean."""
        samples = self._samples
        if samples is not None:
            self._weights = _weights(_covariances(samples))
            self._samples = None  # a part of a recording does not keep all of it
        return self._weights

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Mix some samples ``[C, T]`` of the recording to float32 ``[T]``."""
        weights = self.weights
        if weights is None:
            return np.asarray(samples.mean(axis=0, dtype=np.float32))
        repeated, self._warned = self._warned, True
        warn(f"the channels of a recording cancel one another: {_told(weights)}", repeated=repeated)
        return weights @ samples


def _told(weights: np.ndarray) -> str:
    if np.count_nonzero(weights) == 1:
        return f"of {len(weights)} channels, only channel {int(weights.argmax()) + 1} is analysed"
    inverted = [str(i + 1) for i in np.flatnonzero(weights < 0)]
    return f"for its analysis, channel {' and '.join(inverted)} is inverted"


def _covariances(samples: np.ndarray) -> np.ndarray:
    """Of the channels in each block, ``[B, C, C]``."""
    found = []
    for at in range(0, samples.shape[1], BLOCK):
        block = np.nan_to_num(samples[:, at : at + BLOCK].astype(np.float64), posinf=0, neginf=0)
        release(samples)
        block -= block.mean(axis=1, keepdims=True)
        found.append(block @ block.T)
    return np.array(found).reshape(-1, len(samples), len(samples))


def _weights(covariances: np.ndarray) -> np.ndarray | None:
    count = covariances.shape[1]
    mean = np.full(count, 1 / count)
    lost = _lost(covariances, mean)
    if lost <= LOST:
        return None
    best = min([_aligned(covariances.sum(axis=0)) / count, *np.eye(count)], key=lambda mix: _lost(covariances, mix))
    return best.astype(np.float32) if _lost(covariances, best) < lost else None


def _lost(covariances: np.ndarray, weights: np.ndarray) -> float:
    """Part of the power, 0..1, in those blocks of channels that a mix hardly holds."""
    power = np.diagonal(covariances, axis1=1, axis2=2)
    held = np.abs(covariances @ weights) / np.abs(weights).max()
    return float(power[held < PRESENT * power].sum() / max(power.sum(), 1e-30))


def _aligned(covariance: np.ndarray) -> np.ndarray:
    """The polarity of each channel, 1 or -1, with which their sum is loudest; the loudest channel keeps its own."""
    power = covariance.diagonal()
    signs = np.ones(len(power))
    while True:
        gain = power - signs * (covariance @ signs)  # a quarter of what inverting each channel adds
        flipped = int(gain.argmax())
        if gain[flipped] <= FLIP * power.sum():
            return signs * signs[int(power.argmax())]
        signs[flipped] *= -1
