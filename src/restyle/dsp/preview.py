"""Notes as sound without a SoundFont: plain tones and drums, to hear what is written on any computer. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from restyle.audio import Audio
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import DRUMS, Notes

RATE = 22050
PEAK = 0.8  # highest sample
HIGHEST = 6000.0  # Hz of a partial
PARTIALS = 10
RELEASE = 0.08  # s in which a tone ends
LONGEST = 6.0  # s of a tone
# General MIDI programmes that sound on while a key is held: organs, strings, voices, winds, leads and pads
HELD = frozenset([*range(16, 24), *range(40, 45), *range(48, 104), 109, 110, 111])
KICKS, SNARES, TOMS = {35, 36}, {37, 38, 39, 40}, {41, 43, 45, 47, 48, 50}  # keys of drums; others are of metal or wood
OPEN = {46, 49, 51, 52, 53, 55, 57, 59}  # keys that ring


def preview(notes: Notes, seconds: float) -> Audio:
    """Play notes by sums of partials and by noise.

    Args:
        notes: what is played, drums too.
        seconds: how much of it is played, from 0 s on.

    Returns:
        One channel at 22.05 kHz, as loud as it can be; silence without notes.

    Example:
        >>> sound = preview(Notes.of([(0.0, 1.0, 69, 0.8, 0)]), 2.0)
        >>> sound.duration, int(np.abs(np.fft.rfft(sound.samples[0, :22050])).argmax())
        (2.0, 440)
    """
    mix = np.zeros(max(1, round(seconds * RATE)))
    for onset, tone in _tones(notes.select(notes.onset < seconds)):
        first = round(onset * RATE)
        tone = tone[: len(mix) - first]
        mix[first : first + len(tone)] += tone
    highest = float(np.abs(mix).max())
    return Audio(((PEAK / highest if highest else 0.0) * mix).astype(np.float32), RATE)


def _tones(notes: Notes) -> Iterator[tuple[float, np.ndarray]]:
    """The onset and the samples of each note; those of one key and kind are made once, as long as the longest."""
    drums, held = notes.programme == DRUMS, np.isin(notes.programme, list(HELD))
    keys = np.stack([np.where(drums, 2, held), np.round(notes.pitch)], axis=1).astype(int)
    lengths = np.minimum(notes.offset - notes.onset, LONGEST) + RELEASE
    for kind, pitch in np.unique(keys, axis=0).tolist():
        own = np.flatnonzero((keys == (kind, pitch)).all(axis=1))
        tone = _drum(pitch) if kind == 2 else _tone(float(midi_to_hz(pitch)), lengths[own].max(), bool(kind))
        for k in own:
            count = len(tone) if kind == 2 else round(lengths[k] * RATE)
            yield float(notes.onset[k]), float(notes.velocity[k]) * _ended(tone[:count])


def _ended(tone: np.ndarray) -> np.ndarray:
    fade = round(RELEASE * RATE)
    return tone * np.clip((len(tone) - np.arange(len(tone))) / fade, 0, 1)


def _tone(hertz: float, seconds: float, held: bool) -> np.ndarray:
    """A tone of partials that are weaker the higher they are; where it is not held, they fade, the high ones faster."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(t)
    partials = min(PARTIALS, max(1, int(HIGHEST / hertz))) if 2 * hertz < RATE else 0
    for k in range(1, partials + 1):
        fading = 1.0 if held else np.exp(-(0.8 + 0.7 * k) * (hertz / 220) ** 0.5 * t)
        sound += k**-1.3 * fading * np.sin(2 * np.pi * k * hertz * t)
    return (0.12 if held else 0.25) * np.clip(t / (0.03 if held else 0.004), 0, 1) * sound


def _drum(key: int) -> np.ndarray:
    """A skin that falls in pitch, rattling noise, or both; high noise of what is of metal or wood."""
    t = np.arange(round((0.6 if key in OPEN else 0.3) * RATE)) / RATE
    noise = np.random.default_rng(key).normal(size=len(t))
    if key in KICKS or key in TOMS:
        hertz = 50 if key in KICKS else 60 + 8 * (key - 40)
        return 0.6 * np.sin(2 * np.pi * (hertz * t - 2 * np.exp(-35 * t))) * np.exp(-9 * t)
    if key in SNARES:
        return (0.15 * noise + 0.2 * np.sin(2 * np.pi * 190 * t)) * np.exp(-18 * t)
    return 0.08 * np.diff(noise, prepend=0.0) * np.exp(-(6 if key in OPEN else 45) * t)
