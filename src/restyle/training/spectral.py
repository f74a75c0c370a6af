"""What trainings on spectrograms share: levels of one loudness, discriminators, examples for the report. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from restyle.audio import Audio
from restyle.dsp.levels import levels, magnitudes
from restyle.dsp.phase import griffin_lim
from restyle.dsp.stft import Stft
from restyle.training.adversarial import check_loss, discriminator_loss
from restyle.training.optimisers import Training

SILENT = 1e-6  # root mean square of magnitudes; what is softer is not raised
LOUD = 0.05  # root mean square of the sounds in a report


def recording_levels(x: Tensor, mean: Tensor) -> Tensor:
    """Return levels of chunks relative to their whole recordings, as a transfer uses them.

    Args:
        x: log1p magnitudes ``[B, F, L]``.
        mean: root mean square of the magnitudes of each chunk's recording, ``[B]``.
    """
    return levels(torch.expm1(x.float()), mean.clamp_min(SILENT)[:, None, None])


class SpectralTraining(Training):
    """Training on STFT spectrograms whose levels are relative to their recordings.

    Args:
        model: the network to train; its ``bins`` are those of the spectrograms.
        representation: settings of the spectrograms.
        optimisation: rate, weight decay, schedule and seed (see `Training`).

    Raises:
        ValueError: if the spectrograms are of another kind, or not of as many bins as the model.
    """

    def __init__(self, model: Any, *, representation: Mapping[str, Any], **optimisation: Any) -> None:
        super().__init__(model, **optimisation)
        if representation.get("kind") != "stft":
            raise ValueError(f"the spectrograms must be of kind stft, not {representation.get('kind')}")
        self.stft, self.sampling = Stft(representation["n_fft"], representation["hop"]), int(representation["rate"])
        if self.stft.bins != model.bins:
            raise ValueError(f"the model has {model.bins} bins, the spectrograms {self.stft.bins}")
        self._shown: dict[str, Tensor] = {}  # titles and levels [F, L] of the last validation

    def log_losses(self, losses: Mapping[str, Tensor]) -> None:
        """Log the mean losses of an epoch."""
        for name, value in losses.items():
            self.log(f"train_{name}", value.detach(), on_step=False, on_epoch=True)

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: what levels are relative to."""
        return {"normalisation": "recording"}

    def examples(self) -> list[dict[str, Any]]:
        """Return for the report clips and results of the last validation."""
        output: list[dict[str, Any]] = []
        for title, level in self._shown.items():
            level = level.float().cpu()
            length = (level.shape[-1] - 1) * self.stft.hop
            sound = griffin_lim(magnitudes(level), self.stft, length, iterations=16)
            sound = (sound * (LOUD / sound.square().mean().sqrt().clamp_min(1e-6))).clamp(-1, 1)
            output.append({"title": title, "picture": level.numpy(), "sound": Audio(sound.numpy(), self.sampling)})
        return output


class AdversarialTraining(SpectralTraining):
    """Training with a discriminator.

    Args:
        model: the network to train.
        discriminator: one, or several in a ``ModuleList``.
        adversarial: ``bce``, ``least_squares`` or ``hinge``.
        ceiling: part of right decisions above which a discriminator waits.
        discriminator_rate: its highest learning rate.
        common: representation, rate, weight decay, schedule and seed (see `SpectralTraining`).

    Raises:
        ValueError: if there is no such loss.
    """

    ceiling, discriminator_rate, betas = 0.9, 4e-4, (0.5, 0.99)

    def __init__(
        self,
        model: Any,
        discriminator: Any,
        *,
        adversarial: str = "hinge",
        ceiling: float | None = None,
        discriminator_rate: float | None = None,
        **common: Any,
    ) -> None:
        super().__init__(model, **common)
        check_loss(adversarial)
        self.discriminator: Any = discriminator
        self.adversarial, self.ceiling = adversarial, self.ceiling if ceiling is None else ceiling
        self.discriminator_rate = self.discriminator_rate if discriminator_rate is None else discriminator_rate

    def configure_optimizers(self, **adversarial: Any) -> Any:
        """Return AdamW for model and discriminator, and its schedule."""
        own = {"discriminator": self.discriminator, "discriminator_rate": self.discriminator_rate, "betas": self.betas}
        return super().configure_optimizers(**own)


def follow(mean: Tensor, seen: Tensor, part: float) -> None:
    """Move a running mean, in place, a part of the way to what was seen; all of it the first time."""
    mean += (seen - mean) * (part if bool(mean.any()) else 1.0)


def guarded(real: Tensor, generated: Tensor, kind: str, ceiling: float) -> tuple[Tensor, Tensor]:
    """Return a discriminator's loss, and the part of its right decisions.

    Where that is more than ``ceiling`` the loss is 0: it waits until the generator has caught up with it.

    Source: the authors' code of Larsen et al. 2016 stops either player alike, by its loss.
    """
    middle = 0.5 if kind == "least_squares" else 0.0
    right = ((real > middle).float().mean() + (generated < middle).float().mean()) / 2
    return discriminator_loss(real, generated, kind) * (right <= ceiling), right
