"""What the methods share that make a new spectrogram of the content's: block by block, and back to sound. Floor 4.

Each channel keeps its part of the new magnitudes, its phases are the start of Griffin-Lim, and what lies above the
spectrogram's highest frequency is made from the new sound below (see `dsp.highband`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.facts import Analysis
from restyle.analysis.transcriber.salience import salience
from restyle.audio import Audio, resample
from restyle.dsp import blocks, highband
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.levels import levels, magnitudes
from restyle.dsp.phase import griffin_lim
from restyle.dsp.stft import Stft
from restyle.errors import RestyleError
from restyle.io import networks as trained
from restyle.io import weights as files

SECONDS, CONTEXT = 20.0, 2.0  # of blocks; the networks see a second and a half to either side
SILENT = 1e-6  # of samples, and root mean square of magnitudes
ITERATIONS = 16  # of Griffin-Lim
FRAMES = 32  # that together last whole samples at most
PAINTED = 0.9  # of the work; the rest is the band above
NOTHING: Mapping[str, np.ndarray] = MappingProxyType({})

Network = TypeVar("Network", bound=nn.Module)
Paint = Callable[[Tensor, int], Tensor]  # levels [F, L] and the number of their first frame to new levels [F, L]


@dataclass(frozen=True)
class Grid:
    """The frames of the spectrograms that a network knows.

    Args:
        stft: the transform.
        rate: Hz.
        cents: from A4 = 440 Hz, that are undone by the rate.
    """

    stft: Stft
    rate: int | Fraction
    cents: float = 0.0

    def tuned(self, audio: Audio) -> Grid:
        """Return the frames in which a network sees a recording at 440 Hz, as it was trained.

        The recording is resampled to a rate as much higher as its pitches are, and so is what is painted, back again.
        """
        cents, hop = Analysis.of(audio).tuning.offset, self.stft.hop
        if not cents:
            return self
        step = Fraction(hop * audio.rate / float(self.rate) * 2 ** (-cents / 1200))
        # to some tenths of a cent, so that blocks of whole frames have whole samples
        return Grid(self.stft, hop * audio.rate / step.limit_denominator(FRAMES), cents)

    def magnitudes(self, audio: Audio) -> Tensor:
        """Return the magnitudes ``[F, L]`` of a sound, the root mean square of its channels'."""
        return _together(self.stft(torch.from_numpy(resample(np.nan_to_num(audio.samples), audio.rate, self.rate))))

    def mean(self, audio: Audio) -> float:
        """Return the root mean square of a sound's magnitudes; 0 for silence."""
        total, count = 0.0, 0
        for span in blocks.spans(audio.length, round(SECONDS * audio.rate), 0):
            power = self.magnitudes(audio.slice(span.start, span.stop)).square()
            total, count = total + float(power.sum()), count + power.numel()
        return (total / max(1, count)) ** 0.5


def open_network(
    weights: str | Path | None, default: str, name: str, model: type[Network], *, spare: tuple[str, ...] = ()
) -> tuple[Path, Network, dict[str, Any], Grid]:
    """Read a network on spectrograms.

    Args:
        weights: the path of its weights file, if one is given.
        default: the name of the one that comes with the package.
        name: of the method.
        model: what it must be.
        spare: names of arrays that are kept beside the weights (see `trained.network`).

    Returns:
        The path, the network, what its file says, and its grid.

    Raises:
        RestyleError: if there is no such file, or it holds something else.
    """
    path = Path(weights) if weights else files.bundled(default)
    found, settings = trained.network(path, name, "stft", spare=spare)
    if not isinstance(found, model):
        raise RestyleError(trained.refusal(path, name))
    form = settings["representation"]
    return path, found, settings, Grid(Stft(int(form["n_fft"]), int(form["hop"])), int(form["rate"]))


