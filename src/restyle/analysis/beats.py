"""Beats: how fast a recording goes, where its beats fall, and how it swings. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from restyle.audio import Audio
from restyle.dsp.blocks import release, spans
from restyle.notes import Notes

FPS = 100  # frames of an onset curve in a second
STEADY = 0.12  # confidence from which a beat may be trusted
SLOWEST, FASTEST = 40.0, 220.0  # BPM looked for
MULTIPLES = ((1, 1.0), (2, 0.8), (3, 0.5), (4, 1.0), (6, 0.3), (8, 0.6))  # beats after which onsets repeat, weights
HALVED, FAST = 1.15, 190.0  # how much more half a beat must repeat to be the beat itself, and up to which BPM
AROUND, WITHIN = 6.0, 1.4  # s that tell the tempo around a moment, and by which factor it may differ from that of all
CHANGED = 1.6  # how much more the beat must repeat then
LOW = 75.0  # Hz below which the bands hold kick and bass, and little else
COMPRESSED, LOW_COMPRESSED = 1000, 30  # from 30 and from 15 dB below the mean, levels count by their logarithm
BAR, BARS = 4, 3  # beats after which the bass repeats, and bars that it takes to tell its beats from its off-beats
GROUNDED = 1.0  # of the mean low onset, by which that on a downbeat exceeds the one half a beat later
NEAR = 3  # frames within which a low onset is on a beat


@dataclass(frozen=True, eq=False)
class Beats:
    """What was heard of the beat.

    Args:
        tempo: beats in a minute, over the whole recording; 0 where no beat was found.
        times: the beats in seconds, shape ``[N]``.
        confidence: 0..1, how much of the onset curve repeats from beat to beat.
    """

    tempo: float
    times: np.ndarray
    confidence: float

    @property
    def steady(self) -> bool:
        """Whether there is a beat at all that can be trusted."""
        return self.confidence >= STEADY and len(self.times) >= 4


def tempo(audio: Audio) -> float:
    """Return the tempo in BPM, 0 if there is none."""
    return track(*onset_curves(audio)).tempo


def beats(audio: Audio) -> np.ndarray:
    """Return the beats in seconds, shape ``[N]``.

    Example:
        >>> clicks = np.zeros(8 * 8000)
        >>> clicks[::4000] = 1
        >>> np.diff(beats(Audio(clicks, 8000))).round(2)[:4].tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    return track(*onset_curves(audio)).times


def onset_curve(audio: Audio) -> np.ndarray:
    """Return how strongly something starts at each moment: spectral flux over log bands, ``FPS`` values a second.

    Args:
        audio: any rate, channels and length; it is read in blocks.

    Returns:
        Values of zero and more, shape ``[L]``, evened out over some seconds so that soft passages count as well.
        Value ``i`` belongs to the time ``i / FPS``.

    Source: Böck, Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013 (without the filter).
    """
    return onset_curves(audio)[0]


