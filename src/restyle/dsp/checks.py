"""What makes a sound or a table of notes unusable, and what counts as silence. Floor 2."""

from __future__ import annotations

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import views
from restyle.errors import RestyleError
from restyle.notes import Notes

SHORTEST = 0.5  # seconds; less is too little to find notes or a style in
SILENCE = 1e-5  # half the distance between the highest and the lowest sample (-100 dB): below it is silence


def check_sound(audio: Audio, name: str) -> None:
    """Refuse sound that is too short or holds NaN or Inf.

    Args:
        audio: the sound.
        name: what the sentence is about.

    Raises:
        RestyleError: if it cannot be worked with.

    Example:
        >>> check_sound(Audio(np.zeros(100), 1000), "click.wav")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: click.wav lasts only 0.1 s; at least 0.5 s are needed, choose a longer sound
    """
    if audio.length == 0:
        raise RestyleError(f"{name} holds no samples; choose another recording")
    if audio.duration < SHORTEST:
        problem = f"{name} lasts only {audio.duration:.2g} s"
        raise RestyleError(f"{problem}; at least {SHORTEST:g} s are needed, choose a longer sound")
    if not all(np.isfinite(block).all() for block in views(audio)):
        raise RestyleError(f"{name} holds samples that are no numbers (NaN or Inf); export it again")


def check_notes(notes: Notes, name: str) -> None:
    """Refuse a table without notes.

    Raises:
        RestyleError: with ``name`` as what the sentence is about.
    """
    if not len(notes):
        raise RestyleError(f"{name} holds no notes in that part; choose another MIDI file or part")


def is_silent(audio: Audio) -> bool:
    """Return whether a sound is silent, but for a constant offset.

    Example:
        >>> is_silent(Audio(np.full((1, 100), 0.5), 100))
        True
    """
    high = np.full(audio.channels, -np.inf)
    low = np.full(audio.channels, np.inf)
    for block in views(audio):
        high, low = np.maximum(high, block.max(axis=1)), np.minimum(low, block.min(axis=1))
    return bool(((high - low) / 2 < SILENCE).all())
