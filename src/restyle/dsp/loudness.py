"""Loudness and stereo width. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.filters import response

GATE, STEP = 0.4, 0.1  # seconds of a gating block, and between the beginnings of two
BLOCK, TAIL = 5.0, 0.5  # seconds filtered at once, and after which the filters have long gone silent
ABSOLUTE, RELATIVE = -70.0, -10.0  # LUFS, and dB of the mean of what is above it: softer gating blocks do not count
OFFSET = -0.691  # dB, so that a full-scale sine of 1 kHz in one channel has -3.01 LUFS
SURROUND = 1.41  # power of a channel at the listener's side
WEIGHTS = {  # by number of channels, in the order of wav files, whose fourth of six and more is the low-frequency one
    5: (1, 1, 1, SURROUND, SURROUND),
    6: (1, 1, 1, 0, SURROUND, SURROUND),
    8: (1, 1, 1, 0, 1, 1, SURROUND, SURROUND),
}


def loudness(audio: Audio) -> float:
    """Return the integrated loudness in LUFS, measured block by block; -inf for silence.

    A sound of less than 0.4 s counts as one gating block.

    Example:
        >>> sine = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
        >>> round(loudness(Audio(sine, 48000)), 1)
        -3.0

    Source: ITU-R BS.1770-4; the filters' coefficients at any rate as in pyloudnorm.
    """
    power = _gating_powers(audio)
    if audio.duration < GATE:
        return _level(float(power.mean()))
    power = power[power >= 10 ** ((ABSOLUTE - OFFSET) / 10)]
    if not len(power):
        return -np.inf
    return _level(float(power[power > 10 ** (RELATIVE / 10) * power.mean()].mean()))


def _level(power: float) -> float:
    return OFFSET + 10 * float(np.log10(power)) if power > 0 else -np.inf


def _gating_powers(audio: Audio) -> np.ndarray:
    """Weighted power of all channels in each gating block."""
    weights = np.array(WEIGHTS.get(audio.channels, (1,) * audio.channels))
    steps = max(0, round((audio.duration - GATE) / STEP)) + round(GATE / STEP)
    edges = np.minimum((np.arange(steps + 1) * STEP * audio.rate).astype(int), audio.length)
    energy, at = np.zeros(steps), 0
    for block in _weighted(audio):
        inside = weights @ np.square(block)
        total = np.concatenate([[0.0], np.cumsum(inside)])
        energy += np.diff(total[np.clip(edges - at, 0, len(inside))])
        at += len(inside)
    wide = np.convolve(energy, np.ones(round(GATE / STEP)), "valid")
    return np.asarray(wide / (min(GATE, max(audio.duration, 1 / audio.rate)) * audio.rate))


def _weighted(audio: Audio) -> Iterator[np.ndarray]:
    """The K-weighted sound, block by block ``[C, n]``."""
    tail = round(TAIL * audio.rate)
    rest = np.zeros((audio.channels, tail))
    size = 2 ** int(np.ceil(np.log2(min(audio.length, round(BLOCK * audio.rate)) + tail)))
    weighting = response(_filters(audio.rate), size)
    for piece in blocks.views(audio, BLOCK):
        count = piece.shape[1]
        whole = np.fft.irfft(np.fft.rfft(piece.astype(np.float64), size) * weighting, size)
        whole[:, :tail] += rest
        rest = whole[:, count : count + tail].copy()
        yield whole[:, :count]


def _filters(rate: int) -> np.ndarray:
    """A high shelf of 4 dB at 1,500 Hz (the head), then a high pass at 38 Hz, as second-order sections."""
    gain = 10 ** (4.0 / 40)
    turn, width = _turn(1500.0, 2**-0.5, rate)
    root = 2 * np.sqrt(gain) * width
    up, down, cosine = gain + 1, gain - 1, np.cos(turn)
    shelf = [
        gain * (up + down * cosine + root),
        -2 * gain * (down + up * cosine),
        gain * (up + down * cosine - root),
        up - down * cosine + root,
        2 * (down - up * cosine),
        up - down * cosine - root,
    ]
    turn, width = _turn(38.0, 0.5, rate)
    cosine = np.cos(turn)
    high = [(1 + cosine) / 2, -1 - cosine, (1 + cosine) / 2, 1 + width, -2 * cosine, 1 - width]
    return np.array([np.array(section) / section[3] for section in (shelf, high)])


def _turn(hertz: float, quality: float, rate: int) -> tuple[float, float]:
    turn = 2 * np.pi * hertz / rate
    return turn, float(np.sin(turn) / (2 * quality))


def width(audio: Audio) -> float:
    """Return the share of the sides in a sound's amplitude: 0 is mono, 1 has no middle; 0 unless it is stereo."""
    if audio.channels != 2:
        return 0.0
    middle = side = 0.0
    for piece in blocks.views(audio, 60):
        middle += float(np.sum((piece[0] + piece[1]) ** 2, dtype=np.float64))
        side += float(np.sum((piece[0] - piece[1]) ** 2, dtype=np.float64))
    return float(np.sqrt(side / (middle + side))) if side else 0.0
