"""Pitch as MIDI numbers and as frequencies: A4 = 440 Hz is 69, twelve an octave. Floor 2."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

Number = TypeVar("Number")  # a float, or an array or tensor of floats


def midi_to_hz(pitch: Number) -> Number:
    """Return the frequency in Hz of MIDI pitches, fractional ones too.

    Args:
        pitch: a number, a NumPy array or a tensor.

    Example:
        >>> midi_to_hz(69), midi_to_hz(np.array([57.0, 81.0])).tolist()
        (440.0, [220.0, 880.0])
    """
    numbers: Any = pitch
    hertz: Number = 440.0 * 2 ** ((numbers - 69) / 12)
    return hertz


def hz_to_midi(frequency: Number) -> Number:
    """Return the MIDI pitch of frequencies above 0 Hz, the inverse of :func:`midi_to_hz`.

    Example:
        >>> float(hz_to_midi(220)), hz_to_midi(np.array([880.0])).tolist()
        (57.0, [81.0])
    """
    numbers: Any = frequency
    octaves: Any = numbers.div(440).log2() if hasattr(numbers, "log2") else np.log2(np.asarray(numbers) / 440)
    pitch: Number = 69 + 12 * octaves
    return pitch
