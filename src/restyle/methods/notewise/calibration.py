"""How much noise a style's own notes, played again, lack between their partials against the style. Floor 4.

What is measured between partials is noise, rooms and their leakage at once, and a mean of decibels loses what is soft.
How much is right is told by the style itself, played by what was learnt of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from restyle.analysis.partials import BANDS, HIGHEST
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.melbands import centre_frequencies
from restyle.dsp.pitch import midi_to_hz
from restyle.methods.notewise.timbre import Instrument, Tone
from restyle.notes import Notes

RATE = 22050  # Hz at which styles are compared, at most
SECONDS = 12.0  # of each style that are played
WINDOW = 0.064  # s
RANGE = 80.0  # dB below the loudest bin that count
ROUNDS, STEP = 2, 0.8  # how often, and how much of a difference is corrected at once
LARGEST = 15.0  # dB
SURE = 200.0  # bins that count as much as that nothing need be changed
SMOOTH = np.array([1, 2, 3, 2, 1]) / 9  # over bands


class Calibrated:
    """An instrument whose noise is corrected by some dB in each noise band ``[M]``."""

    def __init__(self, instrument: Instrument, noise: np.ndarray) -> None:
        self.instrument, self.rate, self.noise = instrument, instrument.rate, noise.astype(np.float32)[:, None]

    def tone(self, pitch: float, frames: int, rate: int, touch: float = 0.0) -> Tone:
        """Return a pitch as it should sound; see `methods.notewise.timbre.Instrument`."""
        tone = self.instrument.tone(pitch, frames, rate, touch)
        return replace(tone, noise=tone.noise + self.noise[: len(tone.noise)])


def calibrate(
    style: Sequence[Audio],
    notes: Sequence[Notes],
    instrument: Instrument,
    play: Callable[[Audio, Notes, Instrument], np.ndarray],
) -> np.ndarray:
    """Find the corrections with which a style's notes, played again, have its noise between their partials.

    Args:
        style: its clips.
        notes: of each clip.
        instrument: what was learnt of them.
        play: plays notes as a clip plays them by an instrument: ``[T]`` at the clip's rate.

    Returns:
        dB by noise band ``[M]``.
    """
    pieces = [
        (_piece(clip), own)
        for clip, whole in zip(style, notes, strict=True)
        if len(own := whole.pitched().between(0, min(SECONDS, clip.duration)))
    ]
    correction = np.zeros(BANDS)
    if not pieces:
        return correction
    spectra = [_Between(piece, own) for piece, own in pieces]
    for _ in range(ROUNDS):
        played = [play(piece, own, Calibrated(instrument, correction)) for piece, own in pieces]
        band, lacking = np.concatenate([s.lacking(y) for s, y in zip(spectra, played, strict=True)], axis=1)
        change = np.zeros(BANDS)
        for i in np.unique(band.astype(int)):
            here = lacking[band == i]
            # the median: notes that were not found lie between the partials, too
            change[i] = np.median(here) * len(here) / (len(here) + SURE)
        change = np.convolve(np.pad(change, 2, mode="edge"), SMOOTH, "valid")
        correction = np.clip(correction + STEP * change, -LARGEST, LARGEST)
    return correction


def _piece(clip: Audio) -> Audio:
    rate = min(clip.rate, RATE)
    return Audio(blocks.mono(clip, 0, min(clip.length, round(SECONDS * clip.rate)), rate), rate)


class _Between:
    """A clip's spectrum, and where in it partials of notes are, and where notes sound without."""

    def __init__(self, piece: Audio, notes: Notes) -> None:
        rate = piece.rate
        self.size = 2 ** round(np.log2(WINDOW * rate))
        self.power = self._power(piece.samples[0])
        time = np.arange(len(self.power)) * (self.size // 4) / rate
        frequency = np.fft.rfftfreq(self.size, 1 / rate)
        self.band = np.abs(frequency[:, None] - centre_frequencies(BANDS, HIGHEST)).argmin(axis=1)
        sounding, partial = np.zeros(len(time), bool), np.zeros(self.power.shape, bool)
        for onset, offset, pitch in zip(notes.onset, notes.offset, notes.pitch, strict=True):
            now = (time >= onset - WINDOW / 2) & (time < offset + WINDOW / 2)
            f0 = float(midi_to_hz(pitch))
            near = np.abs(frequency - f0 * np.maximum(1, np.round(frequency / f0))) < 1.5 * rate / self.size
            sounding |= now
            partial |= now[:, None] & near
        self.partial, self.between = partial, ~partial & sounding[:, None]

    def lacking(self, played: np.ndarray) -> np.ndarray:
        """What sound ``[T]`` lacks there: the band of each bin, and dB, ``[2, N]``."""
        other = self._power(played)
        other *= self.power[self.partial].sum() / max(float(other[self.partial].sum()), 1e-20)
        floor = self.power.max() * 10 ** (-RANGE / 10)
        here = self.between & ((self.power > floor) | (other > floor))
        difference = 10 * np.log10(np.maximum(self.power, floor) / np.maximum(other, floor))
        return np.stack([np.broadcast_to(self.band, here.shape)[here], difference[here]])

    def _power(self, samples: np.ndarray) -> np.ndarray:
        window = torch.hann_window(self.size)
        signal = torch.from_numpy(np.ascontiguousarray(samples))
        spectrum = torch.stft(signal, self.size, self.size // 4, window=window, return_complex=True)
        return np.asarray(spectrum.abs().square().T)
