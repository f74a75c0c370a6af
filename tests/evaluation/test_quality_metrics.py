from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from pieces import noisy, triplet

from restyle.audio import Audio
from restyle.evaluation import quality

RATE = 16000


def noise(seconds: float = 4.0, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))


def lowpass(samples: np.ndarray, hz: float, rate: int) -> np.ndarray:
    return scipy.signal.sosfiltfilt(scipy.signal.ellip(10, 0.1, 90, hz, fs=rate, output="sos"), samples)


@pytest.mark.parametrize("metric", [quality.lsd, quality.lsd_frames, quality.stft, quality.si_sdr])
def test_level_does_not_count(metric) -> None:
    made = triplet(12)
    quiet = Audio(0.1 * made.content.samples, made.content.rate)
    assert metric(quiet, made.target) == pytest.approx(metric(made.content, made.target), rel=1e-3)


def test_both_log_spectral_distances_are_the_db_of_a_filter() -> None:
    """A gain of 20 dB of the upper half: 10 dB up or down everywhere, once the level is taken out ... and not quite."""
    flat = noise(8.0)
    spectrum = np.fft.rfft(flat)
    upper = np.arange(len(spectrum)) > len(spectrum) // 2
    made = np.fft.irfft(np.where(upper, 0.1, 1.0) * spectrum)
    up = -10 * np.log10((1 + 0.01) / 2)  # what levelling raises all by
    true = np.sqrt((up**2 + (20 - up) ** 2) / 2)
    assert quality.lsd_frames(Audio(made, RATE), Audio(flat, RATE)) == pytest.approx(true, rel=0.02)
    mel = quality.lsd(Audio(made, RATE), Audio(flat, RATE))
    assert up < mel < 20 - up  # a mean over bands, of which most are low


def test_lsd_sees_order_in_time_only_through_frames() -> None:
    """Both are distances between frames: a sound that is played later is far from itself."""
    made = triplet(13)
    later = Audio(np.roll(made.target.samples, 22050, axis=1), 44100)
    for metric in (quality.lsd, quality.lsd_frames):
        assert metric(later, made.target) > 5


@pytest.mark.parametrize("snr", [-10, 0, 20, 60])
def test_si_sdr_is_the_ratio_of_signal_to_noise(snr: float) -> None:
    signal, added = noise(), noise(seed=1)
    added -= added @ signal / (signal @ signal) * signal
    added *= np.linalg.norm(signal) / np.linalg.norm(added) * 10 ** (-snr / 20)
    assert quality.si_sdr(Audio(-3 * (signal + added), RATE), Audio(signal, RATE)) == pytest.approx(snr, abs=0.01)


def test_what_has_nothing_of_the_target_has_the_least_si_sdr() -> None:
    t = np.arange(RATE) / RATE
    sine, cosine = (Audio(0.5 * f(2 * np.pi * 100 * t), RATE) for f in (np.sin, np.cos))
    assert quality.si_sdr(sine, cosine) == pytest.approx(-100, abs=15)
    assert quality.si_sdr(sine, sine) == 100


def test_stft_distance_grows_with_noise() -> None:
    made = triplet(14)
    distances = [quality.stft(noisy(made.target, below), made.target) for below in (60, 40, 20, 0)]
    assert distances == sorted(distances) and distances[0] > 0


def test_clipping_counts_samples_at_full_scale_in_rows_of_three() -> None:
    samples = np.zeros((2, 100000))
    samples[0, 5] = samples[0, 7:9] = samples[1, 9] = 1  # peaks, not clipping
    samples[0, 100:103] = -1
    samples[1, 50:150] = 1
    samples[1, -3:] = 1
    assert quality.clipping(Audio(samples, 44100)) == pytest.approx(100 * 106 / 200000)


def test_clipping_is_counted_across_the_blocks_it_is_read_in() -> None:
    samples = np.zeros(1000 * 70)
    samples[60 * 1000 - 2 : 60 * 1000 + 1] = 1  # two before a seam, one after
    assert quality.clipping(Audio(samples, 1000)) == pytest.approx(100 * 3 / 70000)


def test_silence_is_the_time_below_minus_70_db() -> None:
    level = np.repeat([1.0, 1e-4, 0.0, 1.0], RATE)
    assert quality.silence(Audio(noise() * level, RATE)) == pytest.approx(50, abs=1)


def test_loudness_of_a_sine_is_the_standards() -> None:
    """A stereo sine at 997 Hz and full scale has 0 LUFS, on one channel -3 LUFS (BS.1770)."""
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * 48000) / 48000)
    assert quality.loudness(Audio(np.stack([sine, sine]), 48000)) == pytest.approx(0.0, abs=0.1)
    assert quality.loudness(Audio(0.1 * sine, 48000)) == pytest.approx(-23.0, abs=0.1)
    assert quality.loudness(Audio(1e-6 * sine, 48000)) == -70


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [10 ** (x / 20) for x in (-60, -66, -69, -72, -76, -79, -85)])
def test_loudness_near_the_gate_is_finite(level: float) -> None:
    assert -70 <= quality.loudness(Audio(10 * level * noise(), RATE)) < -50


def test_the_noise_floor_is_that_of_the_noise_added() -> None:
    t = np.arange(8 * RATE) / RATE
    tone = 0.3 * np.sin(np.pi * t) ** 2 * np.sin(2 * np.pi * 440 * t)
    for below in (30, 50):
        floor = np.sqrt(np.mean(tone**2)) * 10 ** (-below / 20) * noise(8.0) / 0.1
        assert quality.noise_floor(Audio(tone + floor, RATE)) == pytest.approx(-below, abs=1.5)


def test_digital_pauses_have_no_noise() -> None:
    samples = noise()
    samples[:RATE] = 0
    assert quality.noise_floor(Audio(samples, RATE)) > -1.5


@pytest.mark.parametrize("hz", [2000, 5000, 15000])
def test_bandwidth_is_where_a_lowpass_cuts(hz: float) -> None:
    samples = lowpass(noise(rate=44100), hz, 44100)
    assert quality.bandwidth(Audio(samples, 44100)) == pytest.approx(hz, rel=0.15)


def test_bandwidth_is_all_of_it_where_nothing_cuts() -> None:
    assert quality.bandwidth(Audio(noise(rate=44100), 44100)) == pytest.approx(22050, rel=0.01)
    assert quality.bandwidth(Audio(noise(0.6), RATE)) == pytest.approx(8000, rel=0.01)


def test_width_is_the_share_of_the_sides() -> None:
    left, right = noise(), noise(seed=1)
    assert quality.width(Audio(np.stack([left, left]), RATE)) == 0
    assert quality.width(Audio(np.stack([left, -left]), RATE)) == 1
    assert quality.width(Audio(np.stack([left, right]), RATE)) == pytest.approx(np.sqrt(0.5), abs=0.01)
    assert quality.width(Audio(left, RATE)) == 0
