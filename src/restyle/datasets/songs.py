"""Whole songs rendered from MIDI files, varied, with their notes and stems. Floor 3."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from restyle.audio import Audio
from restyle.datasets import effects, free
from restyle.datasets.recorded import NoteSamples
from restyle.datasets.synthetic import Voice
from restyle.errors import RestyleError
from restyle.files.midi import read_midi, write_midi
from restyle.files.sound import read, write
from restyle.notes import DRUMS, Notes
from restyle.rendering import BEND_STEP, SoundFont

VERSION = 2  # of the way songs are made: another one makes them anew
PEAK = 0.7
FADING = 2.0  # seconds after the last note
BIGGEST = 2 * 2**20  # bytes of a MIDI file; larger ones are no songs
ABLE = 0.95  # part of its notes that an instrument must be able to play
CROWD = 100  # notes a second on average; more are no music and would take minutes

# parts of what is free: recorded notes, synthetic voices, codecs, loops
SAMPLED, SYNTHETIC, CODED, NOISY = 0.15, 0.4, 0.1, 0.06

_held = threading.local()


@dataclass(frozen=True)
class Recipe:
    """How songs are made of MIDI files.

    Args:
        soundfonts: one of them plays each song.
        rate: of the sounds, Hz.
        seconds: how much of a song is made at most.
        seed: of all that is random.
        samples: a folder of recorded single notes (see `NoteSamples`) that play a part now and then.
        plain: play the files as they are: no other programmes, transposition, tempo, velocities or effects.
        stems: also keep every part on its own, without effects, at its level in the song.
        free: any programmes play one to six of the parts, bent and layered (see `free`), drums come and go, and some
            songs have been through a codec: what teaches a transcriber. Not with ``plain`` or ``stems``.
        drums: a folder of MIDI files whose drums may join songs that are free.
        noises: a folder of recordings without notes (drum loops) that may, too.

    Raises:
        RestyleError: if there is no SoundFont or a value is out of range.
    """

    soundfonts: tuple[Path, ...]
    rate: int = 22050
    seconds: float = 180.0
    seed: int = 0
    samples: Path | None = None
    plain: bool = False
    stems: bool = False
    free: bool = False
    drums: Path | None = None
    noises: Path | None = None

    def __post_init__(self) -> None:
        if self.free and (self.plain or self.stems):
            raise RestyleError("a song cannot be free and plain, or have stems; leave out one of them")
        if not self.soundfonts:
            raise RestyleError("there is no SoundFont to play with; give at least one .sf2 or .sf3 file")
        if not 8000 <= self.rate <= 48000:
            raise RestyleError(f"the rate cannot be {self.rate} Hz; give 8000 to 48000")
        if not 1 <= self.seconds <= 3600:
            raise RestyleError(f"a song cannot last {self.seconds:g} s; give 1 to 3600 seconds")
        object.__setattr__(self, "seconds", float(self.seconds))


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


@dataclass(frozen=True, eq=False)
class Part:
    """What one programme plays in a song, and with what: a programme of the SoundFont, or recorded notes.

    A part may have a level (dB), a pitch bend (semitones every 10 ms) and a second programme that doubles it; or a
    synthetic voice plays it.
    """

    notes: Notes
    instrument: str = ""
    gain: float = 0.0
    bend: np.ndarray | None = None
    layer: int | None = None
    blend: float = 0.0
    voice: Voice | None = None


def make(song: Song, recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Render one song and write it with its notes, and its stems if wanted.

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
    rng = np.random.default_rng([recipe.seed, song.variation, *hashlib.sha256(song.name.encode()).digest()])
    path = recipe.soundfonts[rng.integers(len(recipe.soundfonts))]
    bends: dict[int, np.ndarray] = {}
    if recipe.free:
        parts, changes, bends = _freely(notes, recipe, path, rng)
    else:
        parts, changes = _vary(notes, recipe, path, rng)
    if not parts:
        raise RestyleError(f"{song.midi}: {path.name} plays none of its notes; leave it out or give another SoundFont")
    duration = min(recipe.seconds, max(part.notes.duration for part in parts) + FADING)
    stems = _play(parts, path, duration, recipe, rng)
    mix = np.asarray(np.sum([sound for sound, _ in stems], axis=0, dtype=np.float32))
    if recipe.free:
        mix += _more_drums(mix, parts, path, recipe, rng)
    if np.abs(mix).max() < 1e-4:
        raise RestyleError(f"{song.midi}: nothing of it can be heard; leave it out")
    wet = mix if recipe.plain else effects.apply(mix, recipe.rate, rng)
    if recipe.free and rng.random() < CODED:
        wet = effects.codec(wet, recipe.rate, rng)
    gain = PEAK / float(np.abs(wet).max())
    heard = _joined([played for _, played in stems]).between(0, duration)
    target = folder / song.file
    target.parent.mkdir(parents=True, exist_ok=True)
    if recipe.stems:
        _write_stems(folder, song, stems, PEAK / float(np.abs(mix).max()), recipe.rate)
    write_midi(target.with_suffix(".mid"), heard, bends)
    write(target, Audio(wet * gain, recipe.rate))
    return {
        "file": song.file,
        "midi": song.name + song.midi.suffix,
        "label": song.label,
        "source": song.source,
        "variation": song.variation,
        "seconds": round(duration, 3),
        "soundfont": path.name,
        "programmes": sorted({int(p) for p in heard.programme}),
        "instruments": sorted({part.instrument for part in parts if part.instrument}),
        **changes,
        "seed": recipe.seed,
        "licence": song.licence,
        "digest": digest(song, recipe),
        "bytes": target.stat().st_size,
    }


def digest(song: Song, recipe: Recipe) -> str:
    """Return what tells whether a song that is there was made of the same notes in the same way."""
    return hashlib.sha256(song.midi.read_bytes() + _digest(recipe).encode()).hexdigest()[:16]


@lru_cache(maxsize=8)
def _digest(recipe: Recipe) -> str:
    """The same for recipes that make the same songs: where the SoundFonts and recorded notes lie does not count."""
    told = asdict(recipe) | {
        "version": VERSION,
        "soundfonts": [(path.name, path.stat().st_size) for path in recipe.soundfonts],
        "samples": sorted(path.name for path in recipe.samples.glob("*/*")) if recipe.samples else None,
    }
    for folder in ("drums", "noises"):
        files = getattr(recipe, folder)
        told[folder] = sorted(path.name for path in files.rglob("*.*")) if files else None
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


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
        heard = part if part.instrument else Part(part.notes.select(_playable(part.notes, font)))
        if len(heard.notes):
            parts.append(heard)
    changes = {"tempo": round(speed, 4), "transposition": shift, "start": round(start, 3)}
    return parts, changes


def _freely(
    notes: Notes, recipe: Recipe, font: Path, rng: np.random.Generator
) -> tuple[list[Part], dict[str, Any], dict[int, np.ndarray]]:
    """Parts as `free` casts them, some with recorded notes; what was changed; and the bends as a MIDI file has them."""
    notes, speed, shift = free.stretch(notes, recipe.seconds, rng)
    parts, bends = [], {}
    for own in free.cast(notes, recipe.seconds, lambda part: _playable(part, font), rng):
        sampled = recipe.samples and rng.random() < SAMPLED
        names = list(_samples(recipe.samples).instruments) if sampled else []
        able = [name for name in names if _samples(recipe.samples).reach(own.notes, name) > ABLE]
        if able:
            parts.append(Part(own.notes, able[rng.integers(len(able))], own.gain))
            continue
        voice = Voice.draw(rng) if rng.random() < SYNTHETIC else None
        parts.append(Part(own.notes, "", own.gain, own.bend, own.layer, own.blend, voice))
        bends[int(own.notes.programme[0])] = np.stack([np.arange(len(own.bend)) * BEND_STEP, own.bend])
    if len(parts) > 1 and rng.random() < 0.5 and np.any(notes.programme == DRUMS):
        parts.append(Part(notes.select(notes.programme == DRUMS), "", float(rng.uniform(-14, 3))))
    return parts, {"tempo": round(speed, 4), "transposition": shift, "start": 0.0}, bends


def _more_drums(mix: np.ndarray, parts: list[Part], font: Path, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Drums of another file, or a loop, for some songs that have none: silence else, ``[T]``."""
    seconds, likely = len(mix) / recipe.rate, 0.4 if len(parts) > 1 else 0.12
    if any(np.any(part.notes.programme == DRUMS) for part in parts):
        return np.zeros_like(mix)
    drawn, level = rng.random(), float(rng.uniform(-24, 0))
    if recipe.drums and drawn < likely:
        paths = _files(recipe.drums, (".mid", ".midi"))
        notes = read_midi(paths[rng.integers(len(paths))])
        start = rng.uniform(0, max(0.01, notes.duration - seconds))
        notes = notes.between(start, start + seconds)
        return _synthesise(notes.select(notes.programme == DRUMS), font, seconds, recipe.rate) * 10 ** (level / 20)
    if recipe.noises and drawn > 1 - NOISY:
        paths = _files(recipe.noises, (".wav", ".flac"))
        loop = _loop(paths[rng.integers(len(paths))], recipe.rate)
        loop = np.resize(np.roll(loop, rng.integers(len(loop))), len(mix))
        return np.asarray(loop * np.abs(mix).max() * 10 ** (level / 20), np.float32)
    return np.zeros_like(mix)


