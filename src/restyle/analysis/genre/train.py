"""Trains the networks of `analysis/genre/model.py`. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.genre.accuracy import Accuracy, evaluate
from restyle.training.augment import mixup, respond, spec_augment
from restyle.training.optimisers import Training

UPPER, LOWER, ABSENT = 0.9, 0.1, 0.5  # of the margin loss


class ClassifierTraining(Training):
    """Cross-entropy (or capsules' margin loss), Adam, and changes to the spectrograms where asked for.

    A batch is (spectrograms ``[B, F, L]``, labels ``[B]``, sources ``[B]``). All random numbers follow from
    the seed and the number of the step.

    Args:
        model: takes spectrograms, gives logits.
        labels: names of the classes.
        loss: ``cross_entropy``, or ``margin`` on the logits' sigmoids.
        smoothing: part of the target that is spread over all classes.
        mixup: alpha of mixing spectrograms; 0 is none.
        spec_augment: whether to cover bands and moments.
        respond: whether to change levels and frequency responses.
        optimisation: rate, weight decay, schedule and seed (see `Training`).

    Raises:
        ValueError: if there is no such loss or schedule.
    """

    wants = ("sources",)
    rate, weight_decay, schedule = 1e-3, 0.0, "constant"

    def __init__(
        self,
        model: nn.Module,
        *,
        labels: Sequence[str],
        loss: str = "cross_entropy",
        smoothing: float = 0.0,
        mixup: float = 0.0,
        spec_augment: bool = False,
        respond: bool = False,
        **optimisation: Any,
    ) -> None:
        super().__init__(model, **optimisation)
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, not '{loss}'")
        self.labels, self.loss, self.smoothing = list(labels), loss, smoothing
        self.mixup, self.spec_augment, self.respond = mixup, spec_augment, respond
        self.accuracy: Accuracy | None = None  # of the last validation

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a changed batch."""
        x, labels = batch[0], batch[1]
        rng = self.rng(batch_idx)
        x, target = self.changed(x, self._target(labels), rng)
        loss = self._loss(self.model(x), target)
        self.log("train_loss", loss)
        return loss

    def changed(self, x: Tensor, target: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return spectrograms and targets ``[B, classes]`` after augmentation."""
        if self.respond:
            x = respond(x, rng)
        if self.mixup:
            x, target = mixup(x, target, rng, self.mixup)
        if self.spec_augment:
            x = spec_augment(x, rng)
        return x, target

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Note probabilities, labels and sources; without sources every chunk is its own."""
        x, labels = batch[0], batch[1]
        logits = self.model(x)
        self.log("val_loss", self._loss(logits, self._target(labels)), batch_size=len(x), sync_dist=True)
        sources = batch[2] if len(batch) > 2 else torch.arange(len(x)) + len(x) * batch_idx
        self._outputs.append((logits.softmax(-1).float().cpu(), labels.cpu(), sources.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Log the accuracies of chunks and tracks; a track is what one source has of one label."""
        outputs = self.gathered()
        if not outputs:
            return
        probabilities, labels, sources = (torch.cat(parts).numpy() for parts in zip(*outputs, strict=True))
        self.accuracy = evaluate(probabilities, labels, list(zip(sources.tolist(), labels.tolist(), strict=True)))
        self.log("val_accuracy", self.accuracy.chunk.mean)
        self.log("val_track_accuracy", self.accuracy.track.mean)

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: the classes, and how well the last validation told them apart."""
        found = self.accuracy
        if found is None:
            return {"labels": self.labels}
        shares = {"chunk_accuracy": list(found.chunk), "track_accuracy": list(found.track)}
        return {"labels": self.labels, "confusion": found.confusion.tolist(), **shares}

    def examples(self) -> list[dict[str, str]]:
        """Return for the report which classes the last validation mistook most often."""
        if self.accuracy is None:
            return []
        table = self.accuracy.confusion
        part = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        np.fill_diagonal(part, 0)
        worst = [np.unravel_index(i, part.shape) for i in np.argsort(-part, axis=None, kind="stable")[:5]]
        pairs = [
            f"{self.labels[i]} for {self.labels[j]} ({100 * part[i, j]:.0f} %)" for i, j in worst if part[i, j] > 0
        ]
        return [{"title": "Most often mistaken", "text": ", ".join(pairs) or "no track was mistaken"}]

    def _target(self, labels: Tensor) -> Tensor:
        return nn.functional.one_hot(labels, len(self.labels)).float()

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        smooth = (1 - self.smoothing) * target + self.smoothing / target.shape[-1] if self.training else target
        return LOSSES[self.loss](logits, smooth)


def margin(logits: Tensor, target: Tensor) -> Tensor:
    """Return the margin loss of capsules whose lengths are the logits' sigmoids.

    Args:
        logits: ``[B, classes]``.
        target: parts of the classes, ``[B, classes]``.

    Example:
        >>> margin(torch.tensor([[9.0, -9.0]]), torch.tensor([[1.0, 0.0]])).item()  # longer than 0.9, shorter than 0.1
        0.0

    Source: Sabour, Frosst, Hinton, "Dynamic routing between capsules", NIPS 2017.
    """
    lengths = logits.sigmoid()
    there, absent = (UPPER - lengths).clamp_min(0).square(), (lengths - LOWER).clamp_min(0).square()
    return (target * there + ABSENT * (1 - target) * absent).sum(-1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"cross_entropy": nn.functional.cross_entropy, "margin": margin}
