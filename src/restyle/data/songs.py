"""Whole songs rendered from MIDI files, varied, with their notes and stems. Floor 3."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from restyle.audio import Audio
from restyle.data import effects, free
from restyle.data.parts import ABLE, Part, play, playable, recorded_for
from restyle.data.recipe import Recipe, recipe_digest
from restyle.data.recorded import SOUNDS
from restyle.errors import RestyleError
from restyle.io.midi import read_midi, write_midi
from restyle.io.sound import write
from restyle.notes import DRUMS, Notes

PEAK = 0.7
FADING = 2.0  # seconds after the last note
BIGGEST = 2 * 2**20  # bytes of a MIDI file; larger ones are no songs
CROWD = 100  # notes a second on average; more are no music and would take minutes


@dataclass(frozen=True)
class Song:
    """One song to make of a MIDI file.

    Args:
        midi: the file.
        name: its place in the folder, without the ending.
        variation: which one of the same file.
        licence: of the file, if known.
        chart: what is played, if other files play it too, as in another genre; the file itself by default.
    """

    midi: Path
    name: str
    variation: int = 0
    licence: str = ""
    chart: str = ""

    @property
    def file(self) -> str:
        """The sound's place in the set's folder."""
        return f"{self.name}.v{self.variation:02d}.flac"

    @property
    def source(self) -> str:
        """What must not be on two sides of a split."""
        return self.chart or self.name

    @property
    def label(self) -> str:
        """The first folder; "" where the file lies in none."""
        return self.name.split("/")[0] if "/" in self.name else ""


def make(song: Song, recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Render one song and write it with its notes, and its stems if asked for.

    Args:
        song: what to play; its own seed comes from the recipe's seed, its name and its variation.
        recipe: how.
        folder: of the set.

    Returns:
        The manifest's row: file, midi, label, programmes, transposition ...

    Raises:
        RestyleError: if the MIDI file is damaged or holds no notes that can be played, or a file cannot be written.
    """
    notes = _read(song.midi)
    rng = np.random.default_rng([recipe.seed, song.variation, *hashlib.sha256(os.fsencode(song.name)).digest()])
    path = recipe.soundfonts[rng.integers(len(recipe.soundfonts))]
    parts, changes = (free.parts if recipe.free else _vary)(notes, recipe, path, rng)
    if not parts:
        raise RestyleError(f"{song.midi}: {path.name} plays none of its notes; leave it out or give another SoundFont")
    duration = min(recipe.seconds, max(part.notes.duration for part in parts) + FADING)
    stems = play(parts, path, duration, recipe, rng)
    mix = np.asarray(np.sum([sound for sound, _ in stems], axis=0, dtype=np.float32))
    if recipe.free:
        drums, hits = free.more_drums(mix, parts, path, recipe, rng)
        mix += drums
        stems.append((drums, hits))
    if np.abs(mix).max() < 1e-4:
        raise RestyleError(f"{song.midi}: nothing of it can be heard; leave it out")
    wet = mix if recipe.plain else effects.apply(mix, recipe.rate, rng, floor=_floor(recipe, rng))
    if recipe.free and rng.random() < free.CODED:
        wet = effects.codec(wet, recipe.rate, rng)
    gain = PEAK / float(np.abs(wet).max())
    notes = Notes.joined([played for _, played in stems]).between(0, duration)
    target = folder / song.file
    target.parent.mkdir(parents=True, exist_ok=True)
    if recipe.stems:
        _write_stems(folder, song, stems, PEAK / float(np.abs(mix).max()), recipe.rate)
    write_midi(
        target.with_suffix(".mid"), notes, {part.programme: part.curve for part in parts if part.bend is not None}
    )
    write(target, Audio(wet * gain, recipe.rate))
    return {
        "file": song.file,
        "midi": song.name + song.midi.suffix,
        "label": song.label,
        "source": song.source,
        "variation": song.variation,
        "seconds": round(duration, 3),
        "soundfont": path.name,
        "programmes": sorted({int(p) for p in notes.programme}),
        "instruments": sorted({part.instrument for part in parts if part.instrument}),
        **changes,
        "seed": recipe.seed,
        "licence": song.licence,
        "digest": digest(song, recipe),
        "bytes": target.stat().st_size,
    }


