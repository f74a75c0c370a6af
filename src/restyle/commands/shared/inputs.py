"""Inputs by name."""

from __future__ import annotations

from pathlib import Path

from restyle.audio import Audio
from restyle.dsp.checks import check_notes, check_sound
from restyle.notes import Notes

MIDI = (".mid", ".midi")  # what is written
MIDI_READ = (*MIDI, ".rmi")


def read_content(path: Path, *, start: float = 0.0, duration: float | None = None) -> Audio | Notes:
    """Read a recording, or the notes of a MIDI file, or a part of either.

    Args:
        path: the file.
        start: seconds to leave out at the beginning.
        duration: seconds to read; None is all.

    Raises:
        RestyleError: if the file is missing, unreadable or too short, or the part lies outside it.
    """
    if path.suffix.lower() not in MIDI_READ:
        return read_sound(path, start=start, duration=duration)
    from restyle.io.midi import read_midi

    notes = read_midi(path)
    if start or duration is not None:
        notes = notes.between(start, notes.duration if duration is None else start + duration)
    check_notes(notes, str(path))
    return notes


def read_sound(path: Path, *, start: float = 0.0, duration: float | None = None) -> Audio:
    """Read a recording and refuse what no method can work with.

    Raises:
        RestyleError: if the file is missing, unreadable or too short, or holds NaN or Inf.
    """
    from restyle.io.sound import read

    audio = read(path, start=start, duration=duration)
    check_sound(audio, str(path))
    return audio
