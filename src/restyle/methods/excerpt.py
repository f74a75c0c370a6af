"""The part of a style that a profile keeps: bounded, mono, at a stated rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.methods.base import SILENT_STYLE, Profile

SILENT = 1e-5  # peak below which a clip counts as silence (-100 dB)


def excerpt(style: Sequence[Audio], *, seconds: float, highest_rate: int = 48000) -> Profile:
    """Keep the loudest stretch of each clip, ``seconds`` in all, as ``samples`` ``[T]``, ``rate`` and ``starts``.

    Clips are resampled to the highest rate among them, at most ``highest_rate``; ``starts`` has their first samples.

    Raises:
        RestyleError: if there is no clip, or all are silent.
    """
    heard = [clip for clip in style if clip.length and np.abs(clip.mono()).max() > SILENT]
    if not heard:
        raise RestyleError(SILENT_STYLE)
    rate = min(highest_rate, max(clip.rate for clip in heard))
    parts = [resample(_loudest(clip, seconds / len(heard)), clip.rate, rate) for clip in heard]
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


def resample(samples: np.ndarray, rate: float, wanted: float) -> np.ndarray:
    """Return samples ``[T]`` at another rate, float32."""
    import soxr

    made = samples if rate == wanted else soxr.resample(samples, rate, wanted)
    return np.ascontiguousarray(made, dtype=np.float32)


def _loudest(clip: Audio, seconds: float) -> np.ndarray:
    """Return the stretch with the most energy, mono ``[T]``."""
    length = max(1, round(seconds * clip.rate))
    mono = clip.mono()
    if len(mono) <= length:
        return mono
    energy = np.concatenate([[0.0], np.cumsum(mono.astype(np.float64) ** 2)])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return mono[start : start + length]
