"""How the notes of a style sound, and how a note that it never played would. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from restyle.analysis.partials import HOP, MOST, NoteSound, noise_bands, partial_ratios
from restyle.dsp.pitch import midi_to_hz

MOST_NOTES = 160  # kept of a style
LONGEST = 300  # frames kept of a note
NEAREST = 8  # notes of the style that answer for a new one
SPAN = 3.0  # semitones that make a neighbour count e times less
NOISE = -9.0  # dB, by which the power between partials exceeds the noise: partials leak
LEAST_TRUST = 0.2  # weight of a partial that another note covers
BY_NUMBER = 0.7  # how far partials answer for those of the same number, rather than of the same frequency
SILENT = -140.0  # dB
MOST_TONES = 96  # kept for notes alike; long ones take a megabyte
UNKNOWN = 1.0  # a decay of notes that are too short to tell: no note grows


@dataclass(frozen=True, eq=False)
class Tone:
    """A note to be played: envelopes in dB every 10 ms, from the onset on, relative to the note's level.

    Args:
        amplitude: of each partial, ``[K, L]``.
        noise: power density per Hz in each noise band, ``[M, L]``.
        level: the level in dB that the style gives such a note.
        stiffness: inharmonicity of the partials.
        release: dB a second at which it fades after its end.
    """

    amplitude: np.ndarray
    noise: np.ndarray
    level: float
    stiffness: float
    release: float


class Instrument(Protocol):
    """What tells how a note is to sound."""

    rate: int  # Hz; it tells nothing above half of that

    def tone(self, pitch: float, frames: int, rate: int, touch: float = 0.0) -> Tone:
        """Return a pitch held for frames of 10 ms, played ``touch`` dB louder than usual, for sound of a rate."""
        ...


@dataclass(eq=False)
class Timbre:
    """The notes of a style in dB, and what they have in common.

    Args:
        rate: rate in Hz at which the style was measured; it tells nothing above half of that.
        pitch: of each note ``[N]``; ``held`` is the number of frames before its release, ``level`` its loudest in dB.
        amplitude: dB relative to ``level``, ``[N, K, L]``; where a note has ended, its last frame.
        trust: weight of each value, 0..1, ``[N, K, L]``.
        noise: dB per Hz relative to ``level``, ``[N, M, L]``.
        decay: dB a second at which partials fade while a note is held, by frequency (``DECAY_GRID``).
        release: dB a second at which notes fade after their end.
        attack: seconds that notes take to rise.
    """

    rate: int
    pitch: np.ndarray
    held: np.ndarray
    level: np.ndarray
    stiffness: np.ndarray
    partials: np.ndarray
    amplitude: np.ndarray
    trust: np.ndarray
    noise: np.ndarray
    slope: np.ndarray
    decay: np.ndarray
    release: float
    _known: dict[tuple[int, int, int], Tone] = field(default_factory=dict)

    @classmethod
    def learn(cls, sounds: Sequence[NoteSound], rate: int) -> Timbre:
        """Gather the notes of a style; the clearest are kept when there are many."""
        order = sorted(sounds, key=_clarity, reverse=True)[:MOST_NOTES]
        most = min(MOST, max(len(s.amplitude) for s in order))
        longest = min(LONGEST, max(s.held for s in order))
        bands = len(noise_bands(rate))
        amplitude = np.full((len(order), most, longest), SILENT, np.float32)
        trust = np.zeros((len(order), most, longest), np.float32)
        noise = np.zeros((len(order), bands, longest), np.float32)
        slope = np.full((len(order), most), UNKNOWN, np.float32)
        level = np.array([s.loudness[: s.held].max() for s in order])
        for i, s in enumerate(order):
            count, held = min(most, len(s.amplitude)), min(s.held, longest)
            db = 20 * np.log10(s.amplitude[:count, :held] + 1e-7) - level[i]
            amplitude[i, :count, :held], trust[i, :count, :held] = db, s.trust[:count, :held]
            hiss = 10 * np.log10(s.noise[:, :held] + 1e-16) + NOISE - level[i]
            # a clip of a lower rate knows nothing of the highest bands: they are as its last
            noise[i, :, :held] = np.pad(hiss, ((0, bands - len(hiss)), (0, 0)), mode="edge")
            amplitude[i, :, held:] = amplitude[i, :, held - 1 : held]
            noise[i, :, held:] = noise[i, :, held - 1 : held]
            slope[i, :count] = _slope(db)
        held_frames = np.array([min(s.held, longest) for s in order])
        pitch = np.array([s.pitch for s in order])
        partials = np.array([min(most, len(s.amplitude)) for s in order])
        stiffness = np.array([s.stiffness for s in order])
        decay = _pooled(pitch, partials, slope, held_frames)
        release = _release(order)
        return cls(rate, pitch, held_frames, level, stiffness, partials, amplitude, trust, noise, slope, decay, release)

    def tone(self, pitch: float, frames: int, rate: int, touch: float = 0.0) -> Tone:
        """Return how the style would play a pitch held for a number of frames, for sound of a rate.

        How loud it is played (``touch``) does not change its sound here.

        The nearest notes answer, in dB, partly by the number of each partial and partly by its frequency; those that
        were held for less go on as they faded.
        """
        frames = max(3, frames)
        length = round(2 ** (np.ceil(np.log2(max(16, frames)) * 2) / 2))  # few lengths, so that tones are used again
        key = (round(pitch * 2), length, rate)
        known = self._known.get(key)  # several threads may ask
        if known is None:
            if len(self._known) >= MOST_TONES:
                self._known.clear()
            known = self._known[key] = self._compute(key[0] / 2, length, rate)
        return replace(known, amplitude=known.amplitude[:, :frames], noise=known.noise[:, :frames])

    def _compute(self, pitch: float, frames: int, rate: int) -> Tone:
        nearest, weights = self._nearest(pitch, frames)
        stiffness = float(np.average(self.stiffness[nearest], weights=weights))
        ratios = partial_ratios(MOST, stiffness)
        f0 = float(midi_to_hz(pitch))
        ratios = ratios[f0 * ratios < 0.48 * rate] if f0 < 0.48 * rate else ratios[:1]
        count = len(ratios)
        total = np.zeros((count, frames))
        weight = np.full((count, frames), 1e-9)
        noise = np.zeros((self.noise.shape[1], frames))
        for i, share in zip(nearest, weights, strict=True):
            own, trust, hiss = self._held_on(i, frames)
            trust = trust + LEAST_TRUST
            last = len(own) - 1
            heard = float(midi_to_hz(self.pitch[i])) * np.arange(1, last + 2)
            at = np.interp(np.log(f0 * ratios), np.log(heard), np.arange(last + 1))
            low = np.floor(at).astype(int)
            high, part = np.minimum(low + 1, last), (at - low)[:, None]
            alike = own[low] * (1 - part) + own[high] * part
            alike_trust = trust[low] * (1 - part) + trust[high] * part
            number = np.minimum(np.arange(count), last)
            number_trust = trust[number] * np.where(np.arange(count) > last, 1e-3, 1.0)[:, None]
            total += share * (BY_NUMBER * number_trust * own[number] + (1 - BY_NUMBER) * alike_trust * alike)
            weight += share * (BY_NUMBER * number_trust + (1 - BY_NUMBER) * alike_trust)
            noise += share * hiss
        amplitude = total / weight
        # nothing is known above the style's band: fade 24 dB an octave
        beyond = np.log2(np.maximum(1, f0 * ratios / (0.47 * self.rate)))
        amplitude -= 24 * beyond[:, None]
        level = float(np.average(self.level[nearest], weights=weights))
        noise = (noise / weights.sum()).astype(np.float32)
        return Tone(amplitude.astype(np.float32), noise, level, stiffness, self.release)

    def _nearest(self, pitch: float, frames: int) -> tuple[np.ndarray, np.ndarray]:
        far = np.abs(self.pitch - pitch) / SPAN
        short = np.maximum(0, np.log2((frames + 5) / (self.held + 5)))
        faint = np.maximum(0, (self.level.max() - 12 - self.level) / 12)
        score = far + short + faint
        nearest = np.argsort(score, kind="stable")[:NEAREST]
        return nearest, np.exp(-2 * (score[nearest] - score[nearest[0]]))

    def _held_on(self, i: int, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A note's amplitudes, trust and noise as if it had been held for longer (or shorter)."""
        count, held = self.partials[i], int(self.held[i])
        amplitude, trust, noise = self.amplitude[i, :count], self.trust[i, :count], self.noise[i]
        if frames <= held:
            return amplitude[:, :frames], trust[:, :frames], noise[:, :frames]
        pooled = np.interp(np.log2(float(midi_to_hz(self.pitch[i])) * np.arange(1, count + 1)), DECAY_GRID, self.decay)
        sure = min(1.0, held * HOP) if self.slope[i, 0] <= 0 else 0.0
        slope = sure * self.slope[i, :count] + (1 - sure) * pooled
        tail = max(1, min(5, held // 2))
        time = np.arange(1, frames - held + 1) * HOP
        end, end_noise = (np.median(x[:, held - tail : held], axis=1)[:, None] for x in (amplitude, noise))
        amplitude = np.concatenate([amplitude[:, :held], end + slope[:, None] * time], axis=1)
        noise = np.concatenate([noise[:, :held], end_noise + np.median(slope) * time], axis=1)
        return amplitude, np.concatenate([trust[:, :held], np.full((count, len(time)), 0.3)], axis=1), noise

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all of it as named arrays, for a profile."""
        names = ("pitch", "held", "level", "stiffness", "partials", "slope", "decay")
        packed = {name: getattr(self, name) for name in names}
        packed |= {name: getattr(self, name).astype(np.float16) for name in ("amplitude", "noise")}
        packed["trust"] = (self.trust > 0.5).astype(np.uint8)
        return packed | {"rate": np.array([self.rate]), "release": np.array([self.release])}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> Timbre:
        """Make a timbre of what :meth:`arrays` returned."""
        plain = ("pitch", "held", "level", "stiffness", "partials", "slope", "decay")
        columns: dict[str, Any] = {name: arrays[name] for name in plain}
        columns |= {name: arrays[name].astype(np.float32) for name in ("amplitude", "noise", "trust")}
        return cls(rate=int(arrays["rate"][0]), release=float(arrays["release"][0]), **columns)


DECAY_GRID = np.arange(4, 14.5, 0.25)  # log2 of Hz


def _clarity(sound: NoteSound) -> float:
    """Loud, long and free of other notes comes first."""
    loudest = sound.loudness[: sound.held].max()
    return float(loudest + 10 * np.log10(sound.duration + 0.05) + 10 * sound.trust[:10].mean())


def _slope(db: np.ndarray) -> np.ndarray:
    """Decay of each partial in dB a second while a note is held; UNKNOWN where the note is too short to tell."""
    steady = db[:, min(5, db.shape[1] // 3) :]
    if steady.shape[1] < 15:
        return np.full(len(db), UNKNOWN)
    time = (np.arange(steady.shape[1]) - (steady.shape[1] - 1) / 2) * HOP
    return np.clip((steady * time).sum(axis=1) / np.square(time).sum(), -150, 0)


def _pooled(pitch: np.ndarray, partials: np.ndarray, slope: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Mean decay around each frequency of ``DECAY_GRID``, over all notes; long notes weigh more."""
    total, weight = np.full(len(DECAY_GRID), -3e-3), np.full(len(DECAY_GRID), 1e-3)
    for i in range(len(pitch)):
        if slope[i, 0] > 0:
            continue
        logs = np.log2(float(midi_to_hz(pitch[i])) * np.arange(1, partials[i] + 1))
        near = held[i] * np.exp(-0.5 * ((logs - DECAY_GRID[:, None]) / 0.35) ** 2)
        total += near @ slope[i, : partials[i]]
        weight += near.sum(axis=1)
    return np.asarray(total / weight)


def _release(sounds: Sequence[NoteSound]) -> float:
    """Median fade in dB a second just after the notes' ends, as long as they fade: then other notes may sound."""
    fades = []
    for after in (s.loudness[s.held + 2 : s.held + 13] for s in sounds):
        if len(after) == 11:
            last = max(1, int(after.argmin()))
            fades.append((after[last] - after[0]) / (last * HOP))
    return float(np.clip(np.median(fades), -600, -20)) if fades else -200.0