def _floor(recipe: Recipe, rng: np.random.Generator) -> np.ndarray | None:
    """The noise floor of one of the recordings that were given for it; None for half of the songs."""
    if recipe.backgrounds is None or rng.random() < 0.5:
        return None
    paths = free.files(recipe.backgrounds, SOUNDS)
    return effects.noise_floor(free.recording(paths[rng.integers(len(paths))], recipe.rate))


def digest(song: Song, recipe: Recipe) -> str:
    """Return what tells whether a song that is there was made of the same notes in the same way."""
    return hashlib.sha256(song.midi.read_bytes() + recipe_digest(recipe).encode()).hexdigest()[:16]


def _read(path: Path) -> Notes:
    if path.stat().st_size > BIGGEST:
        raise RestyleError(f"{path} is too large for a song ({path.stat().st_size / 1e6:.0f} MB); leave it out")
    notes = read_midi(path)
    notes = notes.select(notes.onset < notes.onset.min(initial=np.inf) + 3600)
    if not len(notes):
        raise RestyleError(f"{path} holds no notes; leave it out")
    if len(notes) > 1000 + CROWD * notes.duration:
        raise RestyleError(f"{path} holds {len(notes)} notes in {notes.duration:.0f} s; leave it out")
    return notes


def _vary(notes: Notes, recipe: Recipe, font: Path, rng: np.random.Generator) -> tuple[list[Part], dict[str, Any]]:
    """Choose a stretch, tempo, key, loudness and programmes; return the parts and what was changed."""
    speed = 1.0 if recipe.plain else float(2 ** rng.uniform(-0.25, 0.25))
    shift = 0 if recipe.plain else int(rng.integers(-5, 6))
    first, last = float(notes.onset.min()), notes.duration - recipe.seconds * speed
    start = first if recipe.plain or last <= first else float(rng.uniform(first, last))
    notes = notes.between(start, start + recipe.seconds * speed)
    pitch = np.where(notes.programme == DRUMS, notes.pitch, np.clip(notes.pitch + shift, 0, 127))
    notes = Notes(notes.onset / speed, notes.offset / speed, pitch, notes.velocity, notes.programme)
    loud = 1.0 if recipe.plain else rng.uniform(0.75, 1.15)
    parts = []
    for programme in sorted(set(notes.programme.tolist())):
        own = notes.select(notes.programme == programme)
        part = Part(own) if recipe.plain else _part(own, programme, loud, recipe, font, rng)
        if not part.instrument:
            part = Part(part.notes.select(playable(part.notes, font)))
        if len(part.notes):
            parts.append(part)
    changes = {"tempo": round(speed, 4), "transposition": shift, "start": round(start, 3)}
    return parts, changes


def _part(notes: Notes, programme: int, loud: float, recipe: Recipe, font: Path, rng: np.random.Generator) -> Part:
    """Give a part its own balance and touch, and perhaps another instrument."""
    balance, spread = loud * rng.uniform(0.7, 1.1), rng.uniform(0, 0.08)
    notes = replace(notes, velocity=np.clip(notes.velocity * balance + rng.normal(0, spread, len(notes)), 0.05, 1))
    kept, chosen, sampled = rng.random() < 0.5, int(rng.integers(8)), rng.random() < 0.15
    if programme == DRUMS:
        return Part(notes)
    if sampled and recipe.samples and (able := recorded_for(notes, recipe.samples)):
        return Part(notes, able[rng.integers(len(able))])
    other = programme if kept else programme // 8 * 8 + chosen
    moved = replace(notes, programme=np.full(len(notes), other))
    return Part(moved if playable(moved, font).mean() > ABLE else notes)


def _write_stems(folder: Path, song: Song, stems: list[tuple[np.ndarray, Notes]], gain: float, rate: int) -> None:
    """NAME.vNN.stems/00-PROGRAMME.flac ..., which add up to the song before its effects."""
    place = folder / Path(song.file).with_suffix(".stems")
    place.mkdir(parents=True, exist_ok=True)
    for path in _stems(place):
        path.unlink()
    for number, (sound, notes) in enumerate(stems):
        write(place / f"{number:02d}-{_instrument(notes)}.flac", Audio(sound * gain, rate))


def _instrument(notes: Notes) -> str:
    if not len(notes):
        return "silent"
    return "drums" if notes.programme[0] == DRUMS else f"{int(notes.programme[0]):03d}"


def _stems(place: Path) -> Iterator[Path]:
    return place.glob("[0-9][0-9]-*.flac")