def repaint(
    content: Audio,
    grid: Grid,
    paint: Paint,
    *,
    strength: float,
    profile: Mapping[str, np.ndarray] = NOTHING,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audio:
    """Return a content whose spectrogram was painted anew; silence as it is.

    Args:
        content: the recording.
        grid: the network's frames.
        paint: the network.
        strength: 0..1, of the way from the content's levels to the painted ones.
        profile: of the style; what `dsp.highband.measure` found is used, if there.
        seed: of the noise above the network's band.
        progress: called with the fraction done, 0..1.
    """
    report = progress or (lambda _: None)
    made = _painted(content, grid, paint, strength, lambda done: report(PAINTED * done))

    def last(done: float) -> None:
        report(PAINTED + (1 - PAINTED) * done)

    rate = float(grid.rate)
    return highband.extend(made, rate, profile, content=content, strength=strength, seed=seed, progress=last)


def _painted(content: Audio, grid: Grid, paint: Paint, strength: float, progress: Progress) -> Audio:
    """A content whose spectrogram was painted anew, with nothing above the network's band."""
    mean = grid.mean(content)
    if mean < SILENT:
        return content
    step = Fraction(grid.stft.hop * content.rate, grid.rate)
    # blocks of whole frames and whole samples have one grid of frames, where there are such of a second or less
    hop = step.numerator if step.numerator <= content.rate else 1

    def one(block: Audio, span: Span) -> np.ndarray:
        if np.abs(block.samples).max(initial=0) < SILENT:
            return block.samples
        low = resample(np.nan_to_num(block.samples), block.rate, grid.rate)
        spectrum = grid.stft(torch.from_numpy(low))
        with torch.inference_mode():
            before = levels(_together(spectrum), mean)
            after = paint(before, round(span.left / step))
            after = before + strength * (after - before)
        target = magnitudes(after) * mean
        result = griffin_lim(
            target * _shares(spectrum.abs()), grid.stft, low.shape[1], iterations=ITERATIONS, phase=spectrum
        ).numpy()
        return _long(resample(result, grid.rate, block.rate), block.length)

    return blocks.process(content, one, seconds=SECONDS, context=CONTEXT, hop=hop, progress=progress)


def repaint_played(
    content: Audio,
    grid: Grid,
    pitches: int,
    paint: Callable[[Tensor, Tensor], Tensor],
    *,
    strength: float,
    profile: Mapping[str, np.ndarray],
    seed: int,
    progress: Progress,
) -> Audio:
    """Return a content whose spectrogram was painted anew from what is played in it, at its own tuning.

    Args:
        content: the recording.
        grid: the network's frames, at 440 Hz.
        pitches: see `played_in`.
        paint: the network: levels ``[F, L]`` and what is played ``[1, pitches, L]`` to new levels ``[F, L]``.
        strength: see `repaint`.
        profile: see `repaint`.
        seed: see `repaint`.
        progress: called with the fraction done, 0..1.
    """
    grid = grid.tuned(content)
    played = played_in(content, grid, pitches, lambda done: progress(0.3 * done))

    def part(x: Tensor, first: int) -> Tensor:
        return paint(x, cut(played, first, x.shape[-1]))

    def report(done: float) -> None:
        progress(0.3 + 0.7 * done)

    return repaint(content, grid, part, strength=strength, profile=profile, seed=seed, progress=report)


def played_in(audio: Audio, grid: Grid, pitches: int, progress: Progress | None = None) -> np.ndarray:
    """Return what is played in each frame of a recording, float16 ``[L, pitches]``.

    Args:
        audio: the recording.
        grid: the frames.
        pitches: as many as a network takes: 176 (see `analysis.transcriber.salience`), or 0, for none.
        progress: called with the fraction done, 0..1.
    """
    frames = grid.stft.frames(round(audio.duration * grid.rate)) + 1
    if not pitches:
        return np.zeros((frames, 0), np.float16)
    return salience(audio, frames, float(grid.stft.hop / grid.rate), tuning=grid.cents, progress=progress)


def cut(played: np.ndarray, first: int, frames: int) -> Tensor:
    """Return what is played in some frames, float32 ``[1, pitches, frames]``; nothing beyond the end."""
    part = torch.from_numpy(played[first : first + frames]).float().T[None]
    return nn.functional.pad(part, (0, frames - part.shape[-1]))


def _together(spectrum: Tensor) -> Tensor:
    """Root mean square over the channels of a spectrum ``[C, F, L]``."""
    return spectrum.abs().square().mean(0).sqrt()


def _shares(own: Tensor) -> Tensor:
    """How loud each channel is beside all, smoothed over neighbouring bins and frames, ``[C, F, L]``."""
    if len(own) == 1:
        return torch.ones_like(own)
    power = nn.functional.avg_pool2d(own.square()[:, None], (9, 5), 1, (4, 2))[:, 0] + 1e-12
    return (power / power.mean(0)).sqrt()


def _long(samples: np.ndarray, length: int) -> np.ndarray:
    """Samples ``[C, T]`` cut to a length, or lengthened with zeros."""
    return np.pad(samples, ((0, 0), (0, max(0, length - samples.shape[1]))))[:, :length]
