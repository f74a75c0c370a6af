"""Capsules that tell genres apart: log1p STFT magnitudes in, one logit a class out. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from restyle.analysis.genre.model import Classifier, faster


class Capsules(Classifier):
    """Capsules with dynamic routing: vectors whose length says whether something is there.

    The paper's network for 28 x 28 pictures, with strides that bring a spectrogram down to that size first, and
    without its decoder.

    Args:
        classes: number of classes.
        bins: frequency bins of the input.
        frames: frames of the input; others do not fit the routing.
        filters: of the two convolutions.
        types: kinds of primary capsules at each place.
        size: values in a primary capsule.
        out: values in a class's capsule.
        rounds: of routing.

    Example:
        >>> network = Capsules(classes=10, bins=129, frames=129)
        >>> logits, lengths = network(torch.rand(2, 129, 129)), network.lengths(torch.rand(2, 129, 129))
        >>> logits.shape, bool((lengths < 1).all())
        (torch.Size([2, 10]), True)

    Source: Sabour, Frosst, Hinton, "Dynamic routing between capsules", NIPS 2017.
    """

    arguments = ("classes", "bins", "frames", "filters", "types", "size", "out", "rounds")

    def __init__(
        self,
        *,
        classes: int = 10,
        bins: int = 257,
        frames: int = 257,
        filters: Sequence[int] = (32, 64),
        types: int = 16,
        size: int = 8,
        out: int = 16,
        rounds: int = 3,
    ) -> None:
        super().__init__()
        self.classes, self.bins, self.frames, self.filters = classes, bins, frames, list(filters)
        self.types, self.size, self.out, self.rounds = types, size, out, rounds
        first, second = filters
        self.stages = nn.ModuleDict(
            {
                "first": nn.Sequential(nn.Conv2d(1, first, 9, stride=4), nn.ReLU()),
                "second": nn.Sequential(nn.Conv2d(first, second, 5, stride=2), nn.ReLU()),
                "primary": nn.Conv2d(second, types * size, 9, stride=3),
            }
        )
        places = [((n - 9) // 4 + 1 - 5) // 2 + 1 for n in (bins, frames)]
        if min(places) < 9:
            raise ValueError(f"{bins} x {frames} is too small for capsules; take 93 bins and frames or more")
        rows, columns = ((n - 9) // 3 + 1 for n in places)
        self.head = Routing(rows * columns * types, size, classes, out, rounds)
        faster(self)

    def prepare(self, x: Tensor) -> Tensor:
        """``[B, F, L]`` to ``[B, 1, F, L]``."""
        return x[:, None]

    def capsules(self, x: Tensor) -> Tensor:
        """Return the capsules of the classes, ``[B, classes, out]``, of spectrograms ``[B, F, L]``."""
        primary = self.features(x, ["primary"])[0].unflatten(1, (self.types, self.size))
        return self.head(squash(primary.movedim(2, -1).flatten(1, 3)))

    def lengths(self, x: Tensor) -> Tensor:
        """Return the lengths of the classes' capsules, 0..1, ``[B, classes]``, of spectrograms ``[B, F, L]``."""
        return self.capsules(x).square().sum(-1).add(1e-12).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        """Classify spectrograms ``[B, F, L]``: logits ``[B, classes]`` whose sigmoids are the capsules' lengths."""
        return torch.logit(self.lengths(x), eps=1e-6)


class Routing(nn.Module):
    """Capsules that vote for capsules of the next layer, and listen to those that agree with them."""

    def __init__(self, inputs: int, size: int, classes: int, out: int, rounds: int) -> None:
        super().__init__()
        self.inputs, self.rounds = inputs, rounds
        self.weight = nn.Parameter(torch.randn(inputs, classes, size, out) * (1 / size) ** 0.5)

    def forward(self, capsules: Tensor) -> Tensor:
        """``[B, inputs, size]`` to ``[B, classes, out]``."""
        if capsules.shape[1] != self.inputs:
            raise ValueError(f"there must be {self.inputs} primary capsules, not {capsules.shape[1]}: cut the frames")
        votes = torch.einsum("bip,icpd->bicd", capsules, self.weight)
        return route(votes, self.rounds)[0]


def route(votes: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """Route by agreement.

    Args:
        votes: what each capsule expects of each one of the next layer, ``[B, inputs, classes, D]``.
        rounds: at least 1.

    Returns:
        The next layer's capsules ``[B, classes, D]``, shorter than 1, and the couplings ``[B, inputs, classes]``: each
        input's add up to 1.
    """
    agreement, fixed = votes.new_zeros(votes.shape[:-1]), votes.detach()
    for _ in range(rounds - 1):  # the couplings are chosen, not learnt: no gradient flows through them
        result = squash((agreement.softmax(-1)[..., None] * fixed).sum(1))
        agreement = agreement + (fixed * result[:, None]).sum(-1)
    couplings = agreement.softmax(-1)
    return squash((couplings[..., None] * votes).sum(1)), couplings


def squash(x: Tensor) -> Tensor:
    """Shorten vectors to lengths below 1 and keep their directions.

    Example:
        >>> squash(torch.tensor([3.0, 4.0])).norm() < 1
        tensor(True)
    """
    square = x.square().sum(-1, keepdim=True)
    return x * (square + 1e-9).sqrt() / (1 + square)  # the square root of 0 has no gradient
