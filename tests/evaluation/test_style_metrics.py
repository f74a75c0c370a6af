from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch
from pieces import Instrument, play, triplet, tune

from restyle.audio import Audio
from restyle.dsp.gram import TextureNet, style_loss
from restyle.evaluation import common, style

RATE = 16000


def noise(seed: int = 0, seconds: float = 4.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def band(low: float, high: float) -> Audio:
    """Noise between two frequencies."""
    return Audio(
        scipy.signal.sosfilt(scipy.signal.butter(8, [low, high], "band", fs=RATE, output="sos"), noise()), RATE
    )


@pytest.mark.parametrize("name", style.NAMES)
def test_level_does_not_count(name: str) -> None:
    made = triplet(8)
    quiet = Audio(0.05 * made.target.samples, made.target.rate)
    loud = getattr(style, name)(made.target, made.style)
    assert loud > 0
    assert getattr(style, name)(quiet, made.style) == pytest.approx(loud, rel=1e-3)


@pytest.mark.parametrize("name", ["mfcc", "mfcc_frechet", "envelope", "centroid", "flatness", "gram", "embedding"])
def test_the_same_instrument_is_nearer_than_another_whatever_it_plays(name: str) -> None:
    for seed in (9, 10):
        made = triplet(seed)
        assert getattr(style, name)(made.target, made.style) < 0.5 * getattr(style, name)(made.content, made.style)


def test_centroid_is_the_octaves_between_bands_of_noise() -> None:
    assert style.centroid(band(950, 1050), band(1900, 2100)) == pytest.approx(1, abs=0.03)
    assert style.centroid(band(1900, 2100), band(950, 1050)) == pytest.approx(1, abs=0.03)


def test_bandwidth_is_the_octaves_between_widths_of_noise() -> None:
    assert style.bandwidth(band(2000, 4000), band(2500, 3500)) == pytest.approx(1, abs=0.1)
    assert style.centroid(band(2000, 4000), band(2500, 3500)) == pytest.approx(0, abs=0.03)


def test_flatness_tells_noise_from_tone() -> None:
    t = np.arange(4 * RATE) / RATE
    tone, hiss = Audio(0.3 * np.sin(2 * np.pi * 1000 * t), RATE), Audio(noise(), RATE)
    assert style.flatness(hiss, Audio(noise(1), RATE)) < 0.2
    assert style.flatness(tone, hiss) > 40


def test_envelope_is_the_rms_of_a_tilt_in_db() -> None:
    """A filter that lowers half of the bands by 10 dB moves the levelled bands by 5 dB, up or down."""
    flat = Audio(noise(seconds=8), RATE)
    mel = style.Mel(RATE, style.N_FFT, 40, f_min=style.FROM, f_max=style.TO)
    edge = float(mel.frequencies()[19:21].mean())
    spectrum = np.fft.rfft(flat.mono())
    spectrum[np.fft.rfftfreq(flat.length, 1 / RATE) > edge] *= 10**-0.5
    assert style.envelope(Audio(np.fft.irfft(spectrum), RATE), flat) == pytest.approx(5, abs=0.2)


def test_dynamics_are_the_mean_shift_of_levels() -> None:
    """Every other half second 20 dB lower: half of the levels fall by 20 dB against the usual one."""
    steady = Audio(noise(seconds=8), RATE)
    pulse = np.where(np.arange(steady.length) // 8000 % 2, 0.1, 1.0)
    assert style.dynamics(Audio(steady.samples * pulse, RATE), steady) == pytest.approx(10, abs=0.3)


def test_the_frechet_distance_is_exact_for_known_gaussians_and_safe_for_singular_ones() -> None:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    first, second = rng.uniform(0, 4, 12), rng.uniform(0, 4, 12)
    first[:5] = second[3:8] = 0
    mean = rng.standard_normal(12)
    true = np.sum(mean**2) + np.sum((np.sqrt(first) - np.sqrt(second)) ** 2)
    covariances = [(axes * values) @ axes.T for values in (first, second)]
    assert style.frechet(mean, covariances[0], np.zeros(12), covariances[1]) == pytest.approx(true, abs=1e-5)
    assert style.frechet(mean, covariances[0], mean, covariances[0]) == pytest.approx(0, abs=1e-9)


def test_frechet_sees_a_change_over_time_that_the_mean_does_not() -> None:
    rng = np.random.default_rng(0)
    dark, bright = Instrument(2.2, 1, 1, 0.01, 0.003), Instrument(0.7, 1, 1, 0.01, 0.003)
    notes = tune(rng, 4)
    parts = [play(notes, how, 4).samples for how in (dark, bright)]
    apart = Audio(np.concatenate(parts, axis=1), 44100)  # first all dark, then all bright
    steady = play(notes, Instrument(1.45, 1, 1, 0.01, 0.003), 4)
    again = Audio(np.concatenate([parts[1], parts[0]], axis=1), 44100)
    assert style.mfcc_frechet(apart, again) < 0.05 * style.mfcc_frechet(apart, steady)


def test_gram_is_the_style_loss_of_the_texture_network_per_layer() -> None:
    made = triplet(11)
    net = TextureNet(128, seed=0)
    features = []
    for sound in (made.target, made.style):
        level = common.mel_level(common.mono_16k(sound))
        features.append(net(torch.from_numpy(np.maximum(0, (level - level.max() + 80) / 80).astype(np.float32))))
    targets = [x @ x.T / x.shape[1] for x in features[1]]
    assert style.gram(made.target, made.style) == pytest.approx(float(style_loss(features[0], targets)) / 3, rel=1e-4)
