"""Small triplets with a known result, played by three synthesised instruments: content, style and target."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from restyle import Audio

RATE = 22050
TUNES = {  # pitch, length in beats of half a second; a chord is joined by +
    "content": "62 1 65 1 69 1 74 1 72+64 1 69 .5 67 .5 65+57 2",
    "style": "60 1 64+55 1 67 1 72 2 71 .5 69 .5 67 1 53 1",
}


def triplet(player: str, other: str) -> tuple[Audio, Audio, Audio]:
    """Return the content by one instrument, the style and the target (the content's notes) by another."""
    return _play("content", PLAYERS[player]), _play("style", PLAYERS[other]), _play("content", PLAYERS[other])


def _play(tune: str, player: Callable[[float, float], np.ndarray]) -> Audio:
    words, time, out = TUNES[tune].split(), 0.1, np.zeros(round(5 * RATE))
    for pitches, beats in zip(words[::2], words[1::2], strict=True):
        for pitch in pitches.split("+"):
            note = 0.2 * player(440 * 2 ** ((float(pitch) - 69) / 12), 0.5 * float(beats))
            start = round(time * RATE)
            out[start : start + len(note)] += note[: len(out) - start]
        time += 0.5 * float(beats)
    return Audio(out, RATE)


def _tone(f0: float, seconds: float, amplitude: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Harmonic partials below half the rate, whose amplitudes are a function of number ``[K, 1]`` and time ``[T]``."""
    t = np.arange(round((seconds + 0.15) * RATE)) / RATE
    k = np.arange(1, int(0.45 * RATE / f0) + 1)[:, None]
    ends = np.clip(t / 0.005, 0, 1) * np.clip((seconds + 0.1 - t) / 0.1, 0, 1)
    return (amplitude(k, t) * np.sin(2 * np.pi * f0 * k * t + k)).sum(axis=0) * ends


def string(f0: float, seconds: float) -> np.ndarray:
    """A plucked string: bright at first, high partials fade sooner."""
    return _tone(f0, seconds, lambda k, t: np.exp(-(1.5 + 0.6 * k) * t) / k)


def pipe(f0: float, seconds: float) -> np.ndarray:
    """A stopped pipe: odd partials, a soft start, breath."""
    sound = _tone(f0, seconds, lambda k, t: (k % 2) / k**1.6 * np.clip(t / 0.06, 0, 1))
    breath = np.random.default_rng(round(f0)).normal(size=len(sound)) * 0.02
    return sound + breath * np.clip((seconds + 0.1 - np.arange(len(sound)) / RATE) / 0.1, 0, 1)


def reed(f0: float, seconds: float) -> np.ndarray:
    """A reed: a formant around 1200 Hz, a steady tone with vibrato in its level."""
    formant = 1200.0
    return _tone(
        f0,
        seconds,
        lambda k, t: np.exp(-0.5 * (np.log2(k * f0 / formant) / 0.8) ** 2) * (1 + 0.2 * np.sin(2 * np.pi * 5 * t)),
    )


PLAYERS = {"string": string, "pipe": pipe, "reed": reed}
