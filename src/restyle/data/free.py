"""Parts of a song as no arranger would cast them, for networks that must know any instrument. Floor 3.

Any programme, recorded notes or synthetic voices play one to six of a file's parts, bent, layered and in any register.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from restyle.audio import resample
from restyle.data.parts import Part, playable, recorded_for, synthesise
from restyle.data.recipe import Recipe
from restyle.data.recorded import SOUNDS, Playing
from restyle.data.rendering import BEND_STEP
from restyle.data.synthetic import Voice
from restyle.errors import RestyleError
from restyle.io.midi import read_midi
from restyle.io.sound import read
from restyle.notes import DRUMS, Notes

PROGRAMMES = 120  # those above are effects: a gunshot has no pitch
MOST = 6  # parts
FEWEST = 3  # notes that make a part
SHORTEST = 0.03  # seconds of a note
TRIES = 8
LOWEST, HIGHEST = 21, 108  # MIDI pitches
OUT_OF_TUNE = 0.45  # semitones, at most, that a whole song is

# how often: recorded notes, synthetic voices, codecs, loops
SAMPLED, SYNTHETIC, CODED, NOISY = 0.4, 0.4, 0.1, 0.06


def parts(notes: Notes, recipe: Recipe, font: Path, rng: np.random.Generator) -> tuple[list[Part], dict[str, Any]]:
    """Choose a stretch, tempo and key, and who plays it; return the parts and what was changed."""
    notes, speed, shift = stretch(notes, recipe.seconds, rng)
    result = []
    for part in cast(notes, recipe.seconds, lambda notes: playable(notes, font), rng):
        able = recorded_for(part.notes, recipe.samples) if recipe.samples and rng.random() < SAMPLED else []
        if able:
            instrument = able[rng.integers(len(able))]
            result.append(Part(part.notes, instrument, part.gain, playing=Playing.draw(rng)))
        else:
            result.append(replace(part, voice=Voice.draw(rng)) if rng.random() < SYNTHETIC else part)
    if len(result) > 1 and rng.random() < 0.5 and np.any(notes.programme == DRUMS):
        result.append(Part(notes.select(notes.programme == DRUMS), gain=float(rng.uniform(-14, 3))))
    return result, {"tempo": round(speed, 4), "transposition": shift, "start": 0.0}


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


def cast(notes: Notes, seconds: float, playable: Callable[[Notes], np.ndarray], rng: np.random.Generator) -> list[Part]:
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
    tuning = rng.uniform(-OUT_OF_TUNE, OUT_OF_TUNE) if rng.random() < 0.12 else rng.normal(0, 0.1)
    free = list(rng.permutation(PROGRAMMES))
    result = []
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
        result.append(Part(part, "", gain, bend, *layer))
    return result


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


def more_drums(
    mix: np.ndarray, parts: list[Part], font: Path, recipe: Recipe, rng: np.random.Generator
) -> tuple[np.ndarray, Notes]:
    """Return drums of another file or a loop for some songs that have none, ``[T]``, and what is known of their hits.

    Of a loop nothing is known.
    """
    seconds, likely = len(mix) / recipe.rate, 0.4 if len(parts) > 1 else 0.12
    if any(np.any(part.notes.programme == DRUMS) for part in parts):
        return np.zeros_like(mix), Notes.of([])
    drawn, level = rng.random(), float(rng.uniform(-24, 0))
    if recipe.drums and drawn < likely:
        paths = files(recipe.drums, (".mid", ".midi"))
        notes = read_midi(paths[rng.integers(len(paths))])
        start = rng.uniform(0, max(0.01, notes.duration - seconds))
        notes = notes.between(start, start + seconds)
        notes = notes.select(notes.programme == DRUMS)
        return synthesise(notes, font, seconds, recipe.rate) * 10 ** (level / 20), notes
    if recipe.noises and drawn > 1 - NOISY:
        paths = files(recipe.noises, SOUNDS)
        loop = recording(paths[rng.integers(len(paths))], recipe.rate)
        loop = np.resize(np.roll(loop, rng.integers(len(loop))), len(mix))
        return np.asarray(loop * np.abs(mix).max() * 10 ** (level / 20), np.float32), Notes.of([])
    return np.zeros_like(mix), Notes.of([])


@lru_cache(maxsize=8)
def files(folder: Path, endings: Collection[str]) -> list[Path]:
    """Return the files of a folder and all below that end so; an error if there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    if not found:
        raise RestyleError(f"{folder} holds no files ({', '.join(endings)}); choose another folder")
    return found


@lru_cache(maxsize=64)
def recording(path: Path, rate: int) -> np.ndarray:
    """Return a recording ``[T]``, its peak at 1."""
    audio = read(path)
    mono = resample(audio.mono(), audio.rate, rate)
    return np.asarray(mono / (np.abs(mono).max() + 1e-6), np.float32)
