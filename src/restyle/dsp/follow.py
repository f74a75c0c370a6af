"""Sounds that move as others do: the levels of their bands, or of their pitches, follow a reference's. Floor 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.melbands import MelBands
from restyle.dsp.stft import Stft, powers

RANGE, LARGEST = 60.0, 20.0  # dB below a band's loudest moment that count, and of gain
LOWEST, HIGHEST = 28, 108  # MIDI numbers of the pitches that are followed
WINDOW = 0.186  # seconds, in which a semitone is told from the next from there on
AROUND = 7  # semitones to either side whose mean a pitch is compared with
PITCH_RANGE = 70.0  # dB below the loudest pitch of all that count


class Follow(NamedTuple):
    """How one sound follows another: in windows of some seconds, in mel bands, and how far, 0..1."""

    window: float
    bands: int
    share: float


def follow_bands(sound: Audio, reference: Audio, how: Follow) -> Audio:
    """Return a sound whose bands rise and fall as those of another; each band's mean power stays.

    Args:
        sound: what is to follow.
        reference: of the same rate and length.
        how: in which windows and bands, and how far.

    Example:
        >>> steady = Audio(np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
        >>> struck = Audio(steady.samples * (np.arange(16000) < 2000), 16000)
        >>> made = follow_bands(steady, struck, Follow(0.023, 24, 1.0))
        >>> bool(np.square(made.samples[:, :2000]).sum() > 100 * np.square(made.samples[:, 4000:]).sum())
        True
    """
    n_fft = 2 ** round(np.log2(how.window * sound.rate))
    stft, bands = Stft(n_fft, n_fft // 4), MelBands(sound.rate, n_fft, count=how.bands)
    own, other = (_levels(audio, stft, bands) for audio in (sound, reference))
    floor = [levels.amax(1, keepdim=True) - RANGE for levels in (own, other)]
    own, other = torch.maximum(own, floor[0]), torch.maximum(other, floor[1])
    gain, power = how.share * (other - own), torch.pow(10, own / 10)
    for _ in range(3):  # what is clipped changes the mean again
        louder = 10 * torch.log10((power * torch.pow(10, gain / 10)).sum(1, keepdim=True) / power.sum(1, keepdim=True))
        gain = (gain - louder).clamp(-2 * LARGEST, LARGEST)

    def one(block: Audio, span: blocks.Span) -> np.ndarray:
        spectrum = stft(torch.from_numpy(block.samples))
        first = span.left // stft.hop
        here = gain[:, first : first + spectrum.shape[-1]]
        return np.asarray(stft.inverse(spectrum * torch.pow(10, bands.spread(here) / 20), block.length))

    return blocks.process(sound, one, context=0.5, hop=stft.hop)


def follow_pitches(sound: Audio, reference: Audio, *, share: float = 1.0) -> Audio:
    """Return a sound in which each pitch stands out of those around as it does in another; its broad spectrum stays.

    Args:
        sound: what is to follow.
        reference: of the same rate and length.
        share: how far, 0..1.

    Example:
        >>> noise = Audio(np.random.default_rng(0).normal(0, 0.1, 32000), 16000)
        >>> tone = Audio(np.sin(2 * np.pi * 440 * np.arange(32000) / 16000), 16000)
        >>> spectrum = np.abs(np.fft.rfft(follow_pitches(noise, tone).samples[0]))
        >>> bool(spectrum[860:900].mean() > 5 * spectrum[1000:1100].mean())
        True
    """
    n_fft = 2 ** round(np.log2(WINDOW * sound.rate))
    stft = Stft(n_fft, n_fft // 8)
    weights, place = _pitch_bands(sound.rate, n_fft)
    own, other = (_outstanding(_pitch_levels(audio, stft, weights)) for audio in (sound, reference))
    gain = (share * (other - own)).clamp(-LARGEST, LARGEST)
    low = place.clamp(0, len(gain) - 2).floor().long()
    part = (place - low).clamp(0, 1)[:, None]
    inside = ((place >= -1) & (place <= len(gain))).float()[:, None]

    def one(block: Audio, span: blocks.Span) -> np.ndarray:
        spectrum = stft(torch.from_numpy(block.samples))
        first = span.left // stft.hop
        here = gain[:, first : first + spectrum.shape[-1]]
        change = inside * (here[low] * (1 - part) + here[low + 1] * part)
        return np.asarray(stft.inverse(spectrum * torch.pow(10, change / 20), block.length))

    return blocks.process(sound, one, context=1.0, hop=stft.hop)


def _pitch_bands(rate: int, n_fft: int) -> tuple[Tensor, Tensor]:
    """Triangles of a semitone to either side of each pitch ``[P, F]``, and where each bin lies among them ``[F]``."""
    hertz = np.maximum(np.arange(n_fft // 2 + 1) * rate / n_fft, 1.0)
    place = 69 + 12 * np.log2(hertz / 440) - LOWEST
    pitches = np.arange(HIGHEST - LOWEST + 1)
    weights = np.maximum(0, 1 - np.abs(place - pitches[:, None]))
    for pitch in pitches[weights.sum(1) < 0.5]:  # between two bins
        weights[pitch, np.argmin(np.abs(place - pitch))] = 1
    weights /= weights.sum(1, keepdims=True)
    return torch.from_numpy(weights).float(), torch.from_numpy(place).float()


def _pitch_levels(audio: Audio, stft: Stft, weights: Tensor) -> Tensor:
    """Levels of pitches in dB on one grid of frames, ``[P, L]``, those far below the loudest alike."""
    levels = _framewise(audio, stft, lambda power: 10 * torch.log10(weights @ power + 1e-10))
    return torch.maximum(levels, levels.amax() - PITCH_RANGE)


def _outstanding(levels: Tensor) -> Tensor:
    """By how many dB each pitch is louder than those around."""
    window = torch.hann_window(2 * AROUND + 3, periodic=False)[1:-1]
    padded = nn.functional.pad(levels.T[:, None], (AROUND, AROUND), mode="replicate")
    return levels - nn.functional.conv1d(padded, (window / window.sum())[None, None])[:, 0].T


def _levels(audio: Audio, stft: Stft, bands: MelBands) -> Tensor:
    """Band levels in dB on one grid of frames, ``[M, L]``."""
    return _framewise(audio, stft, lambda power: 10 * torch.log10(bands(power) + 1e-10))


def _framewise(audio: Audio, stft: Stft, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """What is measured of the power spectra ``[F, L]`` of a recording, block by block on one grid of frames."""
    block, around = round(20 * audio.rate / stft.hop) * stft.hop, stft.n_fft
    found = []
    for span in blocks.spans(audio.length, block, around):
        power = powers(stft(torch.from_numpy(audio.slice(span.left, span.right).samples))).mean(dim=0)
        blocks.release(audio.samples)
        first = (span.start - span.left) // stft.hop
        count = (span.stop - span.start) // stft.hop + (span.stop == audio.length)
        found.append(measure(power[:, first : first + count]))
    return torch.cat(found, dim=1)


def rms(audio: Audio) -> float:
    """Return the root mean square of all samples of a recording, read block by block."""
    total = sum(float(np.square(piece, dtype=np.float64).sum()) for piece in blocks.views(audio))
    return float(np.sqrt(total / max(1, audio.samples.size)))


def add(sound: Audio, other: Audio, own: float, gain: float) -> None:
    """Scale a sound and add another, in place; both by factors."""
    for span in blocks.spans(sound.length, 20 * sound.rate, 0):
        here = slice(span.start, span.stop)
        sound.samples[:, here] = np.float32(own) * sound.samples[:, here] + np.float32(gain) * other.samples[:, here]
        blocks.release(sound.samples)
        blocks.release(other.samples)
