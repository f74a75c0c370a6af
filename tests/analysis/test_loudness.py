"""Loudness agrees with another implementation, however the sound is cut into blocks."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from restyle.audio import Audio
from restyle.dsp import loudness as measured
from restyle.dsp.loudness import loudness


def noise(seconds: float, rate: int = 16000, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise with levels that go up and down, other in each channel, and much low frequency."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 0.1, (channels, round(seconds * rate)))
    sound[:, 1:] += 0.9 * sound[:, :-1]
    t = np.arange(sound.shape[1]) / rate
    return sound * 10 ** (np.sin(t + np.arange(channels)[:, None]))


def theirs(sound: np.ndarray, rate: int) -> float:
    return float(pyloudnorm.Meter(rate).integrated_loudness(sound.T.astype(np.float64)))


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_it_is_pyloudnorms(rate: int, channels: int) -> None:
    sound = noise(31.37, rate, channels).astype(np.float32)
    assert loudness(Audio(sound, rate)) == pytest.approx(theirs(sound, rate), abs=0.01)


def test_one_loud_minute_and_three_soft_ones() -> None:
    sound = noise(240, 8000).astype(np.float32)
    sound[:, 60 * 8000 :] *= 0.1
    assert loudness(Audio(sound, 8000)) == pytest.approx(theirs(sound, 8000), abs=0.01)


def test_the_low_frequency_channel_does_not_count() -> None:
    front, rear = noise(5, channels=3), noise(5, channels=2, seed=1)
    low = 10 * noise(5, seed=2)
    whole = loudness(Audio(np.concatenate([front, low, rear]), 16000))
    assert whole == pytest.approx(theirs(np.concatenate([front, rear]), 16000), abs=0.01)


@pytest.mark.parametrize("seconds", [0.41, 0.45, 0.6, 1.0, 19.95, 20.0, 20.05, 40.3])
def test_lengths(seconds: float) -> None:
    sound = noise(seconds).astype(np.float32)
    assert loudness(Audio(sound, 16000)) == pytest.approx(theirs(sound, 16000), abs=0.01)


def test_blocks_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Audio(noise(5, channels=2), 16000)
    whole = loudness(sound)
    spans = measured.blocks.spans
    monkeypatch.setattr(measured.blocks, "spans", lambda length, block, context: spans(length, 1234, context))
    assert loudness(sound) == pytest.approx(whole, abs=1e-9)


def test_less_than_a_gating_block_goes_on_where_gating_begins() -> None:
    t = np.arange(16000) / 16000
    short, long = (Audio(0.1 * np.sin(6283 * t[: round(n * 16000)]), 16000) for n in (0.39, 0.41))
    assert loudness(short) == pytest.approx(loudness(long), abs=0.1)


@pytest.mark.parametrize("length", [0, 1, 100, 100000])
def test_silence(length: int) -> None:
    assert loudness(Audio(np.zeros((2, length)), 16000)) == -np.inf
