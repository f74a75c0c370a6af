"""Trains `analysis/transcriber/model.py` on songs whose notes are known. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.transcriber.model import DOUBT, DRUM_CLASSES, ROLLS, Activations, Transcriber
from restyle.dsp.cqt import loudest_around, unit_level
from restyle.dsp.pianoroll import Roll, notes_to_roll, peaks, roll_to_notes, spread
from restyle.dsp.pitch import midi_to_hz
from restyle.dsp.spectrogram import CQT_GAIN
from restyle.notes import DRUMS, Notes
from restyle.training.optimisers import Training

QUIETER = 10.0  # dB, deviation of how much louder than the chunk's loudest moment the rest of a recording is
ONSET_WEIGHT, OFFSET_WEIGHT = 4.0, 4.0  # of frames at which something begins or ends: they are few
DRUM_WEIGHT = 4.0  # of frames at which a drum is hit
KICKS, SNARES = (35, 36), (37, 38, 39, 40)  # General MIDI's keys; hats, cymbals, toms and all other are the third class
DRUM_NEAR = 0.05  # s
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SOFTEST = -14.0  # dB of what is mixed into a chunk


class TranscriberTraining(Training):
    """Cross-entropy of onsets, frames and offsets; the errors of velocities and bends where there are notes.

    A batch is (log1p constant-Q spectrograms ``[B, F, L]``, labels ``[B]``, notes ``[B, N, 5]``, bends ``[B, N, L]``).

    Args:
        model: the network to train.
        representation: settings of the spectrograms.
        mixed: how likely another chunk of the batch is mixed into a chunk, 0..1.
        drums_only: whether all but the drum head stays as it is: it then learns in a fraction of the time.
        doubt: mean probabilities of ``onset`` and ``frame`` in clear recordings, and in those so dense that their notes
            cannot be relied on; stored with the weights.
        optimisation: rate, weight decay, schedule and seed (see `Training`).

    Raises:
        ValueError: if there is no such schedule, or only drums are to be learnt by a model that has none.
    """

    wants = ("notes", "bends")
    rate, weight_decay, schedule = 3e-3, 1e-3, "cosine"

    def __init__(
        self,
        model: Transcriber,
        *,
        representation: Mapping[str, Any],
        mixed: float = 0.0,
        drums_only: bool = False,
        doubt: Mapping[str, Sequence[float]] = DOUBT,
        **optimisation: Any,
    ) -> None:
        super().__init__(model, **optimisation)
        self.model.to(memory_format=torch.channels_last)  # faster
        self.hop = representation["hop"] / representation["rate"]
        self.doubt = {name: list(ends) for name, ends in doubt.items()}
        self.decoding: dict[str, float] = {}
        self.mixed, self.drums_only = mixed, drums_only
        if drums_only:
            if model.drums is None:
                raise ValueError(
                    "a transcriber without drums cannot learn them: set drums: true in the model's init_args"
                )
            model.requires_grad_(False)
            model.drums.requires_grad_(True)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch, each chunk as a part of a louder or softer recording."""
        self.model.train(not self.drums_only)  # what is not learnt keeps its statistics, too
        rng = self.rng(batch_idx)
        if self.mixed:
            batch = mixed_batch(batch, rng, self.mixed)
        louder = np.maximum(0, rng.normal(0, QUIETER, len(batch[0])))
        found = self.model(levels(batch[0], torch.from_numpy(louder).to(batch[0]), self.hop))
        parts = self._losses(found, batch)
        for name, value in parts.items():
            self.log(f"train_{name}", value)
        return total(parts)

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the loss, and keep what is found."""
        found = self.model(levels(batch[0], torch.zeros(len(batch[0])).to(batch[0]), self.hop))
        parts = self._losses(found, batch)
        self.log("val_loss", total(parts), batch_size=len(batch[0]), sync_dist=True)
        kept = torch.stack([found.onset.sigmoid(), found.frame.sigmoid(), found.velocity, found.offset.sigmoid()])
        notes = nn.functional.pad(batch[2], (0, 0, 0, 1000 - batch[2].shape[1]), value=torch.nan)
        self._outputs.append((kept.transpose(0, 1).half().cpu(), notes.cpu(), found.drums.sigmoid().half().cpu()))

    def on_validation_epoch_end(self) -> None:
        """Log the F1 of notes (mir_eval, 50 ms) at the best of a few thresholds."""
        outputs = self.gathered()
        if outputs:
            rolls, notes, drums = (torch.cat(parts) for parts in zip(*outputs, strict=True))
            scores, self.decoding = _scored(rolls, notes, self.hop)
            if drums.shape[-1]:
                score, self.decoding["drum_threshold"] = drums_f1(drums, notes, self.hop)
                scores["drum_f1"] = score
            for name, value in scores.items():
                self.log(f"val_{name}", value)

    def _losses(self, found: Activations, batch: Sequence[Tensor]) -> dict[str, Tensor]:
        hits = drum_targets(batch[2], batch[0].shape[-1], self.hop) if found.drums.shape[-1] else None
        return losses(found, targets(batch[2], batch[3], self.hop).to(batch[0].device), hits)

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: how activations become notes, and when these are in doubt."""
        return {"decoding": self.decoding, "doubt": self.doubt}


