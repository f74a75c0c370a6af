"""Two short public-domain tunes and two instruments to play them, for the demonstration. Floor 6."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter as butterworth
from scipy.signal import fftconvolve, sosfilt

from restyle.audio import Audio
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import Notes

RATE = 44100

# (pitch, length in beats)
ODE = "66 1 66 1 67 1 69 1 69 1 67 1 66 1 64 1 62 1 62 1 64 1 66 1 66 1.5 64 .5 64 2"
ODE_CHORDS = ((50, 57, 62), (49, 57, 61), (47, 54, 59), (45, 52, 57))
# (pitch, length in eighths)
GREENSLEEVES = (
    "72 2 74 1 76 1.5 77 .5 76 1 74 2 71 1 67 1.5 69 .5 71 1 72 2 69 1 69 1.5 68 .5 69 1 71 2 68 1 64 2 69 1 "
    "72 2 74 1 76 1.5 77 .5 76 1 74 2 71 1 67 1.5 69 .5 71 1 72 1.5 71 .5 69 1 68 1.5 66 .5 68 1 69 6"
)
GREENSLEEVES_CHORDS = ((45, 57, 60), (43, 55, 59), (45, 57, 60), (40, 56, 59))


def ode_to_joy() -> Audio:
    """Play Beethoven's 'Ode to Joy' on a plucked string: 10 s, stereo, 100 beats a minute."""
    beat = 0.6
    tune = _melody(ODE, beat, velocity=0.9)
    chords = [
        (bar * 4 * beat + half * 2 * beat + 0.02 * i, (bar * 4 + half * 2 + 1.9) * beat, pitch, 0.5, 24)
        for bar, chord in enumerate(ODE_CHORDS)
        for half in range(2)
        for i, pitch in enumerate(chord)
    ]
    notes = Notes.of([*tune, *chords])
    return _mix([(onset, _plucked(pitch, length, level)) for onset, length, pitch, level in _each(notes)], 10.2)


def greensleeves() -> Audio:
    """Play 'Greensleeves' on a pipe organ and a frame drum: 10 s, stereo, 100 dotted quarters a minute."""
    eighth = 0.2
    tune = _melody(GREENSLEEVES, eighth, velocity=0.9)
    chords = [
        (bar * 6 * eighth, (bar + 0.97) * 6 * eighth, pitch, 0.35, 19)
        for bar in range(8)
        for pitch in GREENSLEEVES_CHORDS[bar % 4 if bar < 7 else 0]
    ]
    notes = Notes.of([*tune, *chords])
    played = [(onset, _piped(pitch, length, level)) for onset, length, pitch, level in _each(notes)]
    drums = [(i * eighth, _drum(0.5) if i % 3 == 0 else _shaker(0.12)) for i in range(48)]
    return _mix([*played, *drums], 10.2)


def _melody(text: str, unit: float, *, velocity: float) -> list[tuple[float, float, float, float, int]]:
    """Rows of `Notes` from 'pitch length pitch length ...', one note after the other."""
    numbers = [float(word) for word in text.split()]
    lengths = np.array(numbers[1::2]) * unit
    onsets = np.cumsum(lengths) - lengths
    return [
        (onset, onset + 0.95 * length, pitch, velocity, 0)
        for onset, length, pitch in zip(onsets, lengths, numbers[::2], strict=True)
    ]


def _each(notes: Notes) -> list[tuple[float, float, float, float]]:
    columns = (notes.onset, notes.offset - notes.onset, notes.pitch, notes.velocity)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _plucked(pitch: float, length: float, level: float) -> np.ndarray:
    """A string by Karplus and Strong (Computer Music Journal, 1983): noise in a loop that averages neighbours."""
    f0, total = midi_to_hz(pitch), round((length + 0.4) * RATE)
    period = round(RATE / f0 - 0.5)
    loop = np.random.default_rng(round(pitch)).uniform(-1, 1, period)
    rounds = [loop]
    for _ in range(round(total * f0 / RATE) + 2):
        loop = 0.998 * 0.5 * (loop + np.roll(loop, 1))
        rounds.append(loop)
    string = np.concatenate(rounds)
    tuned = np.interp(
        np.arange(total) * f0 * (period + 0.5) / RATE, np.arange(len(string)), string
    )  # whole periods are not in tune
    fade = np.clip((length + 0.3 - np.arange(total) / RATE) / 0.3, 0, 1)  # a finger damps the string
    return level * tuned * fade


def _piped(pitch: float, length: float, level: float) -> np.ndarray:
    """Organ pipes: odd and even partials with a light tremulant, and the wind's noise."""
    t = np.arange(round((length + 0.12) * RATE)) / RATE
    phase = 2 * np.pi * midi_to_hz(pitch) * t + 0.02 * np.sin(2 * np.pi * 5.2 * t)
    partials = {1: 1.0, 2: 0.55, 3: 0.35, 4: 0.2, 6: 0.12, 8: 0.06}
    tone = sum(amplitude * np.sin(k * phase + k) for k, amplitude in partials.items())
    wind = _band(np.random.default_rng(round(pitch)).normal(size=len(t)), 1500, 6000) * 0.06
    envelope = np.clip(t / 0.05, 0, 1) * np.clip((length + 0.1 - t) / 0.1, 0, 1)
    return 0.45 * level * (tone + wind) * envelope * (1 + 0.06 * np.sin(2 * np.pi * 5.2 * t))


def _drum(level: float) -> np.ndarray:
    t = np.arange(RATE // 2) / RATE
    skin = np.sin(2 * np.pi * (85 * t - 1.2 * np.exp(-30 * t))) * np.exp(-9 * t)
    slap = _band(np.random.default_rng(0).normal(size=len(t)), 300, 3000) * np.exp(-60 * t)
    return level * (skin + 0.8 * slap)


def _shaker(level: float) -> np.ndarray:
    t = np.arange(RATE // 8) / RATE
    return level * _band(np.random.default_rng(1).normal(size=len(t)), 5000, 14000) * np.exp(-45 * t)


def _band(noise: np.ndarray, low: float, high: float) -> np.ndarray:
    return sosfilt(butterworth(2, (low, high), "bandpass", fs=RATE, output="sos"), noise)


def _mix(sounds: list[tuple[float, np.ndarray]], seconds: float) -> Audio:
    """Place sounds across the stage, each a little elsewhere, in a small room; the highest sample is at 0.7."""
    dry = np.zeros((2, round(seconds * RATE)))
    for i, (onset, sound) in enumerate(sounds):
        first = round(onset * RATE)
        sound = sound[: dry.shape[1] - first]
        angle = np.pi / 4 * (1 + 0.5 * np.sin(2.4 * i))
        dry[:, first : first + len(sound)] += np.outer([np.cos(angle), np.sin(angle)], sound)
    t = np.arange(RATE) / RATE
    room = np.random.default_rng(2).normal(size=(2, RATE)) * np.exp(-6.9 * t / 0.9) * 0.012
    wet = dry + fftconvolve(dry, room, axes=1)[:, : dry.shape[1]]
    wet *= np.clip((seconds - np.arange(dry.shape[1]) / RATE) / 0.5, 0, 1)
    return Audio(0.7 * wet / np.abs(wet).max(), RATE)
