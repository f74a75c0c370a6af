"""Networks that tell genres apart: log1p STFT magnitudes in, one logit a class out. Floor 3.

`MultiChannel` and `SingleChannel` follow an outline: two convolutions of 32 filters with kernel 9, pooling by 2, one
dense layer with softmax. Where it is silent they do as was usual: rectifiers, maximum pooling, no padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """What all have in common: named stages one after the other, then a head.

    Subclasses fill ``stages`` and ``head`` and name their constructor's arguments in ``arguments``.
    """

    arguments: tuple[str, ...] = ()
    bins: int
    stages: nn.ModuleDict
    head: nn.Module

    @property
    def layers(self) -> list[str]:
        """The names of the stages, from the input to the head."""
        return list(self.stages)

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        return {name: getattr(self, name) for name in self.arguments}

    def prepare(self, x: Tensor) -> Tensor:
        """Bring ``[B, F, L]`` into the form that the first stage takes."""
        return x

    def features(self, x: Tensor, layers: Sequence[str] | None = None) -> list[Tensor]:
        """Return what stages make of a spectrogram; gradients flow through them.

        Args:
            x: log1p magnitudes ``[B, F, L]``; any length that the convolutions allow.
            layers: names of stages, in the order in which their outputs are returned; all by default.

        Returns:
            ``[B, C, L']`` or ``[B, C, F', L']`` of each stage.
        """
        chosen = self.layers if layers is None else list(layers)
        unknown = set(chosen) - set(self.layers)
        if unknown:
            raise ValueError(f"there is no layer {', '.join(sorted(unknown))}; there are {', '.join(self.layers)}")
        x, result = self.prepare(self._checked(x)), {}
        for name in self.layers[: max(map(self.layers.index, chosen), default=-1) + 1]:
            x = result[name] = self.stages[name](x)
        return [result[name] for name in chosen]

    def forward(self, x: Tensor) -> Tensor:
        """Classify spectrograms ``[B, F, L]``: logits ``[B, classes]``."""
        x = self.prepare(self._checked(x))
        for stage in self.stages.values():
            x = stage(x)
        return self.head(x)

    def _checked(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.shape[1] != self.bins:
            raise ValueError(f"a spectrogram must have the shape [B, {self.bins}, L], not {tuple(x.shape)}")
        return x


def faster(network: nn.Module) -> None:
    """Let convolutions of pictures run up to twice as fast on a CPU; nothing else changes."""
    cast(Any, network).to(memory_format=torch.channels_last)


class Dense(nn.Module):
    """Flatten and connect everything: only inputs of one size fit."""

    def __init__(self, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.linear = nn.Linear(torch.Size(shape).numel(), classes)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, ...]`` to ``[B, classes]``."""
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"the features must have the shape {self.shape}, not {tuple(x.shape[1:])}: cut the frames")
        return self.linear(x.flatten(1))


class MultiChannel(Classifier):
    """Frequency bins are channels: convolutions over time only, each filter sees all bins.

    Args:
        classes: number of classes.
        bins: frequency bins of the input.
        frames: frames of the input; others do not fit the dense layer.
        filters: of each convolution.
        kernel: frames that a filter sees.

    Example:
        >>> network = MultiChannel(classes=10)
        >>> network(torch.rand(2, 257, 257)).shape
        torch.Size([2, 10])
    """

    arguments = ("classes", "bins", "frames", "filters", "kernel")

    def __init__(
        self, *, classes: int = 10, bins: int = 257, frames: int = 257, filters: int = 32, kernel: int = 9
    ) -> None:
        super().__init__()
        self.classes, self.bins, self.frames, self.filters, self.kernel = classes, bins, frames, filters, kernel
        self.stages = nn.ModuleDict(
            {
                "first": nn.Sequential(nn.Conv1d(bins, filters, kernel), nn.ReLU()),
                "second": nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(filters, filters, kernel), nn.ReLU()),
            }
        )
        self.head = nn.Sequential(nn.MaxPool1d(2), Dense((filters, _two_poolings(frames, kernel)), classes))


