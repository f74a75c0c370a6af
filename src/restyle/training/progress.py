"""The progress of a run: metrics of every epoch, the loss curve, time left, the best weights, the report. Floor 3."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from restyle.errors import RestyleError
from restyle.io import weights
from restyle.io.atomic import writing
from restyle.io.text import spell, write_text
from restyle.training.checkpoints import diverged
from restyle.training.verdict import best_row, verdict

POINTS = 300  # of the loss curve, in a whole run
REPORT_EVERY = 20.0  # s, at the least, within an epoch
CHECK_EVERY = 50  # steps after which a loss on a GPU is checked: reading it waits for the GPU

Progress = Callable[[float], None]
Report = Callable[[str], None]
Page = Callable[[Mapping[str, Any]], str]  # as `restyle.pages.training.page`


class ProgressReport(Callback):
    """Writes ``report.html``, ``metrics.csv`` and ``best.safetensors``. Comes before `WeightAveraging`.

    Args:
        out: the run's folder.
        facts: name to text, for the report (config, data, hardware).
        trainer: the config's part of that name.
        progress: called with the finished part, 0..1.
        report: called with a line for every epoch.
        page: makes ``report.html``; without it there is none.
    """

    def __init__(
        self,
        out: Path,
        facts: dict[str, Any],
        trainer: dict[str, Any],
        *,
        progress: Progress | None = None,
        report: Report | None = None,
        page: Page | None = None,
    ) -> None:
        self.out, self.facts, self.settings = out, facts, trainer
        self.progress, self.report, self.page = progress, report, page
        self.rows: list[dict[str, float]] = []
        self.points: list[dict[str, float]] = []
        self.chunks: list[Any] = []  # examples where the module gives none with picture or sound
        self.examples: list[Any] = []
        self.seconds = 0.0  # before the run was resumed
        self._weights: dict[str, Any] = {}  # that are validated
        self._sum = self._point = (0.0, 0)
        self._began = self._drawn = time.monotonic()
        self._steps_before = 0
        self._ended, self._waited, self._worked = 0.0, 0.0, 0.0  # s, since the run was resumed

    @property
    def monitor(self) -> str:
        """The metric of the best epoch."""
        return str(self.settings["monitor"])

    @property
    def mode(self) -> str:
        """Whether it is to be low or high: min or max."""
        high = any(word in self.monitor for word in ("accuracy", "f1", "auc"))
        return str(self.settings["mode"] or ("max" if high else "min"))

    @property
    def best(self) -> dict[str, float] | None:
        """The best epoch's metrics."""
        return best_row(self.rows, self.monitor, self.mode)

    def state_dict(self) -> dict[str, Any]:
        """Return all metrics so far, as plain values."""
        sums = {"sum": [float(self._sum[0]), self._sum[1]], "point": [float(self._point[0]), self._point[1]]}
        return sums | {"rows": self.rows, "points": self.points, "seconds": self._elapsed()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the metrics of a checkpoint."""
        self.rows, self.points, self.seconds = state["rows"], state["points"], state["seconds"]
        self._sum, self._point = (state["sum"][0], state["sum"][1]), (state["point"][0], state["point"][1])

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Note the time."""
        self._began, self._steps_before = time.monotonic(), trainer.global_step
        self._show_progress(trainer)

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Note how long the batch was waited for; before the first of an epoch there is other work."""
        now = time.monotonic()
        if batch_idx and self._ended:
            self._waited += now - self._ended
        self._ended = now

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add up the loss; refuse NaN."""
        now = time.monotonic()
        self._worked, self._ended = self._worked + now - self._ended, now
        if not outputs:
            return  # the module skipped the step
        loss = outputs["loss"].detach() * trainer.accumulate_grad_batches
        checked = loss.device.type == "cpu" or (batch_idx + 1) % CHECK_EVERY == 0
        if checked and not math.isfinite(loss.item()):
            raise RestyleError(diverged(trainer.global_step, self.out))
        value = loss.item() if loss.device.type == "cpu" else loss
        self._sum = (self._sum[0] + value, self._sum[1] + 1)
        self._point = (self._point[0] + value, self._point[1] + 1)
        if self._point[1] >= trainer.estimated_stepping_batches * trainer.accumulate_grad_batches // POINTS:
            mean = float(self._point[0]) / self._point[1]
            self.points.append({"step": trainer.global_step, "loss": mean, "learning_rate": _rate(trainer)})
            self._point = (0.0, 0)
        if trainer.is_global_zero:
            self._show_progress(trainer)
            if time.monotonic() - self._drawn > REPORT_EVERY:
                self._write(trainer)
        self._ended = time.monotonic()

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Copy the weights that were validated: averaged ones are swapped back before the metrics are known."""
        if trainer.is_global_zero:
            self._weights = {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep the weights if they are the best so far."""
        scores = _scores(trainer)
        if self.monitor not in scores:
            known = ", ".join(sorted(scores)) or "none"
            unknown = f"there is no '{self.monitor}' to tell the best epoch by"
            raise RestyleError(f"{unknown}; set trainer.monitor to one of {known}, and choose another --out")
        if not math.isfinite(scores[self.monitor]):
            raise RestyleError(diverged(trainer.global_step, self.out))
        if trainer.is_global_zero:
            best = self.best
            if best is None or best_row([best, scores], self.monitor, self.mode) is scores:
                weights.save(self.out / "best.safetensors", self._weights, {"epoch": trainer.current_epoch + 1})
            self._collect_examples(module)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Add the epoch's metrics."""
        total = torch.as_tensor(self._sum[0], dtype=torch.float32, device=module.device)
        train_loss = float(trainer.strategy.reduce(total / max(1, self._sum[1]), reduce_op="mean"))
        self._sum = (0.0, 0)
        row: dict[str, float] = {"epoch": trainer.current_epoch + 1, "step": trainer.global_step}
        row |= {"seconds": round(self._elapsed(), 1), "learning_rate": _rate(trainer)}
        self.rows.append(row | _scores(trainer) | {"train_loss": train_loss})
        if trainer.is_global_zero:
            self._write(trainer)
            if self.report:
                self.report(self._line(trainer))

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the report for the last time, with more facts."""
        self.facts = self.facts | facts
        self._write(None)

    def _write(self, trainer: Trainer | None) -> None:
        self._drawn = time.monotonic()
        left = self.left(trainer) if trainer else 0.0
        words = verdict(self.rows, self.monitor, self.mode)
        shown: dict[str, Any] = {"rows": self.rows, "points": self.points, "best": self.best}
        shown |= {"verdict": words, "monitor": self.monitor}
        facts = self.facts | {
            "steps waiting for data": f"{self._waited / max(self._waited + self._worked, 1e-9):.1%} of their time"
        }
        shown |= {"seconds": self._elapsed(), "left": left, "facts": facts, "examples": self.examples}
        if self.page:
            _write(self.out / "report.html", self.page(shown))
        _write(self.out / "metrics.csv", _table(self.rows))

    def _collect_examples(self, module: Any) -> None:
        training = module.training
        module.eval()
        with torch.no_grad():
            self.examples = module.examples()
        module.train(training)
        if not any("picture" in example or "sound" in example for example in self.examples):
            self.examples = self.examples + self.chunks

    def _elapsed(self) -> float:
        return self.seconds + time.monotonic() - self._began

    def left(self, trainer: Trainer) -> float:
        """Return the seconds that are left at the present pace, validation included."""
        done = trainer.global_step - self._steps_before
        pace = (time.monotonic() - self._began) / done if done else 0.0
        return pace * max(0, trainer.estimated_stepping_batches - trainer.global_step)

    def _show_progress(self, trainer: Trainer) -> None:
        if self.progress and trainer.is_global_zero:
            self.progress(min(1.0, trainer.global_step / trainer.estimated_stepping_batches))

    def _line(self, trainer: Trainer) -> str:
        row = self.rows[-1]
        hidden = ("epoch", "step", "seconds", "learning_rate")
        metrics = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4g}" for name in row if name not in hidden)
        left = 0.0 if trainer.should_stop else self.left(trainer)
        return f"epoch {row['epoch']} of {trainer.max_epochs}: {metrics}; {spell(left)} left"


def _scores(trainer: Trainer) -> dict[str, float]:
    return {name: float(value) for name, value in trainer.callback_metrics.items() if not name.endswith("_step")}


def _rate(trainer: Trainer) -> float:
    return float(trainer.optimizers[0].param_groups[0]["lr"])


def _table(rows: list[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list({name: None for row in rows for name in row}), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with writing(path) as beside:
        write_text(beside, text)
