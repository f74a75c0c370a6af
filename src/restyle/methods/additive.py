"""Plays a `Tone`: partials as sinusoids, noise in bands. Floor 4."""

from __future__ import annotations

import numpy as np
import torch

from restyle.analysis.partials import HOP, frequency, noise_bands, partial_ratios
from restyle.methods.timbre import Tone

PIECE = 1.0  # seconds of partials made at once
FADE = 0.004  # seconds of fade-in, so that no start clicks
RELEASED = 70.0  # dB below which a released note has ended
LONGEST_RELEASE = 0.6  # seconds


def play(
    tone: Tone,
    pitch: float,
    gain: np.ndarray,
    bend: np.ndarray,
    release: float,
    rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Make the samples of one note.

    Args:
        tone: envelopes ``[K, L]`` and ``[M, L]``.
        pitch: MIDI number, fractional.
        gain: dB added to each frame ``[L]``.
        bend: semitones added to the pitch in each frame ``[L]``.
        release: dB a second at which the note fades after its last frame; it is heard for up to 0.6 s.
        rate: Hz.
        rng: gives the phases and the noise.

    Returns:
        float32 samples of the note and its release.
    """
    after = int(min(LONGEST_RELEASE, RELEASED / -release) / HOP) + 1
    fade = release * HOP * np.arange(1, after + 1)
    amplitude = _released(tone.amplitude + gain, fade)
    noise = _released(tone.noise + gain, fade)
    bend = np.pad(bend, (0, after), mode="edge")
    samples = _partials(10 ** (amplitude / 20), pitch, bend, tone.stiffness, rate, rng)
    samples += _noise(noise, len(samples), rate, rng)
    rise = min(len(samples), round(FADE * rate))
    samples[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return samples


def _released(envelope: np.ndarray, fade: np.ndarray) -> np.ndarray:
    return np.concatenate([envelope, envelope[:, -1:] + fade], axis=1)


def _partials(
    amplitude: np.ndarray, pitch: float, bend: np.ndarray, stiffness: float, rate: int, rng: np.random.Generator
) -> np.ndarray:
    ratios = torch.from_numpy(partial_ratios(len(amplitude), stiffness))[:, None]
    start = torch.from_numpy(rng.random((len(amplitude), 1)))
    audible = amplitude.max(axis=1) > 10 ** (-100 / 20)
    count = int(np.flatnonzero(audible).max(initial=0)) + 1
    ratios, start = ratios[:count], start[:count]
    envelope = torch.from_numpy(amplitude[:count].astype(np.float32))
    length = round(amplitude.shape[1] * HOP * rate)
    position = (np.arange(length) + 0.5) / (HOP * rate) - 0.5
    cycles = np.cumsum(frequency(pitch) * 2 ** (np.interp(position, np.arange(len(bend)), bend) / 12) / rate)
    out = np.zeros(length, np.float32)
    size = round(PIECE * rate)
    for first in range(0, length, size):
        here = position[first : first + size].clip(0, amplitude.shape[1] - 1)
        low = torch.from_numpy(np.minimum(here.astype(int), amplitude.shape[1] - 2).clip(0))
        part = torch.from_numpy(here.astype(np.float32)) - low
        high = torch.clamp(low + 1, max=amplitude.shape[1] - 1)
        level = torch.lerp(envelope[:, low], envelope[:, high], part)
        # double precision until whole turns are gone
        phase = torch.from_numpy(cycles[first : first + size]) * ratios + start
        wave = torch.sin((phase - phase.floor()).float().mul_(2 * np.pi))
        out[first : first + size] = (level * wave).sum(dim=0).numpy()
    return out


def _noise(level: np.ndarray, length: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """White noise, shaped in short frames to power densities in dB per Hz ``[M, L]``."""
    size = 2 ** round(np.log2(0.023 * rate))
    hop = size // 4
    window = np.hanning(size + 1)[:size].astype(np.float32)
    frames = -(-length // hop) + 3
    white = rng.standard_normal((frames + 3) * hop, dtype=np.float32)
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(white, size)[::hop][:frames] * window)
    when = np.minimum((np.arange(frames) * hop / (HOP * rate)).astype(int), level.shape[1] - 1)
    centres = noise_bands(rate)[: len(level)]
    bins = np.fft.rfftfreq(size, 1 / rate)
    at = np.interp(bins, centres, np.arange(len(centres)))
    low = np.minimum(at.astype(int), len(centres) - 2)
    part = (at - low).astype(np.float32)
    shape = level[:, when].T.astype(np.float32)
    shape = shape[:, low] * (1 - part) + shape[:, low + 1] * part
    shape -= 24 * np.log2(np.maximum(1, bins / centres[-1])).astype(np.float32)  # nothing is known beyond: fade
    gain = 10 ** (shape / 20) * np.float32(np.sqrt(rate / 2))
    made = (np.fft.irfft(spectra * gain, size) * window / 1.5).astype(np.float32)
    out = np.zeros((frames + 3, hop), np.float32)
    for k in range(4):
        out[k : k + frames] += made[:, k * hop : (k + 1) * hop]
    return out.reshape(-1)[2 * hop : 2 * hop + length]
