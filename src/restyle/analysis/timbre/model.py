"""Networks that turn a clip into a point: near one another where the sound is the same. Floor 3.

Both take log1p mel spectrograms ``[B, M, L]``, turn them into dB below their loudest value, so that the level does not
matter, and give vectors of length 1: the cosine of two is their likeness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from restyle.analysis.genre.model import Residual
from restyle.dsp.mfcc import Mfcc

SPAN = 80.0  # dB below the loudest value at which levels are cut off


def decibels(x: Tensor, power: float) -> Tensor:
    """Return dB relative to each spectrogram's loudest value, -80..0, of log1p values ``[B, M, L]``.

    Args:
        x: ``log(1 + value)``.
        power: 1 where the values are magnitudes, 2 where they are powers.

    Example:
        >>> decibels(torch.log1p(torch.tensor([[[100.0, 10.0, 0.0]]])), 2)
        tensor([[[  0., -10., -80.]]])
    """
    level = (20 / power) * torch.log10(torch.expm1(x.float()).clamp_min(1e-10))
    return (level - level.amax((1, 2), keepdim=True)).clamp_min(-SPAN)


class TimbreMfcc(nn.Module):
    """The paper's network: four convolutions over time on MFCCs 2 to 13, and their mean.

    Args:
        bins: mel bands M of the input.
        coefficients: MFCCs from the second on; the first is the level.
        width: of the convolutions and the embedding.
        power: 1 where the input's mel values are magnitudes, 2 where they are powers.

    Example:
        >>> network = TimbreMfcc().eval()
        >>> network(torch.rand(2, 128, 256)).shape
        torch.Size([2, 64])

    Source: Cífka et al., "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP 2021: the network of McFee,
    Lee, Nam, "Metric learning for music information retrieval", tutorial at ISMIR 2020. Unlike theirs the poolings keep
    what is left over at the end, so that clips shorter than 128 frames work too.
    """

    def __init__(self, *, bins: int = 128, coefficients: int = 12, width: int = 64, power: float = 2.0) -> None:
        super().__init__()
        self.bins, self.coefficients, self.width, self.power = bins, coefficients, width, power
        self.mfcc = Mfcc(bins, coefficients + 1)
        channels = (coefficients, width, width, width, width)
        self.blocks = nn.Sequential(
            *(_block(a, b, k) for a, b, k in zip(channels, channels[1:], (4, 4, 4, 2), strict=False))
        )

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        return {name: getattr(self, name) for name in ("bins", "coefficients", "width", "power")}

    def forward(self, x: Tensor) -> Tensor:
        """Embed log1p mel spectrograms ``[B, M, L]``: unit vectors ``[B, D]``."""
        mfcc = self.mfcc(decibels(x, self.power))[:, 1:]
        return nn.functional.normalize(self.blocks(mfcc).mean(-1), dim=-1)


def _block(before: int, after: int, size: int) -> nn.Sequential:
    convolution = nn.Conv1d(before, after, size)
    nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    same_length = nn.ConstantPad1d(((size - 1) // 2, size // 2), 0.0)
    return nn.Sequential(same_length, convolution, nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(size, ceil_mode=True))


class Descriptors(nn.Module):
    """What is measured of a sound rather than learnt: its mean spectrum, and how its level rises and falls.

    People who rate how unlike two instruments sound go by little else: the spectral envelope, the attack, the flux.

    Args:
        bins: mel bands M of the input.

    Source: McAdams et al., "Perceptual scaling of synthesized musical timbres", Psychological Research 1995.
    """

    AUDIBLE = 45.0  # dB below the loudest moment from which a frame counts
    LAGS = (1, 4, 16)  # frames over which rises and falls are taken
    COEFFICIENTS = 12

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.mfcc = Mfcc(bins, self.COEFFICIENTS + 1)
        self.spectrum = nn.BatchNorm1d(self.COEFFICIENTS, affine=False, momentum=0.02)
        self.motion = nn.BatchNorm1d(2 * len(self.LAGS) + 1, affine=False, momentum=0.02)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Levels in dB ``[B, M, L]`` to two unit vectors: of the spectrum ``[B, 12]``, of the motion ``[B, 8]``."""
        level = nn.functional.pad(level, (self.LAGS[-1], 0), value=-SPAN)  # a first attack, too, comes out of silence
        whole = 10 * torch.log10((10 ** (level / 10)).sum(1))
        whole = (whole - whole.amax(1, keepdim=True)).clamp_min(-60)
        audible = (whole > -self.AUDIBLE).to(level)
        mean = (self.mfcc(level)[:, 1:] * audible[:, None]).sum(-1) / audible.sum(-1, keepdim=True).clamp_min(1)
        motion = []
        for lag in self.LAGS:
            change, counts = whole[:, lag:] - whole[:, :-lag], torch.maximum(audible[:, lag:], audible[:, :-lag])
            motion += [_mean(change.clamp_min(0), counts), _mean((-change).clamp_min(0), counts)]
        flux = level.diff(dim=2).clamp_min(0).mean(1)
        motion.append(_mean(flux, audible[:, 1:]))
        spectrum = nn.functional.normalize(self._standard(self.spectrum, mean, scale=False), dim=-1)
        lifted = nn.functional.pad(
            self._standard(self.motion, torch.stack(motion, 1).add(0.1).log()), (0, 1), value=2.0
        )  # so that sounds near the middle have no direction by chance
        return spectrum, nn.functional.normalize(lifted, dim=-1)

    @staticmethod
    def _standard(norm: nn.BatchNorm1d, x: Tensor, scale: bool = True) -> Tensor:
        """Less the mean of what was seen in training, and in its deviations; a batch's own figures are never used."""
        if norm.training and len(x) > 1:
            norm(x)
        assert norm.running_mean is not None and norm.running_var is not None
        centred = x - norm.running_mean
        return centred / (norm.running_var + 1e-5).sqrt() if scale else centred


