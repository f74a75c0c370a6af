"""Trains the network of `analysis/separator/model.py` on songs whose stems are known. Floor 3."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.separator.model import STEMS
from restyle.dsp.stft import Stft
from restyle.training.optimisers import Training

FLOOR = 1e-4  # of the mix's power: errors below it count no more
OCTAVES = (0, 6, 12, 24, 47, 93, 186, 372, 743, 2049)  # first bins of the ranges whose errors count alike
ABSENT = -40.0  # dB below the mix: a stem as soft is not scored
EXCHANGED, SILENT = 0.7, 0.12  # part of the examples whose stems come from several songs; of the stems left out
GAIN, TILT = 6.0, 4.0  # dB, standard deviation of levels (a third of it) and of a stem's equaliser
LEVEL = (-32.0, -14.0)  # dB of mixes


class Powers(NamedTuple):
    """What errors are reckoned from: of mix ``[B, 2, F, L]``, of mix and stems, and of stems ``[B, S, 2, F, L]``."""

    mix: Tensor
    common: Tensor
    stems: Tensor


class SeparatorTraining(Training):
    """Mixes stems of one song or of several, and compares what the network gives each of them with the truth.

    A batch is (stems in frames ``[B, S * 2 * hop, L]``, labels). The loss is the size of the error in relation to
    the mix, of every stem as a whole and in octaves. (Its logarithm would let stems that are not there teach the
    network to find none at all.)

    Args:
        model: `Separator`.
        optimisation: rate, weight decay, schedule and seed (see `Training`).
    """

    rate, weight_decay, schedule = 2e-3, 1e-3, "cosine"
    limits = "Choirs of synthesisers were left out; a bass line that a piano plays goes to other, not to bass."

    def __init__(self, model: nn.Module, **optimisation: Any) -> None:
        super().__init__(model, **optimisation)
        self._stft = Stft(self.model.n_fft, self.model.hop)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch's mixes."""
        powers, magnitude = self._mixed(batch[0], self.rng(batch_idx))
        loss = errors_to_loss(powers, self.model(magnitude))
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Note the errors of songs as they are."""
        powers, magnitude = self._mixed(batch[0], None)
        shares = self.model(magnitude)
        self._outputs.append((float(errors_to_loss(powers, shares)), sdr(powers, shares).cpu()))

    def on_validation_epoch_end(self) -> None:
        """Log loss and signal-to-distortion ratios."""
        outputs = self.gathered()
        if not outputs:
            return
        found = torch.cat([ratios for _, ratios in outputs])
        means = [float(own[own.isfinite()].mean()) if own.isfinite().any() else 0.0 for own in found.T]
        self.log("val_loss", float(np.mean([loss for loss, _ in outputs])))
        self.log("val_sdr", float(np.mean(means)))
        for stem, mean in zip(STEMS, means, strict=True):
            self.log(f"val_sdr_{stem}", mean)

    @torch.no_grad()
    def _mixed(self, frames: Tensor, rng: np.random.Generator | None) -> tuple[Powers, Tensor]:
        """The powers of mixes and stems, and the mixes' magnitudes ``[B, 2, F, L]``; with ``rng`` varied."""
        size, _, count = frames.shape
        sound = frames.view(size, len(STEMS), 2, -1, count).transpose(3, 4).flatten(3)
        if rng is not None:
            sound = vary(sound, rng)
        stems = self._stft(sound)[..., :count]
        if rng is not None:
            stems = stems * tilts(stems.shape, rng).to(stems.device)
        mix = stems.sum(1)
        level = mix.abs().square().mean((1, 2, 3)).sqrt().clamp_min(1e-6)
        loud = torch.full((size,), -20.0) if rng is None else torch.from_numpy(rng.uniform(*LEVEL, size)).float()
        # the root mean square of a spectrum is that of the sound times that of its windows
        gain = (10 ** (loud / 20)).to(level) * self._stft.window.square().sum().sqrt() / level
        mix, stems = mix * gain[:, None, None, None], stems * gain[:, None, None, None, None]
        common = (stems.real * mix.real[:, None]) + (stems.imag * mix.imag[:, None])
        magnitude = mix.abs()
        return Powers(magnitude.square(), common, stems.real.square() + stems.imag.square()), magnitude


def vary(stems: Tensor, rng: np.random.Generator) -> Tensor:
    """Return stems ``[B, S, 2, T]`` with other levels and sides, some exchanged between songs, some left out."""
    size, count = stems.shape[:2]
    rows = np.tile(np.arange(size), (count, 1))
    for row in rows:
        moved = np.flatnonzero(rng.random(size) < EXCHANGED)
        row[moved] = rng.permutation(moved)
    output = torch.stack([stems[torch.from_numpy(row), i] for i, row in enumerate(rows)], 1)
    gains = 10 ** (np.clip(rng.normal(0, GAIN / 2, (size, count)), -GAIN * 2, GAIN) / 20)
    gains *= rng.random((size, count)) > SILENT
    output = output * torch.from_numpy(gains).to(output)[:, :, None, None]
    swapped = torch.from_numpy(rng.random((size, count)) < 0.5).to(output.device)[:, :, None, None]
    return torch.where(swapped, output.flip(2), output)


def tilts(shape: Sequence[int], rng: np.random.Generator) -> Tensor:
    """Return smooth random frequency responses for stems: factors ``[B, S, 1, F, 1]``."""
    points = torch.from_numpy(rng.normal(0, TILT, (shape[0] * shape[1], 1, 6))).float()
    log = torch.linspace(0, 1, 257)[None, None].expand(len(points), 1, -1)
    curve = nn.functional.interpolate(points, size=log.shape[-1], mode="linear", align_corners=True)
    place = torch.log2(torch.arange(shape[-2]).clamp_min(4) / 4) / math.log2(shape[-2] / 4) * 256
    gains = 10 ** (curve[..., place.long().clamp_max(256)] / 20)
    return gains.view(shape[0], shape[1], 1, shape[-2], 1)


def powers_of_errors(powers: Powers, shares: Tensor) -> Tensor:
    """Return the power of what each stem gets too much or too little, by bins, ``[B, S, F]``."""
    errors = shares * (shares * powers.mix[:, None] - 2 * powers.common)
    return (errors.sum((2, 4)) + powers.stems.sum((2, 4))).clamp_min(0)


def errors_to_loss(powers: Powers, shares: Tensor) -> Tensor:
    """Return the mean size of errors in relation to the mix: as a whole, and in octaves, at equal weight."""
    errors, mix = powers_of_errors(powers, shares), powers.mix.sum((1, 3))[:, None]
    whole = _size(errors.sum(-1), mix.sum(-1)).mean()
    bounds = [*(b for b in OCTAVES if b < errors.shape[-1]), errors.shape[-1]]
    ranges = [slice(*pair) for pair in pairwise(bounds)]
    return whole + torch.stack([_size(errors[..., r].sum(-1), mix[..., r].sum(-1)).mean() for r in ranges]).mean()


def _size(errors: Tensor, mix: Tensor) -> Tensor:
    return torch.sqrt(errors / (mix + 1e-6) + FLOOR)


def sdr(powers: Powers, shares: Tensor) -> Tensor:
    """Return each stem's signal-to-distortion ratio in dB ``[B, S]``; NaN where the stem is not there."""
    errors, own = powers_of_errors(powers, shares).sum(-1), powers.stems.sum((2, 3, 4))
    ratio = 10 * torch.log10((own + 1e-9) / (errors + 1e-9))
    there = own > 10 ** (ABSENT / 10) * powers.mix.sum((1, 2, 3))[:, None]
    return torch.where(there, ratio, torch.nan)
