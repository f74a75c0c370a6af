"""Generated music that metrics are tested on: the same notes on different instruments, with the truth known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from restyle.audio import Audio
from restyle.notes import Notes

RATE = 44100


@dataclass(frozen=True)
class Instrument:
    """How a note sounds.

    Args:
        slope: partial k has the amplitude ``k ** -slope``.
        even: amplitude of the even partials, relative to that.
        decay: per second.
        attack: seconds.
        breath: level of the noise beside the tone.
        width: part of the amplitude that differs between left and right.
    """

    slope: float
    even: float
    decay: float
    attack: float
    breath: float
    width: float = 0.3


def instrument(rng: np.random.Generator, bright: bool) -> Instrument:
    return Instrument(
        slope=rng.uniform(0.6, 0.9) if bright else rng.uniform(1.7, 2.4),
        even=rng.uniform(0.2, 1.0),
        decay=rng.uniform(0.3, 4.0),
        attack=rng.uniform(0.003, 0.04),
        breath=rng.uniform(0.001, 0.01),
    )


def tune(rng: np.random.Generator, seconds: float, *, bpm: float = 120.0) -> Notes:
    """A melody in eighths over chords in halves, with rests."""
    beat, rows = 60 / bpm, []
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    for i in range(int(seconds / beat)):
        if i % 2 == 0:
            root = 48 + scale[rng.integers(6)]
            rows += [(i * beat, (i + 1.8) * beat, root + step, 0.5, 0) for step in (0, 7)]
        for half in (0, 0.5):
            if rng.random() < 0.8:
                pitch = 64 + scale[rng.integers(8)]
                rows.append(((i + half) * beat, (i + half + 0.42) * beat, pitch, rng.uniform(0.6, 1.0), 0))
    return Notes.of(rows)


def play(notes: Notes, how: Instrument, seconds: float, *, seed: int = 0, shift: float = 0.0) -> Audio:
    """Play notes at 44.1 kHz in stereo, ``shift`` semitones higher than written."""
    rng = np.random.default_rng(seed)
    out = np.zeros((2, round(seconds * RATE)))
    for i in range(len(notes)):
        length = notes.offset[i] - notes.onset[i] + 0.05
        t = np.arange(round(length * RATE)) / RATE
        f0 = 440 * 2 ** ((notes.pitch[i] + shift - 69) / 12)
        shape = np.exp(-how.decay * t) * np.minimum(1, t / how.attack) * np.minimum(1, (length - t) / 0.05)
        phases = rng.uniform(0, 2 * np.pi, 30)
        tone = sum(
            k**-how.slope * (1 if k % 2 else how.even) * np.sin(2 * np.pi * f0 * k * t + phases[k - 1])
            for k in range(1, 31)
            if f0 * k < 14000
        )
        made = 0.1 * notes.velocity[i] * shape * (tone + how.breath * rng.standard_normal(len(t)))
        at, pan = round(notes.onset[i] * RATE), how.width * rng.uniform(-1, 1)
        part = made[: max(0, out.shape[1] - at)]
        out[:, at : at + len(part)] += np.array([[1 + pan], [1 - pan]]) * part
    return Audio(out / max(1.0, np.abs(out).max() / 0.9), RATE)


@dataclass(frozen=True)
class Triplet:
    """A content, a style that plays other notes, and the content's notes as the style would play them."""

    content: Audio
    style: Audio
    target: Audio
    swapped: Audio
    detuned: Audio
    notes: Notes


def triplet(seed: int, seconds: float = 5.0) -> Triplet:
    """Make a triplet; ``swapped`` is the target on a third instrument, ``detuned`` the target 60 cents higher."""
    rng = np.random.default_rng(seed)
    first, second, third = (instrument(rng, bright) for bright in (bool(seed % 2), not seed % 2, bool(seed % 2)))
    notes, others = tune(rng, seconds, bpm=rng.uniform(80, 140)), tune(rng, seconds)
    return Triplet(
        play(notes, first, seconds, seed=seed),
        play(others, second, seconds, seed=seed + 1),
        play(notes, second, seconds, seed=seed + 2),
        play(notes, third, seconds, seed=seed + 3),
        play(notes, second, seconds, seed=seed + 2, shift=0.6),
        notes,
    )


def small(audio: Audio) -> Audio:
    """The mono, 16 kHz version of a sound."""
    return Audio(soxr.resample(audio.mono(), audio.rate, 16000), 16000)


def noisy(audio: Audio, below: float = 20.0) -> Audio:
    """The sound with white noise ``below`` dB under its mean level."""
    rng = np.random.default_rng(0)
    rms = np.sqrt(np.mean(audio.samples**2))
    return Audio(audio.samples + 10 ** (-below / 20) * rms * rng.standard_normal(audio.samples.shape), audio.rate)
