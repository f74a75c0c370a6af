"""Recorded single notes as instruments. Floor 3."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from restyle.audio import Audio, resample
from restyle.notes import Notes

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
    mono = Audio(sample[: round(LONGEST * own)].T, own).mono()
    sound = resample(mono, own * 2 ** (shift / 12), rate, quality="MQ")
    return sound[np.argmax(np.abs(sound) > 0.05 * np.abs(sound).max()) :] / (np.abs(sound).max() + 1e-6)
