"""The optimiser and schedule of a training, and the module that has them. Floor 3."""

from __future__ import annotations

import math
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn

from restyle.training.data import Chunks

WARM = 0.05  # part of the steps in which the learning rate rises


class Training(lightning.LightningModule):
    """A network, its optimiser and schedule, and random numbers that depend on seed and step alone.

    Class attributes are the defaults where None is given.

    Args:
        model: the network to train.
        rate: highest learning rate.
        weight_decay: of AdamW; with 0 it is Adam.
        schedule: ``constant``, or ``cosine`` with a warm-up.
        seed: of all random numbers.

    Raises:
        ValueError: if there is no such schedule.
    """

    rate, weight_decay, schedule = 1e-3, 0.0, "cosine"
    wants: tuple[str, ...] = ()  # what its batches hold beside spectrograms and labels (see `training.data.WANTS`)
    chunks: type[Chunks] = Chunks  # what makes its batches
    limits = ""  # what the model cannot do, for its card

    def __init__(
        self,
        model: Any,
        *,
        rate: float | None = None,
        weight_decay: float | None = None,
        schedule: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model: Any = model
        self.rate = self.rate if rate is None else rate
        self.weight_decay = self.weight_decay if weight_decay is None else weight_decay
        self.schedule, self.seed = schedule or self.schedule, seed
        self._outputs: list[Any] = []  # of validation steps
        if self.schedule not in ("constant", "cosine"):
            raise ValueError(f"schedule must be constant or cosine, not '{schedule}'")

    def rng(self, batch_idx: int) -> np.random.Generator:
        """Return the random numbers of a training step."""
        return np.random.default_rng((self.seed, self.global_step, batch_idx, self.global_rank))

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: arrays and settings."""
        return {}

    def examples(self) -> list[dict[str, Any]]:
        """Return examples of the last validation for the report (see `pages.training.page`)."""
        return []

    def gathered(self) -> list[Any]:
        """Return the outputs that validation steps have kept, the same in all processes, and forget them."""
        own, self._outputs = self._outputs, []
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return own
        parts: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, own)
        return [output for part in parts for output in part]

    def configure_optimizers(self, **adversarial: Any) -> Any:
        """Return AdamW and its schedule; arguments go to `optimiser`."""
        steps = self.trainer.estimated_stepping_batches
        return optimiser(self.model, self.rate, self.weight_decay, self.schedule, steps, **adversarial)


def optimiser(
    model: nn.Module,
    rate: float,
    weight_decay: float,
    schedule: str,
    steps: float,
    *,
    discriminator: nn.Module | None = None,
    discriminator_rate: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.999),
) -> dict[str, Any]:
    """Return what a LightningModule's `configure_optimizers` returns: Adam, or AdamW, and a schedule by steps.

    Args:
        model: the network to train.
        rate: highest learning rate.
        weight_decay: of all weights but norms, biases and other single numbers a channel; 0 for Adam.
        schedule: ``constant``, or ``cosine``: up in the first steps, then down to 0.
        steps: of the whole training.
        discriminator: trained beside the model.
        discriminator_rate: its highest learning rate.
        betas: of Adam; adversarial training needs smaller ones.

    Raises:
        ValueError: if a cosine schedule has no last step.
    """
    if schedule == "cosine" and not math.isfinite(steps):
        raise ValueError("a cosine schedule needs an end: set max_epochs or max_steps")
    trained = [value for value in model.parameters() if value.requires_grad]
    matrices = [value for value in trained if value.squeeze().dim() > 1]
    rest = [value for value in trained if value.squeeze().dim() <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    if discriminator is not None:
        groups.append({"params": list(discriminator.parameters()), "weight_decay": 0.0, "lr": discriminator_rate})
    result = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=betas)
    if schedule == "constant":
        return {"optimizer": result}
    curve = torch.optim.lr_scheduler.LambdaLR(result, lambda step: cosine(step, int(steps)))
    return {"optimizer": result, "lr_scheduler": {"scheduler": curve, "interval": "step"}}


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
