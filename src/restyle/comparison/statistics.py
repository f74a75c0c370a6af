"""Means with intervals, and paired tests. Floor 6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval; all NaN when there are no values."""

    mean: float
    low: float
    high: float


def bootstrap(
    values: Sequence[float | None], *, confidence: float = 0.95, resamples: int = 10000, seed: int = 0
) -> Interval:
    """Return the mean and its percentile-bootstrap interval.

    Args:
        values: one a pair or a listener; None is left out.
        confidence: part of the resampled means that the interval holds.
        resamples: how many.
        seed: of the resampling.

    Returns:
        The mean and the interval; both ends are the mean for a single value.

    Example:
        >>> bootstrap([1.0, 1.0, None, 1.0])
        Interval(mean=1.0, low=1.0, high=1.0)

    Source: Efron, Tibshirani, "An introduction to the bootstrap", 1993.
    """
    known = np.array([value for value in values if value is not None], float)
    if not len(known):
        return Interval(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    means = known[rng.integers(len(known), size=(resamples, len(known)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(known.mean()), float(low), float(high))


def paired_test(
    first: Sequence[float | None], second: Sequence[float | None], *, resamples: int = 10000, seed: int = 0
) -> float:
    """Return how likely a mean difference this large would be if the two did not differ (two-sided).

    The signs of the differences are flipped: in all ways when there are few pairs, else at random.

    Args:
        first: values, one a pair; None leaves the pair out.
        second: values of the same pairs.
        resamples: random flips where there are more than ``2**12`` ways.
        seed: of the random flips.

    Returns:
        p, 0..1; 1 when no pair differs.

    Example:
        >>> paired_test([3, 4, 5, 6, 7], [1, 2, 3, 4, 5])  # 2 of the 32 ways are as extreme
        0.0625

    Source: Fisher, "The design of experiments", 1935 (sign-flip permutation test).
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    differences = np.array([a - b for a, b in pairs], float)
    if not differences.any():
        return 1.0
    n = len(differences)
    if n <= 12:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        extra = 0  # the observed one is among them
    else:
        signs = np.random.default_rng(seed).choice([-1, 1], size=(resamples, n))
        extra = 1
    observed = abs(differences.sum())
    extreme = int((np.abs(signs @ differences) >= observed * (1 - 1e-12)).sum())
    return (extreme + extra) / (len(signs) + extra)
