"""Changes to log1p spectrograms that leave the class as it is. Floor 3.

All take spectrograms ``[B, F, L]`` and a numpy generator that draws everything at random, so that a step's changes
follow from the generator's seed on every device.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def respond(
    x: Tensor, rng: np.random.Generator, *, gain: float = 6.0, curve: float = 4.0, points: int = 9, linear: bool = True
) -> Tensor:
    """Play each spectrogram at another level and through another loudspeaker: a smooth frequency response.

    Args:
        x: log1p magnitudes ``[B, F, L]``.
        rng: draws the responses.
        gain: standard deviation of the level in dB.
        curve: standard deviation in dB of the response at each of ``points`` places, evenly spaced on the mel scale.
        points: places between which the response is interpolated.
        linear: whether the bins lie on a linear frequency axis; else they are mel bands.

    Returns:
        Log1p magnitudes of the same shape.
    """
    batch, bins = x.shape[:2]
    axis = np.arange(bins) / bins
    places = (np.log1p(16 * axis) / np.log1p(16) if linear else axis) * (points - 1)
    drawn = rng.normal(0, curve, (batch, points)) + rng.normal(0, gain, (batch, 1))
    response = np.stack([np.interp(places, np.arange(points), row) for row in drawn])
    factor = torch.from_numpy(10 ** (response / 20)).to(x)[..., None]
    return torch.log1p(torch.expm1(x) * factor)


def warp(x: Tensor, rng: np.random.Generator, *, tempo: float = 0.2, bins: float = 1.5) -> Tensor:
    """Play each spectrogram slower and move it up or down, each by an amount of its own.

    Args:
        x: mel or constant-Q spectrograms ``[B, F, L]``.
        rng: draws the amounts.
        tempo: part of a spectrogram, at most, that falls out at its end.
        bins: farthest move along frequency.

    Returns:
        Spectrograms of the same shape.
    """
    batch, height, length = x.shape
    slower = torch.from_numpy(1 - tempo * rng.random(batch)).to(x)
    shift = torch.from_numpy(rng.uniform(-bins, bins, batch)).to(x)
    time = torch.arange(length).to(x) * slower[:, None]
    place = torch.arange(height).to(x) + shift[:, None]
    across = (2 * time / max(1, length - 1) - 1)[:, None, :].expand(batch, height, length)
    up = (2 * place / max(1, height - 1) - 1)[:, :, None].expand(batch, height, length)
    grid = torch.stack([across, up], dim=-1)
    return nn.functional.grid_sample(x[:, None], grid, padding_mode="border", align_corners=True)[:, 0]


def spec_augment(
    x: Tensor, rng: np.random.Generator, *, masks: int = 2, bins: float = 0.12, time: float = 0.2
) -> Tensor:
    """Cover bands and moments with each spectrogram's mean.

    Args:
        x: ``[B, F, L]``.
        rng: draws widths and places.
        masks: bands to cover, and as many moments.
        bins: widest band, as a part of F.
        time: longest moment, as a part of L.

    Returns:
        A changed copy.

    Source: Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech
    2019 (without time warping).
    """
    mean = x.mean((1, 2), keepdim=True)
    for _ in range(masks):
        x = torch.where(_covered(len(x), x.shape[1], bins, rng).to(x.device)[:, :, None], mean, x)
        x = torch.where(_covered(len(x), x.shape[2], time, rng).to(x.device)[:, None, :], mean, x)
    return x


def _covered(batch: int, size: int, widest: float, rng: np.random.Generator) -> Tensor:
    """Which of ``size`` places a mask covers in each row, boolean ``[B, size]``."""
    width = rng.integers(0, int(widest * size) + 1, size=(batch, 1))
    start = rng.integers(0, size - width + 1)
    places = np.arange(size)
    return torch.from_numpy((places >= start) & (places < start + width))


def mixup(x: Tensor, target: Tensor, rng: np.random.Generator, alpha: float) -> tuple[Tensor, Tensor]:
    """Mix each spectrogram and its target with another one's of the batch.

    Args:
        x: ``[B, F, L]``.
        target: parts of the classes ``[B, classes]``.
        rng: draws the partners and how much of each there is.
        alpha: of the beta distribution; small values leave most as they are.

    Returns:
        Both mixed alike; each keeps at least half of its own.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    """
    share = rng.beta(alpha, alpha, len(x))
    own = torch.from_numpy(np.maximum(share, 1 - share)).to(x)
    partner = torch.from_numpy(rng.permutation(len(x))).to(x.device)
    whole = own[:, None, None]
    return whole * x + (1 - whole) * x[partner], own[:, None] * target + (1 - own[:, None]) * target[partner]
