"""Blocks of convolutions over time, with the whole width of a spectrogram as their channels. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ConvNext(nn.Module):
    """A wide convolution of each channel over time, and a small network over the channels of each frame, added.

    Args:
        width: channels C.
        dilation: frames between the seven that the convolution sees.
        condition: size of a vector that scales and shifts the channels; 0 for none.
        expansion: how many times wider the inner layer is.

    Example:
        >>> ConvNext(8, condition=3)(torch.rand(2, 8, 20), torch.rand(2, 3)).shape
        torch.Size([2, 8, 20])

    Source: Liu et al., "A ConvNet for the 2020s", CVPR 2022; over time as in Siuzdak, "Vocos", ICLR 2024; the condition
    as in Perez et al., "FiLM", AAAI 2018.
    """

    def __init__(self, width: int, *, dilation: int = 1, condition: int = 0, expansion: int = 2) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, 7, padding=3 * dilation, dilation=dilation, groups=width)
        self.norm = nn.LayerNorm(width, elementwise_affine=not condition)
        self.told = nn.Linear(condition, 2 * width) if condition else None
        self.inner, self.outer = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.gain = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``[B, C, L]`` to the same shape."""
        y = self.norm(self.along(x).transpose(1, 2))
        if self.told is not None:
            scale, shift = self.told(condition)[:, None].chunk(2, -1)
            y = y * (1 + scale) + shift
        return x + (self.gain * self.outer(nn.functional.gelu(self.inner(y)))).transpose(1, 2)


class Tower(nn.Module):
    """Blocks one after the other, between two layers that change the number of channels.

    Args:
        before: channels of the input.
        width: of the blocks.
        after: channels of the output; 0 for the blocks' own.
        dilations: of the blocks.
        condition: size of a vector that conditions all blocks; 0 for none.
        entry: frames that the first layer sees.

    Example:
        >>> Tower(5, 8, 3, dilations=(1, 2))(torch.rand(2, 5, 20)).shape
        torch.Size([2, 3, 20])
    """

    def __init__(
        self, before: int, width: int, after: int, *, dilations: Sequence[int], condition: int = 0, entry: int = 3
    ) -> None:
        super().__init__()
        self.entry = nn.Conv1d(before, width, entry, padding=entry // 2)
        self.blocks = nn.ModuleList(ConvNext(width, dilation=d, condition=condition) for d in dilations)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, after) if after else None

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``[B, before, L]`` to ``[B, after, L]``."""
        x = self.entry(x)
        for block in self.blocks:
            x = block(x, condition)
        x = self.norm(x.transpose(1, 2))
        return (self.out(x) if self.out is not None else x).transpose(1, 2)
