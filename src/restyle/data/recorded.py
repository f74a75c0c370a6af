"""Recorded single notes as instruments: their pitch read from name and sound. Floor 3."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.ndimage
import soundfile

from restyle.audio import Audio, resample
from restyle.data.effects import wavering
from restyle.dsp.pitch import hz_to_midi
from restyle.errors import RestyleError, warn
from restyle.notes import Notes

RENDER_RATE = 44100  # Hz
SOUNDS = frozenset((".flac", ".wav", ".ogg", ".mp3", ".aif", ".aiff"))
REACH = 3  # semitones that a recorded note may be moved
LONGEST = 10.0  # seconds of a recorded note that are used
RELEASE = 0.08  # seconds in which a note fades after its end
BEFORE = 0.004  # seconds kept before a recording's attack, faded in
ANALYSED, ANALYSIS_RATE = 0.4, 16000  # seconds from the loudest moment on, and Hz, in which the pitch is measured
AGREEMENT = 2.0  # semitones that name and sound may differ by: recordings at a wrong rate are 1.5 off
LEAST_AGREEING = 0.6  # part of a folder's names that must tell the pitch
TIED, ATTACK, OVERLAP = 0.06, 0.08, 0.05  # seconds: notes so near are tied; what is skipped of the second, and its rise
WIDEST = 7  # semitones that a note glides at most
LATE, OUT_OF_TUNE = 0.015, 0.12  # seconds and semitones by which the players of an ensemble differ
LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "h": 11, "b": 11}
NOTE_NAME = re.compile(r"^([A-Ha-h])(#|is|s|es|b)?(-?\d)(?!\d)")
NUMBER = re.compile(r"^\d{2,3}$")


@dataclass(frozen=True)
class Sample:
    """A recorded note: its file, its pitch as measured (MIDI number), and how loud it is for its instrument, 0..1."""

    path: Path
    pitch: float
    loudness: float


@dataclass(frozen=True)
class Playing:
    """How recorded notes are played.

    Args:
        players: who play together, each a little late and out of tune.
        release: seconds in which a note fades after its end.
        legato: whether a note that begins where another ends has no attack of its own, and the two overlap.
        glide: seconds in which such a note slides from the pitch of the one before; not with ``legato`` false.
        cents: by which the tuning drifts at most.
    """

    players: int = 1
    release: float = RELEASE
    legato: bool = False
    glide: float = 0.0
    cents: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Playing:
        """Return any way to play: most are soloists, some are tied, a few of these glide."""
        players = int(rng.integers(2, 6)) if rng.random() < 0.2 else 1
        release = float(np.exp(rng.uniform(np.log(0.03), np.log(0.5))))
        cents = float(rng.uniform(2, 15)) if rng.random() < 0.4 else 0.0
        glide = float(rng.uniform(0.04, 0.15)) if rng.random() < 0.3 else 0.0
        return cls(players, release, bool(rng.random() < 0.3), glide, cents)


SOLO = Playing()


class NoteSamples:
    """Recorded single notes as instruments: a folder an instrument, the pitch in every file's name.

    A pitch is a MIDI number of its own (``horn_60_ff``, ``note-60``) or a note's name (``A#4``, ``Cis3``). The sound
    tells it exactly, the name only its octave, which may be counted otherwise in a whole folder. Files whose name and
    sound disagree are left out, and so are folders most of whose names tell no pitch.

    Args:
        folders: their sub-folders are the instruments; those of the same name are one.

    Raises:
        RestyleError: if no folder holds such notes.
    """

    def __init__(self, *folders: str | Path) -> None:
        self.instruments: dict[str, list[Sample]] = {}
        for place in (place for folder in folders for place in sorted(Path(folder).glob("*/"))):
            if found := _instrument(place):
                self.instruments.setdefault(place.name, []).extend(found)
        if not self.instruments:
            names = ", ".join(map(str, folders))
            raise RestyleError(f"{names} holds no recorded notes; give folders of files named like horn/horn_60_ff.wav")

    def render(
        self,
        notes: Notes,
        name: str,
        duration: float,
        rng: np.random.Generator,
        *,
        rate: int = RENDER_RATE,
        playing: Playing = SOLO,
    ) -> tuple[np.ndarray, Notes]:
        """Play what lies within three semitones of a recording.

        Args:
            notes: what to play.
            name: of the instrument, one of ``instruments``.
            duration: seconds to make.
            rng: chooses among recordings that are about as near and as loud, and how players differ.
            rate: Hz.
            playing: by how many, and how.

        Returns:
            ``[T]`` at ``rate`` and the notes that sound in it, the first player's, as long as their recordings last.
        """
        sound, played = self._solo(notes, name, duration, rng, rate, playing)
        for _ in range(1, playing.players):
            late = np.abs(rng.normal(0, LATE, len(notes)))
            pitch = notes.pitch + rng.normal(0, OUT_OF_TUNE / 2) + rng.normal(0, OUT_OF_TUNE / 2, len(notes))
            own = replace(notes, onset=notes.onset + late, offset=notes.offset + late, pitch=pitch)
            sound += self._solo(own, name, duration, rng, rate, playing)[0]
        sound /= np.sqrt(playing.players)
        return (wavering(sound, rate, rng, cents=playing.cents) if playing.cents else sound), played

    def _solo(
        self, notes: Notes, name: str, duration: float, rng: np.random.Generator, rate: int, playing: Playing
    ) -> tuple[np.ndarray, Notes]:
        """What one player plays, and the notes that sound."""
        out = np.zeros(round(duration * rate), np.float32)
        played, ends = [], []
        for i in range(len(notes)):
            start = round(notes.onset[i] * rate)
            sample = self._nearest(name, float(notes.pitch[i]), float(notes.velocity[i]), rng)
            if sample is None or start >= len(out):
                continue
            sound = _sample(sample.path, float(notes.pitch[i] - sample.pitch), rate)
            before = np.flatnonzero(np.abs(notes.offset - notes.onset[i]) < TIED)
            if playing.legato and len(before):
                step = float(notes.pitch[before[-1]] - notes.pitch[i])
                sound = _tied(sound, rate, step if abs(step) <= WIDEST else 0.0, playing.glide)
            lasting = notes.offset[i] - notes.onset[i] + playing.release
            length = min(len(sound), round(lasting * rate), len(out) - start)
            fade = np.minimum(1, np.arange(length, 0, -1) / (playing.release * rate))
            out[start : start + length] += notes.velocity[i] ** 2 * fade * sound[:length]
            played.append(i)
            ends.append(min(float(notes.offset[i]), float(notes.onset[i]) + len(sound) / rate))
        return out, replace(notes.select(np.array(played, dtype=int)), offset=np.array(ends))

    def reach(self, notes: Notes, name: str) -> float:
        """Return the part of the notes, 0..1, that an instrument's recordings can play."""
        pitches = np.array([sample.pitch for sample in self.instruments[name]])
        near = np.abs(notes.pitch[:, None] - pitches).min(axis=1) <= REACH
        return float(near.mean()) if len(near) else 0.0

    def _nearest(self, name: str, pitch: float, velocity: float, rng: np.random.Generator) -> Sample | None:
        samples = self.instruments[name]
        distance = min(abs(sample.pitch - pitch) for sample in samples)
        if distance > REACH:
            return None
        near = [sample for sample in samples if abs(sample.pitch - pitch) <= distance + 1]
        unlike = [abs(sample.loudness - velocity) + rng.uniform(0, 0.3) for sample in near]
        return near[int(np.argmin(unlike))]


