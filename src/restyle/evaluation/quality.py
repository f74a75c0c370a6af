"""Is it well made, and how near is it to the truth where that is known? Floor 4.

Conventions:

* ``lsd``, ``lsd_frames``, ``stft`` and ``si_sdr`` hold the output against a target, the true result. It is cut, or
  lengthened with zeros, to the target's length, and none depends on the level. They are 0 for the target itself, and
  ``si_sdr`` 100 dB (it is cut off at -100 and 100, so that no value is infinite). Against a silent target the two
  sounds change places. All else as in `restyle.evaluation.common`.
* ``lsd`` is the transfer papers' (per mel band over time), ``lsd_frames`` the usual one (per frame over frequency):
  their values differ, and neither can be compared with the other.
* ``loudness``, ``noise_floor``, ``bandwidth``, ``clipping``, ``silence`` and ``width`` are facts about the output
  alone, of all its channels at its own rate.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import numpy as np
import scipy.signal
import torch

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp import loudness as measured
from restyle.dsp.stft import Stft
from restyle.evaluation import common
from restyle.evaluation.common import compares

RANGE = 80.0  # dB below the target's loudest bin at which levels are cut off
SCALES = (2048, 512, 128)  # samples in a window
CAP = 100.0  # dB of si_sdr
FULL, ROW = 0.999, 3  # of full scale; samples in a row that count as clipped
QUIET = -70.0  # dB of full scale, the absolute gate of BS.1770
AUDIBLE = -100.0  # dB of full scale; quieter windows are pauses of digital silence
LOWEST, TENTH = 100.0, 0.1  # Hz from which noise counts; part of the cells that are taken for noise
WINDOWS = 2000  # looked at for the noise floor
BAND = 70.0  # dB below the loudest frequency

NAMES = (
    *("lsd", "lsd_frames", "stft", "si_sdr"),
    *("clipping", "silence", "loudness", "noise_floor", "bandwidth", "width"),
)


@compares(perfect=0.0)
def lsd(output: Audio, target: Audio) -> float:
    """Return the log-spectral distance in dB as transfer papers measure it, 0 and more.

    128 mel bands (2048 samples at 16 kHz, hop 512) of the levelled sounds, in dB down to 80 below each one's loudest;
    the RMS difference over time of each band, then the mean over bands.

    Source: Cífka et al., "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP 2021, and its code.
    """
    difference = common.mel_level(output) - common.mel_level(target)
    return float(np.mean(np.sqrt(np.mean(difference**2, axis=1))))


@compares(perfect=0.0)
def lsd_frames(output: Audio, target: Audio) -> float:
    """Return the log-spectral distance in dB frame by frame, 0..80.

    Power spectra (2048 samples at 16 kHz, Hann, hop 512) of the levelled sounds, in dB down to 80 below the target's
    loudest bin; the RMS difference over frequency of each frame, then the mean over frames.

    Source: Gray, Markel, "Distance measures for speech processing", IEEE TASSP 1976 (their d2).
    """
    found, expected = _magnitudes(output, target, SCALES[0])
    levels = 20 * torch.log10(found), 20 * torch.log10(expected)
    return float((levels[0] - levels[1]).square().mean(dim=0).sqrt().mean().clamp_max(RANGE))


@compares(perfect=0.0)
def stft(output: Audio, target: Audio) -> float:
    """Return the multi-scale STFT distance, 0 and more.

    Spectral convergence plus mean difference of the natural logarithms of the magnitudes (down to 80 dB below the
    target's loudest) of the levelled sounds; mean over windows of 2048, 512 and 128 samples at 16 kHz, 75 % overlap.

    Source: Yamamoto, Song, Kim, "Parallel WaveGAN", ICASSP 2020; the scales are nearer to those of Engel et al.,
    "DDSP: differentiable digital signal processing", ICLR 2020.
    """
    distances = []
    for n_fft in SCALES:
        found, expected = _magnitudes(output, target, n_fft)
        convergence = torch.linalg.norm(found - expected) / torch.linalg.norm(expected)
        distances.append(float(convergence + (found / expected).log_().abs_().mean()))
    return float(np.mean(distances))


@compares(perfect=CAP, silence=-CAP)
def si_sdr(output: Audio, target: Audio) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB, -100..100.

    It compares samples: a good transfer with other phases than the target's scores low.

    Source: Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019.
    """
    found, expected = (sound.mono().astype(np.float64) for sound in (output, target))
    kept = found @ expected / (expected @ expected) * expected
    signal, distortion = np.sum(kept**2), np.sum((found - kept) ** 2)
    tiny = 10 ** (-CAP / 10)
    ratio = np.maximum(signal, tiny * distortion) / np.maximum(distortion, tiny * signal)
    return float(10 * np.log10(ratio))


def clipping(audio: Audio) -> float:
    """Return how many samples in 100 lie at full scale (99.9 % of it and more) with at least two neighbours there."""
    common.check(audio)
    clipped = 0
    for span in blocks.spans(audio.length, 60 * audio.rate, ROW - 1):
        full = np.abs(audio.samples[:, span.left : span.right]) >= FULL
        blocks.release(audio.samples)
        rows = np.logical_and.reduce([full[:, i : full.shape[1] - ROW + 1 + i] for i in range(ROW)])
        inside = np.zeros_like(full)
        for i in range(ROW):
            inside[:, i : i + rows.shape[1]] |= rows
        clipped += int(inside[:, span.start - span.left : span.stop - span.left].sum())
    return 100 * clipped / audio.samples.size


def silence(audio: Audio) -> float:
    """Return the part of the time in % whose level (in frames of 50 ms) is below -70 dB of full scale."""
    common.check(audio)
    return 100 * float(np.mean(common.frame_levels(audio) < QUIET))


def loudness(audio: Audio) -> float:
    """Return the integrated loudness in LUFS; -70, the absolute gate, where nothing is above it.

    Source: ITU-R BS.1770-4.
    """
    common.check(audio)
    if np.all(common.frame_levels(audio) < QUIET - 10):  # nothing can pass the gate
        return QUIET
    return max(QUIET, float(measured.loudness(audio)))


def noise_floor(audio: Audio) -> float | None:
    """Return the level in dB of what sounds between notes and between partials, relative to all; None for silence.

    In each third of an octave from 100 Hz on, the weakest tenth of the cells of a spectrogram (93 ms long) is taken
    for the weakest tenth of a stationary noise. The sum of these noises is held against the usual level of a window.
    Where music leaves no gaps, it counts as noise itself. Pauses of digital silence do not count.

    Source: after Martin, "Noise power spectral density estimation based on optimal smoothing and minimum statistics",
    IEEE TSAP 2001.
    """
    common.check(audio)
    size = 2 ** round(np.log2(0.093 * audio.rate))
    power = _windows(audio, size)
    total = power.sum(axis=0)
    audible = total > 10 ** (AUDIBLE / 10)
    if not audible.any():
        return None
    highest = max(audio.rate / 2, 2 * LOWEST)
    thirds = np.geomspace(LOWEST, highest, 1 + round(3 * np.log2(highest / LOWEST)))
    edges = np.unique(np.round(thirds * size / audio.rate).astype(int).clip(1, size // 2 + 1))
    noise = 0.0
    for low, high in pairwise(edges):
        noise += (high - low) * float(np.quantile(power[low:high, audible], TENTH)) / -np.log(1 - TENTH)
    return float(10 * np.log10(max(noise, 1e-15)) - common.usual_level(10 * np.log10(total[audible])))


def bandwidth(audio: Audio) -> float:
    """Return the highest frequency in Hz that is within 70 dB of the loudest in the long-term spectrum; 0 for silence.

    Source: the spectrum is Welch's, "The use of fast Fourier transform for the estimation of power spectra", 1967.
    """
    common.check(audio)
    if common.silent(audio):
        return 0.0
    size = 2 ** round(np.log2(0.093 * audio.rate))
    power = np.zeros(size // 2 + 1)
    for span in blocks.spans(audio.length, 20 * audio.rate, 0):
        piece = audio.samples[:, span.start : span.stop]
        piece = np.pad(piece, ((0, 0), (0, max(0, size - piece.shape[1]))))
        density = scipy.signal.welch(piece, audio.rate, nperseg=size)[1]
        power += density.sum(axis=0) * (span.stop - span.start)
        blocks.release(audio.samples)
    power[0] = 0
    return float(np.flatnonzero(power >= power.max() * 10 ** (-BAND / 10))[-1] * audio.rate / size)


def width(audio: Audio) -> float:
    """Return the share of the sides in the sound's amplitude: 0 is mono, 1 has no middle; 0 unless it is stereo."""
    common.check(audio)
    return measured.width(audio)


def evaluate(output: Audio, target: Audio | None = None, *, only: Collection[str] = NAMES) -> dict[str, float | None]:
    """Return all scores of quality.

    Args:
        output: the transfer's result.
        target: what it should be, where that is known.
        only: names of the metrics to compute.

    Returns:
        All metrics by name; None for those not in ``only``, and for those that need a target where there is none.

    Raises:
        RestyleError: if a sound is shorter than half a second or holds NaN.
    """
    common.check_all(output, target, "the target")
    scores: dict[str, float | None] = dict.fromkeys(NAMES)
    if target is not None:
        compared = (lsd, lsd_frames, stft, si_sdr)
        scores |= {metric.__name__: metric(output, target) for metric in compared if metric.__name__ in only}
    facts = (clipping, silence, loudness, noise_floor, bandwidth, width)
    return scores | {fact.__name__: fact(output) for fact in facts if fact.__name__ in only}


def _windows(audio: Audio, size: int) -> np.ndarray:
    """Power spectra ``[F, L]`` of windows, mean over channels; at most some thousands, spread over the sound."""
    window = scipy.signal.windows.blackmanharris(size, sym=False).astype(np.float32)  # side lobes at -92 dB
    window *= np.sqrt(2 / size / np.sum(window**2))  # spectra then sum to the mean square
    starts = np.linspace(0, audio.length - size, min(WINDOWS, 1 + 2 * (audio.length - size) // size)).astype(int)
    power = np.empty((size // 2 + 1, len(starts)), np.float32)
    for column, start in enumerate(starts):
        spectrum = np.fft.rfft(audio.samples[:, start : start + size] * window)
        power[:, column] = np.square(np.abs(spectrum)).mean(axis=0)
    blocks.release(audio.samples)
    return power


def _magnitudes(output: Audio, target: Audio, n_fft: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Magnitudes ``[F, L]`` of both, levelled, down to 80 dB below the loudest of the one held as true."""
    if common.silent(target):
        output, target = target, output
    transform = Stft(n_fft, n_fft // 4)
    samples = (common.levelled(sound.mono()).astype(np.float32) for sound in (output, target))
    found, expected = (transform(torch.from_numpy(x)).abs() for x in samples)
    lowest = float(expected.max()) * 10 ** (-RANGE / 20)
    return found.clamp_min_(lowest), expected.clamp_min_(lowest)
