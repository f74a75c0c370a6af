"""Tone: long-term spectrum, loudness and stereo width brought toward a style's. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from restyle.analysis.separation import transform
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.loudness import loudness, width
from restyle.dsp.melbands import MelBands
from restyle.dsp.stft import powers

COUNT = 64  # bands up to HIGHEST, fewer where the rate ends earlier
HIGHEST = 22050.0  # Hz
RANGE = 80.0  # dB below the loudest band that count
PAUSE = 45.0  # dB below the loudest moment that is a pause
LARGEST, LARGEST_PLAYED = 24.0, 3.0  # dB, the largest change of a band
SLACK, SLACK_PLAYED = 2.5, 1.0  # deviations of the style from moment to moment by which a band may differ: as notes do
NARROW, WIDE = 5.0, 6.0  # octaves that hold 98 % of the power of a sound that may be one instrument, and of a mix
MOMENT = 1.0  # s
SILENCE = -70.0  # LUFS
QUIET = 1e-4  # of full scale; a moment that never exceeds it says nothing


def fit(style: Sequence[Audio], shares: Sequence[float] | None = None) -> dict[str, np.ndarray]:
    """Measure a style.

    Args:
        style: one clip or several.
        shares: how much each clip counts; by default as much as it is long.

    Returns:
        For each band its frequency in Hz, its mean level in dB relative to the whole, and how much that varies from
        moment to moment (standard deviation in dB); the loudness in LUFS; the stereo width 0..1.

    Example:
        >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 44100))
        >>> sorted(fit([Audio(noise, 44100)]))
        ['frequencies', 'levels', 'loudness', 'spread', 'width']
    """
    longest = max(style, key=lambda clip: clip.rate)
    bands = _bands(longest.rate)
    levels = [_levels(clip) for clip in style]
    weights = np.array([clip.duration for clip in style] if shares is None else shares)
    moments = [moment for clip in style for moment in _moments(clip)]
    mean, spread = np.zeros(len(bands.centres)), np.zeros(len(bands.centres))
    for band in range(len(bands.centres)):
        known = [(level[band], w) for level, w in zip(levels, weights, strict=True) if band < len(level)]
        mean[band] = np.average([x for x, _ in known], weights=[w for _, w in known])
        spread[band] = np.std([moment[band] for moment in moments if band < len(moment)] or 0.0)
    loud = np.average([max(loudness(clip), SILENCE) for clip in style], weights=weights)
    return {
        "levels": mean.astype(np.float32),
        "spread": spread.astype(np.float32),
        "frequencies": bands.centres.astype(np.float32),
        "loudness": np.array([loud], np.float32),
        "width": np.array([np.average([width(clip) for clip in style], weights=weights)], np.float32),
    }


def apply(
    audio: Audio,
    profile: dict[str, np.ndarray],
    *,
    played: bool = False,
    strength: float = 1.0,
    progress: Progress | None = None,
) -> Audio:
    """Move a sound's long-term spectrum, loudness and width toward a style's.

    Args:
        audio: the sound.
        profile: what :func:`fit` measured.
        played: whether notes were played with the style's sound: in another register they rightly have another
            spectrum than the style, so that bands are changed by 3 dB at most, unless style or sound are as wide as a
            mix.
        strength: 0 leaves the sound as it is, 1 goes all the way.
        progress: called with the fraction done, 0..1.

    Returns:
        A sound of the same rate, channels and length; silence stays silence.
    """
    return shaped([], audio, profile, played=played, strength=strength, progress=progress)[0]


def shaped(
    parts: Sequence[Audio],
    audio: Audio,
    profile: dict[str, np.ndarray],
    *,
    played: bool = False,
    strength: float = 1.0,
    progress: Progress | None = None,
) -> list[Audio]:
    """Do what :func:`apply` does to a sound, and the same to the parts that it is the sum of.

    Returns:
        The sound, then its parts.
    """
    before = loudness(audio)
    if strength == 0 or before <= SILENCE:
        return [audio, *parts]
    stft, bands = transform(audio.rate), _bands(audio.rate)
    own = _levels(audio)
    target = np.interp(bands.centres, profile["frequencies"], profile["levels"])
    change = target - own
    change -= np.average(change, weights=10 ** (own / 40) + 1e-6)
    wide = max(_wide(profile["levels"], profile["frequencies"]), _wide(own, bands.centres)) if played else 1.0
    free = (SLACK_PLAYED + (SLACK - SLACK_PLAYED) * wide) * np.interp(
        bands.centres, profile["frequencies"], profile["spread"]
    )
    change = np.sign(change) * np.maximum(0, np.abs(change) - free)
    largest = LARGEST_PLAYED + (LARGEST - LARGEST_PLAYED) * wide
    gain = torch.from_numpy(np.clip(change, -largest, largest) * strength).float()
    filter_ = 10 ** (bands.spread(gain[:, None]) / 20)
    scale = _side_scale(audio, float(profile["width"][0]), strength)

    def shape(block: Audio, _: blocks.Span) -> np.ndarray:
        spectrum = stft(torch.from_numpy(block.samples)) * filter_
        result = np.asarray(stft.inverse(spectrum, block.length))
        if result.shape[0] == 2 and scale != 1:
            middle, side = result.mean(axis=0), scale * (result[0] - result[1]) / 2
            result = np.stack([middle + side, middle - side])
        return result

    made = blocks.process(audio, shape, context=0.5, hop=stft.hop, progress=progress)
    loud = before + strength * (max(float(profile["loudness"][0]), -50.0) - before)
    change_all = float(10 ** (np.clip(loud - loudness(made), -40, 40) / 20))
    others = (blocks.process(part, shape, context=0.5, hop=stft.hop) for part in parts)
    return [_scaled(sound, change_all) for sound in (made, *others)]


def _wide(levels: np.ndarray, frequencies: np.ndarray) -> float:
    """How far a spectrum in dB is as wide as a mix's, 0..1."""
    power = 10 ** (levels / 10)
    octaves = np.log2(np.maximum(frequencies, 25))
    low, high = np.interp([0.01, 0.99], np.cumsum(power) / power.sum(), octaves)
    return float(np.clip((high - low - NARROW) / (WIDE - NARROW), 0, 1))