def onset_curves(audio: Audio) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve of :func:`onset_curve`, and the same of the lowest bands alone: where kick and bass begin.

    Example:
        >>> t = np.arange(4 * 8000) / 8000
        >>> both, low = onset_curves(Audio(np.sin(2 * np.pi * 55 * t) * np.exp(-9 * (t % 1)), 8000))
        >>> both.shape, low.shape, int(low[150:250].argmax()) + 150
        ((400,), (400,), 200)
    """
    power = _mean_square(audio)
    frames = int(np.ceil(audio.duration * FPS))
    flux = np.zeros((2, frames), np.float32)
    if power > 0:
        for span in spans(frames, 20 * FPS, 3):
            bands, low = _bands(audio, span.left, span.right, power)
            own = slice(max(span.start, span.left + 1), min(span.stop, span.right - 1))
            here = slice(own.start - span.left - 1, own.stop - span.left - 1)
            flux[0, own] = _rise(np.log1p(COMPRESSED * bands))[here]
            flux[1, own] = _rise(np.log1p(LOW_COMPRESSED * bands[:, :low]))[here]
            release(audio.samples)
    return _even_out(flux[0]), _even_out(flux[1])


def note_curve(notes: Notes) -> np.ndarray:
    """Return the same kind of curve for notes: their onsets, weighted by velocity, ``FPS`` values a second."""
    curve = np.zeros(int(notes.duration * FPS) + 3)
    place = notes.onset * FPS
    left = place.astype(int)
    np.add.at(curve, left, notes.velocity * (left + 1 - place))
    np.add.at(curve, left + 1, notes.velocity * (place - left))
    return _even_out(np.sqrt(gaussian_filter1d(curve, 1.0)))


def track(curve: np.ndarray, low: np.ndarray | None = None) -> Beats:
    """Find tempo and beats in an onset curve.

    Args:
        curve: from :func:`onset_curve` or :func:`note_curve`.
        low: of the low onsets, from :func:`onset_curves`; they tell beats from what is played half a beat off.

    Returns:
        The beats; ``times`` is empty and ``tempo`` 0 when the curve is too short or empty.

    Source: Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36, 2007; the tempo is then
    measured over long stretches of the tracked beats, which makes it far finer than a frame.
    """
    nothing = Beats(0.0, np.zeros(0), 0.0)
    if len(curve) < 2 * FPS or not curve.any():
        return nothing
    period, confidence = _period(curve)
    times = _refine(curve, _follow(curve, _local_periods(curve, period))) / FPS
    if len(times) < 4:
        return nothing
    if low is not None and _is_off(times, low):
        half = np.diff(times)[[0, -1]] / 2
        moved = np.concatenate([[times[0] - half[0]], (times[1:] + times[:-1]) / 2, [times[-1] + half[1]]])
        frames = np.round(moved * FPS).astype(int)
        times = _refine(curve, frames[(frames >= 0) & (frames < len(curve))]) / FPS
    far = len(times) // 2
    return Beats(60 * far / float(np.median(times[far:] - times[:-far])), times, confidence)


def _is_off(times: np.ndarray, low: np.ndarray) -> bool:
    """Whether beats lie half a beat off, by where kick and bass begin.

    What they play off the beat leads to a beat, and hardly ever follows a downbeat. So of all half beats of a bar the
    one whose low onset exceeds that after it by most is a downbeat, and not an off-beat. Where several do, more of the
    low onsets lie on beats than off them.
    """
    places = np.sort(np.concatenate([times, (times[1:] + times[:-1]) / 2]))
    bars = len(places) // (2 * BAR)
    if bars < BARS:
        return False
    near = np.sqrt(maximum_filter1d(low, 2 * NEAR + 1))  # a low note that begins while another rings rises little
    accents = np.interp(places[: 2 * BAR * bars] * FPS, np.arange(len(low)), near).reshape(bars, 2 * BAR).mean(0)
    rests = accents - np.roll(accents, -1)
    on, off = (rests[k::2].max() + accents[k::2].mean() / 2 for k in (0, 1))
    return bool(off > on and rests[1::2].max() > GROUNDED * accents.mean())


def onsets(curve: np.ndarray, *, apart: float = 0.15, least: float = 1.0) -> np.ndarray:
    """Return the clear onsets of a curve in seconds.

    Args:
        curve: the onset curve.
        apart: least distance in seconds; the stronger of two neighbours stays.
        least: height from which a peak counts, in local root mean squares.
    """
    smooth = gaussian_filter1d(curve, 1.0)
    peaks, _ = find_peaks(smooth, height=least, distance=max(1, round(apart * FPS)))
    return _refine(curve, peaks) / FPS


def swing(curve: np.ndarray, times: np.ndarray) -> float:
    """Return where the off-beat falls within the beat: 0.5 is straight, 0.67 a triplet's swing.

    Args:
        curve: the onset curve.
        times: the beats in seconds.

    Returns:
        A fraction of a beat within 0.42..0.75; 0.5 where nothing is played between the beats.
    """
    phases = np.arange(0.0, 1.0, 0.01)
    if len(times) < 4:
        return 0.5
    where = times[:-1, None] + np.diff(times)[:, None] * phases
    profile = np.interp(where * FPS, np.arange(len(curve)), curve).mean(0)
    between = np.flatnonzero((phases >= 0.42) & (phases <= 0.75))
    peak = between[np.argmax(profile[between])]
    inner = between[0] < peak < between[-1]
    if not inner or profile[peak] < 0.15 * profile.max():
        return 0.5
    return float(phases[peak] + 0.01 * _vertex(*profile[peak - 1 : peak + 2]))


def _mean_square(audio: Audio) -> float:
    total = 0.0
    for start in range(0, audio.length, 20 * audio.rate):
        total += float(np.square(audio.samples[:, start : start + 20 * audio.rate], dtype=np.float32).sum())
        release(audio.samples)
    return total / (audio.channels * max(1, audio.length))


def _bands(audio: Audio, first: int, last: int, power: float) -> tuple[np.ndarray, int]:
    """Power ``[L, bands]`` of the frames ``first..last`` beside the recording's mean, and how many bands are low."""
    size = 2 ** round(np.log2(0.046 * audio.rate))
    # the flux of a sudden start is largest where the window has just begun to hold it: 0.3 windows before its middle
    starts = np.round(np.arange(first, last) * audio.rate / FPS - 0.8 * size).astype(int)
    part = audio.slice(starts[0], starts[-1] + size).mono()
    part = np.pad(part, (max(0, -starts[0]), size))  # zeros before the start and after the end
    windows = np.lib.stride_tricks.sliding_window_view(part, size)[starts - starts[0]]
    level = np.abs(np.fft.rfft(windows * np.hanning(size).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(30, min(16000, audio.rate / 2), 37) * size / audio.rate
    edges = np.unique(np.round(edges).astype(int).clip(1, size // 2))
    bands = np.add.reduceat(level, edges[:-1], axis=1) / np.diff(edges)
    return bands / (power * size), max(1, int((edges[:-1] < LOW * size / audio.rate).sum()))


def _rise(levels: np.ndarray) -> np.ndarray:
    """How much the levels ``[L, bands]`` rise around each frame but the first and the last, ``[L - 2]``."""
    return np.asarray(np.maximum(levels[2:] - levels[:-2], 0).mean(1))


def _even_out(flux: np.ndarray) -> np.ndarray:
    """Take away the slow part, then scale to a local root mean square of about one."""
    if not flux.any():
        return np.zeros(len(flux))
    curve = np.maximum(flux - uniform_filter1d(flux, FPS, mode="constant"), 0)
    local = np.sqrt(uniform_filter1d(curve**2, 8 * FPS, mode="nearest"))
    return np.asarray(curve / np.maximum(local, 0.2 * np.sqrt(np.mean(curve**2))), np.float64)


def _period(curve: np.ndarray) -> tuple[float, float]:
    """Return the beat's length in frames and the confidence in it, by combing the autocorrelation."""
    correlation = _autocorrelation(gaussian_filter1d(curve, 1.5))
    bpm = np.geomspace(SLOWEST, FASTEST, 600)
    lags = 60 * FPS / bpm
    comb = np.zeros(len(bpm))
    for multiple, weight in MULTIPLES:
        comb += weight * np.interp(multiple * lags, np.arange(len(correlation)), correlation, right=0.0)
    prior = np.exp(-0.5 * np.log2(bpm / 120) ** 2)
    lag = lags[np.argmax(np.maximum(comb, 0) * prior)]
    half, one, two = np.interp(lag * np.array([0.5, 1, 2]), np.arange(len(correlation)), correlation)
    if half > HALVED * max(one, STEADY) and lag / 2 >= 60 * FPS / FAST:
        lag, one, two = lag / 2, half, one
    return float(lag), float(np.clip((one + two) / 2, 0, 1))


def _local_periods(curve: np.ndarray, period: float) -> np.ndarray:
    """Return the beat's length in frames around each frame: that of all, but where the tempo changes."""
    size = round(AROUND * FPS)
    starts = np.arange(0, max(1, len(curve) - size + 1), size // 4)
    lags = period * np.append(1.0, np.geomspace(1 / WITHIN, WITHIN, 200))
    found = np.full(len(starts), period)
    for i, start in enumerate(starts):
        correlation = _autocorrelation(gaussian_filter1d(curve[start : start + size], 1.5))
        repeats = np.interp(lags * np.array([[1], [2], [4]]), np.arange(len(correlation)), correlation).mean(0)
        if repeats.max() > CHANGED * max(repeats[0], STEADY):
            found[i] = lags[repeats.argmax()]
    return np.asarray(np.interp(np.arange(len(curve)), starts + size / 2, found))


def _autocorrelation(curve: np.ndarray) -> np.ndarray:
    """Mean normalised autocorrelation over windows of 12 s, shape ``[6 s]``; lag 0 is 1."""
    size = min(len(curve), 12 * FPS)
    starts = np.unique(np.append(np.arange(0, len(curve) - size + 1, size // 2), len(curve) - size))
    total = np.zeros(size)
    for start in starts:
        part = curve[start : start + size]
        part = part - part.mean()
        spectrum = np.fft.rfft(part, 2 * size)
        own = np.fft.irfft(np.abs(spectrum) ** 2)[:size]
        total += own / max(own[0], 1e-9)
    # the overlap shrinks with the lag; without this, short lags would win
    return np.asarray(total / len(starts) / (1 - np.arange(size) / size).clip(0.3))


def _follow(curve: np.ndarray, periods: np.ndarray, tightness: float = 100.0) -> np.ndarray:
    """Return the frames ``[N]`` of the best chain of beats that are near ``periods`` ``[L]`` frames apart."""
    period = float(np.median(periods))
    local = gaussian_filter1d(curve, max(1.0, period / 32))
    near, far = max(1, round(periods.min() / 2)), round(2 * periods.max())
    steps = np.arange(far, near - 1, -1)  # distances to the beat before
    wanted = np.concatenate([np.full(far, period), periods])[:, None]
    score = np.concatenate([np.zeros(far), local])
    before = np.full(len(score), -1)
    for start in range(far, len(score), near):  # the next `near` frames do not depend on each other
        frames = np.arange(start, min(len(score), start + near))
        choices = score[frames[:, None] - steps] - tightness * np.log(steps / wanted[frames]) ** 2
        best = choices.argmax(1)
        score[frames] += choices[np.arange(len(frames)), best]
        before[frames] = frames - steps[best]
    last = len(score) - round(period) + int(np.argmax(score[-round(period) :]))
    chain = []
    while last >= far:
        chain.append(last - far)
        last = int(before[last])
    frames = np.array(chain[::-1], int)
    strong = np.flatnonzero(local[frames] > 0.5 * np.sqrt(np.mean(local[frames] ** 2)))
    return frames[strong[0] : strong[-1] + 1] if len(strong) else frames[:0]


def _refine(curve: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Move beats to the top of the onset they stand on, between frames."""
    smooth = np.pad(gaussian_filter1d(curve, 1.0), 4)
    near = smooth[frames[:, None] + np.arange(0, 9)]  # frames -4..4
    top = near[:, 1:-1].argmax(1) + 1
    rows = np.arange(len(frames))
    inner = (near[rows, top] > near[rows, top - 1]) & (near[rows, top] >= near[rows, top + 1])
    moved = top - 4 + _vertex(near[rows, top - 1], near[rows, top], near[rows, top + 1])
    return np.asarray(frames + np.where(inner, moved, 0.0))


def _vertex(left: np.ndarray, middle: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return where the parabola through three neighbours has its top, -0.5..0.5 steps from the middle."""
    bend = left - 2 * middle + right
    return np.asarray(np.clip(0.5 * (left - right) / np.where(bend < 0, bend, -1e-9), -0.5, 0.5))
