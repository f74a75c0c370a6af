"""The part of a style that a profile keeps: bounded, mono, at a stated rate. Floor 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from restyle.audio import Audio, resample
from restyle.dsp import blocks
from restyle.errors import RestyleError
from restyle.methods.base import SILENT_STYLE, Profile

SILENT = 1e-5  # peak below which a clip counts as silence (-100 dB)
BLOCK = 20.0  # seconds that are read at once
STEP = 0.01  # seconds between two places where a stretch may begin


def excerpt(style: Sequence[Audio], *, seconds: float, highest_rate: int = 48000) -> Profile:
    """Keep the loudest stretch of each clip, ``seconds`` in all, as ``samples`` ``[T]``, ``rate`` and ``starts``.

    Clips are resampled to the highest rate among them, at most ``highest_rate``; ``starts`` has their first samples.

    Raises:
        RestyleError: if there is no clip, or all are silent.
    """
    sounding = [clip for clip in style if any(np.abs(block).max() > SILENT for block in _mono(clip, 1))]
    if not sounding:
        raise RestyleError(SILENT_STYLE)
    rate = min(highest_rate, max(clip.rate for clip in sounding))
    parts = [resample(_loudest(clip, seconds / len(sounding)), clip.rate, rate) for clip in sounding]
    starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
    return {
        "samples": np.concatenate(parts),
        "rate": np.array([rate], np.int64),
        "starts": starts.astype(np.int64),
    }


def clips(profile: Profile, rate: int) -> list[np.ndarray]:
    """Return the clips of an excerpt, float32 ``[T]`` each, at a rate in Hz."""
    parts = np.split(profile["samples"], profile["starts"][1:])
    return [resample(part, int(profile["rate"][0]), rate) for part in parts]


def _loudest(clip: Audio, seconds: float) -> np.ndarray:
    """Return the stretch with the most energy, mono ``[T]``; it begins at a whole number of `STEP`."""
    length = max(1, round(seconds * clip.rate))
    if clip.length <= length:
        return clip.mono()
    step = max(1, round(STEP * clip.rate))
    power = [np.add.reduceat(block**2, np.arange(0, len(block), step), dtype=np.float64) for block in _mono(clip, step)]
    energy = np.cumsum(np.concatenate([[0.0], *power]))
    count = min(length // step, len(energy) - 1)  # whole steps of a stretch
    start = int(np.argmax(energy[count:] - energy[: len(energy) - count])) * step
    start = min(start, clip.length - length)
    return clip.slice(start, start + length).mono()


def _mono(clip: Audio, step: int) -> Iterator[np.ndarray]:
    """The clip mixed to one channel, float32 ``[T]``, in blocks of a whole number of steps."""
    for span in blocks.spans(clip.length, round(BLOCK * clip.rate / step) * step or step, 0):
        yield blocks.mono(clip, span.start, span.stop, clip.rate)