def _mean(x: Tensor, weight: Tensor) -> Tensor:
    return (x * weight).sum(-1) / weight.sum(-1).clamp_min(1)


class Timbre(nn.Module):
    """A residual network on mel bands, the statistics over time of what it hears, weighted by attention, and measures.

    Args:
        bins: mel bands M of the input.
        widths: channels of the entry and the residual blocks; each halves both axes,
        step: the entry time alone, by this factor.
        hidden: channels whose mean and deviation over time are taken.
        size: of the learnt part of the embedding.
        power: 1 where the input's mel values are magnitudes, 2 where they are powers.
        shares: of what is learnt, of the mean spectrum and of the motion (see `Descriptors`) in the likeness of two
            sounds; while training the learnt part is alone, so that it does not lean on the others.

    Example:
        >>> network = Timbre().eval()
        >>> network(torch.rand(2, 128, 100)).shape
        torch.Size([2, 64])

    Source: the pooling is Okabe, Koshinaka, Shinoda, "Attentive statistics pooling for deep speaker embedding",
    Interspeech 2018.
    """

    def __init__(
        self,
        *,
        bins: int = 128,
        widths: Sequence[int] = (16, 24, 48, 64),
        step: int = 2,
        hidden: int = 128,
        size: int = 64,
        power: float = 2.0,
        shares: Sequence[float] = (1.0, 0.0, 0.0),
    ) -> None:
        super().__init__()
        self.bins, self.widths, self.hidden, self.size, self.power = bins, list(widths), hidden, size, power
        self.step, self.shares = step, list(shares)
        entry = nn.Conv2d(1, widths[0], (5, 2 * step + 1), stride=(1, step), padding=(2, step), bias=False)
        blocks = [Residual(a, b, 2) for a, b in pairwise(widths)]
        self.blocks = nn.Sequential(entry, nn.BatchNorm2d(widths[0]), nn.ReLU(), *blocks)
        rows = -(-bins // 2 ** len(blocks))
        self.merge = nn.Sequential(nn.Conv1d(widths[-1] * rows, hidden, 1), nn.BatchNorm1d(hidden), nn.ReLU())
        self.attention = nn.Sequential(nn.Conv1d(hidden, 32, 1), nn.Tanh(), nn.Conv1d(32, hidden, 1))
        self.out = nn.Linear(2 * hidden, size)
        self.descriptors = Descriptors(bins) if any(shares[1:]) else None

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("bins", "widths", "step", "hidden", "size", "power", "shares")
        return {name: getattr(self, name) for name in names}

    def forward(self, x: Tensor) -> Tensor:
        """Embed log1p mel spectrograms ``[B, M, L]``: unit vectors ``[B, D]``."""
        level = decibels(x, self.power)
        y = self.merge(self.blocks(level[:, None] / (SPAN / 2) + 1).flatten(1, 2))
        weight = self.attention(y).softmax(-1)
        mean = (weight * y).sum(-1)
        deviation = ((weight * y.square()).sum(-1) - mean.square()).clamp_min(1e-5).sqrt()
        learnt = nn.functional.normalize(self.out(torch.cat([mean, deviation], dim=1)), dim=-1)
        if self.descriptors is None:
            return learnt
        measured = self.descriptors(level)
        if self.training:
            return learnt
        parts = (math.sqrt(share) * part for share, part in zip(self.shares, (learnt, *measured), strict=True))
        return nn.functional.normalize(torch.cat(list(parts), dim=-1), dim=-1)
