"""Trains the networks of `autoregressive.py` and `parallel.py` on clips of two phrases each. Floor 4.

The first half of a clip is the reference; what the second half plays is known, and its sound is the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from restyle.audio import Audio
from restyle.dsp.spectral_loss import SIZES, magnitudes, multi_scale_spectral_loss
from restyle.methods.wavenet.autoregressive import WaveNet, mu_law_encode
from restyle.methods.wavenet.parallel import ParallelWaveNet
from restyle.training.optimisers import Training

LEVEL = 0.1  # root mean square of the target sounds
EARLY = 0.05  # seconds before the second half from which notes still count as its own
WINDOW = 1024  # samples, of what the report shows
QUIET = 1e-4  # a second half below this root mean square is not raised


class Lesson(NamedTuple):
    """The input and target of one step.

    Args:
        mel: of the references, ``[B, M, L]``.
        notes: ``[B, N, 5]``, times from the start of the piece; NaN where there are fewer.
        sound: of the piece, ``[B, T]``, at one level.
        places: first frame of each piece in its clip, ``[B]``.
    """

    mel: Tensor
    notes: Tensor
    sound: Tensor
    places: Tensor


def lesson(batch: Sequence[Tensor], frames: int, *, hop: int, rate: int, rng: np.random.Generator | None) -> Lesson:
    """Cut a piece from the second half of each clip.

    Args:
        batch: (log1p mel ``[B, M, 2 L]``, labels, notes ``[B, N, 5]``, sound ``[B, 2 L * hop]``).
        frames: of a piece; the whole half at most.
        hop: samples of a frame.
        rate: Hz.
        rng: draws the places; None takes the half's beginning.
    """
    mel, _, notes, sound = batch
    half = mel.shape[-1] // 2
    frames = min(frames, half)
    free = half - frames + 1
    drawn = np.zeros(len(mel), np.int64) if rng is None else rng.integers(0, free, len(mel))
    places = half + torch.from_numpy(drawn).to(mel.device)
    start = places * hop
    index = start[:, None] + torch.arange(frames * hop, device=mel.device)
    own = notes[..., :1] >= half * hop / rate - EARLY
    table = torch.where(own, notes, torch.nan)
    shift = torch.zeros_like(table)
    shift[..., :2] = (start / rate)[:, None, None]
    level = sound[:, half * hop :].square().mean(1, keepdim=True).sqrt()
    gain = torch.where(level > QUIET, LEVEL / level.clamp_min(QUIET), 1.0)
    return Lesson(mel[..., :half], table - shift, gain * sound.gather(1, index), places)


class _Training(Training):
    """What both have in common: the pieces, and that they log their losses.

    Raises:
        ValueError: if the model's frames are others than the spectrograms'.
    """

    wants: tuple[str, ...] = ("notes", "sound")

    def __init__(self, model: Any, *, representation: Mapping[str, Any], crop: int, **optimisation: Any) -> None:
        super().__init__(model, **optimisation)
        self.hop, self.sampling, self.crop = int(representation["hop"]), int(representation["rate"]), crop
        if self.hop != getattr(model, "hop", self.hop):
            raise ValueError(f"the model's hop must be the spectrograms': {self.hop}")

    def loss(self, batch: Sequence[Tensor], rng: np.random.Generator, *, whole: bool) -> Tensor:
        """Return the loss of a batch; ``whole`` where it is to be the same every time, and of all there is."""
        raise NotImplementedError

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of pieces at random places."""
        rng = self.rng(batch_idx)
        loss = self.loss(batch, rng, whole=False)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the loss of pieces at fixed places."""
        loss = self.loss(batch, np.random.default_rng((self.seed, batch_idx)), whole=True)
        self.log("val_loss", loss, batch_size=len(batch[0]), sync_dist=True)

    def cut(self, batch: Sequence[Tensor], rng: np.random.Generator) -> Lesson:
        """Return pieces at random places."""
        return lesson(batch, self.crop, hop=self.hop, rate=self.sampling, rng=rng)


class ParallelTraining(_Training):
    """The multi-scale spectral loss in place of cross-entropy: all samples at once, phases do not count.

    A batch is (log1p mel spectrograms ``[B, M, 2 L]``, labels ``[B]``, notes ``[B, N, 5]``, sound ``[B, 2 L * hop]``).

    Args:
        model: the network to train.
        crop: frames of a piece.
        sizes: windows of the loss.
        floor: amplitude below which the loss sees no differences.
        common: representation, rate, weight decay, schedule and seed (see `Training`).
    """

    rate, weight_decay, schedule = 2e-3, 1e-4, "cosine"

    def __init__(
        self,
        model: ParallelWaveNet,
        *,
        crop: int = 94,
        sizes: Sequence[int] = SIZES,
        floor: float = 1e-4,
        **common: Any,
    ) -> None:
        super().__init__(model, crop=crop, **common)
        self.sizes, self.floor = list(sizes), floor
        self._shown: tuple[Tensor, Tensor] | None = None  # output and target of the last validation
        self.limits = "single instruments; nothing above 8 kHz; no glides within a note"

    def loss(self, batch: Sequence[Tensor], rng: np.random.Generator, *, whole: bool) -> Tensor:
        """Return the spectral loss of pieces."""
        piece = self.cut(batch, rng)
        start = int(rng.integers(0, 2**16))
        frames = piece.sound.shape[1] // self.hop
        result = self.model(piece.notes, self.model.reference(piece.mel), frames, start)
        if whole:
            self._shown = result.detach()[0].cpu(), piece.sound[0].cpu()
        return multi_scale_spectral_loss(result, piece.sound, sizes=self.sizes, floor=self.floor)

    def examples(self) -> list[dict[str, Any]]:
        """Return for the report a piece of the last validation, and its target."""
        if self._shown is None:
            return []
        titles = ("A piece", "Its target")
        pictures = [torch.log1p(1e4 * magnitudes(x[None], WINDOW)[0]).numpy() for x in self._shown]
        sounds = [Audio(x.numpy(), self.sampling) for x in self._shown]
        rows = zip(titles, pictures, sounds, strict=True)
        return [{"title": title, "picture": seen, "sound": sound} for title, seen, sound in rows]


class AutoregressiveTraining(_Training):
    """Cross-entropy of the next sample, from the true ones before it.

    Of the clips a part has to do without the encoder's code, as in a transfer.

    Args:
        model: the network to train.
        crop: frames of a piece, even.
        without: part of the steps without a code, 0..1.
        common: representation, rate, weight decay, schedule and seed (see `Training`).
    """

    rate, weight_decay, schedule = 1e-3, 0.0, "cosine"

    def __init__(
        self,
        model: WaveNet,
        *,
        crop: int = 32,
        without: float = 0.5,
        **common: Any,
    ) -> None:
        super().__init__(model, crop=crop, **common)
        self.without = without
        self.limits = "16 kHz in 256 steps, a noise of its own; single instruments"

    def loss(self, batch: Sequence[Tensor], rng: np.random.Generator, *, whole: bool) -> Tensor:
        """Return the mean cross-entropy in nats; without a code where ``whole``."""
        piece = self.cut(batch, rng)
        frames = piece.sound.shape[1] // self.hop
        coded = not whole and self.model.encoder is not None and rng.random() >= self.without
        code = self.model.encoder(piece.sound) if coded else None
        conditioning = self.model.told(piece.notes, self.model.reference(piece.mel), frames, code)
        classes = mu_law_encode(piece.sound)
        logits = self.model(classes, conditioning, self.model.tuned(piece.notes, frames))
        return nn.functional.cross_entropy(logits, classes)
