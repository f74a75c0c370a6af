"""How the methods optimise: Adam, until nothing improves any more. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

LOOK = 10  # steps between two looks at whether anything still improves


class Adam:
    """Adam by itself: PyTorch's optimisers take more than a second to load, most of a short transfer's time.

    Args:
        values: leaves that require gradients; changed in place.
        step: size of a step.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    def __init__(self, values: Sequence[Tensor], *, step: float) -> None:
        self.values, self.step_size, self.count = list(values), step, 0
        self.means = [torch.zeros_like(value) for value in values]
        self.squares = [torch.zeros_like(value) for value in values]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for value in self.values:
            value.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change the values by their gradients."""
        self.count += 1
        first, second = 1 - 0.9**self.count, 1 - 0.999**self.count
        for value, mean, square in zip(self.values, self.means, self.squares, strict=True):
            if value.grad is None:
                continue
            mean.lerp_(value.grad, 0.1)
            square.mul_(0.999).addcmul_(value.grad, value.grad, value=0.001)
            value.addcdiv_(mean, (square / second).sqrt_().add_(1e-8), value=-self.step_size / first)


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
    optimiser = Adam(values, step=step)
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
