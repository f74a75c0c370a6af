import numpy as np
import pytest
import scipy.signal

from restyle.audio import Audio
from restyle.dsp.coherence import band_coherence

RATE = 44100


def noise(seed, seconds=8.0, channels=1):
    return np.random.default_rng(seed).normal(0, 0.1, (channels, round(seconds * RATE))).astype(np.float32)


def test_a_filtered_sound_is_coherent_and_another_one_is_not():
    one = noise(0)
    filtered = scipy.signal.sosfilt(scipy.signal.butter(4, 2000, fs=RATE, output="sos"), one)
    assert band_coherence(Audio(filtered, RATE), Audio(one, RATE))[:6].min() > 0.95
    assert band_coherence(Audio(noise(1), RATE), Audio(one, RATE)).max() < 0.05


def test_a_sum_at_equal_power_is_half_coherent():
    one, other = noise(0, channels=2), noise(1, channels=2)
    assert band_coherence(Audio(one + other, RATE), Audio(one, RATE)) == pytest.approx([0.5] * 9, abs=0.05)


def test_it_agrees_with_scipy():
    one, other = noise(0)[0], noise(2)[0]
    mixed = np.convolve(one, [1, 0.5, -0.3], mode="same") + 0.7 * other
    hertz, known = scipy.signal.coherence(mixed, one, fs=RATE, window=np.hanning(4096), nperseg=4096, detrend=False)
    _, power = scipy.signal.welch(mixed, fs=RATE, window=np.hanning(4096), nperseg=4096, detrend=False)
    found = band_coherence(Audio(mixed, RATE), Audio(one, RATE))
    for k, value in enumerate(found):
        band = (hertz >= 40 * 2**k) & (hertz < min(80 * 2**k, 18000))
        assert value == pytest.approx(np.average(known[band], weights=power[band]), abs=0.005)


def test_blocks_silence_and_short_sounds():
    long = noise(3, seconds=25.0)
    whole = band_coherence(Audio(long, RATE), Audio(long, RATE))
    assert whole == pytest.approx([1.0] * 9)
    silence = Audio(np.zeros((1, RATE)), RATE)
    assert not band_coherence(silence, Audio(long, RATE)).any()
    assert len(band_coherence(Audio(noise(0, 0.02), 8000), Audio(noise(1, 0.02), 8000))) < 8


def test_channels_that_cancel_are_heard_and_other_counts_are_mixed():
    one = noise(0)[0]
    opposed = Audio(np.stack([one, -one]), RATE)
    assert band_coherence(opposed, opposed) == pytest.approx([1.0] * 9)
    assert band_coherence(Audio(np.stack([one, one]), RATE), Audio(one, RATE)) == pytest.approx([1.0] * 9)
