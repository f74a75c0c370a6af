"""The random shallow network of texture transfer. Floor 2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TextureNet(nn.Module):
    """Layers of random filters side by side, each one convolution over time (bands are channels) and a rectifier.

    Nothing is learnt: random filters are enough for the statistics of a texture. The same seed gives the same filters.

    Args:
        bands: input channels, the bands of a spectrogram.
        filters: filters of each width.
        widths: odd numbers of frames, one layer each.
        seed: of the filters.

    Example:
        >>> net = TextureNet(40, filters=8, widths=(1, 5))
        >>> [feature.shape for feature in net(torch.rand(40, 100))]
        [torch.Size([8, 100]), torch.Size([8, 100])]

    Source: Ulyanov, Lebedev, "Audio texture synthesis and style transfer", 2016 (one width, 4096 filters).
    """

    def __init__(self, bands: int, *, filters: int = 256, widths: Sequence[int] = (1, 5, 11), seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList()
        for width in widths:
            layer = nn.utils.skip_init(nn.Conv1d, bands, filters, width, padding=width // 2, bias=False)
            layer.requires_grad_(False).weight.copy_(
                torch.randn(layer.weight.shape, generator=generator) * (2 / (bands * width)) ** 0.5
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features ``[filters, L]`` of each layer, of a spectrogram ``[bands, L]``."""
        return [torch.relu(layer(x[None]))[0] for layer in self.layers]
