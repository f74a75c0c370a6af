"""Losses of generators and discriminators, and whose weights they reach. Floor 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

LOSSES = ("bce", "least_squares", "hinge")


def discriminator_loss(real: Tensor, generated: Tensor, kind: str) -> Tensor:
    """Return what a discriminator lowers: logits of recordings should be high, generated ones low.

    Args:
        real: logits of any shape.
        generated: the same, of a generator's output.
        kind: one of `LOSSES`.

    Example:
        >>> discriminator_loss(torch.tensor([1.0]), torch.tensor([-1.0]), "hinge").item()
        0.0

    Source: Goodfellow et al. 2014 (bce), Mao et al. 2017 (least squares), Lim and Ye 2017 (hinge).
    """
    if kind == "bce":
        return nn.functional.softplus(-real).mean() + nn.functional.softplus(generated).mean()
    if kind == "least_squares":
        return (real - 1).square().mean() + generated.square().mean()
    return (1 - real).relu().mean() + (1 + generated).relu().mean()


def generator_loss(generated: Tensor, kind: str) -> Tensor:
    """Return what a generator lowers: logits of its output should be high.

    Example:
        >>> generator_loss(torch.tensor([1.0]), "least_squares").item()
        0.0
    """
    if kind == "bce":
        return nn.functional.softplus(-generated).mean()
    if kind == "least_squares":
        return (generated - 1).square().mean()
    return -generated.mean()


def feature_loss(features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Return the mean distance of a discriminator's features from those of the target.

    Each layer counts relative to the mean size of its target features, which take no gradient.
    """
    pairs = [(a.float(), b.detach().float()) for a, b in zip(features, target, strict=True)]
    return torch.stack([(a - b).abs().mean() / b.abs().mean().clamp_min(1e-4) for a, b in pairs]).mean()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Let gradients pass through modules inside without reaching their weights."""
    values = [value for module in modules for value in module.parameters() if value.requires_grad]
    for value in values:
        value.requires_grad_(False)
    try:
        yield
    finally:
        for value in values:
            value.requires_grad_(True)


def scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x`` itself, through which gradients pass ``factor`` times as large.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> scaled_gradient(3 * x, 0.5).backward()
        >>> x.grad.item()
        1.5
    """
    return factor * x + (1 - factor) * x.detach()


def check_loss(kind: str) -> None:
    """Refuse a loss that there is not.

    Raises:
        ValueError: if it is none of `LOSSES`.
    """
    if kind not in LOSSES:
        raise ValueError(f"the adversarial loss must be one of {', '.join(LOSSES)}, not '{kind}'")
