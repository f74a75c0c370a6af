"""Levels: of samples, and of spectrograms in the scale that networks work in, in nepers, and back. Floor 2."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

DEPTH = 1000.0  # a magnitude of 1 / DEPTH of the mean is where levels end
MIDDLE, SPREAD = 4.0, 2.0  # of levels, about


def rms(samples: np.ndarray) -> float:
    """Return the root mean square of samples; 0 where there are none."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def levels(magnitude: Tensor, mean: Tensor | float = 1.0) -> Tensor:
    """Return logarithmic levels in nepers: 0 is 60 dB below the recording's mean and all softer.

    Args:
        magnitude: of the recording, or of a part of it.
        mean: the root mean square of all magnitudes of the whole recording, in training as in use.

    Example:
        >>> levels(torch.tensor([0.0, 1.0])).round().tolist()
        [0.0, 7.0]
    """
    return torch.log1p(DEPTH * (magnitude / mean))


def magnitudes(levels: Tensor) -> Tensor:
    """Return the magnitudes of levels, the inverse of :func:`levels`."""
    return torch.expm1(levels.clamp(0, 16)) / DEPTH


def scaled(levels: Tensor) -> Tensor:
    """Return levels with a mean near 0 and a deviation near 1, as networks like them."""
    return (levels - MIDDLE) / SPREAD
