"""Stopping at any point and going on as if nothing had been: checkpoints, seeds, a mean of the weights. Floor 3.

Every checkpoint says the same thing: so many epochs and so many batches of the next one are done. Lightning's own
counters are brought to that form when it is written, for those that it writes in the middle of its loops mean something
else at every place.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.plugins.io import TorchCheckpointIO

from restyle.errors import RestyleError
from restyle.io.atomic import writing
from restyle.training.data import Batches


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
            return dict(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:
            raise RestyleError(f"{path} is damaged; remove it to begin again, or choose another --out") from error


class Checkpoints(Callback):
    """Writes the run's state every so many steps and before each epoch; seeds every step by its number.

    Args:
        path: the checkpoint's file.
        every: steps.
        seed: of the run.
    """

    def __init__(self, path: Path, every: int, seed: int) -> None:
        self.path, self.every, self.seed = path, every, seed
        self.epoch, self.done = 0, 0  # epochs, and batches of the next one
        self.went_on = False

    def state_dict(self) -> dict[str, int]:
        """Return the place in the data."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a place in the data."""
        self.epoch, self.done, self.went_on = state["epoch"], state["done"], True

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Let an epoch that was begun go on at its next batch."""
        if self.went_on:
            trainer.fit_loop.restarting = False
            trainer.fit_loop.epoch_loop.restarting = self.done > 0

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Choose the epoch's batches; what came before is worth keeping."""
        if not self.went_on:
            self.epoch, self.done = trainer.current_epoch, 0
            if self.epoch:
                self.save(trainer, module)
        self.went_on = False
        _batches(trainer).begin(self.epoch, self.done)

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed what the step draws: augmentation, dropout."""
        seed_everything(_mixed(self.seed, trainer.current_epoch, batch_idx, trainer.global_rank), verbose=False)

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write every so many steps; the last batch's comes with the next epoch, after the validation."""
        self.done = batch_idx + 1
        whole = self.done % trainer.accumulate_grad_batches == 0  # no gradients wait
        if whole and self.done % self.every < trainer.accumulate_grad_batches and self.done < len(_batches(trainer)):
            self.save(trainer, module)

    def save(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the checkpoint, unless the weights are spoilt.

        Raises:
            RestyleError: if they hold values that are no numbers, or the disk is full.
        """
        if not all(bool(value.isfinite().all()) for value in module.parameters()):
            raise RestyleError(spoilt(trainer.global_step, self.path.parent))
        trainer.save_checkpoint(self.path)

    def on_save_checkpoint(self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Write Lightning's counters as they are between two batches."""
        checkpoint.pop("hyper_parameters", None)  # may hold anything
        fit = checkpoint["loops"]["fit_loop"]
        _set(fit["epoch_progress"], self.epoch, self.epoch)
        batches = self.epoch * len(_batches(trainer)) + self.done
        _set(fit["epoch_loop.batch_progress"], batches, self.done)
        fit["epoch_loop.batch_progress"]["is_last_batch"] = False
        fit["epoch_loop.state_dict"]["_batches_that_stepped"] = trainer.global_step


class Average(Callback):
    """A running mean of the weights, which is what is validated and exported.

    Args:
        decay: of the mean, 0..1; smaller in the first steps.

    Source: Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 1992.
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise RestyleError(f"trainer.average must lie between 0 and 1, as 0.999, not at {decay}")
        self.decay = decay
        self.mean: dict[str, torch.Tensor] = {}
        self._kept: dict[str, torch.Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the mean."""
        return {"mean": self.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a mean."""
        self.mean = state["mean"]

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Begin with the weights as they are."""
        for name, value in module.state_dict().items():
            self.mean[name] = self.mean.get(name, value).detach().to(value.device, copy=True)

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the mean a little toward the weights."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches and not trainer.is_last_batch:
            return
        weight = 1 - min(self.decay, (1 + trainer.global_step) / (10 + trainer.global_step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.mean[name].lerp_(value, weight)
            else:
                self.mean[name].copy_(value)

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Put the mean in the weights' place."""
        if self.mean:
            self._kept = {name: value.clone() for name, value in module.state_dict().items()}
            module.load_state_dict(self.mean)

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Put the weights back."""
        if self._kept:
            module.load_state_dict(self._kept)
            self._kept = {}


def spoilt(step: int, run: Path) -> str:
    """Return the sentence for weights or a loss that are no numbers."""
    return (
        f"the loss is no number any more at step {step}; begin again in another --out with a smaller learning rate "
        f"({run} keeps the run as it was before)"
    )


def _batches(trainer: Trainer) -> Batches:
    """Those that a trainer's data module made for training."""
    return trainer.datamodule.train  # type: ignore[attr-defined]


def _set(progress: dict[str, Any], total: int, current: int) -> None:
    for name, value in (("total", total), ("current", current)):
        progress[name] = dict.fromkeys(progress[name], value)


def _mixed(*words: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(words).generate_state(1)[0])
