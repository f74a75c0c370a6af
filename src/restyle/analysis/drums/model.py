"""The drum network: mel levels of a drum stem in; onsets and velocities of classes of drums out. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restyle.dsp.cqt import unit_level

CLASSES = ("kick", "snare", "hats", "toms")  # hats are hi-hats and cymbals
FLOOR = 1e-7  # smallest power in a band
SPAN = 70.0  # dB below the loudest that the network hears


class Activations(NamedTuple):
    """What the network finds, each ``[B, L, 4]``, in the order of `CLASSES`.

    Args:
        onset: logit that a drum is hit.
        velocity: 0..1, where one is hit.
    """

    onset: Tensor
    velocity: Tensor


class Dilated(nn.Module):
    """A dilated convolution along time, added to its input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, L]`` to the same shape."""
        return x + nn.functional.relu(self.norm(self.convolution(x)))


class DrumNetwork(nn.Module):
    """Convolutions over time and frequency, then over time alone.

    Args:
        bins: mel bands M of the input, a multiple of 8.
        channels: of the two convolutions over time and frequency.
        width: channels along time.
        dilations: of the convolutions along time.

    Raises:
        ValueError: if ``bins`` is no multiple of 8.

    Example:
        >>> found = DrumNetwork()(torch.zeros(2, 64, 100))
        >>> found.onset.shape, found.velocity.shape
        (torch.Size([2, 100, 4]), torch.Size([2, 100, 4]))

    Source: Vogl et al., "Drum transcription via joint beat and drum modeling using convolutional recurrent neural
    networks", ISMIR 2017, with dilated convolutions in place of the recurrent layers.
    """

    def __init__(
        self,
        *,
        bins: int = 64,
        channels: Sequence[int] = (16, 32),
        width: int = 72,
        dilations: Sequence[int] = (1, 2, 4, 8, 1),
    ) -> None:
        super().__init__()
        if bins % 8:
            raise ValueError(f"bins must be a multiple of 8, not {bins}")
        self.bins, self.channels, self.width, self.dilations = bins, list(channels), width, list(dilations)
        first, second = channels
        self.entry = nn.Sequential(
            nn.Conv2d(1, first, (5, 3), stride=(2, 1), padding=(2, 1), bias=False),
            *(nn.BatchNorm2d(first), nn.ReLU()),
            nn.Conv2d(first, second, (5, 3), stride=(4, 1), padding=(2, 1), bias=False),
            *(nn.BatchNorm2d(second), nn.ReLU()),
        )
        self.inner = nn.Conv1d(second * bins // 8, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.blocks = nn.Sequential(*(Dilated(width, dilation) for dilation in dilations))
        self.heads = nn.Conv1d(width, 2 * len(CLASSES), 1)

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        return {name: getattr(self, name) for name in ("bins", "channels", "width", "dilations")}

    @property
    def context(self) -> int:
        """Frames to either side that an activation depends on."""
        return 3 + sum(self.dilations)

    def forward(self, x: Tensor) -> Activations:
        """Find hits in levels ``[B, M, L]`` of 0..1 (see `scaled`)."""
        x = self.entry(x[:, None]).flatten(1, 2)
        x = self.blocks(nn.functional.relu(self.norm(self.inner(x))))
        onset, velocity = self.heads(x).transpose(1, 2).chunk(2, dim=-1)
        return Activations(onset, velocity.sigmoid())


def decibels(x: Tensor) -> Tensor:
    """Return the levels in dB of a mel spectrogram ``log1p(power)`` of any shape, no lower than -70 dB."""
    return 10 * torch.log10(torch.expm1(x).clamp_min(FLOOR))


def scaled(level: Tensor, loudest: Tensor) -> Tensor:
    """Scale levels in dB to 0..1, as the network takes them: ``loudest`` is 1, 70 dB below it is 0.

    Example:
        >>> scaled(torch.tensor([-10.0, -45.0, -90.0]), torch.tensor(-10.0)).tolist()
        [1.0, 0.5, 0.0]
    """
    return unit_level(level, loudest, SPAN)
