"""Clips rendered from MIDI with a SoundFont, varied so that what is learnt holds for unseen instruments. Floor 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from restyle.audio import Audio
from restyle.datasets import effects
from restyle.datasets.clip import Clip
from restyle.errors import RestyleError
from restyle.files.midi import read_midi
from restyle.notes import DRUMS, Notes
from restyle.rendering import SoundFont

RENDER_RATE = 44100
REACH = 3  # semitones that a recorded note may be moved
LONGEST = 10.0  # seconds of a recorded note that are used


class NoteSamples:
    """Recorded single notes as instruments: a folder a instrument, files named ``<any>_<MIDI pitch>_<any>``.

    Args:
        folder: its sub-folders are the instruments.
    """

    def __init__(self, folder: str | Path) -> None:
        self.instruments: dict[str, list[tuple[int, Path]]] = {}
        for path in sorted(Path(folder).glob("*/*")):
            numbers = [int(part) for part in path.stem.split("_") if part.isdigit() and 21 <= int(part) <= 108]
            if path.suffix in {".flac", ".wav"} and numbers:
                self.instruments.setdefault(path.parent.name, []).append((numbers[0], path))

    def render(
        self, notes: Notes, name: str, duration: float, rng: np.random.Generator, *, rate: int = RENDER_RATE
    ) -> tuple[np.ndarray, Notes]:
        """Play what lies within three semitones of a sample; return ``[T]`` at ``rate`` and the notes that were played.

        Args:
            notes: what to play.
            name: of the instrument, one of ``instruments``.
            duration: seconds to make.
            rng: chooses among samples that are about as near.
            rate: Hz.
        """
        out = np.zeros(round(duration * rate), np.float32)
        played = []
        for i in range(len(notes)):
            start = round(notes.onset[i] * rate)
            distance = min(abs(p - notes.pitch[i]) for p, _ in self.instruments[name])
            if distance > REACH or start >= len(out):
                continue
            near = [(p, path) for p, path in self.instruments[name] if abs(p - notes.pitch[i]) <= distance + 1]
            pitch, path = near[rng.integers(len(near))]
            sound = _sample(path, float(notes.pitch[i] - pitch), rate)
            length = min(len(sound), round((notes.offset[i] - notes.onset[i] + 0.08) * rate), len(out) - start)
            fade = np.minimum(1, np.arange(length, 0, -1) / (0.08 * rate))
            out[start : start + length] += notes.velocity[i] ** 2 * fade * sound[:length]
            played.append(i)
        return out, notes.select(np.array(played, dtype=int))

    def reach(self, notes: Notes, name: str) -> float:
        """Return the part of the notes, 0..1, that an instrument's samples can play."""
        pitches = np.array([pitch for pitch, _ in self.instruments[name]])
        near = np.abs(notes.pitch[:, None] - pitches).min(axis=1) <= REACH
        return float(near.mean()) if len(near) else 0.0


@lru_cache(maxsize=128)
def _sample(path: Path, shift: float, rate: int) -> np.ndarray:
    """A recorded note from its attack on, moved by some semitones, its peak at 1; a note need not last longer."""
    sample, own = soundfile.read(path, dtype="float32", always_2d=True)
    mono = sample[: round(LONGEST * own)].mean(axis=1)
    sound = soxr.resample(mono, own * 2 ** (shift / 12), rate, quality="MQ")
    return sound[np.argmax(np.abs(sound) > 0.05 * np.abs(sound).max()) :] / (np.abs(sound).max() + 1e-6)


