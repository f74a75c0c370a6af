"""Teaches `methods/notewise/model.py`: from some notes of an instrument, how it plays others. Floor 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from restyle.dsp.pitch import midi_to_hz
from restyle.dsp.spectral_loss import multi_scale_spectral_loss
from restyle.methods.notewise import envelopes
from restyle.methods.notewise.conditioning import bands, batch, median_level, median_velocity, shift, touch, voices
from restyle.methods.notewise.model import HOP, NoteSynth, Played
from restyle.training.optimisers import check_schedule, optimiser

FEWEST = 3  # notes on either side
ROWS = 360  # moments of the heard notes, at most
UNEVEN = 1.5  # dB by which the level that is asked for may be mistaken
SILENT, SILENT_NOISE = -75.0, -120.0  # dB below the median note: what is softer is alike
VOICES = 10  # notes of the sound that is judged


@dataclass(frozen=True, eq=False)
class Exercise:
    """One side of a clip heard, and notes of the other wanted.

    Args:
        heard: moments of notes, levels in dB above the median note's, ``[R, 201]``.
        wanted: as `NoteSynth` asks for them, ``[Q, 5]``.
        truth: what is right, ``[Q, 201]``.
        level: of the median note in dB of full scale.
        usual: its velocity.
    """

    heard: np.ndarray
    wanted: np.ndarray
    truth: np.ndarray
    level: float
    usual: float


class NoteSynthTraining(lightning.LightningModule):
    """The error of partials and noise in dB, and, where asked for, of the sound by a multi-scale spectral loss.

    A batch is (spectrograms, labels, partials ``[B, R, 201]``, sound ``[B, T]``): clips of one instrument each, whose
    second half holds other notes than the first.

    Args:
        model: what learns.
        representation: settings of the store.
        frames: of a chunk.
        rate: highest learning rate.
        weight_decay: of AdamW.
        schedule: ``constant``, or ``cosine`` with a warm-up.
        queries: moments that are asked for in each clip.
        spectral: weight of the spectral loss; 0 leaves the sound out.
        clips: of each batch whose sound is made.
        seconds: of sound that are made.
        seed: of all that is drawn.

    Raises:
        ValueError: if there is no such schedule.
    """

    wants = ("partials", "sound")
    centres: Tensor
    known: Tensor
    limits = "single instruments that have a pitch; the sound above 8 kHz is as heard, not learnt"

    def __init__(
        self,
        model: NoteSynth,
        *,
        representation: Mapping[str, Any],
        frames: int,
        rate: float = 1e-3,
        weight_decay: float = 1e-2,
        schedule: str = "cosine",
        queries: int = 96,
        spectral: float = 0.0,
        clips: int = 2,
        seconds: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_schedule(schedule)
        self.model, self.sampling = model, int(representation["rate"])
        self.middle = frames * representation["hop"] / representation["rate"] / 2
        self.rate, self.weight_decay, self.schedule, self.seed = rate, weight_decay, schedule, seed
        self.queries, self.spectral, self.clips, self.seconds = queries, spectral, clips, seconds
        centres = bands()
        self.register_buffer("centres", torch.from_numpy(centres).float(), persistent=False)
        known = torch.from_numpy(centres <= self.sampling / 2).float()
        self.register_buffer("known", known, persistent=False)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor | None:
        """Return the loss of a batch; None where no clip holds enough notes."""
        rng = np.random.default_rng((self.seed, self.global_step, batch_idx, self.global_rank))
        tables, sounds = batch[2].cpu().numpy(), batch[3]
        sides = [int(rng.integers(2)) for _ in tables]
        result = [
            exercise(table, self.middle, side, rng, self.queries) for table, side in zip(tables, sides, strict=True)
        ]
        there = [i for i, one in enumerate(result) if one is not None]
        if not there:
            return None
        loss = self.envelope_loss([one for one in result if one is not None])
        self.log("train_envelope", loss)
        if self.spectral:
            drawn = torch.Generator().manual_seed(int(rng.integers(2**31)))
            chosen = there[: self.clips]
            judged = [self.sound_loss(result[i], tables[i], sounds[i], sides[i], rng, drawn) for i in chosen]
            sound = torch.stack(judged).mean()
            self.log("train_sound", sound)
            loss = loss + self.spectral * sound
        return loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the loss, and that of mere copies of what is heard."""
        rng = np.random.default_rng((self.seed, batch_idx))
        result = [exercise(table, self.middle, 0, rng, self.queries) for table in batch[2].cpu().numpy()]
        those = [one for one in result if one is not None]
        if those:
            self.log("val_loss", self.envelope_loss(those), batch_size=len(those), sync_dist=True)

    def envelope_loss(self, exercises: Sequence[Exercise]) -> Tensor:
        """Mean error in units of 20 dB: partials that nothing covers and that can be heard, envelope, noise."""
        device = self.centres.device
        heard = batch([one.heard for one in exercises], self.known)
        wanted = torch.from_numpy(np.stack([one.wanted for one in exercises])).to(device)
        played = self.model(heard, wanted, self.centres.log2())
        truth = [torch.from_numpy(x).to(device) for x in envelopes.unpacked(np.stack([e.truth for e in exercises]))]
        return error(played, truth, self.known, self.centres)

    def sound_loss(
        self,
        one: Exercise | None,
        table: np.ndarray,
        sound: Tensor,
        side: int,
        rng: np.random.Generator,
        drawn: torch.Generator,
    ) -> Tensor:
        """Play a stretch of the wanted side, and compare it with what it is."""
        assert one is not None
        start = self.middle * (1 - side) + float(rng.uniform(0, max(0.01, self.middle - self.seconds - 0.1)))
        frames = int(self.seconds * self.sampling / HOP)
        rows = table[~np.isnan(table[:, 0])]
        wanted, ratios = voices(rows, start, frames, HOP / self.sampling, usual=one.usual, most=VOICES)
        truth = sound[round(start * self.sampling) :][: (frames - 1) * HOP]
        if not len(wanted) or not bool(truth.abs().max() > 1e-4):
            return self.centres.sum() * 0
        heard = batch([one.heard], self.known)
        result = self.model.sound(heard, wanted, ratios, one.level, self.centres, rate=self.sampling, generator=drawn)
        return multi_scale_spectral_loss(result[: len(truth)], truth[: len(result)])

    def configure_optimizers(self) -> Any:
        """Return AdamW, and its schedule."""
        steps = self.trainer.estimated_stepping_batches
        return optimiser(self.model, self.rate, self.weight_decay, self.schedule, steps)


