"""Sounds whose bands and pitches follow others."""

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.dsp.follow import Follow, follow_bands, follow_pitches, rms

RATE = 22050
QUICK = Follow(0.023, 24, 1.0)


def test_what_follows_keeps_each_bands_power():
    rng = np.random.default_rng(0)
    steady = Audio(rng.normal(0, 0.1, (2, 30 * RATE)).astype(np.float32), RATE)
    swell = np.sin(np.arange(30 * RATE) / RATE * 3) ** 2
    struck = Audio((rng.normal(0, 0.1, 30 * RATE) * swell)[None], RATE)
    made = follow_bands(steady, struck, QUICK)
    level = np.sqrt(np.square(made.samples).mean(axis=0).reshape(-1, 2205).mean(axis=1))
    assert np.corrcoef(level, swell.reshape(-1, 2205).mean(axis=1))[0, 1] > 0.95
    powers = [np.square(np.abs(np.fft.rfft(sound.samples[0]))).reshape(-1)[: 10 * 33000] for sound in (made, steady)]
    bands = [power.reshape(10, -1).sum(axis=1) for power in powers]
    assert 10 * np.log10(bands[0] / bands[1]) == pytest.approx(np.zeros(10), abs=1.0)


def tones(frequencies, seconds=3.0):
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * f * t) for f in frequencies)


def power_near(audio, frequency):
    spectrum = np.square(np.abs(np.fft.rfft(audio.samples.mean(axis=0))))
    at = round(frequency * audio.length / audio.rate)
    return spectrum[at - 12 : at + 13].sum()


def test_pitches_stand_out_as_in_the_reference():
    both, one = Audio(tones([440, 523.25]), RATE), Audio(tones([440]), RATE)
    made = follow_pitches(both, one)
    assert 10 * np.log10(power_near(both, 523.25) / power_near(made, 523.25)) > 15
    assert power_near(made, 440) > 0.8 * power_near(both, 440)


def test_a_sound_that_follows_itself_stays():
    rng = np.random.default_rng(0)
    audio = Audio(rng.normal(0, 0.1, (2, 2 * RATE)).astype(np.float32) + tones([330], 2.0).astype(np.float32), RATE)
    assert np.abs(follow_pitches(audio, audio).samples - audio.samples).max() < 1e-5


def test_the_broad_spectrum_stays():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 6 * RATE)
    dull = Audio(np.convolve(noise, np.ones(8) / 8, "same"), RATE)
    made = follow_pitches(dull, Audio(tones([440, 880, 1760], 6.0), RATE))
    for low, high in ((100, 400), (2000, 4000), (6000, 11000)):
        powers = [np.square(np.abs(np.fft.rfft(sound.samples[0])))[low * 6 : high * 6].sum() for sound in (dull, made)]
        assert abs(10 * np.log10(powers[1] / powers[0])) < 4


def test_level_of_a_recording():
    assert rms(Audio(np.full((2, 100), 0.5), RATE)) == pytest.approx(0.5)
    assert rms(Audio(np.zeros((1, 0)), RATE)) == 0
