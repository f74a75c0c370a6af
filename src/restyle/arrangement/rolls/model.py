"""Generators from piano rolls of one genre to those of another and back, and what judges them. Floor 4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

BAR = 16  # cells
COPIED = 6.0  # logits between a key that is down in the input and one that is not, before anything is learnt
PLANES = 4  # the roll, and where a cell lies


def placed(roll: Tensor) -> Tensor:
    """Return rolls ``[B, P, L]`` with planes that tell pitch and place in the bar, ``[B, 4, P, L]``.

    Example:
        >>> placed(torch.zeros(2, 84, 64)).shape
        torch.Size([2, 4, 84, 64])
    """
    high, long = roll.shape[1], roll.shape[2]
    pitch = torch.linspace(-1, 1, high, device=roll.device)[:, None].expand(high, long)
    turn = torch.arange(long, device=roll.device) * (2 * math.pi / BAR)
    planes = torch.stack([pitch, turn.cos().expand(high, long), turn.sin().expand(high, long)])
    return torch.cat([roll[:, None], planes.to(roll.dtype).expand(len(roll), -1, -1, -1)], dim=1)


class Residual(nn.Module):
    """Two convolutions with instance normalisation, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_layer(channels, channels, 3), _layer(channels, channels, 3)[:2])

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, P, L]`` to the same shape."""
        output: Tensor = x + self.layers(x)
        return output


class RollGenerator(nn.Module):
    """Strided convolutions to a quarter of pitches and cells, residual blocks, and back, added to the input.

    Args:
        width: channels of the first layer.
        blocks: residual blocks.

    Example:
        >>> RollGenerator(width=4, blocks=1)(torch.zeros(2, 84, 64)).shape
        torch.Size([2, 84, 64])
    """

    def __init__(self, *, width: int = 32, blocks: int = 3) -> None:
        super().__init__()
        down = [_layer(PLANES, width, 5, 2), _layer(width, 2 * width, 3, 2)]
        inner = [Residual(2 * width) for _ in range(blocks)]
        up = nn.ConvTranspose2d(2 * width, width, 4, 2, 1)
        last = nn.Conv2d(width, 4, 3, padding=1)
        layers = [*down, *inner, up, nn.InstanceNorm2d(width), nn.ReLU(), last, nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, roll: Tensor) -> Tensor:
        """Return how likely each key is down, 0..1, for rolls ``[B, P, L]``; P and L are multiples of four."""
        output: Tensor = (self.layers(placed(roll))[:, 0] + COPIED * (roll - 0.5)).sigmoid()
        return output


class RollCycleGan(nn.Module):
    """Two generators: ``there`` makes the second genre of the first, ``back`` the first of the second.

    Args:
        width: of the generators.
        blocks: of the generators.

    Example:
        >>> model = RollCycleGan(width=4, blocks=1)
        >>> model.back(model.there(torch.zeros(2, 84, 64))).shape
        torch.Size([2, 84, 64])

    Source: Brunner et al., "Symbolic music genre transfer with CycleGAN", ICTAI 2018. Theirs are wider, have ten
    blocks and layers at full resolution, do not begin as copies, and are not told pitch and place.
    """

    def __init__(self, *, width: int = 32, blocks: int = 3) -> None:
        super().__init__()
        self._settings = {"width": width, "blocks": blocks}
        self.there, self.back = (RollGenerator(width=width, blocks=blocks) for _ in range(2))

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return dict(self._settings)


class RollDiscriminator(nn.Module):
    """Tells patch by patch whether rolls are of a kind; without normalisation, which would hide how many keys are down.

    Args:
        widths: channels of the layers, each of which halves pitches and cells.

    Example:
        >>> RollDiscriminator(widths=(4, 8))(torch.zeros(2, 84, 64)).shape
        torch.Size([2, 1, 21, 16])
    """

    def __init__(self, *, widths: Sequence[int] = (32, 64)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, width in pairwise((PLANES, *widths)):
            layers += [nn.Conv2d(before, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 5, padding=2))

    def forward(self, roll: Tensor) -> Tensor:
        """Return the logits of patches of rolls ``[B, P, L]``."""
        output: Tensor = self.layers(placed(roll))
        return output


def _layer(before: int, after: int, size: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, size, stride, size // 2)
    return nn.Sequential(convolution, nn.InstanceNorm2d(after), nn.ReLU())
