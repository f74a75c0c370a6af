"""Features of a random network, and losses on features: style as Gram matrices, content as they are. Floor 2.

Source: Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016; for sound Ulyanov,
Lebedev, "Audio texture synthesis and style transfer", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def gram(features: Tensor) -> Tensor:
    """Return the mean products ``[..., D, D]`` of features ``[..., D, L]``: what sounds together, regardless of when.

    Example:
        >>> gram(torch.tensor([[1.0, 3.0], [0.0, 2.0]]))
        tensor([[5., 3.],
                [3., 2.]])
    """
    return features @ features.mT / features.shape[-1]


def style_loss(features: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Return the sum over layers of the squared distance of Gram matrices from ``targets``, relative to these."""
    pairs = zip(features, targets, strict=True)
    return torch.stack([relative(gram(feature), target) for feature, target in pairs]).sum()


def content_loss(features: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Return the sum over layers of the squared distance of features from ``targets``, relative to the targets'."""
    pairs = zip(features, targets, strict=True)
    return torch.stack([relative(feature, target) for feature, target in pairs]).sum()


def relative(found: Tensor, target: Tensor) -> Tensor:
    """Return the squared distance of features or statistics from ``target``, relative to this."""
    return (found - target).square().sum() / target.square().sum().clamp_min(1e-12)


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
