"""Losses on features of a network: the style as Gram matrices, the content as the features themselves. Floor 2.

Source: Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016; for sound Ulyanov,
Lebedev, "Audio texture synthesis and style transfer", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


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
