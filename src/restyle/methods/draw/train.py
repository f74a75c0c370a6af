"""Trains `methods/draw/model.py` on one style. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restyle.methods.draw.model import TOP, Draw, Painted
from restyle.training.augment import respond
from restyle.training.latent import annealed, free_bits, kl_divergence
from restyle.training.spectral import SpectralTraining, recording_levels


class DrawTraining(SpectralTraining):
    """The paper's loss: how far the last canvas is from the piece, and the divergence of all glimpses' codes.

    With notes as conditioning the first canvas has a loss of its own, so that it holds all that the notes tell, and the
    encoder's input goes through a random frequency response, so that the codes do not tell the colour: in a transfer
    both would be the content's.

    A batch is (log1p magnitudes ``[B, F, L]``, labels ``[B]``, what is played ``[B, 176, L]``,
    the recordings' mean magnitudes ``[B]``).

    Args:
        model: the network to train.
        frames: of a chunk, where it is known.
        likelihood: ``laplace``, the mean difference of levels; or ``bernoulli``, the paper's, of levels as parts of the
            loudest, summed over the piece.
        beta: weight of the divergence.
        free: nats of each channel's divergence that cost nothing.
        anneal: steps over which the divergence is brought in.
        first: weight of the first canvas.
        colour: standard deviation in dB of the loudspeakers; 0 for none.
        common: representation, rate, weight decay, schedule and seed (see `SpectralTraining`).

    Raises:
        ValueError: if there is no such likelihood or schedule, the spectrograms are not the model's, or chunks are
            shorter than its pieces.
    """

    wants = ("pitch", "mean")
    rate, weight_decay, schedule = 2e-3, 1e-2, "cosine"

    def __init__(
        self,
        model: Draw,
        *,
        frames: int | None = None,
        likelihood: str = "laplace",
        beta: float = 2e-4,
        free: float = 0.02,
        anneal: int = 1500,
        first: float = 0.5,
        colour: float = 8.0,
        **common: Any,
    ) -> None:
        super().__init__(model, **common)
        if likelihood not in ("laplace", "bernoulli"):
            raise ValueError(f"the likelihood must be laplace or bernoulli, not '{likelihood}'")
        if frames is not None and frames < model.frames:
            raise ValueError(f"chunks of {frames} frames hold no piece of {model.frames}; set data.frames higher")
        self.likelihood, self.beta, self.free, self.anneal = likelihood, beta, free, anneal
        self.first, self.colour = first, colour
        self.limits = "one style; nothing above half the spectrograms' rate; notes that the transcriber misses are lost"

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the loss with codes drawn from the posterior."""
        rng = self.rng(batch_idx)
        x = recording_levels(batch[0], batch[3])
        coloured = respond(x, rng, gain=0.0, curve=self.colour) if self.colour else x
        painted, target, first = self.painted(x, coloured, batch[2], rng)
        kl = _divergence(painted)
        losses = {"reconstruction": self.distance(painted.canvases[-1], target), "first": self.distance(first, target)}
        self.log_losses(losses | {"kl": free_bits(kl, 0.0)})
        weight = annealed(self.global_step, self.anneal)
        loss = losses["reconstruction"] + weight * self.beta * free_bits(kl, self.free)
        return loss + self.first * losses["first"] if self.model.pitches else loss

    def painted(
        self, x: Tensor, encoded: Tensor, pitch: Tensor, rng: np.random.Generator | None
    ) -> tuple[Painted, Tensor, Tensor]:
        """Paint all pieces of chunks; return them, their targets and the first canvases.

        Args:
            x: levels ``[B, F, L]``; what is left over at the end is not painted.
            encoded: the same as the encoder's input.
            pitch: what is played, ``[B, 176, L]``.
            rng: draws the codes; None takes their means.
        """
        canvas = self.model.first(pitch[:, : self.model.pitches])
        pieces = [_pieces(part, self.model.frames) for part in (encoded, canvas, x)]
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
        x = recording_levels(batch[0], batch[3])
        painted, target, first = self.painted(x, x, batch[2], None)
        last, alone = (self.model.levels(canvas) for canvas in (painted.canvases[-1], first))
        found = {"loss": (last - target).abs().mean(), "first": (alone - target).abs().mean()}
        for name, value in (found | {"kl": free_bits(_divergence(painted), 0.0)}).items():
            self.log(f"val_{name}", value, batch_size=len(x), sync_dist=True)
        if batch_idx == 0:
            glimpse = self.model.levels(painted.canvases[0])
            parts = {"A clip": target, "Its first canvas": alone, "After the first glimpse": glimpse}
            count = x.shape[-1] // self.model.frames
            parts["After the last"] = last
            self._shown = {title: torch.cat(list(part[:count]), dim=1) for title, part in parts.items()}


def _divergence(painted: Painted) -> Tensor:
    """Of all codes of each piece, ``[B, T * D]``."""
    return kl_divergence(*painted.codes).transpose(0, 1).flatten(1)


def _pieces(x: Tensor, frames: int) -> Tensor:
    """Cut ``[B, F, L]`` along time into ``[B * (L // frames), F, frames]``."""
    count = x.shape[-1] // frames
    return x[..., : count * frames].unflatten(-1, (count, frames)).transpose(1, 2).flatten(0, 1)
