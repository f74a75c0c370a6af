"""Trains `analysis/drums/model.py` on drum stems whose notes are known. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.drums.keys import KEYS, drum_class
from restyle.analysis.drums.model import CLASSES, Activations, DrumNetwork, decibels, scaled
from restyle.dsp.pianoroll import peaks, spread
from restyle.notes import DRUMS
from restyle.training.augment import respond
from restyle.training.optimisers import Training

SCORED = 3  # classes whose F1 choose the best epoch; few songs have toms
ONSET_WEIGHT, VELOCITY_WEIGHT = 3.0, 0.3
LOUDER = 8.0  # dB, deviation of how much louder than a chunk's loudest moment the rest of a stem is
NEAR, TOGETHER = 0.05, 0.03  # s within which a hit is found; and two of a class are one, as in a flam
THRESHOLDS = tuple(np.arange(0.15, 0.9, 0.05).round(2).tolist())


class DrumTraining(Training):
    """Cross-entropy of onsets, and the errors of velocities where there are hits.

    A batch is (log1p mel spectrograms ``[B, M, L]``, labels ``[B]``, notes ``[B, N, 5]``).

    Args:
        model: the network to train.
        representation: settings of the spectrograms.
        mixed: how likely another chunk's drums are added to a chunk, 0..1.
        optimisation: rate, weight decay, schedule and seed (see `Training`).

    Raises:
        ValueError: if there is no such schedule.
    """

    wants = ("notes",)
    rate, weight_decay, schedule = 3e-3, 1e-3, "cosine"
    limits = (
        "hats are hi-hats, cymbals, shakers and tambourines alike; toms are found less surely than the rest; "
        "cowbells, claves and other percussion are not found; two hits of a class within 30 ms are one."
    )

    def __init__(
        self, model: DrumNetwork, *, representation: Mapping[str, Any], mixed: float = 0.0, **optimisation: Any
    ) -> None:
        super().__init__(model, **optimisation)
        self.hop = representation["hop"] / representation["rate"]
        self.mixed = mixed
        self.thresholds = [0.5] * len(CLASSES)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch, each chunk as a part of a louder or softer stem."""
        rng = self.rng(batch_idx)
        x, notes = batch[0], batch[2]
        x = respond(x, rng, gain=0.0, curve=4.0, linear=False)
        if self.mixed:
            x, notes = _mixed(x, notes, rng, self.mixed)
        louder = torch.from_numpy(np.abs(rng.normal(0, LOUDER, len(x)))).to(x)
        parts = losses(self.model(levels(x, louder)), *targets(notes, x.shape[-1], self.hop))
        for name, value in parts.items():
            self.log(f"train_{name}", value)
        return _total(parts)

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the loss, and keep what is found."""
        x, notes = batch[0], batch[2]
        found = self.model(levels(x, x.new_zeros(len(x))))
        parts = losses(found, *targets(notes, x.shape[-1], self.hop))
        self.log("val_loss", _total(parts), batch_size=len(x), sync_dist=True)
        tables = [table[~np.isnan(table[:, 0])] for table in notes.cpu().numpy()]
        self._outputs.append((found.onset.sigmoid().float().cpu().numpy(), tables))

    def on_validation_epoch_end(self) -> None:
        """Log the F1 of each class within 50 ms at the best of a few thresholds, and the mean of the first three."""
        outputs = self.gathered()
        if not outputs:
            return
        pairs = [pair for found, tables in outputs for pair in zip(found, tables, strict=True)]
        scores = []
        for i, name in enumerate(CLASSES):
            tries = []
            for threshold in THRESHOLDS:
                counts = np.zeros(3)
                for curves, table in pairs:
                    truth = hit_times(table, i)
                    counts += matched(truth[truth >= 0], peaks(curves[:, i], threshold) * self.hop)
                tries.append((f1(counts), threshold))
            score, self.thresholds[i] = max(tries)
            scores.append(score)
            self.log(f"val_{name}_f1", score)
        self.log("val_f1", float(np.mean(scores[:SCORED])))

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: the classes, and the threshold of each."""
        return {"labels": list(CLASSES), "thresholds": list(self.thresholds)}


