"""Clips of single instruments with their notes: what timbre embeddings and players of notes learn from. Floor 3.

Every clip holds phrases of one instrument, each another one: other notes, register, velocities, room and loudspeaker.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from restyle.audio import Audio, resample
from restyle.data import effects
from restyle.data.clip import Clip
from restyle.data.recorded import RENDER_RATE, NoteSamples, Playing
from restyle.data.rendering import SoundFont
from restyle.errors import RestyleError
from restyle.io.midi import read_midi, write_midi
from restyle.io.sound import write
from restyle.notes import Notes

MUSICAL = range(112)  # the programmes above are percussion and sound effects
LOW = {*range(32, 40), 42, 43, 57, 58, 67, 70}  # programmes that play low: basses, cello, trombone, bassoon ...
LOW_MIDDLE, MIDDLE = 43.0, 62.0  # usual pitches
TRIES = 60
PEAK = 0.7
IN_ROOM = 0.5  # part of the clips


class Instruments:
    """Phrases from MIDI files, played by one programme of a SoundFont or by recorded notes.

    Args:
        midi: MIDI files to take phrases from.
        soundfont: its programmes 0 to 111 are instruments, named ``gm000`` to ``gm111``.
        samples: folders of recorded single notes (see `NoteSamples`); each of their folders is one more instrument.
        rate: sampling rate of the clips in Hz; they are mono.
        seconds: of each phrase.
        phrases: in a clip, one after the other.
        varied: whether rooms, loudspeakers and noise differ from phrase to phrase (see `effects`).
        room: whether half of the clips are in a room, the same for all of the clip.
        prefix: of the names of the SoundFont's instruments, to tell those of several apart.

    Raises:
        RestyleError: if there are no MIDI files, or the SoundFont cannot be loaded.

    Example:
        >>> Instruments(["song.mid"], "font.sf2").clip("gm024", 0, seed=1)  # doctest: +SKIP
    """

    def __init__(
        self,
        midi: Sequence[str | Path],
        soundfont: str | Path,
        *,
        samples: Sequence[str | Path] = (),
        rate: int = 16000,
        seconds: float = 4.0,
        phrases: int = 2,
        varied: bool = True,
        room: bool = False,
        prefix: str = "",
    ) -> None:
        if not midi:
            raise RestyleError("there are no MIDI files to render; give a folder that holds some")
        self.rate, self.seconds, self.phrases, self.varied, self.room = rate, seconds, phrases, varied, room
        self._midi = [Path(path) for path in midi]
        self._soundfont = soundfont
        self._held = SoundFont(soundfont, rate=RENDER_RATE)  # while one is open, others open at once
        self._samples = NoteSamples(*samples) if samples else None
        self._programmes = {f"{prefix}gm{p:03d}": p for p in self._held.programmes() if p in MUSICAL}
        self._cache: dict[Path, Notes] = {}

    @property
    def names(self) -> list[str]:
        """All instruments: the SoundFont's, then those of recorded notes."""
        return [*self._programmes, *(self._samples.instruments if self._samples else ())]

    def clips(self, seed: int, names: Sequence[str] | None = None) -> Iterator[Clip]:
        """Yield clips of instruments in turn for ever; the same seed gives the same clips."""
        turn = 0
        while True:
            for name in self.names if names is None else names:
                yield self.clip(name, turn, seed=seed)
            turn += 1

    def clip(self, name: str, number: int, *, seed: int = 0) -> Clip:
        """Return one clip: the same for the same arguments.

        Args:
            name: one of ``names``.
            number: which of the instrument's clips.
            seed: of all that is random.

        Returns:
            The phrases and their notes; the label is the instrument, the source the clip itself.

        Raises:
            RestyleError: if the MIDI files hold nothing that the instrument can play.
        """
        rng = np.random.default_rng([seed, number, *hashlib.sha256(os.fsencode(name)).digest()])
        playing = Playing.draw(rng)
        sounds, tables = zip(*(self._phrase(name, playing, rng) for _ in range(self.phrases)), strict=True)
        starts = np.arange(self.phrases) * self.seconds
        moved = [replace(n, onset=n.onset + at, offset=n.offset + at) for n, at in zip(tables, starts, strict=True)]
        # effects change the level of each phrase; without them it is the instrument's own
        peaks = [np.abs(sound).max() for sound in sounds]
        gains = [PEAK / (peak if self.varied else max(peaks)) for peak in peaks]
        whole = np.concatenate([sound * gain for sound, gain in zip(sounds, gains, strict=True)])
        if self.room and rng.random() < IN_ROOM:
            whole = effects.room(whole, self.rate, rng)
            whole *= PEAK / np.abs(whole).max()
        return Clip(Audio(whole, self.rate), Notes.joined(moved), (name,), f"{name}/{number}")

    def _phrase(self, name: str, playing: Playing, rng: np.random.Generator) -> tuple[np.ndarray, Notes]:
        """One phrase, ``[T]``, and its notes."""
        for _ in range(TRIES):
            notes = self._notes(name, rng)
            sound, notes = (
                self._play(name, notes, playing, rng) if len(notes) >= 3 else (np.zeros(1, np.float32), notes)
            )
            if np.abs(sound).max() < 1e-3:
                continue
            changed = effects.apply(sound, RENDER_RATE, rng) if self.varied else sound
            resampled = resample(changed, RENDER_RATE, self.rate)
            length = round(self.seconds * self.rate)
            result = np.pad(resampled, (0, max(0, length - len(resampled))))[:length]
            return np.asarray(result, np.float32), notes.between(0, self.seconds)
        raise RestyleError(f"{name} can play nothing of the {len(self._midi)} MIDI files; give more of them")

    def _notes(self, name: str, rng: np.random.Generator) -> Notes:
        """What one programme plays in a stretch of a file, at another tempo, in the instrument's register."""
        whole = self._read(self._midi[rng.integers(len(self._midi))])
        speed = 2 ** rng.uniform(-0.5, 0.5)
        start = rng.uniform(0, max(0.01, whole.duration - self.seconds * speed))
        part = whole.between(start, start + self.seconds * speed)
        part = part.select(part.offset - part.onset > 0.03)
        if not len(part):
            return part
        part = part.select(part.programme == rng.choice(np.unique(part.programme)))
        middle = LOW_MIDDLE if self._programmes.get(name) in LOW else MIDDLE
        octaves = 12 * round((rng.normal(middle, 5) - float(np.median(part.pitch))) / 12)
        pitch = np.clip(part.pitch + octaves + rng.integers(-5, 7), 24, 103)
        velocity = np.clip(part.velocity * rng.uniform(0.5, 1.2) + rng.normal(0, 0.08, len(part)), 0.15, 1)
        return Notes(part.onset / speed, part.offset / speed, pitch, velocity, part.programme)

    def _read(self, path: Path) -> Notes:
        if path not in self._cache:
            try:
                self._cache[path] = read_midi(path).pitched()
            except RestyleError:  # one of many: the others will do
                self._cache[path] = Notes.of([])
        return self._cache[path]

    def _play(self, name: str, notes: Notes, playing: Playing, rng: np.random.Generator) -> tuple[np.ndarray, Notes]:
        if name in self._programmes:
            own = replace(notes, programme=np.full(len(notes), self._programmes[name]))
            # only a fresh synthesiser repeats itself
            font = SoundFont(self._soundfont, rate=RENDER_RATE, reverb=self.varied and bool(rng.integers(2)))
            try:
                return font.render(own, duration=self.seconds).mono(), own
            finally:
                font.close()
        if self._samples is None or name not in self._samples.instruments:
            raise RestyleError(f"there is no instrument '{name}'; choose one of {', '.join(self.names)}")
        moves = [replace(notes, pitch=notes.pitch + 12 * octave) for octave in (0, -1, 1, -2, 2)]
        nearest = max(moves, key=lambda moved: self._samples.reach(moved, name))  # type: ignore[union-attr]
        sound, played = self._samples.render(nearest, name, self.seconds, rng, playing=playing)
        return (sound if len(played) >= 3 else np.zeros(1, np.float32)), played


