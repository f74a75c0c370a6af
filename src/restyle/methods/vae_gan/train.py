"""Trains `methods/vae_gan/model.py`, a discriminator beside it. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from restyle.methods.vae_gan.model import Normal, VaeGan
from restyle.training.adversarial import feature_loss, frozen, generator_loss, scaled_gradient
from restyle.training.augment import respond
from restyle.training.discriminator import Discriminator
from restyle.training.latent import annealed, free_bits, kl_divergence
from restyle.training.spectral import AdversarialTraining, follow, guarded, recording_levels

FOLLOW = 0.2  # of the way that a label's vector goes to a new one


class VaeGanTraining(AdversarialTraining):
    """Content from one half of a clip, style from the other; three losses, each for its own part of the model.

    The divergence and the reconstruction reach the encoders; the reconstruction (``gamma`` times) and the game with the
    discriminator the decoder; the game alone the discriminator. The reconstruction is measured in the discriminator's
    features, and where ``pixel`` is above 0 by levels as well. The content's encoder hears every clip through another
    loudspeaker, so that its code cannot tell the colour.

    A batch is (log1p magnitudes ``[B, F, 2 L]``, labels ``[B]``, what is played ``[B, 176, 2 L]``,
    the recordings' mean magnitudes ``[B]``).

    Args:
        model: the network to train.
        labels: names of the styles.
        widths: of the discriminator's layers.
        patch: frames of each half that it is shown.
        gamma: of the reconstruction in the decoder's loss, beside the game.
        pixel: of the levels' mean difference in the reconstruction, beside the features'.
        beta: weights of the content's divergence and the style's.
        free: nats of each channel's divergence that cost nothing.
        anneal: steps over which the divergence is brought in.
        colour: standard deviation in dB of the loudspeakers.
        voice: the same of a loudspeaker that a whole clip is played through: more styles than there are.
        common: the loss, rates and others of `AdversarialTraining`.

    Raises:
        ValueError: if there is no such loss or schedule, or the spectrograms are not the model's.
    """

    wants = ("pitch", "mean")
    rate, weight_decay, schedule = 2e-3, 1e-2, "cosine"
    ceiling, discriminator_rate, betas = 0.85, 3e-4, (0.8, 0.99)

    def __init__(
        self,
        model: VaeGan,
        *,
        labels: Sequence[str],
        widths: Sequence[int] = (16, 32, 64, 64),
        patch: int = 64,
        gamma: float = 4.0,
        pixel: float = 1.0,
        beta: Sequence[float] = (0.02, 0.0005),
        free: float = 0.1,
        anneal: int = 500,
        colour: float = 6.0,
        voice: float = 5.0,
        **common: Any,
    ) -> None:
        super().__init__(model, Discriminator(widths=widths), **common)
        self.labels, self.gamma, self.pixel, self.patch = list(labels), gamma, pixel, patch
        self.beta, self.free, self.anneal = tuple(beta), free, anneal
        self.colour, self.voice = colour, voice
        size = model.summary.out_features // 2
        self.named: Tensor
        self.register_buffer("named", torch.zeros(max(1, len(self.labels)), size))
        self.limits = "nothing above half the spectrograms' rate; drums and voices only where trained on"

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the sum of the losses, through which each part gets the gradient that is meant for it."""
        rng = self.rng(batch_idx)
        whole = recording_levels(batch[0], batch[3])
        whole = respond(whole, rng, gain=0.0, curve=self.voice) if self.voice else whole
        x, pitch, other, other_pitch = self._halves(whole, batch[2], swap=bool(rng.integers(2)))
        noise = torch.Generator(x.device).manual_seed(int(rng.integers(2**31)))
        content = self.model.content(respond(x, rng, gain=0.0, curve=self.colour))
        style = self.model.style(other, other_pitch)
        self._remember(batch[1].clamp_min(0), style.mean.detach())
        losses = self.losses(x, pitch, content, style, noise)
        self.log_losses(losses)
        weight = annealed(self.global_step, self.anneal)
        loss = weight * losses["divergence"] + self.gamma * losses["reconstruction"]
        return loss + losses["game"] + losses["discriminator"]

    def losses(
        self, x: Tensor, pitch: Tensor, content: Normal, style: Normal, noise: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the three losses; ``reconstruction`` is to be taken ``gamma`` times.

        Args:
            x: levels ``[B, F, L]``.
            pitch: what is played, ``[B, 176, L]``.
            content: codes of ``x``.
            style: vectors.
            noise: draws the codes.

        Returns:
            ``divergence`` (for the encoders), ``reconstruction`` (for encoders and decoder), ``game`` (for the
            decoder), ``discriminator``; and to be read ``kl_content`` and ``kl_style`` in nats of a code, ``levels``
            (the mean difference in nepers) and ``right`` (part of the right decisions).
        """
        z, vector = (code.sample(_drawn(code.mean, noise)) for code in (content, style))
        kls = [kl_divergence(*code) for code in (content, style)]
        divergence = self.beta[0] * free_bits(kls[0], self.free) + self.beta[1] * free_bits(kls[1], self.free)
        codes_in = [scaled_gradient(code, 1 / self.gamma) for code in (z, vector)]
        result = self.model.decode(*codes_in, pitch)
        difference = (result - x).abs().mean()
        seen = self._seen(x.shape[-1], noise)
        real, features = self.discriminator(x[..., seen])
        with frozen(self.discriminator):
            alike = feature_loss(self.discriminator(result[..., seen])[1], features)
        codes = z[..., seen.start // self.model.step : seen.stop // self.model.step].detach()
        played = self._played(codes, vector.detach(), pitch[..., seen], noise)
        with frozen(self.discriminator):
            game = generator_loss(self.discriminator(played)[0], self.adversarial)
        discriminator, right = guarded(real, self.discriminator(played.detach())[0], self.adversarial, self.ceiling)
        found = {"divergence": divergence, "reconstruction": alike + self.pixel * difference}
        found |= {"game": game, "discriminator": discriminator, "right": right}
        logged = {"kl_content": free_bits(kls[0], 0.0), "kl_style": free_bits(kls[1], 0.0)}
        return found | logged | {"levels": difference}

    def _seen(self, frames: int, noise: torch.Generator) -> slice:
        """The frames that the discriminator is shown: whole codes, at a random place."""
        step = self.model.step
        size = max(1, min(self.patch, frames) // step)
        start = int(torch.randint(0, max(1, frames // step - size + 1), (), generator=noise, device=noise.device))
        return slice(start * step, (start + size) * step)

    def _played(self, z: Tensor, vector: Tensor, pitch: Tensor, noise: torch.Generator) -> Tensor:
        """What the discriminator is shown: half of it decoded from the data's codes, half from the prior's."""
        prior = torch.arange(len(z), device=z.device) % 2 == 1
        drawn = [torch.where(prior.view(-1, *[1] * (c.dim() - 1)), _drawn(c, noise), c) for c in (z, vector)]
        return self.model.decode(drawn[0], drawn[1], pitch)

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log how well a half is given back, from the means of its codes and the other half's style."""
        x, pitch, other, other_pitch = self._halves(recording_levels(batch[0], batch[3]), batch[2], swap=False)
        content, style = self.model.content(x), self.model.style(other, other_pitch)
        result = self.model.decode(content.mean, style.mean, pitch)
        loss = (result - x).abs().mean()
        size = len(x)
        self.log("val_loss", loss, batch_size=size, sync_dist=True)
        self.log(
            "val_alike",
            feature_loss(self.discriminator(result)[1], self.discriminator(x)[1]),
            batch_size=size,
            sync_dist=True,
        )
        for name, code in (("content", content), ("style", style)):
            self.log(f"val_kl_{name}", free_bits(kl_divergence(*code), 0.0), batch_size=size, sync_dist=True)
        if batch_idx == 0:
            moved = self.model.decode(content.mean[:1], style.mean[-1:], pitch[:1])
            self._shown = {"A half of a clip": x[0], "The same, given back": result[0]}
            self._shown |= {"The style of another clip": x[-1], "The first in its style": moved[0]}

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: the labels and a style vector of each; one where there are none."""
        return {"labels": self.labels, "named": self.named, **super().exports()}

    def _halves(self, x: Tensor, pitch: Tensor, *, swap: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Levels and what is played of one half of each clip, then of the other."""
        half = x.shape[-1] // 2
        pitch = pitch[:, : self.model.pitches]
        parts = [(part[..., :half], part[..., half : 2 * half]) for part in (x, pitch)]
        (own, other), (played, other_pitch) = (part[::-1] if swap else part for part in parts)
        return own, played, other, other_pitch

    def _remember(self, labels: Tensor, vectors: Tensor) -> None:
        for label, vector in zip(labels.tolist(), vectors.float(), strict=True):
            follow(self.named[label], vector, FOLLOW)


def _drawn(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=torch.float32)
