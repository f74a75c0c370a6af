"""Does it sound like the style? Floor 4.

Conventions:

* The output is held against a recording of the style (or a target). Distributions over time are compared, not moments:
  the lengths may differ, and nothing is padded. All else as in `restyle.evaluation.common`.
* All are distances, 0 for the same sound, and none depends on the level.
* Silence against sound scores the largest value that can be (``embedding``, ``mfcc``, ``gram``: 1, as for unrelated
  sounds).
* ``centroid``, ``bandwidth``, ``flatness`` and ``envelope`` look at 50 to 7200 Hz, where every rate from 16 kHz on
  holds the whole sound; the first three at the frames within 60 dB of the loudest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import librosa
import numpy as np
import scipy.stats
import torch

from restyle.analysis.timbre import infer as learnt
from restyle.audio import Audio
from restyle.dsp.gram import TextureNet
from restyle.dsp.gram import gram as gram_matrix
from restyle.dsp.mel import Mel
from restyle.dsp.stft import Stft
from restyle.evaluation import common
from restyle.evaluation.common import compares, remembered

FROM, TO = 50.0, 7200.0  # Hz
OCTAVES = 8.0  # the worst of centroid and bandwidth
RANGE = 80.0  # dB below the loudest band or bin at which levels are cut off
AUDIBLE = 60.0  # dB below the loudest frame from which a frame counts; lowest short-term level
N_FFT, HOP = 2048, 512

NAMES = ("embedding", "mfcc", "mfcc_frechet", "envelope", "centroid", "bandwidth", "flatness", "dynamics", "gram")


@compares(perfect=0.0, silence=1.0, cut=False)
def embedding(output: Audio, reference: Audio) -> float:
    """Return 1 - cosine of style embeddings (see `analysis.timbre.infer`), 0..2.

    They were learnt by telling excerpts of one recording, band or instrument from others', whatever is played: of
    notes, phrases and whole mixes.

    Source: Cífka et al., "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP 2021 (a distance learnt
    from triplets); Khosla et al., "Supervised contrastive learning", NeurIPS 2020.
    """
    return max(0.0, 1 - float(_embedding(output) @ _embedding(reference)))


@compares(perfect=0.0, silence=1.0, cut=False)
def mfcc(output: Audio, reference: Audio) -> float:
    """Return 1 - cosine of the mean MFCCs 2 to 13, 0..2.

    Source: Cífka et al., "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP 2021 (the coefficients;
    they learn a distance of them).
    """
    found, expected = _mfcc(output).mean(axis=1), _mfcc(reference).mean(axis=1)
    norms = np.linalg.norm(found) * np.linalg.norm(expected)
    return max(0.0, 1 - float(found @ expected / max(norms, 1e-9)))


@compares(perfect=0.0, cut=False)
def mfcc_frechet(output: Audio, reference: Audio) -> float:
    """Return the (squared) Fréchet distance between Gaussians fitted to the MFCCs 2 to 13 of all frames, 0 and more.

    Unlike ``mfcc`` it also sees how much the timbre changes over time. Digital silence is a single point, the origin.

    Source: Kilgour et al., "Fréchet audio distance: a reference-free metric for evaluating music enhancement
    algorithms", Interspeech 2019 (with MFCCs in place of a network's features).
    """
    gaussians = [(values.mean(axis=1), np.cov(values)) for values in (_mfcc(output), _mfcc(reference))]
    return frechet(*gaussians[0], *gaussians[1])


def frechet(mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray) -> float:
    """Return the squared Fréchet distance of two Gaussians; covariances may be singular.

    Args:
        mean: of the one, shape ``[D]``.
        covariance: of the one, shape ``[D, D]``.
        other_mean: of the other.
        other_covariance: of the other.

    Example:
        >>> frechet(np.zeros(2), np.diag([4.0, 0.0]), np.ones(2), np.diag([1.0, 0.0]))
        3.0

    Source: Dowson, Landau, "The Fréchet distance between multivariate normal distributions", 1982.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other_covariance @ root).clip(0)).sum()
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * shared
    return float(np.sum((mean - other_mean) ** 2) + max(0.0, spread))


@compares(perfect=0.0, silence=RANGE, cut=False)
def envelope(output: Audio, reference: Audio) -> float:
    """Return the RMS difference in dB of the long-term spectra in 40 mel bands, each less its mean, 0..80."""
    found, expected = _bands(output), _bands(reference)
    return float(np.sqrt(np.mean((found - expected) ** 2)))


@compares(perfect=0.0, silence=OCTAVES, cut=False)
def centroid(output: Audio, reference: Audio) -> float:
    """Return the octaves between the means of the spectral centroids, 0..8: is it as bright?

    Source: Peeters, "A large set of audio features for sound description", IRCAM 2004; so for the next two.
    """
    return float(abs(np.log2(_shape(output).centroid / _shape(reference).centroid)))


@compares(perfect=0.0, silence=OCTAVES, cut=False)
def bandwidth(output: Audio, reference: Audio) -> float:
    """Return the octaves between the means of the spectral bandwidths (spreads around the centroid), 0..8."""
    return float(abs(np.log2(_shape(output).bandwidth / _shape(reference).bandwidth)))


@compares(perfect=0.0, silence=RANGE, cut=False)
def flatness(output: Audio, reference: Audio) -> float:
    """Return the difference in dB of the mean spectral flatnesses, 0..80: is it as noisy?"""
    return abs(_shape(output).flatness - _shape(reference).flatness)


