"""Inputs by name, and what makes a sound unusable. Floor 6."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from restyle.audio import Audio
from restyle.blocks import release
from restyle.errors import RestyleError
from restyle.notes import Notes

MIDI = (".mid", ".midi")
SILENCE = 1e-5  # half the distance between the highest and the lowest sample (-100 dB): below it nothing is heard


def read_content(path: Path, *, start: float = 0.0, duration: float | None = None) -> Audio | Notes:
    """Read a recording, or the notes of a MIDI file, or a part of either.

    Args:
        path: the file.
        start: seconds to leave out at the beginning.
        duration: seconds to read; None is all.

    Raises:
        RestyleError: if the file is missing, unreadable or too short, or the part lies outside it.
    """
    if path.suffix.lower() not in MIDI:
        return read_sound(path, start=start, duration=duration)
    from restyle.files.midi import read_midi

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
    from restyle.files.sound import read

    audio = read(path, start=start, duration=duration)
    check_sound(audio, str(path))
    return audio


def check_sound(audio: Audio, name: str) -> None:
    """Refuse sound that is too short or holds NaN or Inf.

    Raises:
        RestyleError: with ``name`` as what the sentence is about.
    """
    from restyle.files.sound import check_length

    if audio.length == 0:
        raise RestyleError(f"{name} holds no samples; choose another recording")
    check_length(audio, name)
    if not all(np.isfinite(block).all() for block in _blocks(audio)):
        raise RestyleError(f"{name} holds samples that are no numbers (NaN or Inf); export it again")


def check_notes(notes: Notes, name: str) -> None:
    """Refuse a table without notes.

    Raises:
        RestyleError: with ``name`` as what the sentence is about.
    """
    if not len(notes):
        raise RestyleError(f"{name} holds no notes in that part; choose another MIDI file or part")


def is_silent(audio: Audio) -> bool:
    """Return whether nothing can be heard in a sound; a constant offset is not heard.

    Example:
        >>> is_silent(Audio(np.full((1, 100), 0.5), 100))
        True
    """
    high = np.full(audio.channels, -np.inf)
    low = np.full(audio.channels, np.inf)
    for block in _blocks(audio):
        high, low = np.maximum(high, block.max(axis=1)), np.minimum(low, block.min(axis=1))
    return bool(((high - low) / 2 < SILENCE).all())


def _blocks(audio: Audio) -> Iterator[np.ndarray]:
    """Views of 2**20 samples, let go of one after the other."""
    for first in range(0, audio.length, 2**20):
        yield audio.samples[:, first : first + 2**20]
        release(audio.samples)
