"""Tells recorded spectrograms from generated ones, patch by patch. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restyle.dsp.levels import scaled


class Discriminator(nn.Module):
    """Strided convolutions over frequency and time that also know their height.

    Args:
        widths: channels of the layers; each divides frequency by ``stride``, and from the second on halves time.
        stride: in frequency.
        kernel: height and width of the convolutions.
        spectral: whether spectral normalisation keeps the layers from getting steep.

    Example:
        >>> score, features = Discriminator(widths=(4, 8))(torch.rand(2, 65, 20))
        >>> score.shape, [feature.shape[1] for feature in features]
        (torch.Size([2, 1, 5, 10]), [4, 8])

    Source: patches as in Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017;
    Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (16, 32, 64, 64),
        stride: int = 4,
        kernel: Sequence[int] = (5, 3),
        spectral: bool = True,
    ) -> None:
        super().__init__()
        wrap = spectral_norm if spectral else nn.Sequential
        layers, before = [], 2
        for i, width in enumerate(widths):
            padding = (kernel[0] // 2, kernel[1] // 2)
            layers.append(wrap(nn.Conv2d(before, width, (kernel[0], kernel[1]), (stride, 2 if i else 1), padding)))
            before = width
        self.layers = nn.ModuleList(layers)
        self.out = wrap(nn.Conv2d(before, 1, 3, padding=1))

    def forward(self, levels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Classify levels ``[B, F, L]``.

        Returns:
            Logits that a patch was recorded ``[B, 1, F', L']``, and the features of every layer.
        """
        x = scaled(levels)[:, None]
        height = torch.linspace(-1, 1, x.shape[2], device=x.device)[:, None].expand_as(x)
        x, features = torch.cat([x, height], dim=1), []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.out(x), features