@lru_cache(maxsize=8)
def _files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    if not found:
        raise RestyleError(f"{folder} holds no files ({', '.join(endings)}); choose another folder")
    return found


@lru_cache(maxsize=64)
def _loop(path: Path, rate: int) -> np.ndarray:
    """A recording ``[T]`` whose peak is 1."""
    import soxr

    audio = read(path)
    mono = soxr.resample(audio.mono(), audio.rate, rate)
    return np.asarray(mono / (np.abs(mono).max() + 1e-6), np.float32)


def _part(notes: Notes, programme: int, loud: float, recipe: Recipe, font: Path, rng: np.random.Generator) -> Part:
    """Give a part its own balance and touch, and perhaps another instrument."""
    balance, spread = loud * rng.uniform(0.7, 1.1), rng.uniform(0, 0.08)
    notes = replace(notes, velocity=np.clip(notes.velocity * balance + rng.normal(0, spread, len(notes)), 0.05, 1))
    kept, chosen, sampled = rng.random() < 0.5, int(rng.integers(8)), rng.random() < 0.15
    if programme == DRUMS:
        return Part(notes)
    if sampled and recipe.samples:
        samples = _samples(recipe.samples)
        able = [name for name in samples.instruments if samples.reach(notes, name) > ABLE]
        if able:
            return Part(notes, able[rng.integers(len(able))])
    other = programme if kept else programme // 8 * 8 + chosen
    moved = replace(notes, programme=np.full(len(notes), other))
    return Part(moved if _playable(moved, font).mean() > ABLE else notes)


