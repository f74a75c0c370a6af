"""What tests of commands share: options of a fast transfer, how a command ended, a small recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FAST = ("--method", "spectral", "--no-tone")

# settings of methods whose quality does not matter in a test: few steps of each optimisation
QUICK: dict[str, dict[str, int]] = {
    "draw": {"fit": 3},
    "gatys": {"iterations": 12},
    "mosaic": {"semitones": 1, "iterations": 4},
    "note_synth": {"fit": 3},
    "texture": {"filters": 16, "iterations": 12},
}


def quick(method: str) -> tuple[str, ...]:
    """Options of the command line for a method with few steps."""
    settings = QUICK.get(method, {}).items()
    return "--method", method, *(part for name, value in settings for part in ("--set", f"{name}={value}"))


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def chord(seconds: float = 1.0, rate: int = 16000, channels: int = 1, root: float = 220.0) -> np.ndarray:
    """Two struck chords with a little noise, [T, C], a little different in each channel."""
    t = np.arange(round(seconds * rate)) / rate
    struck = np.exp(-4 * (t % (seconds / 2)))
    tone = sum(np.sin(2 * np.pi * root * k * t) / k for k in (1, 1.25, 1.5, 2, 3) if root * k < rate / 2)
    noise = np.random.default_rng(0).normal(0, 0.01, len(t))
    sound = 0.15 * struck * tone + noise
    return np.stack([sound * (1 - 0.05 * c) for c in range(channels)], axis=1)
