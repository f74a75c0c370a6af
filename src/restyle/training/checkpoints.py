"""Stopping at any point and resuming with the same result: checkpoints, seeds, averaged weights. Floor 3."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from restyle.errors import RestyleError
from restyle.io.atomic import writing


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write beside and rename."""
        packed = io.BytesIO()
        torch.save(checkpoint, packed)
        with writing(Path(path)) as beside:
            beside.write_bytes(packed.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read tensors and plain values, nothing else."""
        try:
            checkpoint = dict(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:
            raise RestyleError(f"{path} is damaged; remove it to begin again, or choose another --out") from error
        if "LastCheckpoint" not in checkpoint["callbacks"]:
            raise RestyleError(f"{path} is of an earlier version; remove it to begin again, or choose another --out")
        return checkpoint


class LastCheckpoint(Callback):
    """Saves a run every so many steps and after each epoch; seeds every step by its number.

    Args:
        path: the checkpoint's file.
        every: steps.
        seed: of the run.
    """

    def __init__(self, path: Path, every: int, seed: int) -> None:
        self.path, self.every, self.seed = path, every, seed
        self.epoch, self.done = 0, 0  # and batches of that epoch

    def state_dict(self) -> dict[str, int]:
        """Return the place in the data."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Take over the place in the data."""
        self.epoch, self.done = state["epoch"], state["done"]

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Choose the batches of an epoch that goes on: Lightning restores no loader once the steps were estimated."""
        _batches(trainer).begin(self.epoch, self.done)

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Choose the batches of a new epoch."""
        self.epoch, self.done = trainer.current_epoch, 0
        _batches(trainer).begin(self.epoch)

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed augmentation and dropout of the step."""
        words = (self.seed, trainer.current_epoch, batch_idx, trainer.global_rank)
        seed_everything(int(np.random.SeedSequence(words).generate_state(1)[0]), verbose=False)

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save where no gradients wait; not after the last batch: a resumed run would skip the validation."""
        self.done = batch_idx + 1
        due = trainer.global_step % self.every == 0 or (
            trainer.max_steps != -1 and self.done == trainer.accumulate_grad_batches
        )
        if due and self.done % trainer.accumulate_grad_batches == 0 and not trainer.is_last_batch:
            self.save(trainer, module)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Save where Lightning resumes after an epoch: not with ``max_steps``, nor a run that is to stop."""
        if trainer.max_steps == -1 and not trainer.should_stop:
            self.save(trainer, module)

    def save(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the checkpoint.

        Raises:
            RestyleError: if weights are NaN or infinite, or the disk is full.
        """
        if not all(bool(value.isfinite().all()) for value in module.parameters()):
            raise RestyleError(diverged(trainer.global_step, self.path.parent))
        trainer.save_checkpoint(self.path)


def _batches(trainer: Trainer) -> Any:
    return trainer.train_dataloader


def averaging(decay: float) -> WeightAveraging:
    """Return the callback that validates and keeps a running mean of the weights.

    Args:
        decay: of the mean, 0..1; smaller in the first steps.

    Raises:
        RestyleError: if it is not between 0 and 1.

    Source: Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 1992.
    """
    if not 0 < decay < 1:
        raise RestyleError(f"trainer.average must lie between 0 and 1, as 0.999, not at {decay}")

    def average(mean: Tensor, value: Tensor, updates: Tensor) -> Tensor:
        if not value.is_floating_point():
            return value
        return mean + (value - mean) * (1 - ((2 + updates) / (11 + updates)).clamp_max(decay))

    return WeightAveraging(avg_fn=average)


def diverged(step: int, run: Path) -> str:
    """Return the sentence for weights or a loss that are NaN or infinite."""
    return (
        f"the loss is no number any more at step {step}; begin again in another --out with a smaller learning rate "
        f"({run} keeps the run as it was before)"
    )
