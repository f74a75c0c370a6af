"""Two short public-domain tunes, two arrangements, and instruments to play them, for the demonstration. Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.signal import butter as butterworth
from scipy.signal import fftconvolve, sosfilt

from restyle.audio import Audio
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import Notes

RATE = 44100
PEAK = 0.7  # highest sample of a piece
SECONDS = 12.0  # of an arrangement

# (pitch, length in beats)
ODE = "66 1 66 1 67 1 69 1 69 1 67 1 66 1 64 1 62 1 62 1 64 1 66 1 66 1.5 64 .5 64 2"
ODE_CHORDS = ((50, 57, 62), (49, 57, 61), (47, 54, 59), (45, 52, 57))
# (pitch, length in eighths)
GREENSLEEVES = (
    "72 2 74 1 76 1.5 77 .5 76 1 74 2 71 1 67 1.5 69 .5 71 1 72 2 69 1 69 1.5 68 .5 69 1 71 2 68 1 64 2 69 1 "
    "72 2 74 1 76 1.5 77 .5 76 1 74 2 71 1 67 1.5 69 .5 71 1 72 1.5 71 .5 69 1 68 1.5 66 .5 68 1 69 6"
)
GREENSLEEVES_CHORDS = ((45, 57, 60), (43, 55, 59), (45, 57, 60), (40, 56, 59))
# of the arrangements: (pitch, length in beats), a chord a bar, and a bar's drums in eighths: kick, snare, hat
BAND_TUNE = "76 1 79 .5 76 .5 74 1 72 1 72 1 76 .5 72 .5 69 2 69 .5 72 .5 77 1 76 1 72 1 74 1 71 .5 74 .5 79 2 76 4"
BAND_BASS = "36 1.5 36 .5 43 1 40 1 45 1.5 45 .5 40 1 43 1 41 1.5 41 .5 45 1 48 1 43 1.5 43 .5 38 1 47 1 36 4"
BAND_CHORDS = ((60, 64, 67), (57, 60, 64), (57, 60, 65), (59, 62, 67), (60, 64, 67))
BAND_DRUMS = "KHSHKKSH"
CLUB_TUNE = 2 * "74 .5 77 .5 81 1 79 .5 77 .5 74 1 77 .5 74 .5 70 1 74 2 72 .5 77 .5 81 1 79 2 "
CLUB_BASS = 2 * (4 * "38 .5 50 .5 " + 4 * "34 .5 46 .5 " + 4 * "41 .5 53 .5 ")
CLUB_CHORDS = 2 * ((62, 65, 69), (58, 62, 65), (60, 65, 69))
CLUB_DRUMS = "KHSHKHSS"

Placed = tuple[float, np.ndarray]  # (onset in s, samples)
Instrument = Callable[[float, float, float], np.ndarray]  # (pitch, length in s, level) -> samples


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


def band() -> dict[str, Audio]:
    """Play a tune on strings with a plucked bass, pipes and drums: the stems, 12 s, stereo, 100 beats a minute."""
    beat = 0.6
    kit = {
        "K": _hit(1.3, 60, 12, (300, 3000)),
        "S": _hit(0.9, 190, 20, (1500, 9000)),
        "H": _hit(0.4, 0, 40, (6000, 15000)),
    }
    tune, bass = _line(BAND_TUNE, beat, _plucked, 1.6), _line(BAND_BASS, beat, _plucked, 1.3)
    return _stems(_hits(BAND_DRUMS, beat, kit), bass, [*tune, *_chords(BAND_CHORDS, beat, _piped)])


def club() -> dict[str, Audio]:
    """Play another tune by frequency modulation, with electronic drums: the stems, 12 s, stereo, 120 beats a minute."""
    beat = 0.5
    kit = {
        "K": _hit(1.4, 48, 7, (2000, 4000)),
        "S": _hit(1.0, 330, 25, (900, 3000)),
        "H": _hit(0.5, 0, 60, (7000, 15000)),
    }
    tune = _line(CLUB_TUNE, beat, _modulated(ratio=2, index=1.5, decay=1), 0.5)
    bass = _line(CLUB_BASS, beat, _modulated(ratio=1, index=4, decay=4), 0.6)
    chords = _chords(CLUB_CHORDS, beat, _modulated(ratio=3, index=1, decay=3))
    return _stems(_hits(CLUB_DRUMS, beat, kit), bass, [*tune, *chords])


def _line(text: str, beat: float, play: Instrument, level: float) -> list[Placed]:
    """One note after the other."""
    rows = _each(Notes.of(_melody(text, beat, velocity=level)))
    return [(onset, play(pitch, length, level)) for onset, length, pitch, level in rows]


def _chords(chords: Sequence[Sequence[int]], beat: float, play: Instrument) -> list[Placed]:
    """Each chord twice a bar."""
    halves = [chord for chord in chords for _ in range(2)]
    return [(2 * i * beat, play(pitch, 1.8 * beat, 0.3)) for i, chord in enumerate(halves) for pitch in chord]


def _hits(pattern: str, beat: float, kit: Mapping[str, np.ndarray]) -> list[Placed]:
    """The same in each bar."""
    count = round(2 * SECONDS / beat)
    return [(i * beat / 2, kit[pattern[i % len(pattern)]]) for i in range(count)]


def _stems(drums: list[Placed], bass: list[Placed], other: list[Placed]) -> dict[str, Audio]:
    """The stems of an arrangement; the highest sample of their sum is at 0.7."""
    stems = {name: _placed(sounds, SECONDS) for name, sounds in (("drums", drums), ("bass", bass), ("other", other))}
    gain = PEAK / np.abs(np.sum(list(stems.values()), axis=0)).max()
    return {name: Audio(gain * stem, RATE) for name, stem in stems.items()}


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


def _hit(level: float, hertz: float, decay: float, band: tuple[float, float]) -> np.ndarray:
    """A drum: a tone that falls to ``hertz``, and noise in a band, half as long."""
    t = np.arange(RATE // 2) / RATE
    skin = np.sin(2 * np.pi * hertz * (t - 0.02 * np.exp(-40 * t)))
    noise = _band(np.random.default_rng(3).normal(size=len(t)), *band)
    return level * (skin * np.exp(-decay * t) + noise * np.exp(-2 * decay * t))


def _modulated(ratio: float, index: float, decay: float) -> Instrument:
    """Frequency modulation by Chowning (Journal of the Audio Engineering Society, 1973): a tone that grows duller."""

    def play(pitch: float, length: float, level: float) -> np.ndarray:
        t = np.arange(round((length + 0.1) * RATE)) / RATE
        ring, phase = np.exp(-decay * t), 2 * np.pi * midi_to_hz(pitch) * t
        envelope = np.clip(t / 0.005, 0, 1) * np.clip((length + 0.1 - t) / 0.1, 0, 1)
        return level * ring * envelope * np.sin(phase + index * ring * np.sin(ratio * phase))

    return play


def _shaker(level: float) -> np.ndarray:
    t = np.arange(RATE // 8) / RATE
    return level * _band(np.random.default_rng(1).normal(size=len(t)), 5000, 14000) * np.exp(-45 * t)


def _band(noise: np.ndarray, low: float, high: float) -> np.ndarray:
    return sosfilt(butterworth(2, (low, high), "bandpass", fs=RATE, output="sos"), noise)


def _mix(sounds: list[Placed], seconds: float) -> Audio:
    """One sound of many; its highest sample is at 0.7."""
    wet = _placed(sounds, seconds)
    return Audio(PEAK * wet / np.abs(wet).max(), RATE)


def _placed(sounds: list[Placed], seconds: float) -> np.ndarray:
    """Place sounds across the stage, each a little elsewhere, in a small room: [2, T]."""
    dry = np.zeros((2, round(seconds * RATE)))
    for i, (onset, sound) in enumerate(sounds):
        first = round(onset * RATE)
        sound = sound[: dry.shape[1] - first]
        angle = np.pi / 4 * (1 + 0.5 * np.sin(2.4 * i))
        dry[:, first : first + len(sound)] += np.outer([np.cos(angle), np.sin(angle)], sound)
    t = np.arange(RATE) / RATE
    room = np.random.default_rng(2).normal(size=(2, RATE)) * np.exp(-6.9 * t / 0.9) * 0.012
    wet = dry + fftconvolve(dry, room, axes=1)[:, : dry.shape[1]]
    return wet * np.clip((seconds - np.arange(dry.shape[1]) / RATE) / 0.5, 0, 1)