def held_out(names: Sequence[str], every: int = 5) -> tuple[list[str], list[str]]:
    """Part instruments into those to learn from and those to test with: every fifth, so of all families some.

    Example:
        >>> held_out(["a", "b", "c", "d", "e", "f"], every=3)
        (['a', 'b', 'd', 'e'], ['c', 'f'])
    """
    test = list(names)[every - 1 :: every]
    return [name for name in names if name not in test], test


def write_clips(
    instruments: Instruments, folder: Path, names: Sequence[str], count: int, *, seed: int = 0, first: int = 0
) -> Iterator[Path]:
    """Write ``FOLDER/INSTRUMENT/NNNN.flac`` and ``.mid``, a folder to train on; what is there already is kept.

    Args:
        instruments: what plays.
        folder: made if missing.
        names: which instruments.
        count: clips of each.
        seed: of all that is random.
        first: number of the first clip, so that several processes can share the work.

    Yields:
        Each new file's path when it is there.

    Raises:
        RestyleError: if a file cannot be written.
    """
    for number in range(first, first + count):
        for name in names:
            path = folder / name / f"{number:04d}.flac"
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            clip = instruments.clip(name, number, seed=seed)
            assert clip.notes is not None  # instruments play notes
            write_midi(path.with_suffix(".mid"), clip.notes)
            write(path, clip.audio)
            yield path