class SingleChannel(Classifier):
    """The spectrogram is a picture of one channel: convolutions over time and frequency.

    Args:
        classes: number of classes.
        bins: frequency bins of the input.
        frames: frames of the input; others do not fit the dense layer.
        filters: of each convolution.
        kernel: frames and bins that a filter sees.

    Example:
        >>> network = SingleChannel(classes=10, bins=65, frames=65)
        >>> network(torch.rand(2, 65, 65)).shape
        torch.Size([2, 10])
    """

    arguments = MultiChannel.arguments

    def __init__(
        self, *, classes: int = 10, bins: int = 257, frames: int = 257, filters: int = 32, kernel: int = 9
    ) -> None:
        super().__init__()
        self.classes, self.bins, self.frames, self.filters, self.kernel = classes, bins, frames, filters, kernel
        self.stages = nn.ModuleDict(
            {
                "first": nn.Sequential(nn.Conv2d(1, filters, kernel), nn.ReLU()),
                "second": nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(filters, filters, kernel), nn.ReLU()),
            }
        )
        shape = filters, _two_poolings(bins, kernel), _two_poolings(frames, kernel)
        self.head = nn.Sequential(nn.MaxPool2d(2), Dense(shape, classes))
        faster(self)

    def prepare(self, x: Tensor) -> Tensor:
        """``[B, F, L]`` to ``[B, 1, F, L]``."""
        return x[:, None]


def _two_poolings(size: int, kernel: int) -> int:
    """What two convolutions without padding leave, each followed by a pooling of 2."""
    left = ((size - kernel + 1) // 2 - kernel + 1) // 2
    if left < 1:
        raise ValueError(f"{size} bins or frames are too few for two convolutions of {kernel} and poolings of 2")
    return left


class Residual(nn.Module):
    """Two 3 x 3 convolutions added to their input, halved in size with ``stride`` 2."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, F, L]`` to ``[B, C', F / stride, L / stride]``."""
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))


class Entry(nn.Module):
    """A wide convolution with stride, and a bias for every frequency: a linear axis looks different up and down."""

    def __init__(self, bins: int, filters: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, filters, 7, stride=stride, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(filters)
        self.place = nn.Parameter(torch.zeros(1, filters, (bins - 1) // stride + 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, 1, F, L]`` to ``[B, C, F / stride, L / stride]``."""
        return torch.relu(self.norm(self.convolution(x)) + self.place)


class Pooled(nn.Module):
    """Mean over frequency, mean and maximum over time, then one dense layer: any length fits."""

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, F, L]`` to ``[B, classes]``."""
        x = x.mean(2)
        return self.linear(self.dropout(torch.cat([x.mean(-1), x.amax(-1)], dim=1)))


class Modern(Classifier):
    """A small residual network on a standardised spectrogram, of any length.

    Args:
        classes: number of classes.
        bins: frequency bins of the input.
        widths: channels of the entry and of each residual block; every block but the first halves both axes.
        stride: of the entry.
        dropout: before the last layer.

    Example:
        >>> network = Modern(classes=10).eval()
        >>> network(torch.rand(2, 257, 431)).shape
        torch.Size([2, 10])
        >>> [tuple(feature.shape) for feature in network.features(torch.rand(1, 257, 200), ["entry", "block2"])]
        [(1, 24, 65, 50), (1, 48, 33, 25)]

    Source: He et al., "Deep residual learning for image recognition", CVPR 2016.
    """

    arguments = ("classes", "bins", "widths", "stride", "dropout")
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        classes: int = 10,
        bins: int = 257,
        widths: Sequence[int] = (24, 24, 48, 96, 192),
        stride: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.classes, self.bins, self.widths = classes, bins, list(widths)
        self.stride, self.dropout = stride, dropout
        self.register_buffer("mean", torch.zeros(bins, 1))
        self.register_buffer("deviation", torch.ones(bins, 1))
        self.stages = nn.ModuleDict({"entry": Entry(bins, widths[0], stride)})
        for i, (before, after) in enumerate(pairwise(widths)):
            self.stages[f"block{i + 1}"] = Residual(before, after, 2 if i else 1)
        self.head = Pooled(widths[-1], classes, dropout)
        faster(self)

    def standardise(self, mean: Tensor, deviation: Tensor) -> None:
        """Store the training set's statistics ``[F]``; every bin is brought to mean 0 and deviation 1 by them."""
        self.mean.copy_(mean.reshape(-1, 1))
        self.deviation.copy_(deviation.reshape(-1, 1).clamp_min(0.05))  # bins that are hardly heard stay quiet

    def prepare(self, x: Tensor) -> Tensor:
        """``[B, F, L]`` to ``[B, 1, F, L]``, standardised."""
        return ((x - self.mean) / self.deviation)[:, None]
