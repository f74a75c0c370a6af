"""Instruments that there are not: partials, envelopes and noise drawn at random. Floor 3.

Two SoundFonts hold some two hundred instruments, and a network learns those. These fill the space between and around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restyle.data.rendering import BEND_STEP
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import Notes

PARTIALS = 40
# partials of struck bodies and of stops that sound together, in multiples of the written pitch
BODIES = {
    "tube": (0.22, 0.62, 1.21, 2.0, 2.99, 4.17, 5.56),
    "church bell": (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.0, 4.0, 5.33),
    "bar": (1.0, 2.76, 5.4, 8.93, 13.34),
    "tuned bar": (1.0, 4.0, 9.2, 16.2),
    "plate": (1.0, 1.59, 2.14, 2.3, 2.65, 2.92, 3.5),
}
STOPS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
LAYERS = (0.5, 0.75, 1.5, 2.0, 3.0)  # a second voice, fixed to the first
MODULATORS = (1.0, 1.0, 1.41, 2.0, 3.0, 3.5, 5.0, 7.0, 14.0)  # in multiples of the written pitch
RELEASED = 60.0  # dB after which a note has ended
LONGEST_RELEASE = 0.6  # seconds


@dataclass(frozen=True, eq=False)
class Voice:
    """How an instrument sounds.

    Args:
        ratios: of the partials, in multiples of the fundamental.
        levels: of them in dB.
        tilt: dB an octave above ``corner`` (Hz) that all notes share: a body, a filter.
        corner: Hz.
        attack: seconds.
        decay: dB a second while a note is held, at 500 Hz; higher partials fade ``damping`` times as fast an octave.
        damping: 1 and more.
        floor: dB below the attack at which the decay ends.
        release: dB a second.
        detune: cents between two voices in unison; 0 for one.
        breath: level of noise in dB that goes with the notes.
        touch: dB an octave that soft notes are duller.
        modulator: what modulates the phase of the partials, in multiples of the written pitch,
        index: by how many radians at the onset; it fades with the note, or within ``sweep``.
        sweep: seconds in which a filter opens or closes after the onset; 0 for none,
        opening: by how many octaves.
        tremolo: depth in dB of a swell at ``pace`` Hz.
    """

    ratios: np.ndarray
    levels: np.ndarray
    tilt: float
    corner: float
    attack: float
    decay: float
    damping: float
    floor: float
    release: float
    detune: float
    breath: float
    touch: float
    modulator: float = 0.0
    index: float = 0.0
    sweep: float = 0.0
    opening: float = 0.0
    tremolo: float = 0.0
    pace: float = 5.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Voice:
        """Draw an instrument: harmonic tones, organs, tones in fixed intervals, bells, bars, plates, FM synthesis."""
        kind = rng.random()
        number = np.arange(1, PARTIALS + 1)
        stiffness = 10 ** rng.uniform(-5, -3.2) if rng.random() < 0.4 else 0.0
        ratios = number * np.sqrt(1 + stiffness * number**2)
        levels = -rng.uniform(2, 15) * np.log2(number) + rng.normal(0, rng.uniform(1, 7), PARTIALS)
        if rng.random() < 0.2:
            levels[1::2] -= rng.uniform(6, 30)  # as in closed pipes
        if kind < 0.12:
            ratios = np.concatenate([stop * number[:6] for stop in STOPS])
            levels = np.concatenate([rng.uniform(-40, 0) - rng.uniform(8, 20) * np.log2(number[:6]) for _ in STOPS])
        elif kind < 0.22:
            layer, blend = LAYERS[rng.integers(len(LAYERS))], rng.uniform(-12, 0)
            ratios, levels = np.concatenate([ratios, layer * ratios]), np.concatenate([levels, levels + blend])
        elif kind < 0.36:
            ratios = np.array(list(BODIES.values())[rng.integers(len(BODIES))]) * (1 + rng.normal(0, 0.003))
            levels = rng.uniform(-25, 0, len(ratios))
        elif kind < 0.55:
            ratios, levels = np.array([1.0]), np.zeros(1)
        modulated = 0.36 <= kind < 0.55
        struck = kind >= 0.22 and (kind < 0.36 or rng.random() < 0.5)
        swept = not struck and rng.random() < 0.3
        return cls(
            ratios,
            levels - levels.max(),
            -rng.uniform(0, 24),
            10 ** rng.uniform(2.5, 3.8),
            10 ** rng.uniform(-2.7, -1.7 if struck else -0.6),
            rng.uniform(5, 50) if struck else 0.0,
            rng.uniform(1, 2),
            80.0 if struck else 0.0,
            10 ** rng.uniform(1.8, 3.2),
            rng.uniform(3, 18) if rng.random() < 0.3 else 0.0,
            rng.uniform(-60, -18) if rng.random() < 0.5 else -120.0,
            rng.uniform(0, 6),
            MODULATORS[rng.integers(len(MODULATORS))] if modulated else 0.0,
            rng.uniform(0.3, 5) if modulated else 0.0,
            10 ** rng.uniform(-1.5, 0.2) if swept or modulated else 0.0,
            rng.uniform(-3, 3) if swept else 0.0,
            rng.uniform(1, 8) if rng.random() < 0.15 else 0.0,
            rng.uniform(3.5, 7.5),
        )

    def render(
        self, notes: Notes, duration: float, rate: int, bend: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Play notes ``[T]``.

        Args:
            notes: what is played; programmes do not count.
            duration: seconds to make.
            rate: Hz.
            bend: semitones every 10 ms, for all notes; None for none.
            rng: draws phases and noise.
        """
        out = np.zeros(round(duration * rate), np.float32)
        curve = np.zeros(2) if bend is None else bend
        for i in range(len(notes)):
            start = round(notes.onset[i] * rate)
            held = notes.offset[i] - notes.onset[i]
            length = min(len(out) - start, round((held + min(LONGEST_RELEASE, RELEASED / self.release)) * rate))
            if length > 8:
                time = np.arange(length, dtype=np.float32) / rate
                bent = np.interp(notes.onset[i] + time, np.arange(len(curve)) * BEND_STEP, curve)
                tone = self._tone(float(notes.pitch[i]), float(notes.velocity[i]), time, bent, rate, rng)
                out[start : start + length] += tone * self._envelope(time, float(held))
        return out

    def _tone(
        self, pitch: float, velocity: float, time: np.ndarray, bent: np.ndarray, rate: int, rng: np.random.Generator
    ) -> np.ndarray:
        """A note before its attack and release, ``[T]``."""
        f0 = midi_to_hz(pitch)
        turns = np.cumsum(f0 * 2 ** (bent / 12)) / rate
        result = np.zeros(len(time), np.float32)
        going = np.exp(-time / self.sweep) if self.sweep else np.zeros(1)  # what is left of a sweep
        shift = 0.0
        if self.modulator:
            # less of it for high notes, whose sidebands would fold down
            room = min(1.0, 0.1 * rate / (f0 * (self.modulator + 1)))
            index = self.index * velocity ** (self.touch / 6) * room
            shift = index * (0.2 + 0.8 * going) * np.sin(2 * np.pi * self.modulator * turns) / (2 * np.pi)
        for ratio, level in zip(self.ratios, self.levels, strict=True):
            frequency = f0 * ratio
            octaves = np.maximum(0, np.log2(frequency / self.corner) - self.opening * going)
            db = level + self.tilt * octaves + self.touch * np.log2(velocity) * max(0.0, float(np.log2(ratio)))
            if frequency > 0.47 * rate or db.max() < -70:
                continue
            fading = self.decay * self.damping ** np.log2(max(frequency, 100) / 500)
            fade = np.maximum(-fading * time, -self.floor) if self.decay else 0.0
            for cents in (-self.detune / 2, self.detune / 2) if self.detune else (0.0,):
                angle = 2 * np.pi * (turns * (ratio * 2 ** (cents / 1200)) + rng.random() + shift)
                result += (10 ** ((db + fade) / 20) * np.sin(angle)).astype(np.float32)
        if self.breath > -100:
            result += 10 ** (self.breath / 20) * rng.standard_normal(len(time), dtype=np.float32)
        return np.asarray(velocity**2 * 0.1 * result, np.float32)

    def _envelope(self, time: np.ndarray, held: float) -> np.ndarray:
        rise = np.minimum(1, time / self.attack)
        db = -self.release * np.maximum(0, time - held) - self.tremolo * np.sin(np.pi * self.pace * time) ** 2
        return np.asarray(rise * 10 ** (db / 20), np.float32)
