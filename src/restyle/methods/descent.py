"""How the methods optimise: Adam, until nothing improves any more. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

LOOK = 10  # steps between two looks at whether anything still improves


def descend(
    values: Sequence[Tensor], loss: Callable[[], Tensor], *, iterations: int, step: float, patience: float
) -> None:
    """Change values in place so that a loss falls.

    Args:
        values: leaves that require gradients.
        loss: a scalar of them.
        iterations: steps at most.
        step: size of a step (Adam).
        patience: stop when ten steps improve the loss by less than this part.

    Example:
        >>> x = torch.zeros(1, requires_grad=True)
        >>> descend([x], lambda: (x - 2).square().sum(), iterations=60, step=0.05, patience=0.01)
        >>> bool((x - 2).abs() < 0.1)
        True
    """
    optimiser = torch.optim.Adam(values, lr=step)
    before = float("inf")
    for i in range(iterations):
        optimiser.zero_grad()
        found = loss()
        if i % LOOK == 0:
            now = float(found.detach())
            if now > before * (1 - patience):
                return
            before = now
        found.backward()
        optimiser.step()
