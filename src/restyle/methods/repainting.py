"""What the methods share that make a new spectrogram of the content's: block by block, and back to sound. Floor 4.

Each channel keeps its part of the new magnitudes, its phases are the start of Griffin-Lim, and what lies above the
spectrogram's highest frequency stays the content's, as much louder or softer as the bins just below became.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.facts import Analysis
from restyle.analysis.transcriber.salience import salience
from restyle.audio import Audio, resample
from restyle.dsp import blocks
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
TOP = 16  # bins below the highest whose change the sound above follows
FRAMES = 32  # that together last whole samples at most
LOUDER = 3.0  # nepers by which it may change
FLOOR = 1.0  # level in nepers, about 55 dB below the mean, below which two levels are alike
SMOOTH = 15  # frames over which the change above is averaged

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


def repaint(content: Audio, grid: Grid, paint: Paint, *, strength: float, progress: Progress | None = None) -> Audio:
    """Return a content whose spectrogram was painted anew; silence as it is.

    Args:
        content: the recording.
        grid: the network's frames.
        paint: the network.
        strength: 0..1, of the way from the content's levels to the painted ones.
        progress: called with the fraction done, 0..1.
    """
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
        change = _change(before[-TOP:], after[-TOP:])
        return _joined(block, low, result, change, grid)

    return blocks.process(content, one, seconds=SECONDS, context=CONTEXT, hop=hop, progress=progress)


def repaint_played(
    content: Audio,
    grid: Grid,
    pitches: int,
    paint: Callable[[Tensor, Tensor], Tensor],
    *,
    strength: float,
    progress: Progress,
) -> Audio:
    """Return a content whose spectrogram was painted anew from what is played in it, at its own tuning.

    Args:
        content: the recording.
        grid: the network's frames, at 440 Hz.
        pitches: see `played_in`.
        paint: the network: levels ``[F, L]`` and what is played ``[1, pitches, L]`` to new levels ``[F, L]``.
        strength: see `repaint`.
        progress: called with the fraction done, 0..1.
    """
    grid = grid.tuned(content)
    played = played_in(content, grid, pitches, lambda done: progress(0.3 * done))

    def part(x: Tensor, first: int) -> Tensor:
        return paint(x, cut(played, first, x.shape[-1]))

    return repaint(content, grid, part, strength=strength, progress=lambda done: progress(0.3 + 0.7 * done))


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


def _change(before: Tensor, after: Tensor) -> np.ndarray:
    """Mean change in nepers of the highest bins ``[TOP, L]``, smoothed over time, ``[L]``."""
    change = (after.clamp_min(FLOOR) - before.clamp_min(FLOOR)).mean(0).clamp(-LOUDER, LOUDER)
    smooth = nn.functional.avg_pool1d(change[None, None], SMOOTH, 1, SMOOTH // 2, count_include_pad=False)
    return smooth[0, 0].numpy()


def _joined(block: Audio, low: np.ndarray, painted: np.ndarray, change: np.ndarray, grid: Grid) -> np.ndarray:
    """The new sound at the content's rate, with what lies above it: ``[C, T]`` of the block's length."""
    if block.rate == grid.rate:
        return painted
    result = _long(resample(painted, grid.rate, block.rate), block.length)
    if block.rate < grid.rate:
        return result
    above = np.nan_to_num(block.samples) - _long(resample(low, grid.rate, block.rate), block.length)
    at = np.arange(block.length) / block.rate * float(grid.rate / grid.stft.hop)
    gain = np.exp(np.interp(at, np.arange(len(change)), change)).astype(np.float32)
    return result + gain * above


def _long(samples: np.ndarray, length: int) -> np.ndarray:
    return np.pad(samples, ((0, 0), (0, max(0, length - samples.shape[1]))))[:, :length]
