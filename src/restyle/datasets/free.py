"""Parts of a song as no arranger would cast them, for networks that must know any instrument. Floor 3.

Any programme or recorded notes play one to six of a file's parts, bent, layered and in any register.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from restyle.notes import DRUMS, Notes
from restyle.rendering import BEND_STEP

PROGRAMMES = 120  # those above are effects: a gunshot has no pitch
MOST = 6  # parts
FEWEST = 3  # notes that make a part
SHORTEST = 0.03  # seconds of a note
TRIES = 8
LOWEST, HIGHEST = 21, 108  # MIDI pitches


@dataclass(frozen=True, eq=False)
class Casting:
    """One part of a song and how it is played.

    Args:
        notes: what is played; the programme plays it.
        gain: level in dB.
        bend: semitones every 10 ms, for all its notes.
        layer: a second programme that doubles it, if any, and ``blend``, how loud (0..1).
    """

    notes: Notes
    gain: float
    bend: np.ndarray
    layer: int | None = None
    blend: float = 0.0


def stretch(notes: Notes, seconds: float, rng: np.random.Generator) -> tuple[Notes, float, int]:
    """Take some seconds from anywhere in a file, at another tempo and pitch; return them, the tempo and the shift."""
    speed = float(2 ** rng.uniform(-0.5, 0.5))
    first = float(notes.onset.min())
    start = rng.uniform(first, max(first + 0.01, notes.duration - seconds * speed))
    part = notes.between(start, start + seconds * speed)
    part = replace(part, onset=part.onset / speed, offset=part.offset / speed)
    part = part.select(part.offset - part.onset > SHORTEST)
    shift = int(rng.integers(-7, 8)) + (12 * int(rng.integers(-2, 3)) if rng.random() < 0.25 else 0)
    moved = replace(part, pitch=np.where(part.programme == DRUMS, part.pitch, part.pitch + shift))
    drums = moved.programme == DRUMS
    return moved.select(drums | ((moved.pitch >= LOWEST) & (moved.pitch <= HIGHEST))), speed, shift


def cast(
    notes: Notes, seconds: float, playable: Callable[[Notes], np.ndarray], rng: np.random.Generator
) -> list[Casting]:
    """Choose some of the pitched parts and who plays them.

    Args:
        notes: of all parts.
        seconds: how long the song is.
        playable: tells which notes of one programme can be heard at all.
        rng: draws all that is random.

    Returns:
        One to six parts, each with a programme of its own; none if no part has three notes.
    """
    own = [notes.select(notes.programme == p) for p in sorted(set(notes.pitched().programme.tolist()))]
    own = [part for part in own if len(part) >= FEWEST]
    many = len(own) > 1 and rng.random() < 0.55
    chosen = rng.permutation(len(own))[: rng.integers(2, MOST + 1) if many else 1]
    tuning = rng.normal(0, 0.1)
    free = list(rng.permutation(PROGRAMMES))
    made = []
    for i in chosen:
        part = _touched(own[i], rng)
        for _ in range(TRIES):
            part = replace(part, programme=np.full(len(part), free.pop()))
            if playable(part).mean() > 0.95:
                break
        part = part.select(playable(part))
        if not len(part):
            continue
        gain = float(rng.uniform(-14, 0)) if many else 0.0
        bend = tuning + bending(part, seconds, rng)
        layer = (int(free.pop()), float(rng.uniform(0.2, 1))) if rng.random() < 0.1 else (None, 0.0)
        made.append(Casting(part, gain, bend, *layer))
    return made


def bending(notes: Notes, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Semitones every 10 ms by which a part is bent: drift and, now and then, vibrato and notes begun too low."""
    time = np.arange(round(seconds / BEND_STEP) + 1) * BEND_STEP
    bend = np.zeros(len(time))
    if rng.random() < 0.3:
        depth = rng.uniform(0.05, 0.5) * np.interp(time, np.linspace(0, seconds, 9), rng.uniform(0, 1, 9))
        speed = rng.uniform(4, 7.5) * (1 + 0.1 * np.interp(time, np.linspace(0, seconds, 9), rng.normal(0, 1, 9)))
        bend += depth * np.sin(2 * np.pi * np.cumsum(speed) * BEND_STEP)
    if rng.random() < 0.15:
        for onset in notes.onset[rng.random(len(notes)) < 0.5]:
            after = time >= onset
            bend[after] -= rng.uniform(0.2, 1.0) * np.exp(-(time[after] - onset) / rng.uniform(0.02, 0.08))
    if rng.random() < 0.3:
        bend += np.interp(time, np.linspace(0, seconds, 6), rng.normal(0, 0.15, 6))
    return np.clip(bend, -1.2, 1.2)


def _touched(notes: Notes, rng: np.random.Generator) -> Notes:
    """The same notes, played louder or softer, and less evenly."""
    spread = rng.uniform(0, 0.15)
    velocity = notes.velocity * rng.uniform(0.5, 1.2) + rng.normal(0, spread, len(notes))
    return replace(notes, velocity=np.clip(velocity, 0.1, 1))
