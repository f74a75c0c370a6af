"""MIDI files to `Notes` and back. Floor 2."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from restyle.errors import RestyleError
from restyle.files.safely import writing
from restyle.notes import DRUMS, Notes

WHEEL = 4096  # steps of the pitch wheel in a semitone


def read_midi(path: str | Path) -> Notes:
    """Read the notes of a standard MIDI file; tempo changes are followed, pedals are not.

    Args:
        path: a ``.mid`` or ``.midi`` file.

    Returns:
        Every note that lasts longer than nothing, with its programme (``DRUMS`` on channel 10).

    Raises:
        RestyleError: if the file is missing, or is no readable MIDI file.
    """
    rows = [
        (note.start, note.end, note.pitch, note.velocity / 127, _programme(part))
        for part in _read(Path(path)).instruments
        for note in part.notes
        if note.end > note.start
    ]
    return Notes.of(rows)


def read_bends(path: str | Path) -> dict[int, np.ndarray]:
    """Read the pitch bends of a MIDI file, for a pitch wheel of two semitones.

    Args:
        path: a ``.mid`` or ``.midi`` file.

    Returns:
        Programme -> (times in s, semitones from then on) ``[2, K]``, for programmes that are bent.

    Raises:
        RestyleError: if the file is missing, or is no readable MIDI file.
    """
    found: dict[int, list[tuple[float, float]]] = {}
    for part in _read(Path(path)).instruments:
        wheel = [(bend.time, bend.pitch / WHEEL) for bend in part.pitch_bends]
        found.setdefault(_programme(part), []).extend(wheel)
    return {programme: np.array(sorted(wheel)).T for programme, wheel in found.items() if wheel}


def write_midi(path: str | Path, notes: Notes, bends: Mapping[int, np.ndarray] | None = None) -> None:
    """Write notes as a standard MIDI file, one track a programme; the nearest whole pitches are written.

    The tuning that the notes share, as those of a recording do, is left out: intervals stay what they are.

    Args:
        path: the file to write; it appears whole or not at all.
        notes: the notes.
        bends: programme -> (times in s, semitones) ``[2, K]``, of its pitch wheel.

    Raises:
        RestyleError: if the file cannot be written.
    """
    pretty_midi = _pretty_midi()
    midi = pretty_midi.PrettyMIDI(resolution=960)
    tuning = _tuning(notes.pitched().pitch)
    for programme in sorted(set(notes.programme.tolist())) or [0]:
        part = pretty_midi.Instrument(0 if programme == DRUMS else programme, is_drum=programme == DRUMS)
        own = notes.select(notes.programme == programme)
        for onset, offset, pitch, velocity in zip(own.onset, own.offset, own.pitch, own.velocity, strict=True):
            key = min(127, max(0, round(pitch - (0 if part.is_drum else tuning))))
            part.notes.append(pretty_midi.Note(min(127, max(1, round(velocity * 127))), key, onset, offset))
        for time, semitones in np.asarray((bends or {}).get(programme, np.zeros((2, 0)))).T:
            value = min(8191, max(-8192, round(semitones * WHEEL)))
            part.pitch_bends.append(pretty_midi.PitchBend(value, float(time)))
        midi.instruments.append(part)
    with writing(path) as beside:
        midi.write(str(beside))


def _tuning(pitch: np.ndarray) -> float:
    """How far pitches lie from whole ones, -0.5..0.5 semitones: the mean of angles, since it goes round."""
    return float(np.angle(np.exp(2j * np.pi * pitch).sum()) / (2 * np.pi))


def _read(path: Path) -> Any:
    pretty_midi = _pretty_midi()
    if not path.is_file():
        raise RestyleError(f"{path}: there is no such MIDI file; check the name")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tempo changes in other tracks than the first are read all the same
            return pretty_midi.PrettyMIDI(str(path))
    except Exception as error:  # mido and pretty_midi raise many kinds for damaged files
        advice = "export it again from the program that made it"
        raise RestyleError(f"{path} is damaged or no MIDI file; {advice}") from error


def _programme(part: Any) -> int:
    return DRUMS if part.is_drum else int(part.program)


def _pretty_midi() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # it imports pyfluidsynth, which prints where CI is set
        import pretty_midi
    return pretty_midi
