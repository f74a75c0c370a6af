"""How notes sound: per-note envelopes of partials and noise, pitch and its bends. Floor 3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.melbands import centre_frequencies
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import DRUMS, Notes

HOP = 0.010  # seconds between two frames of every envelope
WINDOWS = (0.064, 0.128)  # seconds; the long one for notes below LOW, whose partials lie close together
LOW = 59.0  # MIDI pitch
MOST = 160  # partials of a note
BANDS = 48  # noise bands, mel-spaced up to HIGHEST
HIGHEST = 24000.0  # Hz
BLOCK, AROUND = 20.0, 2.0  # seconds measured at once, and those around them
RELEASE = 0.25  # seconds followed after a note's end
RING = 0.10  # seconds after its end in which a note may still cover another
DETUNING = np.arange(-40, 41, 5)  # cents tried
STIFFNESS = (0.0, 5e-5, 1.5e-4, 4e-4, 1e-3)  # inharmonicity coefficients tried


@dataclass(frozen=True, eq=False)
class NoteSound:
    """One note, measured every 10 ms from its onset until its release is over.

    Args:
        pitch: MIDI number, with the tuning measured.
        duration: seconds from onset to offset; the envelopes go on through the release.
        velocity: 0..1, as transcribed.
        stiffness: inharmonicity B: partial k lies at ``k * f0 * sqrt(1 + B k^2)``.
        amplitude: of each partial, linear, ``[K, L]``.
        trust: 1 where no other note's partial is near, else 0, ``[K, L]``.
        noise: power density between the partials in each band, per Hz, shared among the notes that sound, ``[M, L]``.
        bend: deviation of the fundamental from ``pitch`` in semitones, ``[L]``.
    """

    pitch: float
    duration: float
    velocity: float
    stiffness: float
    amplitude: np.ndarray
    trust: np.ndarray
    noise: np.ndarray
    bend: np.ndarray

    @property
    def held(self) -> int:
        """Frames from the onset to the offset, at least one."""
        return min(max(1, round(self.duration / HOP)), self.amplitude.shape[1])

    @property
    def loudness(self) -> np.ndarray:
        """Power of all partials together in dB, frame by frame, ``[L]``."""
        return np.asarray(10 * np.log10(np.square(self.amplitude).sum(axis=0) + 1e-14))


def partial_ratios(count: int, stiffness: float) -> np.ndarray:
    """Return the frequencies of partials 1 to ``count`` in multiples of the fundamental's."""
    k = np.arange(1, count + 1)
    return np.asarray(k * np.sqrt(1 + stiffness * k**2))


def noise_bands(rate: int) -> np.ndarray:
    """Return the centres in Hz of the noise bands below half a rate; they are the same at every rate."""
    centres = centre_frequencies(BANDS, HIGHEST)
    return centres[centres <= rate / 2]