@compares(perfect=0.0, silence=AUDIBLE, cut=False)
def dynamics(output: Audio, reference: Audio) -> float:
    """Return the Wasserstein distance in dB of the distributions of the levels of 50 ms, relative to the usual level.

    Levels count down to 60 dB below the usual one (the gated mean, as in loudness).
    """
    return float(scipy.stats.wasserstein_distance(_levels(output), _levels(reference)))


@compares(perfect=0.0, silence=1.0, cut=False)
def gram(output: Audio, reference: Audio) -> float:
    """Return the distance of the Gram matrices of random convolutional features of the log-mel spectrogram, 0..1.

    For each of three filter lengths (1, 5 and 11 frames of 32 ms) the squared distance relative to the reference's
    matrix; then the mean, at most 1 (what silence scores).

    Source: Ulyanov, Lebedev, "Audio texture synthesis and style transfer", 2016.
    """
    pairs = zip(_grams(output), _grams(reference), strict=True)
    distances = [float((found - expected).square().sum() / expected.square().sum()) for found, expected in pairs]
    return min(1.0, float(np.mean(distances)))


def evaluate(
    output: Audio,
    reference: Audio | None = None,
    *,
    timbre: str | Path | None = None,
    only: Collection[str] = NAMES,
) -> dict[str, float | None]:
    """Return all scores of style.

    Args:
        output: the transfer's result.
        reference: how it should sound.
        timbre: weights of a style embedding; those of the package by default.
        only: names of the metrics to compute.

    Returns:
        All metrics by name; None for those not in ``only``, and all without a reference.

    Raises:
        RestyleError: if a sound is shorter than half a second or holds NaN.
    """
    common.check_all(output, reference, "the style")
    if reference is None:
        return dict.fromkeys(NAMES)
    metrics = (_by(timbre), mfcc, mfcc_frechet, envelope, centroid, bandwidth, flatness, dynamics, gram)
    return {
        name: metric(output, reference) if name in only else None for name, metric in zip(NAMES, metrics, strict=True)
    }


@dataclass(frozen=True)
class _Shape:
    """Means over the audible frames: Hz, Hz and dB; and the mean power ``[F]`` over all frames."""

    centroid: float
    bandwidth: float
    flatness: float
    power: np.ndarray


def _by(weights: str | Path | None) -> Callable[[Audio, Audio], float]:
    """The metric `embedding`, by some weights."""
    return partial(learnt.distance, weights=weights) if weights else embedding


@remembered
def _embedding(sound: Audio) -> np.ndarray:
    return learnt.embed(sound)


@remembered
def _mfcc(sound: Audio) -> np.ndarray:
    """MFCCs 2 to 13, ``[12, L]``, of the levelled sound."""
    y = common.levelled(sound.mono())
    return np.asarray(librosa.feature.mfcc(y=y, sr=sound.rate, n_mfcc=13, hop_length=500)[1:], np.float64)


@remembered
def _shape(sound: Audio) -> _Shape:
    x = torch.from_numpy(common.levelled(sound.mono()).astype(np.float32))
    power = Stft(N_FFT, HOP)(x).abs().square().numpy()
    hz = np.fft.rfftfreq(N_FFT, 1 / sound.rate)
    inside = (hz >= FROM) & (hz <= TO)
    part, hz = power[inside], hz[inside][:, None]
    total = part.sum(axis=0)
    part = part[:, total > total.max() * 10 ** (-AUDIBLE / 10)]
    weight = np.sqrt(part)
    weight /= weight.sum(axis=0)
    centroids = np.sum(hz * weight, axis=0)
    bandwidths = np.sqrt(np.sum((hz - centroids) ** 2 * weight, axis=0))
    part = np.maximum(part, part.max(axis=0) * 10 ** (-RANGE / 10))
    flatnesses = 10 * np.log10(part).mean(axis=0) - 10 * np.log10(part.mean(axis=0))
    narrowest = TO / 2**OCTAVES
    return _Shape(
        max(narrowest, float(centroids.mean())),
        max(narrowest, float(bandwidths.mean())),
        float(flatnesses.mean()),
        power.mean(axis=1),
    )


@remembered
def _bands(sound: Audio) -> np.ndarray:
    """Long-term levels in dB ``[40]``, at most 80 dB below the highest, less their mean."""
    mel = Mel(sound.rate, N_FFT, 40, f_min=FROM, f_max=TO)
    level = 10 * np.log10(np.maximum(mel(torch.from_numpy(_shape(sound).power)[:, None]).numpy()[:, 0], 1e-30))
    level = np.maximum(level, level.max() - RANGE)
    return np.asarray(level - level.mean())


@remembered
def _levels(sound: Audio) -> np.ndarray:
    levels = common.frame_levels(sound)
    return np.maximum(levels - common.usual_level(levels), -AUDIBLE)


@cache
def _network() -> TextureNet:
    return TextureNet(128, filters=256, widths=(1, 5, 11), seed=0)


@remembered
def _grams(sound: Audio) -> list[torch.Tensor]:
    """Gram matrices of the features of the mel spectrogram in dB, 0 at 80 dB below the loudest and 1 there."""
    level = common.mel_level(sound)
    x = torch.from_numpy(np.maximum(0, 1 + (level - level.max()) / RANGE).astype(np.float32))
    with torch.inference_mode():
        return [gram_matrix(feature) for feature in _network()(x)]