def _playable(notes: Notes, font: Path) -> np.ndarray:
    """Which notes of one programme the SoundFont plays at all: a double bass has no high ones."""
    known = _held.__dict__.setdefault("keys", {})
    programme = int(notes.programme[0])
    if (font, programme) not in known:
        known[font, programme] = sorted(_hold(font).keys(programme))
    return np.isin(np.round(notes.pitch), known[font, programme])


def _play(
    parts: list[Part], font: Path, duration: float, recipe: Recipe, rng: np.random.Generator
) -> list[tuple[np.ndarray, Notes]]:
    """Sound ``[T]`` and the notes heard in it: part by part for stems, else all that the SoundFont plays at once."""
    made = []
    synthetic = [part for part in parts if not part.instrument]
    if recipe.free:
        made = [_solo(part, font, duration, recipe.rate, rng) for part in synthetic]
    elif recipe.stems:
        made = [(_synthesise(part.notes, font, duration, recipe.rate), part.notes) for part in synthetic]
    elif synthetic:
        notes = _joined([part.notes for part in synthetic])
        made = [(_synthesise(notes, font, duration, recipe.rate), notes)]
    for part in parts:
        if part.instrument:
            samples = _samples(recipe.samples)
            sound, played = samples.render(part.notes, part.instrument, duration, rng, rate=recipe.rate)
            made.append((sound * 0.25 * 10 ** (part.gain / 20), played))
    return made


