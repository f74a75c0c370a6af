"""Trains `arrangement/rolls/model.py` on two genres, of which no piece need be known in both. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from restyle.arrangement.rolls.data import Rolls
from restyle.arrangement.rolls.model import BAR, RollCycleGan, RollDiscriminator
from restyle.training.adversarial import discriminator_loss, frozen, generator_loss
from restyle.training.optimisers import Training

LOSS = "least_squares"
THRESHOLD = 0.5  # above which a key is down


class RollCycleGanTraining(Training):
    """Each generator fools the discriminators of the genre that it leads to, and is undone by the other.

    There are two discriminators for each: one knows the genre, the other music of all genres; the latter keeps results
    near music. All see rolls under noise, so that they cannot go by how sharp a roll is.

    A batch is what `data.Rolls.batch` returns.

    Args:
        model: the network to train.
        genres: names of the two.
        widths: of the discriminators' layers.
        noise: deviation of what is added to what discriminators see.
        cycle: weight of what there and back changes.
        mixed: weight of the discriminators of all genres.
        discriminator_rate: their highest learning rate.
        optimisation: rate, weight decay, schedule and seed (see `Training`).

    Raises:
        ValueError: if the genres are not two.

    Source: Brunner et al., "Symbolic music genre transfer with CycleGAN", ICTAI 2018.
    """

    rate, weight_decay, schedule, betas = 2e-4, 0.0, "cosine", (0.5, 0.999)
    limits = (
        "One pair of genres, without drums, instruments and loudness, on sixteenths; what it makes is one track, in "
        "which a melody is not told from the rest"
    )

    def __init__(
        self,
        model: RollCycleGan,
        *,
        genres: Sequence[str],
        widths: Sequence[int] = (32, 64),
        noise: float = 0.25,
        cycle: float = 10.0,
        mixed: float = 1.0,
        discriminator_rate: float = 2e-4,
        **optimisation: Any,
    ) -> None:
        super().__init__(model, **optimisation)
        if len(set(genres)) != 2 or len(genres) != 2:
            raise ValueError(f"there must be two genres, not {', '.join(genres)}")
        self.genres, self.noise, self.cycle, self.mixed = list(genres), noise, cycle, mixed
        self.discriminator_rate = discriminator_rate
        self.own, self.any = (nn.ModuleList(RollDiscriminator(widths=widths) for _ in genres) for _ in range(2))
        self.chunks = partial(Rolls, genres=self.genres)  # type: ignore[assignment]
        self._shown: dict[str, Tensor] = {}

    def configure_optimizers(self, **adversarial: Any) -> Any:
        """Return Adam for generators and discriminators, and its schedule."""
        judges = nn.ModuleList([*self.own, *self.any])
        own = {"discriminator": judges, "discriminator_rate": self.discriminator_rate, "betas": self.betas}
        return super().configure_optimizers(**own)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """Return the sum of all losses of both directions, each of which reaches its own part only."""
        first, second, several = batch
        noise = torch.Generator(first.device).manual_seed(int(self.rng(batch_idx).integers(2**62)))
        rows = [self._way(first, second, several, 1, noise), self._way(second, first, several, 0, noise)]
        losses = {name: rows[0][name] + rows[1][name] for name in rows[0]}
        for name, value in losses.items():
            self.log(f"train_{name}", value.detach(), on_step=False, on_epoch=True)
        return losses["game"] + losses["discriminator"] + self.cycle * losses["cycle"]

    def _way(self, own: Tensor, other: Tensor, several: Tensor, to: int, noise: torch.Generator) -> dict[str, Tensor]:
        """The losses of one direction: of the generators ``game`` and ``cycle``, and ``discriminator``."""
        there, back = self._generators(to)
        result = there(own)
        judges = ((self.own[to], other, 1.0), (self.any[to], several, self.mixed))
        game, discriminator = own.new_zeros(()), own.new_zeros(())
        for judge, real, weight in judges:
            with frozen(judge):
                game = game + weight * generator_loss(judge(self._noisy(result, noise)), LOSS)
            scores = judge(self._noisy(real, noise)), judge(self._noisy(result.detach(), noise))
            discriminator = discriminator + weight * discriminator_loss(*scores, LOSS) / 2
        return {"game": game, "discriminator": discriminator, "cycle": (back(result) - own).abs().mean()}

    def _generators(self, to: int) -> tuple[nn.Module, nn.Module]:
        """The generator that leads to a genre, and the one that leads back."""
        return (self.model.there, self.model.back) if to else (self.model.back, self.model.there)

    def _noisy(self, roll: Tensor, noise: torch.Generator) -> Tensor:
        return roll + self.noise * torch.randn(roll.shape, generator=noise, device=roll.device)

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """Log the cycle's error and how much changes; add up the bars of results and of genres."""
        for side, roll in enumerate(batch[:2]):
            there, back = self._generators(1 - side)
            likely = there(roll)
            result = (likely > THRESHOLD).to(roll)
            self.log("val_cycle", (back(likely) - roll).abs().mean(), batch_size=len(roll), sync_dist=True)
            changed = (result - roll).abs().sum() / torch.maximum(result, roll).sum().clamp_min(1)
            self.log("val_changed", changed, batch_size=len(roll), sync_dist=True)
            self._outputs += [("real", side, _bars(roll)), ("result", 1 - side, _bars(result))]
            label, other = self.genres[side], self.genres[1 - side]
            self._shown |= {label: roll[0], f"{label} as {other}": result[0]}

    def on_validation_epoch_end(self) -> None:
        """Log how far the mean bar of results is from that of their genre, 0 to 1."""
        outputs = self.gathered()
        if not outputs:
            return
        mean = {
            (kind, side): torch.stack([bar for k, s, bar in outputs if (k, s) == (kind, side)]).sum(0)
            for kind in ("real", "result")
            for side in (0, 1)
        }
        far = [_distance(mean["result", side], mean["real", side]) for side in (0, 1)]
        self.log("val_loss", sum(far) / 2)
        self.log("val_epoch", float(self.current_epoch))  # no number tells the best epoch of a game: the last counts

    def exports(self) -> dict[str, Any]:
        """Return what is stored with the weights: the genres."""
        return {"genres": self.genres}

    def examples(self) -> list[dict[str, Any]]:
        """Return rolls and results of the last validation."""
        return [{"title": title, "picture": roll.float().cpu().numpy()} for title, roll in self._shown.items()]


def _bars(roll: Tensor) -> Tensor:
    """How often each key is down in each cell of a bar, over rolls ``[B, P, L]``: ``[P, 16]``."""
    return roll.unflatten(2, (-1, BAR)).sum((0, 2)).cpu()


def _distance(one: Tensor, other: Tensor) -> float:
    """How much of two counts does not overlap, 0 to 1."""
    return float(1 - torch.minimum(one, other).sum() / torch.maximum(one, other).sum().clamp_min(1))
