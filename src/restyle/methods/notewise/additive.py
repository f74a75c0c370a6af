"""Plays a `Tone`: partials and noise, drawn as short spectra that are overlapped and added. Floor 4."""

from __future__ import annotations

from functools import cache

import numpy as np

from restyle.analysis.partials import HOP, noise_bands, partial_ratios
from restyle.dsp.pitch import midi_to_hz
from restyle.methods.notewise.timbre import Tone

# `dsp.additive` does the same with gradients; with tables and without gradients this is 1.6 times as fast
WINDOW = 0.023  # seconds
SIDE = 4  # bins drawn on either side of a partial; what lies beyond is 55 dB weaker
TABLE = 128  # positions between two bins at which the window's spectrum is tabulated
FADE = 0.004  # seconds of fade-in, so that no start clicks
RELEASED = 70.0  # dB below which a released note has ended
LONGEST_RELEASE = 0.6  # seconds
INAUDIBLE = -110.0  # dB of full scale
MASKED = 90.0  # dB below the loudest partial at which none is drawn
PIECE = 1024  # frames drawn at once


def play(
    tone: Tone,
    pitch: float,
    gain: np.ndarray,
    bend: np.ndarray,
    rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Make the samples of one note.

    Args:
        tone: envelopes ``[K, L]`` and ``[M, L]``.
        pitch: MIDI number, fractional.
        gain: dB added to each frame ``[L]``.
        bend: semitones added to the pitch in each frame ``[L]``.
        rate: Hz.
        rng: gives the phases and the noise.

    Returns:
        float32 samples of the note and its release, which lasts up to 0.6 s.

    Source: Rodet and Depalle, "Spectral envelopes and inverse FFT synthesis", AES 1992.
    """
    after = int(min(LONGEST_RELEASE, RELEASED / -tone.release) / HOP) + 1
    fade = tone.release * HOP * np.arange(1, after + 1)
    envelopes = (tone.amplitude, tone.noise)
    amplitude, noise = (np.concatenate([x + gain, x[:, -1:] + gain[-1] + fade], axis=1) for x in envelopes)
    audible = amplitude.max(axis=1) > INAUDIBLE
    amplitude = amplitude[: int(np.flatnonzero(audible).max(initial=0)) + 1]
    length = round(amplitude.shape[1] * HOP * rate)
    size = 2 ** round(np.log2(WINDOW * rate))
    hop = size // 4
    # two frames before the onset, so that the windows add up to a constant from the first sample on
    times = np.arange(-2, length // hop + 3) * hop / rate
    ratios = partial_ratios(len(amplitude), tone.stiffness)
    start = rng.random(len(ratios))
    cycles, f0 = _fundamental(pitch, np.pad(bend, (0, after), mode="edge"), times)
    out = np.zeros((len(times) + 3, hop), np.float32)
    for first in range(0, len(times), PIECE):
        part = slice(first, first + PIECE)
        levels = 10 ** (_at(amplitude, times[part]) / 20)
        phases = (cycles[part, None] * ratios + start) % 1.0
        spectra = _lines(levels, f0[part, None] * ratios * (size / rate), phases, size)
        spectra += _noise(_at(noise, times[part]), size, rate, rng)
        frames = np.fft.irfft(spectra, size)
        for k in range(4):
            out[first + k : first + k + len(frames)] += frames[:, k * hop : (k + 1) * hop]
    # frame 0 is centred two hops before the onset, and starts two hops before that
    samples = out.reshape(-1)[4 * hop : 4 * hop + length]
    rise = min(length, round(FADE * rate))
    samples[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return samples


def _at(envelope: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Values of an envelope ``[K, L]`` at times in seconds, interpolated: ``[times, K]``."""
    position = np.clip(times / HOP, 0, envelope.shape[1] - 1)
    low = np.minimum(position.astype(int), max(0, envelope.shape[1] - 2))
    high = np.minimum(low + 1, envelope.shape[1] - 1)
    part = (position - low)[:, None].astype(np.float32)
    return np.asarray(envelope.T[low] * (1 - part) + envelope.T[high] * part)


def _fundamental(pitch: float, bend: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turns of the fundamental since the onset, and its frequency in Hz, at each time."""
    curve = midi_to_hz(pitch) * 2 ** (bend / 12)
    turns = np.concatenate([[0], np.cumsum((curve[1:] + curve[:-1]) / 2 * HOP)])
    grid = np.arange(len(curve)) * HOP
    f0 = np.interp(times, grid, curve)
    outside = curve[0] * np.minimum(times, 0) + curve[-1] * np.maximum(times - grid[-1], 0)
    cycles = np.interp(times, grid, turns) + outside
    return cycles, f0


@cache
def _lobe() -> np.ndarray:
    """Spectrum of a Hann window around a line, ``[position between bins, bin]``, 1 at the top."""
    offset = np.arange(-SIDE, SIDE + 1) - (np.arange(TABLE + 1)[:, None] / TABLE - 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        lobe = np.sinc(offset) / (1 - offset**2)
    lobe[np.abs(np.abs(offset) - 1) < 1e-9] = 0.5
    return lobe.astype(np.float32)


def _lines(levels: np.ndarray, bins: np.ndarray, phases: np.ndarray, size: int) -> np.ndarray:
    """Spectra ``[L, F]`` of windowed sinusoids: amplitudes, places in bins and phases in turns, each ``[L, K]``."""
    row, column = np.nonzero(levels > levels.max(initial=0) * 10 ** (-MASKED / 20))  # most decays are soon not heard
    bins, turn = bins[row, column], (2 * np.pi * phases[row, column]).astype(np.float32)
    centre = np.round(bins).astype(int)
    shape = _lobe()[np.round((bins - centre + 0.5) * TABLE).astype(int)]
    # an odd bin changes sign, so that the window is centred in the frame; half for the overlap of four Hann windows
    weight = (levels[row, column] * (size / 8) * (1 - 2 * (centre & 1))).astype(np.float32)
    width = size // 2 + 1 + 2 * SIDE  # with room for lobes that reach over the ends
    index = (row * width + centre + SIDE).clip(SIDE, len(levels) * width - SIDE - 1)
    index = (index[:, None] + np.arange(-SIDE, SIDE + 1)).ravel()
    shape = shape * (1 - 2 * (np.arange(-SIDE, SIDE + 1) & 1)).astype(np.float32)
    result = np.empty((len(levels), width), np.complex64)
    for part, wave in (("real", np.cos(turn)), ("imag", np.sin(turn))):
        values = ((weight * wave)[:, None] * shape).ravel()
        getattr(result, part)[:] = np.bincount(index, values, minlength=result.size)[: result.size].reshape(
            result.shape
        )
    return result[:, SIDE : width - SIDE]


def _noise(level: np.ndarray, size: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Spectra ``[L, F]`` of windowed noise with power densities in dB per Hz ``[L, M]`` at the noise bands."""
    centres = noise_bands(rate)[: level.shape[1]]
    bins = np.fft.rfftfreq(size, 1 / rate)
    at = np.interp(bins, centres, np.arange(len(centres)))
    low = np.minimum(at.astype(int), len(centres) - 2)
    part = (at - low).astype(np.float32)
    level = level.astype(np.float32)
    fade = 24 * np.log2(np.maximum(1, bins / centres[-1]))  # nothing is known beyond the bands
    shape = level[:, low] * (1 - part) + level[:, low + 1] * part - fade.astype(np.float32)
    scale = np.exp(shape * np.float32(np.log(10) / 20)) * np.float32(np.sqrt(size * rate / 6))
    white = _white()
    start = int(rng.integers(len(white) - scale.size)) if scale.size < len(white) else 0
    taken = white[start : start + scale.size] if scale.size < len(white) else np.resize(white, scale.size)
    noise = taken.reshape(scale.shape) * scale
    windowed = 0.5 * noise
    windowed[:, 1:] += 0.25 * noise[:, :-1]
    windowed[:, :-1] += 0.25 * noise[:, 1:]
    return windowed


@cache
def _white() -> np.ndarray:
    """Complex Gaussian noise of variance 2, drawn once, that notes take stretches of."""
    drawn = np.random.default_rng(0).standard_normal((2**21, 2), dtype=np.float32)
    return drawn.view(np.complex64)[:, 0]
