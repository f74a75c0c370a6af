"""Parts of a song, and playing them by SoundFonts, recorded notes or synthetic voices. Floor 3."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from restyle.audio import resample
from restyle.data.recipe import Recipe
from restyle.data.recorded import SOLO, NoteSamples, Playing
from restyle.data.rendering import BEND_STEP, SoundFont
from restyle.data.synthetic import Voice
from restyle.notes import Notes

ABLE = 0.95  # part of its notes that an instrument must be able to play
RECORDED = 0.25  # level of recorded notes beside a SoundFont's

_held = threading.local()


@dataclass(frozen=True, eq=False)
class Part:
    """What one programme plays in a song, and with what: a programme of the SoundFont, or recorded notes.

    A part may have a level (dB), a pitch bend (semitones every 10 ms) and a second programme that doubles it; or a
    synthetic voice plays it. ``playing`` is how recorded notes are played.
    """

    notes: Notes
    instrument: str = ""
    gain: float = 0.0
    bend: np.ndarray | None = None
    layer: int | None = None
    blend: float = 0.0
    voice: Voice | None = None
    playing: Playing = SOLO

    @property
    def programme(self) -> int:
        """Of all its notes."""
        return int(self.notes.programme[0])

    @property
    def curve(self) -> np.ndarray:
        """The bend with its times: seconds and semitones, ``[2, n]``."""
        assert self.bend is not None
        return np.stack([np.arange(len(self.bend)) * BEND_STEP, self.bend])


def play(
    parts: list[Part], font: Path, duration: float, recipe: Recipe, rng: np.random.Generator
) -> list[tuple[np.ndarray, Notes]]:
    """Return sounds ``[T]`` and the notes heard in each: part by part for stems, else what the font plays at once."""
    result = []
    others = [part for part in parts if not part.instrument]
    if recipe.free:
        result = [_solo(part, font, duration, recipe.rate, rng) for part in others]
    elif recipe.stems:
        result = [(synthesise(part.notes, font, duration, recipe.rate), part.notes) for part in others]
    elif others:
        notes = Notes.joined([part.notes for part in others])
        result = [(synthesise(notes, font, duration, recipe.rate), notes)]
    for part in parts:
        if part.instrument:
            assert recipe.samples  # its name is from them
            asked = (part.notes, part.instrument, duration, rng)
            sound, played = _samples(recipe.samples).render(*asked, rate=recipe.rate, playing=part.playing)
            result.append(_levelled(sound * RECORDED, played, part.gain))
    return result


def _solo(part: Part, font: Path, duration: float, rate: int, rng: np.random.Generator) -> tuple[np.ndarray, Notes]:
    """One part at its level, bent and doubled."""
    notes, bend = part.notes, part.bend
    if part.voice:
        sound = part.voice.render(notes, duration, rate, bend, rng)
    else:
        sound = synthesise(notes, font, duration, rate, {} if bend is None else {part.programme: bend})
    if part.layer is not None and bend is not None and not part.voice:
        other = replace(notes, programme=np.full(len(notes), part.layer))
        sound = sound + part.blend * synthesise(other, font, duration, rate, {part.layer: bend})
    return _levelled(sound, notes, part.gain)


def _levelled(sound: np.ndarray, notes: Notes, gain: float) -> tuple[np.ndarray, Notes]:
    """The softer a part is, the softer are its notes said to be."""
    factor = 10 ** (gain / 20)
    velocity = np.clip(notes.velocity * np.sqrt(factor), 1 / 127, 1)
    return np.asarray(sound * factor, np.float32), replace(notes, velocity=velocity)


def synthesise(
    notes: Notes, path: Path, duration: float, rate: int, bends: dict[int, np.ndarray] | None = None
) -> np.ndarray:
    """Return mono ``[T]``, made at the lowest rate at which what a SoundFont's recordings hold folds down unheard."""
    _hold(path)
    # samples hold up to 22.05 kHz; what folds stays above half of `rate`, where resampling takes it away
    font = SoundFont(path, rate=max(rate, min(44100, rate // 2 + 22050)))
    try:
        sound = font.render(notes, duration=duration, bends=bends).mono()
    finally:
        font.close()
    length = round(duration * rate)
    sound = resample(sound, font.rate, rate)
    return np.pad(sound, (0, max(0, length - len(sound))))[:length]


def _hold(path: Path) -> SoundFont:
    """Keep a SoundFont open in this thread: a fresh synthesiser, which alone repeats itself, then opens at once."""
    fonts = _held.__dict__.setdefault("fonts", {})
    if path not in fonts:
        fonts[path] = SoundFont(path)
    return fonts[path]


def recorded_for(notes: Notes, folders: tuple[Path, ...]) -> list[str]:
    """Return which recorded instruments of some folders play nearly all of the notes."""
    samples = _samples(folders)
    return [name for name in samples.instruments if samples.reach(notes, name) > ABLE]


def _samples(folders: tuple[Path, ...]) -> NoteSamples:
    known = _held.__dict__.setdefault("samples", {})
    if folders not in known:
        known[folders] = NoteSamples(*folders)
    found: NoteSamples = known[folders]
    return found


def playable(notes: Notes, font: Path) -> np.ndarray:
    """Return which notes of one programme the SoundFont plays at all (a double bass has no high ones)."""
    known = _held.__dict__.setdefault("keys", {})
    programme = int(notes.programme[0])
    if (font, programme) not in known:
        known[font, programme] = sorted(_hold(font).keys(programme))
    return np.isin(np.round(notes.pitch), known[font, programme])