def _tied(sound: np.ndarray, rate: int, step: float, glide: float) -> np.ndarray:
    """A recorded note without its attack, faded in over the end of the one before, whose pitch is ``step`` away."""
    skipped, rise = round(ATTACK * rate), round(OVERLAP * rate)
    if len(sound) < 4 * skipped:
        return sound
    tied = sound[skipped:].copy()
    if glide and step:
        speed = 2 ** (step / 12 * np.maximum(0, 1 - np.arange(len(tied)) / (glide * rate)))
        tied = np.interp(np.cumsum(speed) - speed[0], np.arange(len(tied)), tied, right=0).astype(np.float32)
    tied[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32))
    return tied


def named_pitches(name: str) -> list[int]:
    """Return the pitches that a file's name may tell, as MIDI numbers where middle C is C4.

    Example:
        >>> named_pitches("BCl_ff-82-Ais5"), named_pitches("piano_c4")
        ([82], [60])
    """
    found = []
    for token in re.split(r"[_\-. ]+", name):
        if NUMBER.match(token) and 21 <= int(token) <= 108:
            found.append(int(token))
        elif match := NOTE_NAME.match(token):
            letter, sign, octave = match.groups()
            step = {None: 0, "#": 1, "is": 1, "s": 1, "es": -1, "b": -1}[sign]
            found.append(12 * (int(octave) + 1) + LETTERS[letter.lower()] + step)
    return list(dict.fromkeys(found))