class _Spectra:
    """Amplitude spectra every 10 ms with one window length, zero-padded to twice that."""

    def __init__(self, samples: np.ndarray, rate: int, window: float) -> None:
        self.window = window
        size = 2 ** round(np.log2(window * rate))
        shape = torch.hann_window(size)
        starts = np.round(np.arange(int(len(samples) / rate / HOP) + 1) * HOP * rate).astype(int)
        padded = torch.nn.functional.pad(torch.from_numpy(samples), (size // 2, size))
        frames = padded.unfold(0, size, 1)[torch.from_numpy(starts)]
        self.amplitude = torch.fft.rfft(frames * shape, n=2 * size).abs().div_(shape.sum() / 2).numpy()
        self.step = rate / (2 * size)  # Hz between two bins
        self.noise_width = rate * float(shape.square().sum() / shape.sum() ** 2)  # Hz
        self.bins = self.amplitude.shape[1]

    def near(self, frequencies: np.ndarray, frames: np.ndarray, reach: float) -> np.ndarray:
        """Largest amplitude within ``reach`` Hz of each frequency, ``[K, L]``."""
        spread = np.linspace(-1, 1, 2 * max(1, int(np.ceil(reach / self.step))) + 1) * reach
        index = np.clip(np.round((frequencies[:, None] + spread) / self.step).astype(int), 0, self.bins - 1)
        return np.asarray(self.amplitude[frames[:, None, None], index].max(axis=2).T)


@dataclass(frozen=True)
class _Found:
    pitch: float
    stiffness: float
    partials: np.ndarray
    first: int
    last: int
    spectra: _Spectra


def measure(audio: Audio, notes: Notes, *, most: int = MOST, noise: bool = True) -> list[NoteSound]:
    """Measure how each note of a recording sounds.

    Args:
        audio: the recording; its channels are mixed to one. About 30 s at most: all of it is analysed at once.
        notes: its notes, onsets within the recording; drums are passed over.
        most: highest number of partials followed.
        noise: whether what lies between the partials is measured, too; else a note has no noise bands.

    Returns:
        One `NoteSound` a note, in the order of the notes.

    Example:
        >>> t = np.arange(22050) / 22050
        >>> tone = Audio(0.5 * np.sin(2 * np.pi * 440 * t) + 0.25 * np.sin(2 * np.pi * 880 * t), 22050)
        >>> note, = measure(tone, Notes.of([(0.0, 1.0, 69, 0.8, 0)]))
        >>> note.amplitude[:2, 50].round(2).tolist()
        [0.5, 0.25]

    Source: peak amplitudes of a short-time spectrum, as in Serra and Smith, "Spectral modeling synthesis", Computer
    Music Journal 14(4), 1990; inharmonicity as of stiff strings (Fletcher 1964).
    """
    notes = notes.pitched()
    mono = audio.mono()
    spectra = {window: _Spectra(mono, audio.rate, window) for window in WINDOWS}
    frames = len(next(iter(spectra.values())).amplitude)
    found = [_find(notes, i, spectra, audio.rate, most) for i in range(len(notes))]
    covered = {window: _cover(found, s, frames) for window, s in spectra.items()}
    density = _noise(spectra, covered, audio.rate) if noise else np.zeros((frames, 0))
    sounding = np.zeros(frames)
    for note in found:
        sounding[note.first : note.last] += 1
    sounds = []
    for i, note in enumerate(found):
        where = np.arange(note.first, min(frames, note.last + round(RELEASE / HOP)))
        fundamental = float(midi_to_hz(note.pitch))
        amplitude = note.spectra.near(note.partials, where, min(0.03 * fundamental, 8.0))
        centre = np.clip(np.round(note.partials / note.spectra.step).astype(int), 0, note.spectra.bins - 1)
        own = where < note.last + round(RING / HOP)
        others = covered[note.spectra.window][where[:, None], centre] - own[:, None]
        sounds.append(
            NoteSound(
                note.pitch,
                float(notes.offset[i] - notes.onset[i]),
                float(notes.velocity[i]),
                note.stiffness,
                amplitude,
                (others <= 0).T.astype(np.float32),
                (density[where] / np.maximum(1, sounding[where])[:, None]).T,
                _bend(note, where, amplitude),
            )
        )
    return sounds


def measured(audio: Audio, notes: Notes, *, most: int = MOST) -> Iterator[tuple[int, NoteSound]]:
    """Measure a recording of any length block by block.

    Args:
        audio: the recording.
        notes: its notes; drums are passed over. What of a note lies more than two seconds beyond the block that it
            begins in is not measured.
        most: highest number of partials followed.

    Yields:
        Each note's number and how it sounds, block by block.
    """
    pitched = np.flatnonzero(notes.programme != DRUMS)
    for span in blocks.spans(audio.length, round(BLOCK * audio.rate), round(AROUND * audio.rate)):
        start, stop, left, right = (x / audio.rate for x in (span.start, span.stop, span.left, span.right))
        near = pitched[(notes.onset[pitched] < right) & (notes.offset[pitched] > left)]
        begun = (notes.onset[near] >= start) & (notes.onset[near] < stop)
        if begun.any():
            sounds = measure(audio.slice(span.left, span.right), notes.select(near).between(left, right), most=most)
            yield from ((int(near[i]), sounds[i]) for i in np.flatnonzero(begun))


def _find(notes: Notes, i: int, spectra: dict[float, _Spectra], rate: int, most: int) -> _Found:
    """Fit tuning and stiffness of a note to its mean spectrum."""
    spectrum = spectra[WINDOWS[1] if notes.pitch[i] < LOW else WINDOWS[0]]
    frames = len(spectrum.amplitude)
    first = min(round(notes.onset[i] / HOP), frames - 1)
    last = min(max(round(notes.offset[i] / HOP), first + 2), frames)
    steady = spectrum.amplitude[min(first + 3, last - 1) : last].mean(axis=0)
    base = float(midi_to_hz(notes.pitch[i]))
    few = min(20, max(1, int(0.48 * rate / base)))
    best, detune, stiffness = -1.0, 0, 0.0
    for tried in STIFFNESS:
        at = partial_ratios(few, tried)[:, None] * base * 2 ** (DETUNING / 1200)
        score = np.sqrt(np.interp(at / spectrum.step, np.arange(spectrum.bins), steady, right=0)).sum(axis=0)
        score *= (1 - 0.0004 * np.abs(DETUNING)) * (1.0 if tried == 0 else 0.998)  # in doubt, in tune and harmonic
        if score.max() > best:
            best, detune, stiffness = float(score.max()), int(DETUNING[score.argmax()]), tried
    base *= 2 ** (detune / 1200)
    partials = partial_ratios(min(most, max(1, int(0.49 * rate / base))), stiffness) * base
    partials = partials[partials < 0.495 * rate]
    return _Found(float(notes.pitch[i]) + detune / 100, stiffness, partials, first, last, spectrum)


def _cover(found: list[_Found], spectra: _Spectra, frames: int) -> np.ndarray:
    """How many notes have a partial at each frame and bin, ``[L, F]``."""
    count = np.zeros((frames, spectra.bins), np.int16)
    reach = round(1.5 / spectra.window / spectra.step)  # bins, most of the main lobe
    for note in found:
        here = np.zeros(spectra.bins, np.int16)
        centre = np.round(note.partials / spectra.step).astype(int)
        here[np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, spectra.bins - 1)] = 1
        count[note.first : note.last + round(RING / HOP)] += here
    return count


def _noise(spectra: dict[float, _Spectra], covered: dict[float, np.ndarray], rate: int) -> np.ndarray:
    """Power density per Hz in each noise band where no partial is, ``[L, M]``; gaps are bridged along frequency."""
    centres = noise_bands(rate)
    middle = (centres[1:] + centres[:-1]) / 2
    edges = np.concatenate([[0], middle, [rate / 2]])
    density = None
    for window, s in spectra.items():
        free = covered[window] == 0
        low = np.searchsorted(np.arange(s.bins) * s.step, edges[:-1])
        high = np.maximum(np.searchsorted(np.arange(s.bins) * s.step, edges[1:]), low + 1)
        power = np.square(s.amplitude) / (2 * s.noise_width) * free
        total = _sums(power, low, high)
        count = _sums(free.astype(np.float32), low, high)
        enough = count >= np.maximum(1, 0.08 * (high - low))
        value = np.where(enough, total / np.maximum(count, 1), np.nan)
        density = value if density is None else np.where(np.isnan(density), value, density)
    assert density is not None
    bands = np.arange(len(centres))
    for row in density:
        known = ~np.isnan(row)
        if not known.any():
            row[:] = 1e-18
        elif not known.all():
            row[:] = np.exp(np.interp(bands, bands[known], np.log(row[known] + 1e-18)))
    return density


def _sums(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1, dtype=np.float64)], axis=1)
    return np.asarray(running[:, high] - running[:, low])


