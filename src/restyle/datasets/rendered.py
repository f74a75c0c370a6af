"""Clips rendered from MIDI with a SoundFont, varied so that what is learnt holds for unseen instruments. Floor 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import soxr

from restyle.audio import Audio
from restyle.datasets.clip import Clip
from restyle.errors import RestyleError
from restyle.files.midi import read_midi
from restyle.notes import DRUMS, Notes
from restyle.rendering import SoundFont

RENDER_RATE = 44100


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

    def render(self, notes: Notes, name: str, duration: float, rng: np.random.Generator) -> tuple[np.ndarray, Notes]:
        """Play what lies within three semitones of a sample; return ``[T]`` and the notes that were played."""
        out = np.zeros(round(duration * RENDER_RATE), np.float32)
        played = []
        for i in range(len(notes)):
            distance = min(abs(p - notes.pitch[i]) for p, _ in self.instruments[name])
            if distance > 3:
                continue
            near = [(p, path) for p, path in self.instruments[name] if abs(p - notes.pitch[i]) <= distance + 1]
            pitch, path = near[rng.integers(len(near))]
            sample, rate = soundfile.read(path, dtype="float32", always_2d=True)
            ratio = 2 ** ((notes.pitch[i] - pitch) / 12)
            sound = soxr.resample(sample.mean(axis=1), rate * ratio, RENDER_RATE, quality="MQ")
            sound = sound[np.argmax(np.abs(sound) > 0.05 * np.abs(sound).max()) :]
            length = min(len(sound), round((notes.offset[i] - notes.onset[i] + 0.08) * RENDER_RATE))
            start = round(notes.onset[i] * RENDER_RATE)
            length = min(length, len(out) - start)
            fade = np.minimum(1, np.arange(length, 0, -1) / (0.08 * RENDER_RATE))
            out[start : start + length] += notes.velocity[i] ** 2 * fade * sound[:length] / (np.abs(sound).max() + 1e-6)
            played.append(i)
        return out, notes.select(np.array(played, dtype=int))


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
        sound = soxr.resample(_effects(sound, rng), RENDER_RATE * tuning, self.rate)
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


def _effects(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random tone, drive, room, loudness curve and noise."""
    if rng.random() < 0.5:
        spectrum = np.fft.rfft(sound)
        bands = np.log2(np.maximum(np.arange(len(spectrum)) / len(spectrum) * 700, 1))
        gain = np.interp(bands, np.arange(10), rng.normal(0, rng.uniform(1, 6), 10))
        sound = np.fft.irfft(spectrum * 10 ** (gain / 20), n=len(sound))
    if rng.random() < 0.15:
        cutoff = rng.uniform(1500, 7000)
        sound = scipy.signal.sosfilt(scipy.signal.butter(4, cutoff, fs=RENDER_RATE, output="sos"), sound)
    if rng.random() < 0.1:
        sound = np.tanh(sound / np.abs(sound).max() * rng.uniform(1, 8))
    if rng.random() < 0.35:
        time = np.arange(round(rng.uniform(0.15, 1.6) * RENDER_RATE)) / RENDER_RATE
        room = rng.normal(0, 1, len(time)) * 10 ** (-3 * time / time[-1])
        wet = scipy.signal.fftconvolve(sound, room)[: len(sound)]
        level = 10 ** (rng.uniform(-24, -4) / 20) * np.sqrt(np.mean(sound**2) / (np.mean(wet**2) + 1e-12))
        sound = sound + level * wet
    if rng.random() < 0.25:
        times = np.linspace(0, len(sound), 9)
        sound = sound * 10 ** (np.interp(np.arange(len(sound)), times, rng.uniform(-24, 0, 9)) / 20)
    if rng.random() < 0.7:
        noise = rng.normal(0, 1, len(sound))
        if rng.random() < 0.5:
            noise = scipy.signal.lfilter([1], [1, -0.95], noise) * 0.3
        sound = sound + noise * np.abs(sound).max() * 10 ** (rng.uniform(-100, -40) / 20)
    return sound.astype(np.float32)