def measured_pitch(samples: np.ndarray, rate: int) -> float | None:
    """Return the pitch of a single note ``[T]`` as a MIDI number with fractions; None where it has none.

    Source: McLeod and Wyvill, "A smarter way to find pitch", ICMC 2005.
    """
    size = round(ANALYSED * rate)
    power = scipy.ndimage.uniform_filter1d(np.square(samples), size // 8)
    start = min(int(power.argmax()) if len(power) else 0, max(0, len(samples) - size))
    piece = samples[start : start + size].astype(np.float64)
    if len(piece) < size // 4 or not piece.any():
        return None
    piece -= piece.mean()
    spectrum = scipy.fft.rfft(piece, 2 * len(piece))
    similar = scipy.fft.irfft(np.abs(spectrum) ** 2)[: len(piece)]
    squares = np.cumsum(piece**2)
    lags = np.arange(len(piece))
    energy = squares[len(piece) - 1 - lags] + squares[-1] - np.concatenate([[0], squares[:-1]])
    likeness = 2 * similar / np.maximum(energy, 1e-12)
    first, last = rate // 4500, min(len(piece) // 2, rate // 24)
    fallen = np.flatnonzero(likeness[:last] < 0)
    first = max(first, int(fallen[0]) if len(fallen) else last)
    peaks = np.arange(first + 1, last - 1)
    peaks = peaks[(likeness[peaks] > likeness[peaks - 1]) & (likeness[peaks] >= likeness[peaks + 1])]
    if not len(peaks) or likeness[peaks].max() < 0.5:
        return None
    lag = int(peaks[np.flatnonzero(likeness[peaks] >= 0.93 * likeness[peaks].max())[0]])
    left, middle, right = likeness[lag - 1 : lag + 2]
    exact = lag + 0.5 * (left - right) / min(left - 2 * middle + right, -1e-12)
    return float(hz_to_midi(rate / exact))


def _instrument(place: Path) -> list[Sample]:
    """The notes of a folder; none, with a warning, where its names tell no pitches."""
    files = [path for path in sorted(place.iterdir()) if path.suffix.lower() in SOUNDS]
    found = []  # file, pitch, level, and octaves from the name to the sound
    for path in files:
        names = named_pitches(path.stem)
        pitch, level = _measure(path) if names else (None, 0.0)
        if pitch is None:
            continue
        named = min(names, key=lambda name: abs(_apart(pitch, name)))
        if abs(_apart(pitch, named)) <= AGREEMENT:
            found.append((path, named + _apart(pitch, named), level, round((pitch - named) / 12)))
    if len(found) < max(1, LEAST_AGREEING * len(files)):
        if files:
            warn(f"{place.name}: most names do not tell the pitch that is heard: it is no instrument")
        return []
    if len(found) < len(files):
        left_out = len(files) - len(found)
        warn(f"{place.name}: name and sound tell different pitches in {left_out} of {len(files)} files: left out")
    octaves = Counter(octave for *_, octave in found).most_common(1)[0][0]
    levels = np.array([level for _, _, level, _ in found])
    loudness = (levels - levels.min()) / max(levels.max() - levels.min(), 1e-6)
    return [
        Sample(path, pitch + 12 * octaves, float(loud))
        for (path, pitch, _, _), loud in zip(found, loudness, strict=True)
    ]


def _apart(pitch: float, named: int) -> float:
    """Semitones between them but for octaves, which are mistaken now and then."""
    return (pitch - named + 6) % 12 - 6


def _measure(path: Path) -> tuple[float | None, float]:
    """Pitch of a recorded note, and its level in dB."""
    mono = _read(path, ANALYSIS_RATE, 3.0)
    level = 10 * np.log10(np.mean(np.square(mono[: ANALYSIS_RATE // 2])) + 1e-12) if len(mono) else -120.0
    return measured_pitch(mono, ANALYSIS_RATE), float(level)


def _read(path: Path, rate: float, seconds: float) -> np.ndarray:
    try:
        with soundfile.SoundFile(path) as file:
            own = file.samplerate
            samples = file.read(round(seconds * own), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise RestyleError(f"{path} cannot be read as sound; repair it or take it out of the folder") from error
    return np.asarray(resample(Audio(samples.T, own).mono(), own, rate, quality="MQ"))


@lru_cache(maxsize=512)
def _sample(path: Path, shift: float, rate: int) -> np.ndarray:
    """A recorded note from its attack on, moved by some semitones, its peak at 1; a note need not last longer."""
    sound = _read(path, rate / 2 ** (shift / 12), LONGEST)
    peak = float(np.abs(sound).max(initial=0)) + 1e-6
    start = max(0, int(np.argmax(np.abs(sound) > 0.05 * peak)) - round(BEFORE * rate))
    sound = sound[start:] / peak
    rise = min(len(sound), round(BEFORE * rate))
    sound[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return sound


def file_names(samples: Sequence[Path]) -> list[str]:
    """Return the names of all files of folders of recorded notes, for a digest."""
    return sorted(path.name for folder in samples for path in Path(folder).glob("*/*"))
