"""A small store, model and module for tests of training; also imported by processes that tests start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restyle.io.kinds import KINDS
from restyle.training.optimisers import Training

BINS, FRAMES = 9, 8
KINDS["toy"] = ("toys:Toy", "toys:ToyTraining")


@dataclass(frozen=True)
class FakeEntry:
    """As an entry of a store."""

    name: str
    labels: tuple[str, ...]
    source: str
    split: str
    frames: int
    beside: tuple[str, ...] = ()


class FakeStore:
    """Noise with a hill of energy whose place tells the class, as a store would give it."""

    def __init__(self, sources: int = 12, classes: Sequence[str] = ("low", "high"), frames: int = 29, test: int = 0):
        rng = np.random.default_rng(0)
        self.settings: dict[str, Any] = {"kind": "stft", "rate": 8000, "n_fft": 16, "hop": 4, "log1p": True}
        self.entries, self.arrays = [], []
        for i in range(sources):
            label = classes[i % len(classes)]
            split = "test" if i < test else ""
            self.entries.append(FakeEntry(f"{label}/{i}", (label,), f"s{i // 2}", split, frames + i % 3))
            hill = np.zeros(BINS)
            hill[list(classes).index(label) * 4 : list(classes).index(label) * 4 + 3] = 1
            self.arrays.append((rng.random((frames + i % 3, BINS)) + hill).astype(np.float16))
        whole = np.concatenate(self.arrays).astype(np.float32)
        self.statistics = {"mean": whole.mean(0), "std": whole.std(0)}

    def read(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        return self.arrays[i][start : None if frames is None else start + frames]


class Toy(nn.Module):
    """One layer of features with dropout, one of classes."""

    def __init__(self, *, classes: int, bins: int, width: int = 6, dropout: float = 0.2) -> None:
        super().__init__()
        self.classes, self.bins, self.width = classes, bins, width
        self.first, self.drop, self.last = nn.Linear(bins, width), nn.Dropout(dropout), nn.Linear(width, classes)

    def settings(self) -> dict[str, int]:
        return {"classes": self.classes, "bins": self.bins, "width": self.width}

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(torch.relu(self.first(x.mean(-1)))))


class ToyTraining(Training):
    """Cross-entropy with random noise on the input, Adam and two schedules' worth of state."""

    rate = 0.02

    def __init__(
        self, model: Toy, *, labels: Sequence[str], noise: float = 0.1, spoil: int = -1, **optimisation: Any
    ) -> None:
        super().__init__(model, **optimisation)
        self.labels, self.noise, self.spoil = list(labels), noise, spoil
        self.seen: Tensor | None = None

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        x, labels = batch
        loss = nn.functional.cross_entropy(self.model(x + self.noise * torch.randn_like(x)), labels)
        return loss * torch.nan if self.global_step == self.spoil else loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        x, labels = batch
        logits = self.model(x)
        self.seen = x
        self.log("val_loss", nn.functional.cross_entropy(logits, labels), batch_size=len(x), sync_dist=True)
        accuracy = (logits.argmax(-1) == labels).float().mean()
        self.log("val_accuracy", accuracy, batch_size=len(x), sync_dist=True)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.model.parameters(), self.rate)
        steps = self.trainer.estimated_stepping_batches
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 0.9 * step / steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": falling, "interval": "step"}}

    def exports(self) -> dict[str, Any]:
        return {"profile": np.arange(3, dtype=np.float32), "note": "toy"}

    def examples(self) -> list[dict[str, Any]]:
        return [{"title": "<first>", "picture": x.numpy(), "text": "a chunk"} for x in self.seen[:2]]