class Rendered:
    """An endless, seeded stream of varied clips.

    Args:
        midi: MIDI files to take phrases from.
        soundfont: the SoundFont to play them with.
        drums: MIDI files whose drum tracks may be added.
        samples: recorded single notes that may play a part instead.
        noises: recordings without labelled notes (drum loops) that may be added.
        rate: sampling rate of the clips in Hz; they are mono.
        duration: seconds of each clip.

    Example:
        >>> Rendered(["song.mid"], "font.sf2").clips(seed=1)  # doctest: +SKIP
    """

    def __init__(
        self,
        midi: Sequence[str | Path],
        soundfont: str | Path,
        *,
        drums: Sequence[str | Path] = (),
        samples: str | Path | None = None,
        noises: Sequence[str | Path] = (),
        rate: int = 16000,
        duration: float = 8.0,
    ) -> None:
        if not midi:
            raise RestyleError("there are no MIDI files to render; give a folder that holds some")
        self.rate, self.duration = rate, duration
        self._fonts = [SoundFont(soundfont, rate=RENDER_RATE, reverb=reverb) for reverb in (False, True)]
        self._midi, self._drums, self._noises = _by_folder(midi), list(drums), list(noises)
        self._samples = NoteSamples(samples) if samples else None
        self._cache: dict[str, Notes] = {}

    def clips(self, seed: int) -> Iterator[Clip]:
        """Yield clips for ever; the same seed gives the same clips."""
        rng = np.random.default_rng(seed)
        while True:
            clip = self._clip(rng)
            if clip is not None:
                yield clip

    def _clip(self, rng: np.random.Generator) -> Clip | None:
        folder = list(self._midi)[rng.integers(len(self._midi))]
        path = self._midi[folder][rng.integers(len(self._midi[folder]))]
        parts, drums = self._phrase(self._notes(path), rng)
        if not parts:
            return None
        many = len(parts) > 1 and rng.random() < 0.6
        order = rng.permutation(len(parts))[: rng.integers(2, 6) if many else 1]
        tuning = 2 ** (rng.normal(0, 10) / 1200)
        sound, heard = np.zeros(round(self.duration * RENDER_RATE), np.float32), []
        for j in order:
            made, notes = self._play(parts[j], rng)
            gain = rng.uniform(-14, 0) if many else 0.0
            sound += made * 10 ** (gain / 20)
            heard.append(replace(notes, velocity=np.clip(notes.velocity * 10 ** (gain / 40), 0, 1)))
        if rng.random() < (0.5 if many else 0.12):
            sound += self._drum_part(drums, rng) * 10 ** (rng.uniform(-14, 3) / 20)
        if self._noises and rng.random() < 0.06:
            sound += self._noise_part(rng) * np.abs(sound).max() * 10 ** (rng.uniform(-24, 0) / 20)
        if np.abs(sound).max() < 1e-4:
            return None
        sound = soxr.resample(effects.apply(sound, RENDER_RATE, rng), RENDER_RATE * tuning, self.rate)
        length = round(self.duration * self.rate)
        sound = np.pad(sound, (0, max(0, length - len(sound))))[:length]
        tables = ((n.onset / tuning, n.offset / tuning, n.pitch, n.velocity, n.programme) for n in heard)
        columns = zip(*tables, strict=True)
        notes = Notes(*(np.concatenate(list(c)) for c in columns)).between(0, self.duration)
        return Clip(Audio(sound / np.abs(sound).max() * 0.7, self.rate), notes, (folder,), str(path))

    def _notes(self, path: str | Path) -> Notes:
        key = str(path)
        if key not in self._cache:
            try:
                self._cache[key] = read_midi(path)
            except RestyleError:
                self._cache[key] = Notes.of([])
        return self._cache[key]

    def _phrase(self, notes: Notes, rng: np.random.Generator) -> tuple[list[Notes], Notes]:
        """A stretch of the file at a random tempo, split by programme, transposed; and its drums."""
        speed = 2 ** rng.uniform(-0.5, 0.5)
        start = rng.uniform(0, max(0.01, notes.duration - self.duration * speed))
        part = notes.between(start, start + self.duration * speed)
        part = Notes(part.onset / speed, part.offset / speed, part.pitch, part.velocity, part.programme)
        part = part.select(part.offset - part.onset > 0.03)
        shift = rng.integers(-7, 8) + (12 * rng.integers(-2, 3) if rng.random() < 0.2 else 0)
        moved = replace(part, pitch=part.pitch + shift)
        programmes = sorted(set(part.pitched().programme.tolist()))
        parts = [moved.select((part.programme == p) & (moved.pitch >= 21) & (moved.pitch <= 108)) for p in programmes]
        return [p for p in parts if len(p) >= 3], part.select(part.programme == DRUMS)

    def _play(self, notes: Notes, rng: np.random.Generator) -> tuple[np.ndarray, Notes]:
        spread = rng.uniform(0, 0.15)
        velocity = np.clip(notes.velocity * rng.uniform(0.5, 1.2) + rng.normal(0, spread, len(notes)), 0.1, 1)
        notes = replace(notes, velocity=velocity)
        if self._samples and rng.random() < 0.12:
            names = list(self._samples.instruments)
            return self._samples.render(notes, names[rng.integers(len(names))], self.duration, rng)
        font = self._fonts[rng.integers(2)]
        out = np.zeros(round(self.duration * RENDER_RATE), np.float32)
        for layer in range(2 if rng.random() < 0.1 else 1):
            own = replace(notes, programme=np.full(len(notes), rng.integers(0, 112)))
            out += font.render(own, duration=self.duration).mono() * (1.0 if layer == 0 else rng.uniform(0.2, 1))
        return out, notes

    def _drum_part(self, drums: Notes, rng: np.random.Generator) -> np.ndarray:
        if not len(drums) and self._drums:
            notes = self._notes(self._drums[rng.integers(len(self._drums))])
            start = rng.uniform(0, max(0.01, notes.duration - self.duration))
            drums = notes.between(start, start + self.duration)
            drums = drums.select(drums.programme == DRUMS)
        return self._fonts[rng.integers(2)].render(drums, duration=self.duration).mono()

    def _noise_part(self, rng: np.random.Generator) -> np.ndarray:
        sound, rate = soundfile.read(self._noises[rng.integers(len(self._noises))], dtype="float32", always_2d=True)
        mono = soxr.resample(sound.mean(axis=1), rate, RENDER_RATE)
        mono = np.resize(np.roll(mono, rng.integers(len(mono))), round(self.duration * RENDER_RATE))
        return mono / (np.abs(mono).max() + 1e-6)


def _by_folder(paths: Sequence[str | Path]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in map(Path, paths):
        groups.setdefault(path.parent.name, []).append(path)
    return groups
