"""The optimiser and schedule of a training. Floor 3."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

WARM = 0.05  # part of the steps in which the learning rate rises


def optimiser(
    model: nn.Module,
    rate: float,
    weight_decay: float,
    schedule: str,
    steps: float,
    *,
    judge: nn.Module | None = None,
    judge_rate: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.999),
) -> dict[str, Any]:
    """Return what a LightningModule's `configure_optimizers` returns: Adam, or AdamW, and a schedule by steps.

    Args:
        model: what is learnt.
        rate: highest learning rate.
        weight_decay: of all weights but norms, biases and other single numbers a channel; 0 for Adam.
        schedule: ``constant``, or ``cosine``: up in the first steps, then down to 0.
        steps: of the whole training.
        judge: a discriminator that learns beside the model.
        judge_rate: its highest learning rate.
        betas: how long Adam remembers; a game of two needs a shorter memory.

    Raises:
        ValueError: if there is no such schedule, or it needs to know the number of steps and it is infinite.
    """
    check_schedule(schedule)
    if schedule == "cosine" and not math.isfinite(steps):
        raise ValueError("a cosine schedule needs an end: set max_epochs or max_steps")
    learnt = [value for value in model.parameters() if value.requires_grad]
    matrices = [value for value in learnt if value.squeeze().dim() > 1]
    rest = [value for value in learnt if value.squeeze().dim() <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    if judge is not None:
        groups.append({"params": list(judge.parameters()), "weight_decay": 0.0, "lr": judge_rate})
    result = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=betas)
    if schedule == "constant":
        return {"optimizer": result}
    curve = torch.optim.lr_scheduler.LambdaLR(result, lambda step: cosine(step, int(steps)))
    return {"optimizer": result, "lr_scheduler": {"scheduler": curve, "interval": "step"}}


def check_schedule(schedule: str) -> None:
    """Refuse a schedule that there is not.

    Raises:
        ValueError: if it is neither ``constant`` nor ``cosine``.
    """
    if schedule not in ("constant", "cosine"):
        raise ValueError(f"schedule must be constant or cosine, not '{schedule}'")


def cosine(step: int, steps: int) -> float:
    """Return the part of the highest learning rate at a step.

    Example:
        >>> [round(cosine(step, 100), 2) for step in (0, 4, 52, 100)]
        [0.2, 1.0, 0.51, 0.0]
    """
    warm = max(1, round(WARM * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm)))
