"""MP3 in memory: the same sound, of the length and size asked for."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from restyle.audio import Audio
from restyle.io.mp3 import encode_mp3


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_the_sound_comes_back(rate, channels):
    t = np.arange(rate) / rate
    sound = Audio(np.stack([0.5 * np.sin(2 * np.pi * 440 * (c + 1) * t) for c in range(channels)]), rate)
    samples, got = soundfile.read(io.BytesIO(encode_mp3(sound, kbps=192)), always_2d=True)
    assert got == 44100 and samples.shape == (44100, channels)
    t = np.arange(44100) / 44100
    wanted = np.stack([0.5 * np.sin(2 * np.pi * 440 * (c + 1) * t) for c in range(channels)], axis=1)
    middle = slice(4410, -4410)
    assert np.sqrt(np.mean((samples - wanted)[middle] ** 2)) < 0.02


@pytest.mark.parametrize("kbps", [32, 64, 128, 320])
def test_the_bit_rate_is_what_was_asked_for(kbps):
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, (2, 4 * 44100)), 44100)
    assert len(encode_mp3(sound, kbps=kbps)) * 8 / 4000 == pytest.approx(kbps, rel=0.05)


def test_many_channels_become_one_and_too_loud_is_clipped():
    sound = Audio(np.full((5, 44100), 3.0), 44100)
    samples, _ = soundfile.read(io.BytesIO(encode_mp3(sound)), always_2d=True)
    assert samples.shape[1] == 1 and np.abs(samples).max() < 1.5


@pytest.mark.parametrize(("length", "kbps"), [(0, 128), (100, 8), (100, 1000)])
def test_what_cannot_be_encoded_is_refused(length, kbps):
    with pytest.raises(ValueError, match="needed"):
        encode_mp3(Audio(np.zeros((1, length)), 44100), kbps=kbps)
