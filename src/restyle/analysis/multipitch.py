"""Several pitches at once, and the melody among them: harmonic salience, its peaks, and contours. Floor 3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from restyle.audio import Audio
from restyle.dsp import blocks

RATE = 8000  # Hz
HOP = 128  # 16 ms
FRAME = 2048
FFT = 8192  # frames are padded with zeros to this length: peaks are found more exactly
BLOCK = 512  # frames at a time
REFERENCE = 55.0  # Hz, the lowest pitch: bin 0
BINS = 600  # five octaves of pitches, 10 cents apart
SEMITONE = 10  # bins
PARTIALS = 20
DECAY = 0.8  # weight of a partial over that of the partial below it
SPECTRAL_PEAKS = 100  # in a frame, at most
SPECTRAL_RANGE = 100.0  # = 40 dB; peaks weaker than the frame's strongest by more are left out
FRAME_THRESHOLD = 0.9  # strong saliences reach this share of their frame's highest
SPREAD_THRESHOLD = 0.9  # and lie no more standard deviations than this below the mean of all strong ones
STEP = 44  # bins a contour may move from frame to frame: 27.5625 cents a millisecond
GAP = 6  # frames (100 ms) a contour may pass without a strong salience
SHORTEST = 7  # frames (100 ms) of a contour
OCTAVE_TOLERANCE = 5.0  # bins
# standard deviations below the mean salience from which a contour is no melody; they take .2, which loses the softer
# notes of an instrument that plays unevenly
VOICING = 1.0
DITHER = 1e-4  # keeps tones that nobody hears from counting as pitches
SILENCE = 1e-5  # RMS of frames without pitches (-100 dBFS)

# Weights of frequencies: the equal-loudness filter of the Replay Gain proposal at 8 kHz, then the end of the band
HEARING_HZ = (0, 20, 40, 55, 80, 100, 150, 200, 300, 400, 600, 800, 1000, 1200, 1500, 2000, 2500, 3000)
HEARING_DB = (-80, -53, -39.4, -32.7, -24.7, -20, -12.7, -9.3, -6.8, -6.1, -6.4, -8.1, -9.7, -9.6, -8.9, -6.9, -4, -1.6)
BAND_HZ = (3400, 3500, 3600, 3700, 3800, 3900, 4000)
BAND_DB = (-0.5, -0.7, -2.5, -8.2, -18, -30, -60)


@dataclass(frozen=True, eq=False)
class MultiPitch:
    """The pitches that sound in each frame.

    Args:
        active: bool, shape ``[L, 128]`` (frames, MIDI pitches).
        hop: seconds between frames; frame 0 is centred on the beginning.
    """

    active: np.ndarray
    hop: float = HOP / RATE


def multipitch(audio: Audio, *, tuning: float = 0.0) -> MultiPitch:
    """Find the pitches that sound in each 16 ms of a sound, 33 (55 Hz) to 93.

    The salience of a pitch is the weighted sum of the spectral peaks at its first 20 partials. Salient pitches are
    joined to contours in time, and of two contours an octave apart only the more salient one is kept. Deterministic:
    the dither is always the same. Silence has no pitches. Memory: some 100 kB a second.

    Args:
        audio: any rate, channels (mixed to one) and length.
        tuning: cents from A4 = 440 Hz of the pitches that are told apart.

    Example:
        >>> time = np.arange(16000) / 16000
        >>> tone = sum(0.1 / k * np.sin(2 * np.pi * 440 * k * time) for k in range(1, 6))
        >>> np.flatnonzero(multipitch(Audio(tone, 16000)).active[30])
        array([69])

    Source: Salamon, Gómez, "Melody extraction from polyphonic music signals using pitch contour characteristics",
    IEEE TASLP 20(6), 2012, all of whose contours are kept, as several melodies; parameters as documented for
    Essentia's MultiPitchMelodia, at a rate of 8 kHz.
    """
    peaks, contours, silent = _contoured(audio)
    active = np.zeros((len(silent), 128), bool)
    for contour in contours:
        # pitch 33 is bin 0; the nearest semitone
        nearest = np.floor(33.5 + (peaks.bin[contour] - tuning * SEMITONE / 100) / SEMITONE).astype(int)
        active[peaks.frame[contour], nearest] = True
    active[silent] = False
    return MultiPitch(active)


def melody(audio: Audio) -> np.ndarray:
    """Find the melody: the fundamental of the predominant voice in Hz every 16 ms, 0 where there is none, ``[L]``.

    In each frame it is the contour that is the most salient over its whole length; contours far below the usual
    salience are no melody.

    Example:
        >>> time = np.arange(16000) / 16000
        >>> tone = sum(0.1 / k * np.sin(2 * np.pi * 440 * k * time) for k in range(1, 6))
        >>> round(melody(Audio(tone, 16000))[30])
        440

    Source: Salamon, Gómez 2012, as above: their choice by mean salience, with a wider tolerance of what is voiced.
    """
    peaks, contours, silent = _contoured(audio)
    result = np.zeros(len(silent))
    means = np.array([peaks.salience[contour].mean(dtype=np.float64) for contour in contours])
    least = means.mean() - VOICING * means.std() if len(means) else 0.0
    for i in np.argsort(means, kind="stable"):  # the most salient last
        if means[i] >= least:
            result[peaks.frame[contours[i]]] = REFERENCE * 2 ** (peaks.bin[contours[i]] / (12 * SEMITONE))
    result[silent] = 0
    return result


def _contoured(audio: Audio) -> tuple[_Peaks, list[np.ndarray], np.ndarray]:
    """The peaks of the salience, the contours through them, and which frames are silent."""
    samples = blocks.whole_mono(audio, RATE)
    if not len(samples):
        none = np.zeros(0, np.int16)
        return _Peaks(none, none, none, np.zeros(1, int)), [], np.zeros(0, bool)
    silent = _silent(samples)
    peaks = _peaks(_dithered(_weighted(samples)))
    return peaks, _without_octaves(_contours(peaks), peaks), silent


def pitch_distance(a: MultiPitch, b: MultiPitch) -> float:
    """Return the mean over frames of 1 - Jaccard index of the pitches; frames with no pitch in either count 0.

    The shorter one is taken to be without pitches after its end. 0 is the same, 1 has nothing in common.

    Raises:
        ValueError: if the frames are not equally far apart.
    """
    if a.hop != b.hop:
        raise ValueError(f"frames are {a.hop} s and {b.hop} s apart")
    length = max(len(a.active), len(b.active))
    if not length:
        return 0.0
    x, y = (np.pad(p.active, ((0, length - len(p.active)), (0, 0))) for p in (a, b))
    either, both = (x | y).sum(axis=1), (x & y).sum(axis=1)
    return float(np.mean((either - both) / np.maximum(either, 1)))


def _silent(samples: np.ndarray) -> np.ndarray:
    """Which frames hold next to nothing: bool ``[L]``."""
    frames = len(samples) // HOP + 1
    hops = np.pad(samples, (0, frames * HOP - len(samples))).reshape(frames, HOP)
    power = np.pad(np.mean(hops**2, axis=1, dtype=np.float64), FRAME // HOP // 2)
    around = np.lib.stride_tricks.sliding_window_view(power, FRAME // HOP)[:frames]
    return around.mean(axis=1) < SILENCE**2


def _weighted(samples: np.ndarray) -> np.ndarray:
    """The samples as loud as they are heard."""
    from scipy import signal

    grid = np.arange(0, RATE / 2 + 1, 5.0)
    gains = 10 ** (np.interp(grid, HEARING_HZ + BAND_HZ, HEARING_DB + BAND_DB) / 20)
    # minimum phase, as the recursive filters of the proposal have; it takes the root of the response
    taps = signal.minimum_phase(signal.firwin2(2047, grid, gains**2, nfreqs=4097, fs=RATE)).astype(np.float32)
    return signal.oaconvolve(samples, taps)[: len(samples)]


def _dithered(samples: np.ndarray) -> np.ndarray:
    """Add noise, the same each time, in place."""
    noise = np.random.default_rng(0)
    for start in range(0, len(samples), 2**20):
        part = samples[start : start + 2**20]
        part += DITHER * noise.standard_normal(len(part))
    return samples


@dataclass(frozen=True)
class _Peaks:
    """Peaks of the salience, by frame and then by bin: ``start[t] .. start[t + 1]`` are those of frame t."""

    frame: np.ndarray
    bin: np.ndarray
    salience: np.ndarray
    start: np.ndarray


def _peaks(samples: np.ndarray) -> _Peaks:
    found = []
    for first, frames in _framed(samples):
        salience = _salience(*_spectral_peaks(frames), len(frames))
        frame, place = np.nonzero(_maxima(np.pad(salience, ((0, 0), (0, 1)))))
        found.append((frame + first, (place + 1).astype(np.int16), salience[frame, place + 1].astype(np.float32)))
    frame, place, salience = (np.concatenate(part) for part in zip(*found, strict=True))
    start = np.searchsorted(frame, np.arange(len(samples) // HOP + 2))
    return _Peaks(frame, place, salience, start)


def _framed(samples: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of windowed frames, each with the number of its first one."""
    window = np.hanning(FRAME).astype(np.float32)
    count = len(samples) // HOP + 1
    every = np.lib.stride_tricks.sliding_window_view(np.pad(samples, FRAME // 2), FRAME)[::HOP]
    for first in range(0, count, BLOCK):
        yield first, every[first : min(first + BLOCK, count)] * window


def _maxima(x: np.ndarray) -> np.ndarray:
    """Which of ``x[:, 1:-1]`` are higher than their neighbours."""
    return (x[:, 1:-1] > x[:, :-2]) & (x[:, 1:-1] >= x[:, 2:])


def _spectral_peaks(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame, bin of the salience (fractional) and magnitude of each peak of the spectra."""
    import scipy.fft

    spectrum = np.abs(scipy.fft.rfft(frames, FFT))
    peak = _maxima(spectrum)
    heights = np.where(peak, spectrum[:, 1:-1], 0)
    peak &= heights > heights.max(axis=1, keepdims=True) / SPECTRAL_RANGE
    many = np.flatnonzero(peak.sum(axis=1) > SPECTRAL_PEAKS)
    if len(many):
        least = np.partition(heights[many], -SPECTRAL_PEAKS, axis=1)[:, [-SPECTRAL_PEAKS]]
        peak[many] &= heights[many] >= least
    frame, k = np.nonzero(peak)
    k += 1
    left, middle, right = (spectrum[frame, k + shift] for shift in (-1, 0, 1))
    shift = 0.5 * (left - right) / (left - 2 * middle + right)  # the vertex of the parabola through three points
    place = 12 * SEMITONE * np.log2((k + shift) * (RATE / FFT / REFERENCE))
    return frame, place, middle - 0.25 * (left - right) * shift


def _salience(frame: np.ndarray, place: np.ndarray, magnitude: np.ndarray, frames: int) -> np.ndarray:
    """Salience ``[frames, BINS]``: what each peak gives to every pitch whose partial it may be, within a semitone."""
    from scipy.ndimage import convolve1d

    width = BINS + SEMITONE  # pitches just above the range reach into it
    given = np.zeros(frames * width)
    for h in range(PARTIALS):
        pitch = np.floor(place - 12 * SEMITONE * np.log2(h + 1) + 0.5).astype(np.int64)
        inside = (pitch >= 0) & (pitch < width)
        weights = magnitude[inside] * DECAY**h
        given += np.bincount(frame[inside] * width + pitch[inside], weights, minlength=len(given))
    kernel = np.cos(np.arange(1 - SEMITONE, SEMITONE) / SEMITONE * np.pi / 2) ** 2
    return convolve1d(given.reshape(frames, width), kernel, axis=1, mode="constant")[:, :BINS]


def _contours(peaks: _Peaks) -> list[np.ndarray]:
    """Join peaks to contours, from the most salient on; each is an array of the numbers of its peaks, in time."""
    state = _strong(peaks).astype(np.int8)  # 1 strong, 0 weak, -1 taken
    strong = np.flatnonzero(state)
    found = []
    for seed in strong[np.argsort(-peaks.salience[strong], kind="stable")]:
        if state[seed] != 1:
            continue
        state[seed] = -1
        after = _follow(peaks, state, int(seed), 1)
        before = _follow(peaks, state, int(seed), -1)
        if len(before) + 1 + len(after) >= SHORTEST:
            found.append(np.array([*before[::-1], seed, *after]))
    return found


def _strong(peaks: _Peaks) -> np.ndarray:
    """Which peaks contours begin at: salient for their frame, and for the whole sound."""
    highest = np.zeros(len(peaks.start) - 1, np.float32)
    np.maximum.at(highest, peaks.frame, peaks.salience)
    strong = peaks.salience >= FRAME_THRESHOLD * highest[peaks.frame]
    if strong.any():
        values = peaks.salience[strong].astype(np.float64)
        strong &= peaks.salience >= values.mean() - SPREAD_THRESHOLD * values.std()
    return strong


def _follow(peaks: _Peaks, state: np.ndarray, at: int, step: int) -> list[int]:
    """Follow a contour from a peak in one direction, to its last strong peak; its peaks are marked as taken."""
    path: list[int] = []
    last = int(peaks.frame[at])
    sure = 0  # how much of the path leads to a strong peak
    while 0 <= last + step < len(peaks.start) - 1 and len(path) - sure <= GAP:
        last += step
        following = _nearest(peaks, state, last, int(peaks.bin[at]))
        if following < 0:
            break
        at = following
        path.append(at)
        if state[at] == 1:
            sure = len(path)
    state[path[:sure]] = -1
    return path[:sure]


def _nearest(peaks: _Peaks, state: np.ndarray, frame: int, place: int) -> int:
    """The strong peak of a frame nearest to a bin, else the nearest weak one, else -1."""
    first, last = peaks.start[frame], peaks.start[frame + 1]
    distance = np.abs(peaks.bin[first:last] - place)
    for strong in (1, 0):
        near = np.flatnonzero((distance <= STEP) & (state[first:last] == strong))
        if len(near):
            return int(first + near[np.argmin(distance[near])])
    return -1


def _without_octaves(contours: list[np.ndarray], peaks: _Peaks) -> list[np.ndarray]:
    """Leave out contours that run an octave from a more salient one: partials taken for pitches, or the reverse."""
    if not contours:
        return []
    first, last = (np.array([peaks.frame[contour[end]] for contour in contours]) for end in (0, -1))
    salience = np.array([peaks.salience[contour].mean(dtype=np.float64) for contour in contours])
    keep = np.ones(len(contours), bool)
    for i, contour in enumerate(contours):
        for j in np.flatnonzero((first <= last[i]) & (last >= first[i]) & (salience > salience[i])):
            begin, end = max(first[i], first[j]), min(last[i], last[j]) + 1
            mine, other = (
                peaks.bin[c[begin - start : end - start]].mean()
                for c, start in ((contour, first[i]), (contours[j], first[j]))
            )
            if abs(abs(mine - other) - 12 * SEMITONE) <= OCTAVE_TOLERANCE:
                keep[i] = False
                break
    return [contour for contour, kept in zip(contours, keep, strict=True) if kept]