def _solo(part: Part, font: Path, duration: float, rate: int, rng: np.random.Generator) -> tuple[np.ndarray, Notes]:
    """One part at its level, bent and doubled; the softer it is, the softer are its notes said to be."""
    notes, bend = part.notes, part.bend
    programme, factor = int(notes.programme[0]), 10 ** (part.gain / 20)
    if part.voice:
        sound = part.voice.render(notes, duration, rate, bend, rng)
    else:
        sound = _synthesise(notes, font, duration, rate, {} if bend is None else {programme: bend})
    if part.layer is not None and bend is not None and not part.voice:
        other = replace(notes, programme=np.full(len(notes), part.layer))
        sound = sound + part.blend * _synthesise(other, font, duration, rate, {part.layer: bend})
    velocity = np.clip(notes.velocity * np.sqrt(factor), 1 / 127, 1)
    return np.asarray(sound * factor, np.float32), replace(notes, velocity=velocity)


def _synthesise(
    notes: Notes, path: Path, duration: float, rate: int, bends: dict[int, np.ndarray] | None = None
) -> np.ndarray:
    """Mono ``[T]``, made at the lowest rate at which what the recordings in the SoundFont hold folds down unheard."""
    import soxr

    _hold(path)
    # samples hold up to 22.05 kHz; what folds stays above half of `rate`, where resampling takes it away
    font = SoundFont(path, rate=max(rate, min(44100, rate // 2 + 22050)))
    try:
        sound = font.render(notes, duration=duration, bends=bends).mono()
    finally:
        font.close()
    length = round(duration * rate)
    sound = soxr.resample(sound, font.rate, rate) if font.rate != rate else sound
    return np.pad(sound, (0, max(0, length - len(sound))))[:length]


def _hold(path: Path) -> SoundFont:
    """Keep a SoundFont open in this thread: a fresh synthesiser, which alone repeats itself, then opens at once."""
    fonts = _held.__dict__.setdefault("fonts", {})
    if path not in fonts:
        fonts[path] = SoundFont(path)
    return fonts[path]


def _samples(folder: Path | None) -> NoteSamples:
    assert folder
    known = _held.__dict__.setdefault("samples", {})
    if folder not in known:
        known[folder] = NoteSamples(folder)
    return known[folder]


def _joined(tables: list[Notes]) -> Notes:
    columns = ("onset", "offset", "pitch", "velocity", "programme")
    return Notes(*(np.concatenate([getattr(table, column) for table in tables]) for column in columns))


def _write_stems(folder: Path, song: Song, stems: list[tuple[np.ndarray, Notes]], gain: float, rate: int) -> None:
    """NAME.vNN.stems/00-PROGRAMME.flac ..., which add up to the song before its effects."""
    place = folder / Path(song.file).with_suffix(".stems")
    place.mkdir(parents=True, exist_ok=True)
    for path in _stems(place):
        path.unlink()
    for number, (sound, notes) in enumerate(stems):
        write(place / f"{number:02d}-{_told(notes)}.flac", Audio(sound * gain, rate))


def _told(notes: Notes) -> str:
    if not len(notes):
        return "silent"
    return "drums" if notes.programme[0] == DRUMS else f"{int(notes.programme[0]):03d}"


def _stems(place: Path) -> Iterator[Path]:
    return place.glob("[0-9][0-9]-*.flac")
