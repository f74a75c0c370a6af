"""`spectral`: the content's fine structure and timing with the style's envelope, levels and balance. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.separation import masks, transform
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.melbands import MelBands
from restyle.dsp.phase import griffin_lim
from restyle.errors import RestyleError
from restyle.methods.base import SILENT_STYLE, Profile, of_recordings
from restyle.methods.settings import Range, Steps, checked
from restyle.threads import single

QUANTILES = np.linspace(0, 1, 33)
HIGHEST = 24000.0  # Hz, up to which a style's bands are kept
QUIET = 45.0  # dB below a clip's loudest moment at which it counts as a pause: pauses are no part of a style


class SpectralMethod:
    """Transport the content's levels, band by band, to the distribution of the style's.

    The level of each band over time is mapped so that its distribution becomes the style's (optimal transport in one
    dimension: quantile to quantile), separately for the harmonic and the percussive part. The gains are smooth over
    the bands, so the content's fine structure stays.

    Args:
        bands: number of mel-spaced bands up to 24 kHz.
        range: largest change of a band's level in dB.
        smoothing: seconds over which a band's gain is smoothed.
        refine: iterations of Griffin-Lim, from the content's phase.

    Example:
        >>> from restyle.audio import Audio
        >>> rng = np.random.default_rng(0)
        >>> content, style = (Audio(rng.normal(0, 0.1, (1, 8000)), 8000) for _ in range(2))
        >>> method = SpectralMethod()
        >>> method.apply(content, method.fit([style])).length
        8000

    Source: one-dimensional optimal transport between level histograms, in the manner of image colour transfer (Pitié,
    Kokaram, Dahyot, "Automated colour grading using colour distribution transfer", CVIU 2007).
    """

    name: ClassVar[str] = "spectral"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(
        self,
        *,
        bands: Annotated[int, Range(1, 256)] = 32,
        range: Annotated[float, Range(0, 120)] = 24.0,
        smoothing: Annotated[float, Range(0, 10)] = 0.05,
        refine: Steps = 2,
    ) -> None:
        self.bands, self.range, self.smoothing, self.refine = bands, range, smoothing, refine

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Learn the distribution of each band's level, harmonic and percussive, in dB of full scale."""
        rate = max(clip.rate for clip in style)
        count = len(self._bands(rate).centres)
        levels: list[list[np.ndarray]] = [[], []]
        for clip in style:
            for part, level in zip(levels, self._levels(clip), strict=True):
                part.append(np.pad(level, ((0, count - len(level)), (0, 0)), constant_values=np.nan))
        parts = [np.concatenate(part, axis=1) for part in levels]
        if np.nanmax(parts) < -100:
            raise RestyleError(SILENT_STYLE)
        loud = _loud(parts)
        quantiles = [np.nanquantile(part[:, loud], QUANTILES, axis=1).T for part in parts]
        centres = self._bands(rate).centres
        return {"quantiles": np.stack(quantiles).astype(np.float32), "frequencies": centres.astype(np.float32)}

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content with the style's spectral levels; see `methods.base.Method`."""
        maps = self._maps(content, profile)
        stft, bands = transform(content.rate), self._bands(content.rate)

        def merge(block: Audio, _: Span) -> np.ndarray:
            spectrum = stft(torch.from_numpy(block.samples))
            magnitude = spectrum.abs().mean(dim=0)
            gain = torch.zeros_like(magnitude)
            for mask, level, (own, target) in zip(masks(magnitude), self._split(magnitude, bands), maps, strict=True):
                moved = np.stack([_moved(*row) for row in zip(level, own, target, strict=True)])
                moved = self._smooth(np.clip(moved, -self.range, self.range), stft.hop / block.rate)
                gain += mask * bands.spread(torch.from_numpy(moved).float())
            result = spectrum * 10 ** (strength * gain / 20)
            if self.refine:
                settings: dict[str, Any] = {"iterations": self.refine, "momentum": 0.0, "phase": spectrum, "seed": seed}
                return np.asarray(griffin_lim(result.abs(), stft, block.length, **settings))
            return np.asarray(stft.inverse(result, block.length))

        return blocks.process(content, merge, context=1.0, hop=stft.hop, progress=progress)

    def _bands(self, rate: int) -> MelBands:
        return MelBands(rate, transform(rate).n_fft, count=self.bands, highest=HIGHEST)

    def _levels(self, audio: Audio) -> tuple[np.ndarray, np.ndarray]:
        """Levels in dB of the harmonic and the percussive part, each ``[M, L]``, gathered in blocks."""
        stft, bands = transform(audio.rate), self._bands(audio.rate)
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for piece in blocks.views(audio):
            # the window's sum makes levels independent of the rate
            magnitude = stft(torch.from_numpy(np.array(piece))).abs().mean(dim=0)
            parts.append(self._split(magnitude, bands))
        harmonic, percussive = (np.concatenate(levels, axis=1) for levels in zip(*parts, strict=True))
        return harmonic, percussive

    def _split(self, magnitude: Tensor, bands: MelBands) -> tuple[np.ndarray, np.ndarray]:
        density = (magnitude * (2 / bands.n_fft)).square() * (bands.n_fft / bands.rate * 43)
        harmonic, percussive = (
            (10 * torch.log10(bands(density * mask.square()) + 1e-13)).numpy() for mask in masks(magnitude)
        )
        return harmonic, percussive

    def _maps(self, content: Audio, profile: Profile) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each part the content's quantiles in each band, and the style's at the same bands."""
        centres = self._bands(content.rate).centres
        maps = []
        levels = self._levels(content)
        loud = _loud(levels)
        for level, target in zip(levels, profile["quantiles"], strict=True):
            own = np.quantile(level[:, loud], QUANTILES, axis=1).T
            own += np.arange(len(QUANTILES)) * 1e-6  # strictly increasing, for interpolation
            pairs = [np.interp(centres, profile["frequencies"], q) for q in target.T]
            maps.append((own, np.stack(pairs, axis=1)))
        return maps

    def _smooth(self, gain: np.ndarray, hop: float) -> np.ndarray:
        import scipy.ndimage

        return np.asarray(scipy.ndimage.gaussian_filter1d(gain, max(self.smoothing / hop, 0.1), axis=1, mode="nearest"))


def _loud(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Which frames are no pauses, from the levels ``[M, L]`` of the parts."""
    loudest = np.nanmax(np.concatenate(list(parts)), axis=0)
    return np.asarray(loudest > loudest.max() - QUIET)


def _moved(level: np.ndarray, own: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Change of each level in dB; below and above all quantiles as at the nearest, so that pauses stay pauses."""
    return np.asarray(np.interp(level, own, target) - np.clip(level, own[0], own[-1]))