def _bands(rate: int) -> MelBands:
    return MelBands(rate, transform(rate).n_fft, count=COUNT, highest=HIGHEST)


def _levels(audio: Audio) -> np.ndarray:
    """Mean of each band's level in dB over the moments that are no pauses, relative to the loudest."""
    stft, bands = transform(audio.rate), _bands(audio.rate)
    levels = []
    for piece in blocks.views(audio):
        power = powers(stft(torch.from_numpy(np.array(piece)))).mean(dim=0)
        levels.append((10 * torch.log10(bands(power) + 1e-12)).numpy().astype(np.float16))
    peak = max(float(level.max()) for level in levels)
    total, frames = np.zeros(len(bands.centres)), 0
    for level in levels:
        loud = level[:, level.max(axis=0) > peak - PAUSE]
        total += np.maximum(loud, peak - RANGE).sum(axis=1, dtype=np.float64)
        frames += loud.shape[1]
    return np.asarray(total / max(frames, 1) - peak)


def _moments(audio: Audio) -> list[np.ndarray]:
    """The levels of each moment, or of each third of a sound that has less than three, that is not silent."""
    size = min(round(MOMENT * audio.rate), max(1, audio.length // 3))
    starts = range(0, audio.length - size // 2, size)
    parts = (audio.slice(start, start + size) for start in starts)
    blocks.release(audio.samples)
    return [_levels(part) for part in parts if np.abs(part.samples).max(initial=0) > QUIET]


def _side_scale(audio: Audio, target: float, strength: float) -> float:
    own = width(audio)
    if own < 1e-3 or target < 1e-3:
        return 1.0
    ratio = (target / np.sqrt(1 - min(target, 0.95) ** 2)) / (own / np.sqrt(1 - min(own, 0.95) ** 2))
    return float(np.clip(ratio, 0.33, 2.0) ** strength)


def _scaled(audio: Audio, factor: float) -> Audio:
    for piece in blocks.views(audio):
        piece *= np.float32(factor)
    return audio
