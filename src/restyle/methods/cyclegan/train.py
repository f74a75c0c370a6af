"""Trains `methods/cyclegan/model.py` on two kinds of music, of which no piece is known in both. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from restyle.dsp.levels import magnitudes
from restyle.dsp.spectral_loss import chroma_distance, chroma_filters
from restyle.methods.cyclegan.model import CycleGan
from restyle.training.adversarial import frozen, generator_loss
from restyle.training.discriminator import Discriminator
from restyle.training.spectral import AdversarialTraining, follow, guarded, recording_levels

FOLLOW = 0.02  # of the way that a domain's mean goes to a batch's


class CycleGanTraining(AdversarialTraining):
    """Each generator fools the other domain's discriminator, is undone by the other, and leaves its own domain alone.

    The networks are large enough to hide what they need for the way back, and to play other chords meanwhile: so the
    pitch classes of the result are held to those of the input.

    A batch is (log1p magnitudes ``[B, F, L]``, domains ``[B]``, 0 or 1, the recordings' mean magnitudes
    ``[B]``).

    Args:
        model: the network to train.
        labels: names of the two domains.
        widths: of the discriminators' layers.
        spectral: whether the discriminators are normalised.
        cycle: weight of what there and back changes, in nepers.
        identity: weight of what a generator changes in the domain it leads to.
        tonal: weight of the distance of pitch classes.
        common: the loss, rates and others of `AdversarialTraining`.

    Raises:
        ValueError: if there are not two domains, no such loss or schedule, or the spectrograms are not the model's.
    """

    wants = ("mean",)
    rate, weight_decay, schedule = 4e-4, 1e-3, "cosine"

    def __init__(
        self,
        model: CycleGan,
        *,
        labels: Sequence[str],
        widths: Sequence[int] = (16, 32, 64, 64),
        spectral: bool = True,
        cycle: float = 2.0,
        identity: float = 0.5,
        tonal: float = 5.0,
        **common: Any,
    ) -> None:
        discriminators = nn.ModuleList(Discriminator(widths=widths, spectral=spectral) for _ in labels)
        super().__init__(model, discriminators, **common)
        if len(labels) != 2:
            raise ValueError(f"there must be two domains, a folder each, not {len(labels)}")
        self.labels = list(labels)
        self.cycle, self.identity, self.tonal = cycle, identity, tonal
        self.filters: Tensor
        self.register_buffer("filters", chroma_filters(model.bins, self.sampling), persistent=False)
        self.means: Tensor
        self.register_buffer("means", torch.zeros(2, model.bins))
        self.limits = "one pair of domains; notes and rhythm stay the content's; trained on rendered music"

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the sum of all losses of both directions, each of which reaches its own part only."""
        x, domains = recording_levels(batch[0], batch[2]), batch[1]
        self._remember(x, domains)
        total = x.new_zeros(())
        sides = [x[domains == side] for side in (0, 1)]
        if not all(len(own) for own in sides):
            return total + sum(value.sum() * 0 for value in self.parameters())
        losses = self.losses(*sides)
        self.log_losses(losses)
        kept = sum(getattr(self, name) * losses[name] for name in ("cycle", "identity", "tonal"))
        return losses["game"] + losses["discriminator"] + kept

    def losses(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """Return the losses of levels ``[B, F, L]`` of the two domains.

        Returns:
            ``game``, ``cycle``, ``identity`` and ``tonal`` (for the generators), ``discriminator``, each the sum over
            both directions, and ``right``: part of the right decisions.
        """
        ways = ((first, second, self.model.there, self.model.back, self.discriminator[1]),
                (second, first, self.model.back, self.model.there, self.discriminator[0]))  # fmt: skip
        rows = [self._way(*way) for way in ways]
        total = {name: rows[0][name] + rows[1][name] for name in rows[0]}
        return total | {"right": total["right"] / 2}

    def _way(
        self, own: Tensor, other: Tensor, there: nn.Module, back: nn.Module, discriminator: nn.Module
    ) -> dict[str, Tensor]:
        result, lowest = there(own), self.model.fixed  # a discriminator would know the domain by what cannot change
        with frozen(discriminator):
            game = generator_loss(discriminator(result[:, lowest:])[0], self.adversarial)
        scores = discriminator(other[:, lowest:])[0], discriminator(result[:, lowest:].detach())[0]
        loss, right = guarded(*scores, self.adversarial, self.ceiling)
        cycle = (back(result) - own).abs().mean()
        identity = (there(other) - other).abs().mean()
        tonal = chroma_distance(magnitudes(result), magnitudes(own), self.filters)
        kept = {"cycle": cycle, "identity": identity, "tonal": tonal}
        return {"game": game, "discriminator": loss, "right": right} | kept

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the cycle's error; add up the levels of the results and of the domains."""
        x, domains = recording_levels(batch[0], batch[2]), batch[1]
        ways = ((self.model.there, self.model.back), (self.model.back, self.model.there))
        for side, (there, back) in enumerate(ways):
            own = x[domains == side]
            if not len(own):
                continue
            result = there(own)
            tonal = chroma_distance(magnitudes(result), magnitudes(own), self.filters)
            self.log("val_tonal", tonal, batch_size=len(own), sync_dist=True)
            self.log("val_cycle", (back(result) - own).abs().mean(), batch_size=len(own), sync_dist=True)
            self._outputs += [("real", side, _sums(own)), ("result", 1 - side, _sums(result))]
            label, other = self.labels[side], self.labels[1 - side]
            self._shown |= {label: own[0], f"{label} as {other}": result[0]}

    def on_validation_epoch_end(self) -> None:
        """Log how far means and deviations of all results are from those of their target domain."""
        outputs = self.gathered()
        if not outputs:
            return
        far = [
            (_statistics(outputs, "result", side) - _statistics(outputs, "real", side)).abs().mean()
            for side in (0, 1)
            if {("result", side), ("real", side)} <= {(kind, target) for kind, target, _ in outputs}
        ]
        self.log("val_loss", torch.stack(far).mean() if far else torch.zeros(()))
        self.log("val_epoch", float(self.current_epoch))  # no number tells the best epoch of a game: the last may count

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: the domains and their mean levels."""
        return {"labels": self.labels, "means": self.means, **super().exports()}

    def _remember(self, x: Tensor, domains: Tensor) -> None:
        for side in (0, 1):
            own = x[domains == side]
            if len(own):
                follow(self.means[side], own.detach().mean((0, 2)), FOLLOW)


def _sums(levels: Tensor) -> Tensor:
    """Frames, and the sums of levels ``[B, F, L]`` and of their squares over them, ``[3, F]``."""
    count = torch.full((levels.shape[1],), float(levels.shape[0] * levels.shape[2]))
    return torch.stack([count, levels.sum((0, 2)).cpu(), levels.square().sum((0, 2)).cpu()])


def _statistics(outputs: Sequence[tuple[str, int, Tensor]], kind: str, side: int) -> Tensor:
    """Mean and deviation of every bin over all outputs of a kind and side, ``[2, F]``."""
    count, total, squares = torch.stack([sums for k, s, sums in outputs if (k, s) == (kind, side)]).sum(0)
    mean = total / count
    return torch.stack([mean, (squares / count - mean.square()).clamp_min(0).sqrt()])
