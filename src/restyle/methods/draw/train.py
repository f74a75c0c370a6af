"""Teaches `methods/draw/model.py` one style. Floor 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from restyle.methods.draw.model import TOP, Draw, Painted
from restyle.training.augment import respond
from restyle.training.latent import annealed, free_bits, kl_divergence
from restyle.training.optimisers import check_schedule, optimiser
from restyle.training.spectral import NORMALISATION, check_stft, heard, shown


class DrawTraining(lightning.LightningModule):
    """The paper's loss: how far the last canvas is from the piece, and the divergence of all glimpses' codes.

    Where the model is told what is played, the first canvas is judged as well, so that it holds all that the notes
    tell, and the encoder hears every piece through another loudspeaker, so that the codes do not tell the colour: in a
    transfer both would be the content's.

    A batch is (log1p magnitudes ``[B, F, L]``, labels ``[B]``, what is played ``[B, 176, L]``,
    the recordings' mean magnitudes ``[B]``).

    Args:
        model: what learns.
        representation: settings of the spectrograms.
        frames: of a chunk, where it is known.
        likelihood: ``laplace``, the mean difference of levels; or ``bernoulli``, the paper's, of levels as parts of the
            loudest, summed over the piece.
        beta: weight of the divergence.
        free: nats of each channel's divergence that cost nothing.
        anneal: steps over which the divergence is brought in.
        first: weight of the first canvas.
        colour: standard deviation in dB of the loudspeakers; 0 for none.
        rate: highest learning rate.
        weight_decay: of AdamW.
        schedule: ``constant``, or ``cosine`` with a warm-up.
        seed: of all that is drawn.

    Raises:
        ValueError: if there is no such likelihood or schedule, the spectrograms are not the model's, or chunks are
            shorter than its pieces.
    """

    wants = ("pitch", "mean")

    def __init__(
        self,
        model: Draw,
        *,
        representation: Mapping[str, Any],
        frames: int | None = None,
        likelihood: str = "laplace",
        beta: float = 2e-4,
        free: float = 0.02,
        anneal: int = 1500,
        first: float = 0.5,
        colour: float = 8.0,
        rate: float = 2e-3,
        weight_decay: float = 1e-2,
        schedule: str = "cosine",
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_schedule(schedule)
        if likelihood not in ("laplace", "bernoulli"):
            raise ValueError(f"the likelihood must be laplace or bernoulli, not '{likelihood}'")
        if frames is not None and frames < model.frames:
            raise ValueError(f"chunks of {frames} frames hold no piece of {model.frames}; set data.frames higher")
        self.stft, self.sampling = check_stft(representation, model.bins), int(representation["rate"])
        self.model, self.likelihood, self.beta, self.free, self.anneal = model, likelihood, beta, free, anneal
        self.first, self.colour, self.seed = first, colour, seed
        self.rate, self.weight_decay, self.schedule = rate, weight_decay, schedule
        self._shown: list[tuple[str, Tensor]] = []
        self.limits = "one style; nothing above half the spectrograms' rate; notes that the transcriber misses are lost"

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss with codes drawn from the posterior."""
        rng = np.random.default_rng((self.seed, self.global_step, batch_idx, self.global_rank))
        x = heard(batch[0], batch[3])
        told = respond(x, rng, gain=0.0, curve=self.colour) if self.colour else x
        made, target, first = self.painted(x, told, batch[2], rng)
        kl = _divergence(made)
        losses = {"reconstruction": self.distance(made.canvases[-1], target), "first": self.distance(first, target)}
        for name, value in (losses | {"kl": free_bits(kl, 0.0)}).items():
            self.log(f"train_{name}", value.detach(), on_step=False, on_epoch=True)
        weight = annealed(self.global_step, self.anneal)
        loss = losses["reconstruction"] + weight * self.beta * free_bits(kl, self.free)
        return loss + self.first * losses["first"] if self.model.pitches else loss

    def painted(
        self, x: Tensor, told: Tensor, pitch: Tensor, rng: np.random.Generator | None
    ) -> tuple[Painted, Tensor, Tensor]:
        """Paint all pieces of chunks; return what was made, the pieces as they should be, and the first canvases.

        Args:
            x: levels ``[B, F, L]``; what is left over at the end is not painted.
            told: the same as the encoder hears them.
            pitch: what is played, ``[B, 176, L]``.
            rng: draws the codes; None takes their means.
        """
        canvas = self.model.first(pitch[:, : self.model.pitches])
        pieces = [_pieces(part, self.model.frames) for part in (told, canvas, x)]
        noise = None
        if rng is not None:
            drawn = torch.Generator(x.device).manual_seed(int(rng.integers(2**31)))
            size = (self.model.glimpses, len(pieces[0]), self.model.latent)
            noise = torch.randn(size, generator=drawn, device=x.device)
        return self.model(pieces[0], pieces[1], noise), pieces[2], pieces[1]

    def distance(self, canvas: Tensor, target: Tensor) -> Tensor:
        """Return how far a canvas is from levels: nepers, or nats of a piece (``bernoulli``)."""
        if self.likelihood == "laplace":
            return (self.model.levels(canvas) - target).abs().mean()
        part = (target / TOP).clamp(0, 1)
        return nn.functional.binary_cross_entropy_with_logits(canvas.float(), part, reduction="sum") / len(target)

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log how well pieces are given back from the means of their codes, and how far the notes alone get."""
        x = heard(batch[0], batch[3])
        made, target, first = self.painted(x, x, batch[2], None)
        last, alone = (self.model.levels(canvas) for canvas in (made.canvases[-1], first))
        found = {"loss": (last - target).abs().mean(), "first": (alone - target).abs().mean()}
        for name, value in (found | {"kl": free_bits(_divergence(made), 0.0)}).items():
            self.log(f"val_{name}", value, batch_size=len(x), sync_dist=True)
        if batch_idx == 0:
            glimpse = self.model.levels(made.canvases[0])
            parts = {"A clip": target, "Its first canvas": alone, "After the first glimpse": glimpse}
            count = x.shape[-1] // self.model.frames
            parts["After the last"] = last
            self._shown = [(title, torch.cat(list(part[:count]), dim=1)) for title, part in parts.items()]

    def configure_optimizers(self) -> Any:
        """Return AdamW, and its schedule."""
        steps = self.trainer.estimated_stepping_batches
        return optimiser(self.model, self.rate, self.weight_decay, self.schedule, steps)

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: what levels are relative to."""
        return {**NORMALISATION}

    def examples(self) -> list[dict[str, Any]]:
        """Return for the report a clip of the last validation, and how it was painted."""
        return shown(self._shown, self.stft, self.sampling)


def _divergence(made: Painted) -> Tensor:
    """Of all codes of each piece, ``[B, T * D]``."""
    return kl_divergence(*made.codes).transpose(0, 1).flatten(1)


def _pieces(x: Tensor, frames: int) -> Tensor:
    """Cut ``[B, F, L]`` along time into ``[B * (L // frames), F, frames]``."""
    count = x.shape[-1] // frames
    return x[..., : count * frames].unflatten(-1, (count, frames)).transpose(1, 2).flatten(0, 1)
