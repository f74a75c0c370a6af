"""Computes the values in golden.json that the metrics are tested against, by other means than the package's.

python tests/evaluation/make_golden.py [NAME=FILE ...]

Without arguments the values of generated music are made anew: plain formulas in numpy, librosa, scipy and mir_eval,
written for one length and for mono sounds at 16 kHz. NAME=FILE also takes over the rows of a benchmark scorer's JSON
file, under the name of the folder and of what was scored (triplets-content=FILE).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import librosa
import mir_eval
import numpy as np
import scipy.linalg
import soxr
from pieces import triplet

GOLDEN = Path(__file__).parent / "golden.json"
SEEDS = (0, 1, 2)
RATE = 16000


def mono(audio) -> np.ndarray:
    return soxr.resample(audio.samples.mean(axis=0), audio.rate, RATE)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x**2))


def lsd(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (librosa.power_to_db(librosa.feature.melspectrogram(y=unit(x), sr=RATE)) for x in (a, b))
    return np.mean([np.sqrt(np.mean((p - q) ** 2)) for p, q in zip(first, second, strict=True)])


def coefficients(x: np.ndarray) -> np.ndarray:
    return librosa.feature.mfcc(y=unit(x), sr=RATE, n_mfcc=13, hop_length=500)[1:].astype(float)


def mfcc(a: np.ndarray, b: np.ndarray) -> float:
    p, q = coefficients(a).mean(axis=1), coefficients(b).mean(axis=1)
    return 1 - p @ q / np.sqrt((p @ p) * (q @ q))


def mfcc_frechet(a: np.ndarray, b: np.ndarray) -> float:
    p, q = coefficients(a), coefficients(b)
    root = scipy.linalg.sqrtm(np.cov(p) @ np.cov(q)).real
    return np.sum((p.mean(1) - q.mean(1)) ** 2) + np.trace(np.cov(p) + np.cov(q) - 2 * root)


def spectrum(x: np.ndarray, n_fft: int = 2048) -> np.ndarray:
    return np.abs(librosa.stft(unit(x), n_fft=n_fft, hop_length=n_fft // 4))


def lsd_frames(a: np.ndarray, b: np.ndarray) -> float:
    made, wanted = spectrum(a), spectrum(b)
    least = wanted.max() * 1e-4
    made, wanted = (20 * np.log10(np.maximum(x, least)) for x in (made, wanted))
    return np.mean([np.sqrt(np.mean((p - q) ** 2)) for p, q in zip(made.T, wanted.T, strict=True)])


def stft(a: np.ndarray, b: np.ndarray) -> float:
    total = 0.0
    for n_fft in (2048, 512, 128):
        made, wanted = spectrum(a, n_fft), spectrum(b, n_fft)
        made, wanted = (np.maximum(x, wanted.max() * 1e-4) for x in (made, wanted))
        total += np.sqrt(np.sum((made - wanted) ** 2) / np.sum(wanted**2)) + np.mean(np.abs(np.log(made / wanted)))
    return total / 3


def si_sdr(a: np.ndarray, b: np.ndarray) -> float:
    """By the angle between the two: SI-SDR is the square of its cotangent."""
    a, b = a.astype(float), b.astype(float)
    cosine = a @ b / np.sqrt((a @ a) * (b @ b))
    return 10 * np.log10(cosine**2 / (1 - cosine**2))


def part(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes between 50 and 7200 Hz of the frames within 60 dB of the loudest."""
    hz = librosa.fft_frequencies(sr=RATE, n_fft=2048)
    inside = (hz >= 50) & (hz <= 7200)
    magnitude = spectrum(x)[inside]
    energy = np.sum(magnitude**2, axis=0)
    return magnitude[:, energy > 1e-6 * energy.max()], hz[inside]


def centroid(a: np.ndarray, b: np.ndarray) -> float:
    means = [np.mean(librosa.feature.spectral_centroid(S=s, freq=hz)) for s, hz in (part(a), part(b))]
    return abs(np.log2(means[0] / means[1]))


def bandwidth(a: np.ndarray, b: np.ndarray) -> float:
    means = [np.mean(librosa.feature.spectral_bandwidth(S=s, freq=hz)) for s, hz in (part(a), part(b))]
    return abs(np.log2(means[0] / means[1]))


def flatness(a: np.ndarray, b: np.ndarray) -> float:
    means = []
    for s, _ in (part(a), part(b)):
        power = np.maximum(s**2, 1e-8 * (s**2).max(axis=0))
        means.append(np.mean(10 * np.log10(librosa.feature.spectral_flatness(S=power, amin=1e-30, power=1.0))))
    return abs(means[0] - means[1])


def dynamics(a: np.ndarray, b: np.ndarray) -> float:
    """Wasserstein distance of as many levels on both sides: the mean difference of the sorted ones."""
    sorted_levels = []
    for x in (a, b):
        power = np.array([np.mean(x[i : i + 800] ** 2) for i in range(0, len(x) - 799, 800)], float)
        usual = np.mean(power[power >= power.mean() / 10])
        sorted_levels.append(np.sort(np.maximum(10 * np.log10(power / usual + 1e-12), -60)))
    return np.mean(np.abs(sorted_levels[0] - sorted_levels[1]))


def chroma(a: np.ndarray, b: np.ndarray) -> float:
    p, q = (librosa.feature.chroma_cens(y=x + 1e-6, sr=RATE) for x in (a, b))
    return 1 - np.mean([u @ v / (np.linalg.norm(u) * np.linalg.norm(v)) for u, v in zip(p.T, q.T, strict=True)])


def onset(a: np.ndarray, b: np.ndarray) -> float:
    p, q = (librosa.onset.onset_strength(y=x, sr=RATE, hop_length=256) for x in (a, b))
    n = len(p)
    later = [np.corrcoef(p[lag:], q[: n - lag])[0, 1] for lag in range(4)]
    earlier = [np.corrcoef(p[: n - lag], q[lag:])[0, 1] for lag in range(4)]
    return 1 - max(0, *later, *earlier)


METRICS = {
    "content.chroma": chroma,
    "style.mfcc": mfcc,
    "style.mfcc_frechet": mfcc_frechet,
    "style.centroid": centroid,
    "style.bandwidth": bandwidth,
    "style.flatness": flatness,
    "style.dynamics": dynamics,
    "rhythm.onset": onset,
    "quality.lsd": lsd,
    "quality.lsd_frames": lsd_frames,
    "quality.stft": stft,
    "quality.si_sdr": si_sdr,
}


def intervals(notes) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([notes.onset, notes.offset], axis=1), 440 * 2 ** ((notes.pitch - 69) / 12)


def note_scores(played, wanted) -> dict[str, list[float]]:
    """mir_eval's own, of one table of notes against another."""
    scores = mir_eval.transcription.evaluate(*intervals(wanted), *intervals(played))
    ends = ("", "_no_offset")
    return {end: [scores[f"{name}{end}"] for name in ("Precision", "Recall", "F-measure")] for end in ends}


def main() -> None:
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    golden["generated"] = {}
    for seed in SEEDS:
        made = triplet(seed)
        a, b = mono(made.content), mono(made.target)
        golden["generated"][str(seed)] = {name: float(metric(a, b)) for name, metric in METRICS.items()}
    for argument in sys.argv[1:]:
        name, _, file = argument.partition("=")
        golden[name] = json.loads(Path(file).read_text())["rows"]
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
