"""What the methods share that work on bands: the grid of frames, and the content's tilt to the style. Floor 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.bands import PitchBands, window_for
from restyle.dsp.blocks import Progress
from restyle.dsp.stft import Stft, powers
from restyle.methods.base import Profile, of_recordings
from restyle.methods.excerpt import excerpt
from restyle.threads import single


@dataclass(frozen=True)
class Tilt:
    """How the content's long-term spectrum is brought to the style's.

    Args:
        gain: factor of each band, shape ``[count]``; the content's loudness is kept.
        typical: log of the usual level of each band after that.
        peak: the loudest band of the content in any frame; 0 for silence.
    """

    gain: Tensor
    typical: Tensor
    peak: float


class Bandwise:
    """A transform and its bands for one rate; blocks lie on the grid of frames, so that neighbours share frames."""

    def __init__(self, rate: int, *, seconds: float = 20.0, context: float = 1.5) -> None:
        n_fft = window_for(rate)
        self.rate = rate
        self.stft = Stft(n_fft, n_fft // 4)
        self.bands = PitchBands(n_fft=n_fft, rate=rate)
        frame = self.stft.hop / rate
        self.seconds, self.context = round(seconds / frame) * frame, round(context / frame) * frame

    def spectrum(self, sound: Audio) -> Tensor:
        """Complex spectra ``[C, F, L]``."""
        return self.stft(torch.from_numpy(np.nan_to_num(sound.samples)))

    def pieces(self, content: Audio) -> Iterator[Tensor]:
        """Band magnitudes ``[C, count, L]`` of a sound, block by block."""
        # with some context around, the frames are the same however the sound is cut
        for span in blocks.spans(content.length, round(self.seconds * self.rate), self.stft.n_fft):
            found = self.bands(powers(self.spectrum(content.slice(span.left, span.right))).sqrt())
            first = (span.start - span.left) // self.stft.hop
            frames = (span.stop - span.start) // self.stft.hop + (span.stop == content.length)
            yield found[..., first : first + frames]
            blocks.release(content.samples)

    def tilt(self, content: Audio, reference: Tensor) -> Tilt:
        """Compare a content with the mean power ``[count]`` of the bands of a style."""
        power, frames, peak = torch.zeros(self.bands.count, dtype=torch.float64), 0, 0.0
        for piece in self.pieces(content):
            power += piece.double().square().mean(0).sum(1)
            frames += piece.shape[-1]
            peak = max(peak, float(piece.max()))
        own = (power / max(1, frames)).float()
        if peak < 1e-7:
            return Tilt(torch.ones_like(own), torch.zeros_like(own), 0.0)
        mine, target = (self.bands.smooth(torch.log(p + 1e-10 * p.max())) / 2 for p in (own, reference))
        gain = target - mine
        gain = (gain - (gain.exp().square() * own).sum().div(own.sum()).log() / 2).clamp(-7, 5)
        return Tilt(gain.exp(), mine + gain, peak)


class Painter(Protocol):
    """Holds what all blocks of one content have in common."""

    grid: Bandwise

    def paint(self, block: Audio, strength: float) -> np.ndarray:
        """Return one block ``[C, T]``, at strength 1 in full style."""
        ...


def together(magnitudes: Tensor) -> Tensor:
    """Root mean square over the channels of ``[C, ..., L]``."""
    return magnitudes.square().mean(0).sqrt()


class BandwiseMethod:
    """A method whose profile is an excerpt of the style, and which changes the content's bands block by block."""

    name: ClassVar[str]
    plays_notes: ClassVar[bool] = False
    style_seconds: float

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Keep the loudest part of the style, as samples.

        Raises:
            RestyleError: if the style is silent.
        """
        return excerpt(style, seconds=self.style_seconds)

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content in the style; see `methods.base.Method`."""
        painter = self._painter(content, profile, seed)

        def paint(block: Audio, _: blocks.Span) -> np.ndarray:
            return painter.paint(block, strength)

        grid = painter.grid
        return blocks.process(content, paint, seconds=grid.seconds, context=grid.context, progress=progress)

    def _painter(self, content: Audio, profile: Profile, seed: int) -> Painter:
        raise NotImplementedError
