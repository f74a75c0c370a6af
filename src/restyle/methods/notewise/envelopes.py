"""How notes sound at some moments of each: rows of a table that networks read. Floor 4."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from restyle.analysis.partials import BANDS, HIGHEST, HOP, NoteSound, partial_ratios
from restyle.dsp.melbands import centre_frequencies
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import DRUMS, Notes

PARTIALS = 48  # told one by one; higher ones only by the spectral envelope
FLOOR = -120.0  # dB
UNKNOWN = -200.0  # dB per Hz: bands above half the rate
HELD = (0, 1, 2, 3, 5, 8, 12, 18, 26, 38, 55, 80, 115, 165, 240, 350, 500)  # frames after the onset
RELEASED = (1, 3, 6, 10, 16)  # frames after the offset
SLOPE = -24.0  # dB an octave, of the envelope above the highest partial


class Rows(NamedTuple):
    """Moments of notes; R rows.

    Args:
        facts: pitch, onset s, time since the onset s, time since the offset s (negative while held), duration s,
            level (the note's loudest moment, dB), how many notes sound, velocity 0..1, stiffness: ``[R, 9]``.
        amplitude: dB of each partial ``[R, K]``.
        trust: 1 where no other note covers a partial ``[R, K]``.
        envelope: dB of partials at the frequencies of the noise bands, ``[R, M]``.
        noise: dB per Hz in each band, UNKNOWN above half the rate, ``[R, M]``.
    """

    facts: np.ndarray
    amplitude: np.ndarray
    trust: np.ndarray
    envelope: np.ndarray
    noise: np.ndarray


WIDTHS = (9, PARTIALS, PARTIALS, BANDS, BANDS)
WIDTH = sum(WIDTHS)


def rows(sounds: Iterable[tuple[int, NoteSound]], notes: Notes) -> np.ndarray:
    """Tell how measured notes sound at about a dozen moments each, close together after the onset.

    Args:
        sounds: each note's number and sound, as `partials.measured` yields them.
        notes: all notes.

    Returns:
        The columns of `Rows` side by side, float32 ``[R, 201]``; R is 0 where there are no sounds.

    Example:
        >>> rows([], Notes.of([])).shape
        (0, 201)
    """
    result = [np.concatenate(_note(sound, notes, i), axis=1).astype(np.float32) for i, sound in sounds]
    return np.concatenate([np.zeros((0, WIDTH), np.float32), *result])


def unpacked(table: np.ndarray) -> Rows:
    """Return the columns of what :func:`rows` returned, as views, or of several ``[..., R, 201]``."""
    return Rows(*np.split(table, np.cumsum(WIDTHS)[:-1], axis=-1))


def _note(sound: NoteSound, notes: Notes, i: int) -> tuple[np.ndarray, ...]:
    last = sound.amplitude.shape[1]
    held = [k for k in HELD if k < min(sound.held, last)]
    after = [sound.held + k for k in RELEASED if sound.held + k < last]
    at = np.array([*held, *after])
    amplitude = np.maximum(FLOOR, 20 * np.log10(sound.amplitude[:, at].T + 1e-7))
    count = amplitude.shape[1]
    time = at * HOP
    now = notes.onset[i] + time[:, None]
    sounding = ((notes.programme != DRUMS) & (notes.onset <= now) & (notes.offset > now)).sum(1)
    facts = np.empty((len(at), 9))
    facts[:, 0], facts[:, 1], facts[:, 2] = sound.pitch, notes.onset[i], time
    facts[:, 3], facts[:, 4] = time - sound.duration, sound.duration
    facts[:, 5], facts[:, 6] = sound.loudness[: sound.held].max(), sounding
    facts[:, 7], facts[:, 8] = sound.velocity, sound.stiffness
    partials, trust = np.full((len(at), PARTIALS), FLOOR), np.zeros((len(at), PARTIALS))
    few = min(PARTIALS, count)
    partials[:, :few], trust[:, :few] = amplitude[:, :few], sound.trust[:few, at].T
    heard = float(midi_to_hz(sound.pitch)) * partial_ratios(count, sound.stiffness)
    noise = np.full((len(at), BANDS), UNKNOWN)
    noise[:, : len(sound.noise)] = 10 * np.log10(sound.noise[:, at].T + 1e-16)
    return facts, partials, trust, envelope(amplitude, heard), noise


def envelope(amplitude: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Interpolate partials in dB ``[R, K]`` at the frequencies of the noise bands: ``[R, M]``.

    Args:
        amplitude: of the partials.
        frequencies: of the partials in Hz, rising, ``[K]``.
    """
    centres = np.maximum(1, centre_frequencies(BANDS, HIGHEST))
    at = np.interp(np.log(centres), np.log(frequencies), np.arange(len(frequencies)))
    low = np.minimum(at.astype(int), max(0, len(frequencies) - 2))
    high, part = np.minimum(low + 1, len(frequencies) - 1), at - low
    beyond = np.log2(np.maximum(1, centres / frequencies[-1]))
    return np.asarray(amplitude[:, low] * (1 - part) + amplitude[:, high] * part + SLOPE * beyond)
