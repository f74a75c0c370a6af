"""Trains `methods/notewise/model.py` to predict from some notes of an instrument how it plays others. Floor 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restyle.dsp.pitch import midi_to_hz
from restyle.dsp.spectral_loss import multi_scale_spectral_loss
from restyle.methods.notewise import envelopes
from restyle.methods.notewise.conditioning import bands, batch, median_level, median_velocity, shift, touch, voices
from restyle.methods.notewise.model import HOP, NoteSynth, Played
from restyle.training.optimisers import Training

FEWEST = 3  # notes on either side
ROWS = 360  # moments of the reference notes, at most
UNEVEN = 1.5  # dB by which the level that is asked for may be mistaken
SILENT, SILENT_NOISE = -75.0, -120.0  # dB below the median note: what is softer is alike
VOICES = 10  # notes of a sound in the spectral loss


@dataclass(frozen=True, eq=False)
class Exercise:
    """One side of a clip as reference, and notes of the other as targets.

    Args:
        reference: moments of notes, levels in dB above the median note's, ``[R, 201]``.
        query: as `NoteSynth` asks for them, ``[Q, 5]``.
        truth: what is right, ``[Q, 201]``.
        level: of the median note in dB of full scale.
        usual: its velocity.
    """

    reference: np.ndarray
    query: np.ndarray
    truth: np.ndarray
    level: float
    usual: float


class NoteSynthTraining(Training):
    """The error of partials and noise in dB, and, where asked for, of the sound by a multi-scale spectral loss.

    A batch is (spectrograms, labels, partials ``[B, R, 201]``, sound ``[B, T]``): clips of one instrument each, whose
    second half holds other notes than the first.

    Args:
        model: the network to train.
        representation: settings of the store.
        frames: of a chunk.
        queries: moments that are asked for in each clip.
        spectral: weight of the spectral loss; 0 leaves the sound out.
        clips: of each batch whose sound is synthesised.
        seconds: of sound that are synthesised.
        optimisation: rate, weight decay, schedule and seed (see `Training`).

    Raises:
        ValueError: if there is no such schedule.
    """

    wants = ("partials", "sound")
    rate, weight_decay, schedule = 1e-3, 1e-2, "cosine"
    centres: Tensor
    known: Tensor
    limits = "single instruments that have a pitch; the sound above 8 kHz is the reference's, not learnt"

    def __init__(
        self,
        model: NoteSynth,
        *,
        representation: Mapping[str, Any],
        frames: int,
        queries: int = 96,
        spectral: float = 0.0,
        clips: int = 2,
        seconds: float = 1.0,
        **optimisation: Any,
    ) -> None:
        super().__init__(model, **optimisation)
        self.sampling = int(representation["rate"])
        self.middle = frames * representation["hop"] / representation["rate"] / 2
        self.queries, self.spectral, self.clips, self.seconds = queries, spectral, clips, seconds
        centres = bands()
        self.register_buffer("centres", torch.from_numpy(centres).float(), persistent=False)
        known = torch.from_numpy(centres <= self.sampling / 2).float()
        self.register_buffer("known", known, persistent=False)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor | None:
        """Return the loss of a batch; None where no clip holds enough notes."""
        rng = self.rng(batch_idx)
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
            each = [self.sound_loss(result[i], tables[i], sounds[i], sides[i], rng, drawn) for i in chosen]
            sound = torch.stack(each).mean()
            self.log("train_sound", sound)
            loss = loss + self.spectral * sound
        return loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the loss, and that of mere copies of the reference."""
        rng = np.random.default_rng((self.seed, batch_idx))
        result = [exercise(table, self.middle, 0, rng, self.queries) for table in batch[2].cpu().numpy()]
        those = [one for one in result if one is not None]
        if those:
            self.log("val_loss", self.envelope_loss(those), batch_size=len(those), sync_dist=True)

    def envelope_loss(self, exercises: Sequence[Exercise]) -> Tensor:
        """Mean error in units of 20 dB: partials that nothing covers and that are audible, envelope, noise."""
        device = self.centres.device
        reference = batch([one.reference for one in exercises], self.known)
        query = torch.from_numpy(np.stack([one.query for one in exercises])).to(device)
        played = self.model(reference, query, self.centres.log2())
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
        """Play a stretch of the target side, and compare it with the recording."""
        assert one is not None
        start = self.middle * (1 - side) + float(rng.uniform(0, max(0.01, self.middle - self.seconds - 0.1)))
        frames = int(self.seconds * self.sampling / HOP)
        rows = table[~np.isnan(table[:, 0])]
        query, ratios = voices(rows, start, frames, HOP / self.sampling, usual=one.usual, most=VOICES)
        truth = sound[round(start * self.sampling) :][: (frames - 1) * HOP]
        if not len(query) or not bool(truth.abs().max() > 1e-4):
            return self.centres.sum() * 0
        reference = batch([one.reference], self.known)
        result = self.model.sound(
            reference, query, ratios, one.level, self.centres, rate=self.sampling, generator=drawn
        )
        return multi_scale_spectral_loss(result[: len(truth)], truth[: len(result)])


def exercise(table: np.ndarray, half: float, side: int, rng: np.random.Generator, queries: int) -> Exercise | None:
    """Take one half of a clip as reference and moments of the other as targets; None if either holds too few notes.

    Args:
        table: rows of `envelopes`, NaN where there are no more, ``[R, 201]``.
        half: seconds of each half.
        side: which half is the reference, 0 or 1.
        rng: leaves out some of the reference notes, and chooses the moments.
        queries: number of moments.
    """
    table = table[~np.isnan(table[:, 0])]
    first = table[:, 1] < half
    reference, other = (table[first], table[~first]) if side == 0 else (table[~first], table[first])
    onsets = np.unique(reference[:, [0, 1]], axis=0)
    if len(onsets) < FEWEST or len(np.unique(other[:, [0, 1]], axis=0)) < FEWEST:
        return None
    kept = onsets[rng.random(len(onsets)) < rng.uniform(0.3, 1.0)]
    kept = kept if len(kept) else onsets[:1]
    reference = reference[(reference[:, None, :2] == kept).all(2).any(1)]
    reference = reference[np.sort(rng.permutation(len(reference))[:ROWS])].copy()
    level, usual = median_level(reference), median_velocity(reference)
    other = other[rng.integers(len(other), size=queries)].copy()
    for rows in (reference, other):
        shift(rows, -level)
    return Exercise(reference, asked(other, usual, rng), other, level, usual)


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
    residual = _mean(known.expand_as(noise), played.noise.clamp_min(SILENT_NOISE), noise.clamp_min(SILENT_NOISE))
    return (partials + 0.3 * bands + 0.5 * residual) / 20


def _mean(weight: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return (weight * (one - other).abs()).sum() / weight.sum().clamp_min(1)
