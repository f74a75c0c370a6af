"""CycleGAN: two generators, from one kind of music to the other and back. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from restyle.dsp.levels import MIDDLE, SPREAD, scaled
from restyle.methods.convnext import Tower


class WideGenerator(nn.Module):
    """Changes levels frame by frame, all frequencies at once, from what is around them in time.

    Convolutions run over time alone and the frequencies are their channels: a pattern high up can change what is low
    down, and any length of time goes through.

    Args:
        bins: frequency bins F.
        width: of the blocks.
        dilations: of the blocks.
        fixed: lowest bins that stay as they are: where bins are wider than the notes lie apart, the network could not
            know which of them it plays.

    Example:
        >>> WideGenerator(bins=33, width=8, dilations=(1,))(torch.rand(2, 33, 50)).shape
        torch.Size([2, 33, 50])

    Source: that the width of the spectrogram should not be cut is Pasini, "MelGAN-VC: voice conversion and audio style
    transfer on arbitrarily long samples using spectrograms", 2019 (arXiv 1910.03713).
    """

    def __init__(
        self,
        *,
        bins: int = 1025,
        width: int = 224,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 2, 4, 1),
        fixed: int = 0,
    ) -> None:
        super().__init__()
        self.fixed = fixed
        self.tower = Tower(bins, width, bins, dilations=dilations, entry=1)

    def forward(self, x: Tensor) -> Tensor:
        """Change levels ``[B, F, L]``."""
        result = (x + SPREAD * self.tower(scaled(x))).relu()
        return torch.cat([x[:, : self.fixed], result[:, self.fixed :]], dim=1)


class ResnetGenerator(nn.Module):
    """The paper's generator: two strided convolutions, residual blocks, two transposed ones, over both axes.

    Args:
        bins: frequency bins F.
        width: channels of the first layer.
        blocks: residual blocks.

    Example:
        >>> ResnetGenerator(bins=33, width=4, blocks=1)(torch.rand(2, 33, 50)).shape
        torch.Size([2, 33, 50])

    Source: Zhu et al., "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017,
    after Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", ECCV 2016.
    """

    def __init__(self, *, bins: int = 257, width: int = 64, blocks: int = 9) -> None:
        super().__init__()

        def layer(before: int, after: int, size: int, stride: int = 1) -> nn.Sequential:
            convolution = nn.Conv2d(before, after, size, stride, size // 2, padding_mode="reflect")
            return nn.Sequential(convolution, nn.InstanceNorm2d(after), nn.ReLU())

        def up(before: int, after: int) -> nn.Sequential:
            convolution = nn.ConvTranspose2d(before, after, 3, 2, 1, 1)
            return nn.Sequential(convolution, nn.InstanceNorm2d(after), nn.ReLU())

        inner = [Residual(4 * width) for _ in range(blocks)]
        down = [layer(1, width, 7), layer(width, 2 * width, 3, 2), layer(2 * width, 4 * width, 3, 2)]
        last = nn.Conv2d(width, 1, 7, padding=3, padding_mode="reflect")
        self.layers = nn.Sequential(*down, *inner, up(4 * width, 2 * width), up(2 * width, width), last)

    def forward(self, x: Tensor) -> Tensor:
        """Change levels ``[B, F, L]``."""
        high, along = x.shape[1:]
        wide = nn.functional.pad(scaled(x)[:, None], (0, -along % 4, 0, -high % 4), mode="replicate")
        return (MIDDLE + SPREAD * self.layers(wide)[:, 0, :high, :along]).relu()


class Residual(nn.Module):
    """Two convolutions with instance normalisation, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        pair = [nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect") for _ in range(2)]
        self.layers = nn.Sequential(
            pair[0], nn.InstanceNorm2d(channels), nn.ReLU(), pair[1], nn.InstanceNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, F, L]`` to the same shape."""
        return x + self.layers(x)


GENERATORS: dict[str, type[nn.Module]] = {"wide": WideGenerator, "resnet": ResnetGenerator}


class CycleGan(nn.Module):
    """Two generators of one kind: ``there`` makes the second domain of the first, ``back`` the first of the second.

    Args:
        generator: ``wide`` or ``resnet``.
        bins: frequency bins F.
        width: of the generators.
        depth: dilations of the blocks (``wide``), or their number (``resnet``).
        fixed: lowest bins that stay as they are (``wide``).

    Example:
        >>> model = CycleGan(bins=33, width=8, depth=(1,))
        >>> x = torch.rand(2, 33, 50)
        >>> model.back(model.there(x)).shape
        torch.Size([2, 33, 50])

    Source: Zhu et al., ICCV 2017.
    """

    def __init__(
        self,
        *,
        generator: str = "wide",
        bins: int = 1025,
        width: int = 224,
        depth: Sequence[int] = (1, 2, 4, 8, 1, 2, 4, 1),
        fixed: int = 6,
    ) -> None:
        super().__init__()
        if generator not in GENERATORS:
            raise ValueError(f"the generator must be one of {', '.join(GENERATORS)}, not '{generator}'")
        self._settings: dict[str, object] = {"generator": generator, "bins": bins, "width": width, "depth": list(depth)}
        self._settings |= {"fixed": fixed}
        self.bins, self.fixed = bins, fixed if generator == "wide" else 0
        deep: dict[str, Any] = {"dilations": depth, "fixed": fixed} if generator == "wide" else {"blocks": depth[0]}
        self.there, self.back = (GENERATORS[generator](bins=bins, width=width, **deep) for _ in range(2))

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        return dict(self._settings)
