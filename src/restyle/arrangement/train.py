"""Trains the network of `arrangement/model.py` on parallel bands. Floor 4."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from restyle.arrangement.drafts import cut, played
from restyle.arrangement.pairs import Pairs
from restyle.arrangement.seq2seq import events_written
from restyle.arrangement.tokens import BEAT_BAR, OF_BAR
from restyle.dsp.pianoroll import notes_to_roll
from restyle.dsp.preview import preview
from restyle.score import STEPS, Score
from restyle.training.optimisers import Training

NAMES = ("move", "pitch", "duration")
SHOWN = 2  # pairs in the report


class ArrangerTraining(Training):
    """Lets the network write what a groove plays over given chords after it has read a draft, an event at a time.

    A batch is what `pairs.Pairs.batch` returns. The loss is the mean negative log likelihood of an event: of its move,
    and for a note of its pitch and its duration.

    Args:
        model: `Arranger`.
        optimisation: rate, weight decay, schedule and seed (see `Training`).
    """

    rate, weight_decay, schedule = 1e-3, 1e-2, "cosine"
    chunks = Pairs
    limits = (
        "It has learnt from accompaniments that a program plays from patterns, not from recordings of players; chords "
        "that the content's are taken for, and parts of the style of which several share a family of instruments, may "
        "be wrong"
    )

    def __init__(self, model: nn.Module, **optimisation: Any) -> None:
        super().__init__(model, **optimisation)
        self._shown: list[Tensor] = []  # of the last validation

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        losses, counts, _ = self._measured(batch)
        loss = losses.sum() / counts[0]
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Note the losses of a batch, and how often the likeliest choice was the right one."""
        self._outputs.append(torch.stack(self._measured(batch)).float().cpu().numpy())
        if not batch_idx:
            self._shown = [part[:SHOWN].cpu() for part in batch]

    def on_validation_epoch_end(self) -> None:
        """Log the loss, and the parts of moves, pitches and durations that are right."""
        outputs = self.gathered()
        if not outputs:
            return
        losses, counts, right = np.asarray(outputs, np.float64).sum(axis=0)
        self.log("val_loss", float(losses.sum() / counts[0]))
        for name, part in zip(NAMES, right / np.maximum(counts, 1), strict=True):
            self.log(f"val_{name}_accuracy", float(part))

    def examples(self) -> list[dict[str, Any]]:
        """Return for the report drafts of the last validation, what the network makes of them, and what is played."""
        network = copy.deepcopy(self.model).cpu().eval()
        output = []
        for number, (beats, draft, events) in enumerate(zip(*self._shown, strict=True), 1):
            known = _rows(beats.T).astype(np.int64)
            drafted, truth = (_on_bars(_rows(part), known) for part in (draft, events))
            bars = np.unique(drafted[:, OF_BAR])
            table, own = cut(known, drafted, bars)
            laid = played(own, table)
            made = played(events_written(network, laid, table, temperature=0), table)
            scores = {"draft": laid, "written": made, "played by the groove": played(cut(known, truth, bars)[1], table)}
            output += [_example(f"{number}: {name}", score) for name, score in scores.items()]
        return output

    def _measured(self, batch: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Sums of losses, how many there are, and how many are right, of moves, pitches and durations, ``[3]`` each."""
        beats, draft, events = batch
        logits = self.model(draft, beats.transpose(1, 2), events)
        found = [_sums(part, events[:, 1:, k], least=int(k > 0)) for k, part in enumerate(logits)]
        losses, counts, right = (torch.stack(parts) for parts in zip(*found, strict=True))
        return losses, counts.to(losses), right.to(losses)


def _sums(logits: Tensor, truth: Tensor, least: int) -> tuple[Tensor, Tensor, Tensor]:
    """The sum of losses where the truth is ``least`` or more, how many there are, and how many are right."""
    known = truth >= least
    logits, truth = logits[known].float(), truth[known]
    return cross_entropy(logits, truth, reduction="sum"), known.sum(), (logits.argmax(-1) == truth).sum()


def _rows(table: Tensor) -> np.ndarray:
    """The rows of a table of a batch that there are."""
    return np.asarray(table[table[:, 0] >= 0].numpy())


def _on_bars(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Events with the number of the bar in place of the row of the beat."""
    return np.column_stack([rows[:, :OF_BAR], known[rows[:, OF_BAR], BEAT_BAR]])


def _example(title: str, score: Score) -> dict[str, Any]:
    roll = notes_to_roll(score.notes(), int(score.bars[-1]), float(score.times[1]) / STEPS)
    seconds = float(score.seconds(score.bars[-1:])[0])
    return {"title": title, "picture": roll.frame.T, "sound": preview(score.notes(), seconds)}