def hit_times(table: np.ndarray, number: int) -> np.ndarray:
    """Return when a class of drums is hit, in s; hits within 30 ms of the one before are a part of it.

    Args:
        table: notes ``[N, 5]``, the columns of `Notes`.
        number: place of the class in `CLASSES`.

    Example:
        >>> hit_times(np.array([[0.5, 0.6, 38, 1, 128], [0.52, 0.6, 40, 1, 128], [1, 1.1, 36, 1, 128]]), 1).tolist()
        [0.5]
    """
    own = table[(table[:, 4] == DRUMS) & np.isin(np.round(table[:, 2]), KEYS[number])]
    times: list[float] = []
    for time in np.sort(own[:, 0]).tolist():
        if not times or time - times[-1] > TOGETHER:
            times.append(time)
    return np.array(times)


def matched(truth: np.ndarray, found: np.ndarray, near: float = NEAR) -> np.ndarray:
    """Return (matches, true hits, found hits) ``[3]`` of times in s, each matched once at most, within ``near`` s.

    Source: Raffel et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.
    """
    import mir_eval

    return np.array([len(mir_eval.util.match_events(truth, found, near)), len(truth), len(found)], dtype=np.float64)


def f1(counts: np.ndarray) -> float:
    """Return the F1 of what `matched` counted.

    Example:
        >>> f1(np.array([1, 1, 3]))
        0.5
    """
    return float(2 * counts[0] / max(1, counts[1] + counts[2]))


def levels(x: Tensor, louder: Tensor) -> Tensor:
    """Turn log1p spectrograms into what the network takes.

    Args:
        x: log1p mel powers ``[B, M, L]``.
        louder: dB by which the stem's loudest moment exceeds the chunk's, ``[B]``.
    """
    level = decibels(x)
    return scaled(level, level.amax((1, 2), keepdim=True) + louder[:, None, None])


def targets(notes: Tensor, frames: int, hop: float) -> tuple[Tensor, Tensor]:
    """Draw hits among notes ``[B, N, 5]``: onsets and velocities, each ``[B, L, 4]``, on the notes' device.

    Example:
        >>> onset, velocity = targets(torch.tensor([[[0.02, 0.1, 36.0, 0.5, 128.0]]]), 4, 0.01)
        >>> onset[0, 2].tolist(), velocity[0, 2].tolist()
        ([1.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0])
    """
    onset, velocity = (np.zeros((len(notes), frames, len(CLASSES)), np.float32) for _ in range(2))
    for i, table in enumerate(notes.cpu().numpy()):
        for start, _, pitch, strength, _ in table[table[:, 4] == DRUMS].tolist():
            number = drum_class(pitch)
            if number is None:
                continue
            near, amount = spread(start / hop, frames)
            onset[i, near, number] = np.maximum(onset[i, near, number], amount)
            velocity[i, near, number] = np.maximum(velocity[i, near, number], strength)
    return torch.from_numpy(onset).to(notes.device), torch.from_numpy(velocity).to(notes.device)


def losses(found: Activations, onset: Tensor, velocity: Tensor) -> dict[str, Tensor]:
    """Return the loss of each head.

    Args:
        found: what the network finds.
        onset: as `targets` returns them.
        velocity: as `targets` returns them.
    """
    weight = torch.tensor(ONSET_WEIGHT, device=onset.device)
    entropy = nn.functional.binary_cross_entropy_with_logits(found.onset, onset, pos_weight=weight)
    error = (onset * (found.velocity - velocity).abs()).sum() / onset.sum().clamp_min(1)
    return {"onset": entropy, "velocity": error}


def _total(parts: Mapping[str, Tensor]) -> Tensor:
    return parts["onset"] + VELOCITY_WEIGHT * parts["velocity"]


def _mixed(x: Tensor, notes: Tensor, rng: np.random.Generator, probability: float) -> tuple[Tensor, Tensor]:
    """Add the drums of the chunk before to some chunks, as loud as they are, with their notes; powers add up."""
    chosen = torch.from_numpy(rng.random(len(x)) < probability).to(x.device)
    gain = chosen.to(x)[:, None, None]
    sound = torch.log1p(torch.expm1(x) + gain * torch.expm1(x.roll(1, 0)))
    added = notes.roll(1, 0).clone()
    added[~chosen] = torch.nan
    return sound, torch.cat([notes, added], dim=1)
