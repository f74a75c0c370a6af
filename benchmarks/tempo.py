"""Tempo stage: tracks of known tempo in pairs; what comes out, measured apart from the package's own beat tracker.

Run ``python benchmarks/tempo.py``. The tempo of a result is a least-squares line through its hi-hat onsets (peaks of
the energy above 6 kHz), its pitch the strongest bins of one long FFT, timing error the distance of those onsets from
where the content's lie times the ratio.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from restyle.audio import Audio
from restyle.stages import tempo
from restyle.stages.warp import warp

RATE = 44100
PAIRS = [
    *[(70, 93), (77, 170), (84.5, 64), (92, 118.3), (99, 81), (104, 104), (110.4, 139), (118, 96)],
    *[(126, 161), (133.7, 70), (141, 120), (150, 113), (158.2, 85.6), (170, 128)],
]  # BPM of content and style
PAD = (220.0, 277.183, 329.628, 440.0)  # Hz, held through


def song(bpm: float, *, seconds: float = 14.0, swing: float = 0.5, seed: int = 0, rate: int = RATE) -> Audio:
    """Kick, snare and hats on the eighths, a held chord, and chords struck every two beats."""
    rng = np.random.default_rng(seed)
    beat, count = 60 / bpm, int(seconds * rate)
    clock = np.arange(count) / rate
    mix = 0.03 * sum(np.sin(2 * np.pi * f * clock + f) for f in PAD)
    for i in range(int((seconds - 0.3) / beat)):
        start = 0.2 + i * beat
        _add(mix, _kick(rate) if i % 2 == 0 else _snare(rate, rng), start, rate)
        _add(mix, _hat(rate, rng), start, rate)
        _add(mix, _hat(rate, rng), start + swing * beat, rate)
        if i % 2 == 0:
            _add(mix, _chord(110 * 2 ** (rng.integers(0, 12) / 12), 1.9 * beat, rate), start, rate)
    return Audio(np.stack([mix, 0.8 * mix]), rate)


def measure_tempo(audio: Audio) -> tuple[float, np.ndarray]:
    """BPM from the hats on the eighths, and their onsets in seconds."""
    high = sosfiltfilt(butter(4, 6000, "high", fs=audio.rate, output="sos"), audio.mono())
    envelope = np.sqrt(sosfiltfilt(butter(2, 150, fs=audio.rate, output="sos"), high**2).clip(0))
    steps = max(1, audio.rate // 2000)
    envelope = envelope[::steps]
    peaks, _ = find_peaks(envelope, height=0.2 * np.percentile(envelope, 99.5), distance=int(0.1 * audio.rate / steps))
    onsets = peaks * steps / audio.rate
    eighth = np.median(np.diff(onsets))
    for _ in range(3):  # the count of eighths gets surer as the line gets better
        index = np.round((onsets - onsets[0]) / eighth)
        eighth, _ = np.polyfit(index, onsets, 1)
    return 30 / float(eighth), onsets


def measure_cents(audio: Audio) -> float:
    """Largest distance of the held chord's notes from where they belong, in cents."""
    middle = audio.mono()[audio.rate : -audio.rate]
    size = 4 * len(middle)
    level = np.log(np.abs(np.fft.rfft(middle * np.blackman(len(middle)), size)) + 1e-12)
    worst = 0.0
    for f in PAD:
        low, high = (int(f * 2 ** (cents / 1200) * size / audio.rate) for cents in (-40, 40))
        k = low + int(np.argmax(level[low:high]))
        left, top, right = level[k - 1 : k + 2]
        found = (k + 0.5 * (left - right) / (left - 2 * top + right)) * audio.rate / size
        worst = max(worst, abs(1200 * float(np.log2(found / f))))
    return worst


def octave_error(tempo_found: float, wanted: float) -> float:
    """Relative error in per cent, tempi an octave apart counting as equal."""
    octaves = np.log2(tempo_found / wanted)
    return 100 * (2 ** float(octaves - np.round(octaves)) - 1)


def run(content_bpm: float, style_bpm: float) -> dict[str, float]:
    """Bring one content to one style's tempo; return what was measured."""
    content, style = song(content_bpm, seed=1), song(style_bpm, seed=2, seconds=12)
    profile = tempo.fit([style])
    begin = time.perf_counter()
    times = tempo.plan(content, profile)
    result = warp(content, times)
    seconds = time.perf_counter() - begin
    before, old = measure_tempo(content)
    after, new = measure_tempo(result)
    ratio = tempo.stretch_ratio(content_bpm, style_bpm)
    late = [1000 * float(np.abs(new - t).min()) for t in old * ratio]
    return {
        "content": content_bpm,
        "style": style_bpm,
        "heard": float(profile["tempo"][0]),
        "ratio": result.length / content.length,
        "before": before,
        "result": after,
        "error %": octave_error(after, style_bpm),
        "cents 0": measure_cents(content),
        "cents": measure_cents(result),
        "late ms": float(np.percentile(late, 95)),
        "seconds": seconds,
    }


def _add(mix: np.ndarray, sound: np.ndarray, start: float, rate: int) -> None:
    at = round(start * rate)
    sound = sound[: max(0, len(mix) - at)]
    mix[at : at + len(sound)] += sound


def _kick(rate: int) -> np.ndarray:
    t = np.arange(int(0.15 * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-40 * t)))) * np.exp(-25 * t)


def _snare(rate: int, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(0.15 * rate)) / rate
    return 0.15 * (rng.standard_normal(len(t)) + np.sin(2 * np.pi * 185 * t)) * np.exp(-35 * t)


def _hat(rate: int, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(0.05 * rate)) / rate
    return 0.2 * np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-120 * t)


def _chord(root: float, duration: float, rate: int) -> np.ndarray:
    t = np.arange(int(duration * rate)) / rate
    tones = sum(np.sin(2 * np.pi * root * 2 ** (s / 12) * k * t + k) / k**1.5 for s in (0, 4, 7) for k in (1, 2, 3))
    return 0.03 * tones * np.minimum(1, t / 0.01) * np.minimum(1, (duration - t) / 0.03) * np.exp(-0.7 * t)


def main() -> None:
    rows = [run(*pair) for pair in PAIRS]
    print("  ".join(f"{name:>8}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:8.3f}" for value in row.values()))
    within = sum(abs(row["error %"]) < 1 for row in rows)
    worst = max(row["cents"] for row in rows)
    print(f"{within} of {len(rows)} within 1 % of the style's tempo; worst pitch {worst:.2f} cents")


if __name__ == "__main__":
    main()