def exercise(table: np.ndarray, half: float, side: int, rng: np.random.Generator, queries: int) -> Exercise | None:
    """Let one half of a clip be heard and ask for moments of the other; None if either holds too few notes.

    Args:
        table: rows of `envelopes`, NaN where there are no more, ``[R, 201]``.
        half: seconds of each half.
        side: which half is heard, 0 or 1.
        rng: leaves out some of the heard notes, and chooses the moments.
        queries: number of moments.
    """
    table = table[~np.isnan(table[:, 0])]
    first = table[:, 1] < half
    heard, other = (table[first], table[~first]) if side == 0 else (table[~first], table[first])
    onsets = np.unique(heard[:, [0, 1]], axis=0)
    if len(onsets) < FEWEST or len(np.unique(other[:, [0, 1]], axis=0)) < FEWEST:
        return None
    kept = onsets[rng.random(len(onsets)) < rng.uniform(0.3, 1.0)]
    kept = kept if len(kept) else onsets[:1]
    heard = heard[(heard[:, None, :2] == kept).all(2).any(1)]
    heard = heard[np.sort(rng.permutation(len(heard))[:ROWS])].copy()
    level, usual = median_level(heard), median_velocity(heard)
    other = other[rng.integers(len(other), size=queries)].copy()
    for rows in (heard, other):
        shift(rows, -level)
    return Exercise(heard, asked(other, usual, rng), other, level, usual)


def asked(rows: np.ndarray, usual: float, rng: np.random.Generator) -> np.ndarray:
    """What `NoteSynth` is asked to play the moments of rows ``[Q, 201]``: ``[Q, 5]``."""
    facts = envelopes.unpacked(rows).facts
    level = touch(facts[:, 7], usual) + rng.normal(0, UNEVEN, len(facts))
    return np.stack([facts[:, 0], facts[:, 2], facts[:, 3], facts[:, 4], level], axis=1).astype(np.float32)


def error(played: Played, truth: Sequence[Tensor], known: Tensor, centres: Tensor) -> Tensor:
    """Mean absolute difference in units of 20 dB of what is played and the columns of true rows."""
    facts, amplitude, trust, envelope, noise = truth
    peak = amplitude.amax(-1, keepdim=True)
    clear = trust * ((amplitude - peak) / 60 + 1).clamp(0.1, 1)
    partials = _mean(clear, played.amplitude.clamp_min(SILENT), amplitude.clamp_min(SILENT))
    fundamental = midi_to_hz(facts[..., :1])
    above = known * (centres > fundamental)
    bands = _mean(above, played.envelope.clamp_min(SILENT), envelope.clamp_min(SILENT))
    hiss = _mean(known.expand_as(noise), played.noise.clamp_min(SILENT_NOISE), noise.clamp_min(SILENT_NOISE))
    return (partials + 0.3 * bands + 0.5 * hiss) / 20


def _mean(weight: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return (weight * (one - other).abs()).sum() / weight.sum().clamp_min(1)
