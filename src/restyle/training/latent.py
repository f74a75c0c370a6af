"""Losses of variational codes. Floor 3."""

from __future__ import annotations

import torch
from torch import Tensor


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the divergence of normal distributions from the standard one in nats, each value on its own.

    Example:
        >>> kl_divergence(torch.tensor([0.0, 1.0]), torch.zeros(2)).tolist()
        [0.0, 0.5]

    Source: Kingma, Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B.
    """
    return 0.5 * (mean.square() + torch.exp(log_variance) - 1 - log_variance)


def free_bits(kl: Tensor, least: float) -> Tensor:
    """Return the divergence per code: the sum over channels of their means, of which the first nats are free.

    Args:
        kl: ``[B, D, ...]``, of each value.
        least: nats of each channel below which nothing is gained, so that no channel is given up early.

    Example:
        >>> free_bits(torch.tensor([[0.1, 2.0]]), 0.5).item()
        2.5

    Source: Kingma et al., "Improved variational inference with inverse autoregressive flow", NIPS 2016.
    """
    return kl.transpose(0, 1).flatten(1).mean(1).clamp_min(least).sum()


def annealed(step: int, over: int) -> float:
    """Return the weight 0..1 of a divergence that is brought in over the first steps.

    Example:
        >>> annealed(0, 100), annealed(50, 100), annealed(500, 100), annealed(0, 0)
        (0.0, 0.5, 1.0, 1.0)

    Source: Bowman et al., "Generating sentences from a continuous space", CoNLL 2016.
    """
    return min(1.0, step / over) if over else 1.0