def mixed_batch(batch: Sequence[Tensor], rng: np.random.Generator, probability: float) -> list[Tensor]:
    """Return a batch to some of whose chunks the one before is added, up to 14 dB softer, with its notes.

    Powers add up, as they do on average. Softer notes are of lower velocity.
    """
    x, labels, notes, bends = batch
    chosen = rng.random(len(x)) < probability
    gain = torch.from_numpy(chosen * 10 ** (rng.uniform(SOFTEST, 0, len(x)) / 20)).to(x)[:, None, None]
    sound = torch.log1p(torch.hypot(torch.expm1(x), gain * torch.expm1(x.roll(1, 0))))
    added, curves = notes.roll(1, 0).clone(), bends.roll(1, 0)
    added[..., 3] *= gain[..., 0].sqrt()
    added[~torch.from_numpy(chosen)] = torch.nan
    return [sound, labels, torch.cat([notes, added], dim=1), torch.cat([bends, curves], dim=1)]


def levels(x: Tensor, louder: Tensor, hop: float) -> Tensor:
    """Turn log1p spectrograms ``[B, F, L]`` into what the network takes, ``[B, L, F]``.

    Args:
        x: of a constant-Q transform.
        louder: dB by which the recording's loudest moment exceeds the chunk's, ``[B]``.
        hop: seconds of a frame.
    """
    db = 20 * torch.log10((torch.expm1(x) / CQT_GAIN).clamp_min(1e-10)).transpose(1, 2)
    reference = torch.from_numpy(loudest_around(db.amax(2).float().cpu().numpy(), hop)).to(db)
    return unit_level(db, reference[..., None] + louder[:, None, None])


def targets(notes: Tensor, bends: Tensor, hop: float) -> Tensor:
    """Draw notes ``[B, N, 5]`` and bends ``[B, N, L]`` as onset, frame, velocity, offset, bend ``[5, B, L, 88]``."""
    rolls = []
    for table, curves in zip(notes.cpu().numpy(), bends.cpu().numpy(), strict=True):
        there = ~np.isnan(table[:, 0])
        own = Notes(*table[there].T)
        order = np.lexsort((table[there, 2], table[there, 0]))  # as Notes sorts its rows
        roll = notes_to_roll(own, curves.shape[1], hop, bends=curves[there][order])
        rolls.append(np.stack([roll.onset, roll.frame, roll.velocity, roll.offset, roll.bend]))
    return torch.from_numpy(np.stack(rolls, axis=1))


def drum_targets(notes: Tensor, frames: int, hop: float) -> Tensor:
    """Draw the drums among notes ``[B, N, 5]`` as hits of kick, snare and all other ``[B, L, 3]``.

    Example:
        >>> drum_targets(torch.tensor([[[0.02, 0.1, 36.0, 1.0, 128.0]]]), 4, 0.01)[0, :, 0].gt(0.5).tolist()
        [False, False, True, False]
    """
    result = np.zeros((len(notes), frames, DRUM_CLASSES), np.float32)
    for hits, table in zip(result, notes.cpu().numpy(), strict=True):
        for onset, _, pitch, _, _ in table[table[:, 4] == DRUMS]:
            near, amount = spread(float(onset) / hop, frames)
            row = hits[:, drum_class(pitch)]
            row[near] = np.maximum(row[near], amount)
    return torch.from_numpy(result)


def drum_class(pitch: float) -> int:
    """Return 0 for General MIDI's kicks, 1 for its snares, 2 for all other drums and cymbals."""
    return 0 if round(pitch) in KICKS else 1 if round(pitch) in SNARES else 2