def _bend(note: _Found, where: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Pitch against the note's mean in semitones, from the peaks of its lowest partials; 0 where they do not agree."""
    few = min(6, len(note.partials))
    spectra, ratios = note.spectra, note.partials[:few] / note.partials[0]
    reach = note.partials[0] * 0.05
    furthest = int(np.ceil(reach * ratios[-1] / spectra.step))
    offsets = np.arange(-furthest, furthest + 1)
    total = np.zeros(len(where))
    weight = np.zeros(len(where))
    for k in range(few):
        centre = note.partials[k] / spectra.step
        near = offsets[np.abs(offsets) * spectra.step <= reach * ratios[k] + spectra.step]
        index = np.clip(np.round(centre).astype(int) + near, 1, spectra.bins - 2)
        part = spectra.amplitude[where[:, None], index]
        top = part.argmax(axis=1)
        peak = index[top]
        left, mid, right = (np.log(spectra.amplitude[where, peak + d] + 1e-9) for d in (-1, 0, 1))
        curve = left - 2 * mid + right
        exact = peak + np.where(curve < -1e-6, 0.5 * (left - right) / np.minimum(curve, -1e-6), 0).clip(-0.5, 0.5)
        inside = (top > 0) & (top < len(index) - 1)
        semitones = 12 * np.log2(np.maximum(exact, 0.1) / centre)
        w = inside * amplitude[k] * ratios[k]
        total += w * np.clip(semitones, -1, 1)
        weight += w
    bend = total / np.maximum(weight, 1e-9)
    width = 3
    bend = np.convolve(np.pad(bend, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    steps = np.abs(np.diff(bend)).mean() if len(bend) > 1 else 0.0
    return np.zeros_like(bend) if steps > 0.15 or weight.max(initial=0) <= 0 else np.clip(bend, -1, 1)
