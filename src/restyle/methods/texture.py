"""Texture transfer: a spectrogram optimised until a random network sees the style's statistics in it. Floor 4.

Source: Ulyanov, Lebedev, "Audio texture synthesis and style transfer", 2016. Unlike theirs, the spectrogram is that of
narrow bands, starts as the content with the style's long-term spectrum, and becomes a gain of the content's own
spectrum: the fine structure, the channels and the starting phase remain the content's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
import torch
from torch import Tensor

from restyle.audio import Audio
from restyle.dsp.gram import TextureNet, content_loss, gram, style_loss
from restyle.dsp.phase import griffin_lim
from restyle.methods.bandwise import Bandwise, BandwiseMethod, together
from restyle.methods.base import Profile
from restyle.methods.descent import descend
from restyle.methods.excerpt import clips
from restyle.methods.settings import NotNegative, Positive, Range, Steps, checked

DEPTH = 1000.0  # the style's loudest band in units of log1p: levels 60 dB below it hardly count
EASE = 0.3  # added to levels in these units, so that a gain between two near silences stays near 1
LIMIT = 5.0  # of the natural logarithm of a gain (43 dB)


class TextureMethod(BandwiseMethod):
    """Change the levels of the content's bands toward the style's texture.

    Args:
        content_weight: how much the features of the content count beside the style's statistics.
        filters: random filters of each width.
        widths: lengths of the filters in frames (of 32 ms), odd.
        iterations: optimisation steps at most.
        step: size of a step (Adam), in nepers of log1p magnitude.
        patience: stop when ten steps improve the loss by less than this part.
        refinements: Griffin-Lim iterations.
        style_seconds: how much of the style a profile keeps.

    Example:
        >>> style = Audio(np.random.default_rng(0).normal(size=8000) / 10, 8000)
        >>> method = TextureMethod(filters=16, iterations=5)
        >>> result = method.apply(Audio(np.sin(np.arange(6000) * 0.25), 8000), method.fit([style]))
        >>> result.rate, result.samples.shape
        (8000, (1, 6000))
    """

    name: ClassVar[str] = "texture"

    @checked
    def __init__(
        self,
        *,
        content_weight: NotNegative = 3.0,
        filters: Annotated[int, Range(1, 4096)] = 256,
        widths: Sequence[Annotated[int, Range(1, 99, odd=True)]] = (1, 5, 11),
        iterations: Steps = 60,
        step: Positive = 0.05,
        patience: NotNegative = 0.005,
        refinements: Steps = 10,
        style_seconds: Annotated[float, Range(0.5, 3600)] = 60.0,
    ) -> None:
        self.content_weight, self.filters, self.widths = content_weight, filters, tuple(widths)
        self.iterations, self.step, self.patience = iterations, step, patience
        self.refinements, self.style_seconds = refinements, style_seconds

    def _painter(self, content: Audio, profile: Profile, seed: int) -> _Painter:
        return _Painter(self, content, profile, seed)


class _Painter:
    """Holds what all blocks of one content have in common."""

    def __init__(self, method: TextureMethod, content: Audio, profile: Profile, seed: int) -> None:
        self.method = method
        self.grid = Bandwise(content.rate)
        self.net = TextureNet(self.grid.bands.count, filters=method.filters, widths=method.widths, seed=seed)
        sounds = [Audio(clip, content.rate) for clip in clips(profile, content.rate)]
        style = torch.cat([together(piece) for sound in sounds for piece in self.grid.pieces(sound)], 1)
        power = style.square().mean(1)
        self.tilt = self.grid.tilt(content, power)
        unit = DEPTH / float(style.max())
        self.style = [gram(feature) for feature in self.net(torch.log1p(unit * style))]
        usual = self.grid.bands.smooth(torch.log(power + 1e-10 * power.max())) / 2
        self.unit = unit * float((usual - self.tilt.typical).median().exp())  # the content as loud as the style
        self.energy = self._energy(content)

    def _log(self, bands: Tensor) -> Tensor:
        """What the network sees ``[count, L]`` of band magnitudes ``[C, count, L]`` of the content."""
        return torch.log1p(self.unit * self.tilt.gain[:, None] * together(bands))

    def _energy(self, content: Audio) -> float:
        """Mean square of what the network sees, over all frames of the content."""
        total, frames = 0.0, 0
        for piece in self.grid.pieces(content):
            total += float(self._log(piece).square().mean(0).sum())
            frames += piece.shape[-1]
        return total / max(1, frames)

    def paint(self, block: Audio, strength: float) -> np.ndarray:
        """Return one block ``[C, T]``; strength scales the gains in dB."""
        spectrum = self.grid.spectrum(block)
        magnitude = spectrum.abs()
        if float(magnitude.max()) <= 1e-7 * self.tilt.peak or self.tilt.peak == 0:
            return block.samples
        start = self._log(self.grid.bands(magnitude))
        gain = _gain(start, self._optimise(start)) + self.tilt.gain.log()[:, None]
        expected = magnitude * (strength * self.grid.bands.spread(gain)).exp()
        result = griffin_lim(
            expected, self.grid.stft, block.length, iterations=self.method.refinements, momentum=0, phase=spectrum
        )
        return result.numpy()

    def _optimise(self, start: Tensor) -> Tensor:
        """Move a log1p spectrogram ``[count, L]`` toward the style's statistics."""
        method, features = self.method, self.net(start)
        # a quiet passage of the content has its share of the style's energy, not all of it
        share = float(start.square().mean()) / self.energy
        style = [target * share for target in self.style]
        x = start.clone().requires_grad_()

        def loss() -> Tensor:
            with torch.no_grad():
                x.clamp_(min=0)
            found = self.net(x)
            return style_loss(found, style) + method.content_weight * content_loss(found, features)

        descend([x], loss, iterations=method.iterations, step=method.step, patience=method.patience)
        return x.detach().clamp(min=0)


def _gain(start: Tensor, end: Tensor) -> Tensor:
    """Natural logarithm of the gain from one log1p spectrogram to another."""
    return torch.log((torch.expm1(end) + EASE) / (torch.expm1(start) + EASE)).clamp(-LIMIT, LIMIT)
