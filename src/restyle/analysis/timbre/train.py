"""Trains the networks of `analysis/timbre/model.py`: clips of one instrument come together, others apart. Floor 3."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.genre.accuracy import Share, triplets
from restyle.training.augment import respond, warp
from restyle.training.optimisers import Training

Loss = Callable[[Tensor, Tensor, np.random.Generator], Tensor]


class TimbreTraining(Training):
    """Two clips of each instrument in a batch: the first and the second half of every spectrogram.

    A batch is (spectrograms ``[B, M, 2 L]``, instruments ``[B]``, sources ``[B]``).

    Args:
        model: takes spectrograms, gives unit vectors.
        labels: names of the instruments.
        loss: ``triplet``: a clip, the other half, a half of another instrument; or ``contrastive``: all clips of the
            batch's instruments at once.
        margin: by which a likeness must be above the other, for ``triplet``.
        temperature: of ``contrastive``.
        respond: whether to change frequency responses, each half on its own,
        warp: and their tempo (by up to a fifth) and pitch (by up to a band and a half).
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
        loss: str = "triplet",
        margin: float = 0.1,
        temperature: float = 0.1,
        respond: bool = False,
        warp: bool = False,
        **optimisation: Any,
    ) -> None:
        super().__init__(model, **optimisation)
        if loss not in ("triplet", "contrastive"):
            raise ValueError(f"loss must be triplet or contrastive, not '{loss}'")
        self.labels, self.respond, self.warp = list(labels), respond, warp
        self.accuracy: Share | None = None  # of the last validation
        self._loss: Loss = _triplet(margin) if loss == "triplet" else _contrastive(temperature)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch's halves."""
        x, labels = halves(batch[0]), batch[1].repeat(2)
        rng = self.rng(batch_idx)
        if self.respond:
            x = respond(x, rng, gain=0.0, curve=3.0, linear=False)
        if self.warp:
            x = warp(x, rng)
        loss = self._loss(self.model(x), labels, rng)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Note the halves' embeddings."""
        first, second = self.model(halves(batch[0])).float().cpu().chunk(2)
        sources = batch[2] if len(batch) > 2 else torch.arange(len(first)) + len(first) * batch_idx
        self._outputs.append((first, second, batch[1].cpu(), sources.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Log the loss of all halves together, and the accuracy of all triplets."""
        outputs = self.gathered()
        if not outputs:
            return
        first, second, labels, sources = (torch.cat(parts) for parts in zip(*outputs, strict=True))
        both, twice = torch.cat([first, second]), labels.repeat(2)
        self.accuracy = triplets(both.numpy(), twice.numpy(), sources.repeat(2).numpy())
        if math.isnan(self.accuracy.mean):  # no instrument has two sources: the halves of one must do
            self.accuracy = triplets(both.numpy(), twice.numpy())
        self.log("val_loss", self._loss(both, twice, np.random.default_rng(self.seed)))
        self.log("val_accuracy", 0.0 if math.isnan(self.accuracy.mean) else self.accuracy.mean)

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: the instruments, and the last validation's triplet accuracy."""
        found = {"triplet_accuracy": list(self.accuracy)} if self.accuracy else {}
        return {"labels": self.labels, **found}


def halves(x: Tensor) -> Tensor:
    """Cut ``[B, M, 2 L]`` into first halves, then second ones, ``[2 B, M, L]``.

    Example:
        >>> halves(torch.tensor([[[1, 2, 3, 4]]])).tolist()
        [[[1, 2]], [[3, 4]]]
    """
    length = x.shape[-1] // 2
    return torch.cat([x[..., :length], x[..., length : 2 * length]])


def triplet(points: Tensor, labels: Tensor, rng: np.random.Generator, margin: float) -> Tensor:
    """Return by how much a clip's likeness to one of another instrument exceeds that to its other half.

    Args:
        points: unit vectors ``[2 B, D]``, first halves and then second ones.
        labels: instruments ``[2 B]``.
        rng: draws the clip of another instrument; a clip without one counts as well placed.
        margin: by which the likeness to the other half must be above.

    Source: Schroff, Kalenichenko, Philbin, "FaceNet: a unified embedding for face recognition and clustering", CVPR
    2015 (with cosines, as Cífka et al. 2021).
    """
    other = labels[:, None] != labels
    drawn = torch.from_numpy(rng.random(other.shape, dtype=np.float32)).to(points.device) * other
    likeness = points @ points.T
    far = likeness.gather(1, drawn.argmax(1, keepdim=True))[:, 0]
    near = likeness.diagonal(len(points) // 2).repeat(2)
    return ((margin + far - near).clamp_min(0) * other.any(1)).mean()


def contrastive(points: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the supervised contrastive loss: all clips of an instrument against all others.

    Args:
        points: unit vectors ``[N, D]``.
        labels: instruments ``[N]``; a clip that is alone counts nothing.
        temperature: small values look at the nearest clips only.

    Source: Khosla et al., "Supervised contrastive learning", NeurIPS 2020 (the loss with the mean outside).
    """
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    likeness = (points @ points.T / temperature).masked_fill(itself, -math.inf)
    log = (likeness - likeness.logsumexp(1, keepdim=True)).masked_fill(itself, 0)
    own = (labels[:, None] == labels) & ~itself
    counts = own.sum(1)
    each = -(log * own).sum(1) / counts.clamp_min(1)
    return each[counts > 0].mean() if bool((counts > 0).any()) else points.sum() * 0


def _triplet(margin: float) -> Loss:
    return lambda points, labels, rng: triplet(points, labels, rng, margin)


def _contrastive(temperature: float) -> Loss:
    return lambda points, labels, rng: contrastive(points, labels, temperature)