def losses(found: Activations, target: Tensor, hits: Tensor | None = None) -> dict[str, Tensor]:
    """Return the loss of each head.

    Args:
        found: what the network finds.
        target: as `targets` returns it.
        hits: as `drum_targets` returns them, where the network finds drums.
    """
    onset, frame, velocity, offset, bend = target
    entropy = nn.functional.binary_cross_entropy_with_logits
    result = {
        "onset": entropy(found.onset, onset, pos_weight=torch.tensor(ONSET_WEIGHT)),
        "frame": entropy(found.frame, frame),
        "velocity": _where(onset, (found.velocity - velocity).abs()),
        "offset": entropy(found.offset, offset, pos_weight=torch.tensor(OFFSET_WEIGHT)),
        "bend": _where(frame, (found.bend - bend).abs()),
    }
    if hits is not None:
        weight = torch.tensor(DRUM_WEIGHT)
        result["drums"] = entropy(found.drums, hits.to(found.drums.device), pos_weight=weight)
    return result


def total(parts: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the losses, each with its weight."""
    share = {"onset": 2.0, "frame": 1.0, "velocity": 0.02, "offset": 0.5, "bend": 0.05, "drums": 0.1}
    return torch.stack([share[name] * value for name, value in parts.items()]).sum()


def _where(weight: Tensor, error: Tensor) -> Tensor:
    return (weight * error).sum() / weight.sum().clamp_min(1)


def _scored(rolls: Tensor, notes: Tensor, hop: float) -> tuple[dict[str, float], dict[str, float]]:
    """Mean F1 with onsets and with offsets, and the thresholds that give them."""
    truth = [Notes(*table[~np.isnan(table[:, 0])].T).pitched() for table in notes.numpy()]
    truth = [own.select(own.onset >= 0) for own in truth]
    names, empty = ROLLS[:4], np.zeros((1, 1), np.float32)
    found = [Roll(**dict(zip(names, roll.float().numpy(), strict=True)), bend=empty, hop=hop) for roll in rolls]

    def mean_f1(with_offsets: bool, **thresholds: float) -> float:
        read = [roll_to_notes(roll, **thresholds) for roll in found]  # type: ignore[arg-type]
        pairs = zip(truth, read, strict=True)
        return float(np.mean([f1(own, other, offsets=with_offsets) for own, other in pairs if len(own)] or [0.0]))

    onset_f1, onset = max((mean_f1(False, onset_threshold=x), x) for x in THRESHOLDS)
    offset_f1, frame = max((mean_f1(True, onset_threshold=onset, frame_threshold=x), x) for x in THRESHOLDS)
    return (
        {"onset_f1": onset_f1, "offset_f1": offset_f1},
        {"onset_threshold": onset, "frame_threshold": frame},
    )


def drums_f1(drums: Tensor, notes: Tensor, hop: float) -> tuple[float, float]:
    """Return the F1 of hits within 50 ms, all classes' hits together, and the threshold that gives it."""
    import mir_eval

    scores = []
    for threshold in THRESHOLDS:
        hit = found = true = 0
        for curves, table in zip(drums.float().numpy(), notes.numpy(), strict=True):
            table = table[(table[:, 4] == DRUMS) & (table[:, 0] >= 0)]
            kinds = np.array([drum_class(pitch) for pitch in table[:, 2]])
            for kind in range(DRUM_CLASSES):
                times = np.unique(table[kinds == kind, 0]) if len(table) else np.zeros(0)
                read = peaks(curves[:, kind], threshold) * hop
                true, found = true + len(times), found + len(read)
                hit += len(mir_eval.util.match_events(times, read, DRUM_NEAR))
        scores.append((2 * hit / max(1, found + true), threshold))
    return max(scores)


def f1(truth: Notes, found: Notes, *, offsets: bool = False) -> float:
    """Return the F1 of notes whose onsets lie within 50 ms of the true ones.

    Args:
        truth: at least one note.
        found: the estimated notes.
        offsets: whether they must also end within 20 % of a note's length, or 50 ms.

    Source: Raffel et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.
    """
    import mir_eval

    if not len(found):
        return 0.0
    tables = [(np.stack([n.onset, n.offset], axis=1), midi_to_hz(n.pitch)) for n in (truth, found)]
    ratio = 0.2 if offsets else None
    score = mir_eval.transcription.precision_recall_f1_overlap
    return float(score(*tables[0], *tables[1], offset_ratio=ratio)[2])
