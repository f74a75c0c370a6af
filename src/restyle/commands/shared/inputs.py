"""Inputs by name: checked before any work, and read. Floor 6."""

from __future__ import annotations

import stat
from pathlib import Path

from restyle.audio import Audio
from restyle.dsp.checks import check_notes, check_sound
from restyle.errors import RestyleError
from restyle.io.hub import run_weights
from restyle.io.midi import MIDI_READ, read_midi
from restyle.io.tables import read_table
from restyle.notes import Notes


def check_input(path: Path) -> None:
    """Refuse an input that is no file.

    Raises:
        RestyleError: if nothing or a folder is there.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise RestyleError(f"{path}: there is no such file; check the name") from error
    except OSError as error:  # as a folder that cannot be looked into, a circle of links, a name that is too long
        raise RestyleError(f"{path} cannot be read ({error.strerror}); check the name and the permissions") from error
    if stat.S_ISDIR(mode):
        raise RestyleError(f"{path} is a folder; give a recording in it")


def check_style(path: Path) -> None:
    """Refuse a style that is no file, nor the folder of a finished run.

    Raises:
        RestyleError: if it is neither.
    """
    check_input(run_weights(path))


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


def read_rows(table: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file that has at least the columns content and style.

    Raises:
        RestyleError: if the file cannot be read, or a column or value is missing.
    """
    check_input(table)
    rows = read_table(table, ["content", "style"])
    for line, row in rows:
        if not row["content"] or not row["style"]:
            raise RestyleError(f"{table}, line {line}: content or style is missing; fill in both")
    return [row for _, row in rows]
