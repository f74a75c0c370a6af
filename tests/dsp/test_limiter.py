"""The limiter: true peaks stay below the ceiling, what is far from them stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from restyle.dsp.limiter import AHEAD, HOP, RELEASE, Limiter

RATE = 44100
CEILING = 10 ** (-0.1 / 20)


def music(seconds: float = 3.0, channels: int = 2, rate: int = RATE, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in (55, 220, 331, 1870, rate / 5))
    return (0.1 * tones[:, None] * rng.uniform(0.5, 1, channels)).astype(np.float32)


def limited(sound: np.ndarray, rate: int = RATE) -> tuple[np.ndarray, Limiter]:
    limiter = Limiter([sound], rate)
    return np.concatenate(list(limiter([sound]))), limiter


def true_peak(sound: np.ndarray) -> float:
    return float(np.abs(soxr.resample(sound, 1, 4, quality="VHQ")).max())


@pytest.mark.parametrize("gain", [1.5, 2.5, 20.0])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_the_true_peak_stays_below_the_ceiling(rate: int, gain: float) -> None:
    sound = music(rate=rate)
    sound[rate : rate + rate // 4] *= 10  # a passage that is too loud
    sound[5] = sound[-1] = [2, -2]  # and clicks at the ends
    made, limiter = limited(gain * sound, rate)
    assert true_peak(gain * sound) > 1.2 and CEILING * 0.8 < true_peak(made) < CEILING * 1.01
    assert np.abs(made).max() <= CEILING * 1.001 and limiter.largest > 0


def test_a_peak_between_samples_counts() -> None:
    t = np.arange(RATE)
    sound = (1.2 * np.sin(np.pi / 2 * t + np.pi / 4) * np.hanning(RATE))[:, None].astype(np.float32)
    assert np.abs(sound).max() < 1 < true_peak(sound)
    assert true_peak(limited(sound)[0]) < CEILING * 1.01


def test_what_is_far_from_the_peak_is_unchanged() -> None:
    sound = music()
    sound[RATE] = 5.4  # 14.6 dB
    made, limiter = limited(sound)
    before, after = RATE - round(2.5 * AHEAD * HOP * RATE), RATE + round((15 / RELEASE + 3 * AHEAD * HOP) * RATE)
    assert np.array_equal(made[:before], sound[:before]) and np.array_equal(made[after:], sound[after:])
    assert limiter.largest == pytest.approx(14.7, abs=0.1) and limiter.seconds < 0.3
    assert np.abs(made[RATE]).max() == pytest.approx(CEILING, abs=0.01)


def test_the_gain_is_smooth_and_one_for_all_channels() -> None:
    sound = music()
    sound[RATE, 0] = 5.4  # in one channel only
    made, _ = limited(sound)
    heard = np.abs(sound).min(axis=1) > 0.02
    gains = made[heard] / sound[heard]
    assert np.allclose(gains[:, 0], gains[:, 1], atol=1e-4)
    steps = np.abs(np.diff(20 * np.log10(made[RATE - 500 : RATE + 500] / sound[RATE - 500 : RATE + 500]), axis=0))
    assert steps.max() < 0.1


@pytest.mark.parametrize("sizes", [(1,), (7, 1000, 44), (40000,)])
def test_blocks_do_not_count(sizes: tuple[int, ...]) -> None:
    sound = music(0.5)
    sound[[300, 9000, 22040]] *= 30
    whole, _ = limited(sound)

    def cut() -> list[np.ndarray]:
        parts, at = [], 0
        while at < len(sound):
            size = sizes[len(parts) % len(sizes)]
            parts.append(sound[at : at + size])
            at += size
        return parts

    assert np.allclose(np.concatenate(list(Limiter(cut(), RATE)(cut()))), whole, atol=1e-6)


def test_a_steady_tone_is_only_turned_down() -> None:
    t = np.arange(2 * RATE) / RATE
    sound = (3 * np.sin(2 * np.pi * 60 * t))[:, None].astype(np.float32)
    middle = slice(RATE // 2, RATE * 3 // 2)
    made = limited(sound)[0][middle]
    assert np.abs(made / CEILING - sound[middle] / 3).max() < 0.01


@pytest.mark.parametrize("length", [0, 1, 10, 44, 45])
def test_short_and_soft_sounds_are_unchanged(length: int) -> None:
    sound = np.full((length, 3), 0.5, np.float32)
    made, limiter = limited(sound)
    assert np.array_equal(made, sound) and limiter.largest == limiter.seconds == 0


def test_the_gain_of_a_long_sound_goes_on_from_part_to_part(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = music()
    sound[[5000, 60000]] = 5.4
    whole, _ = limited(sound)
    monkeypatch.setattr("restyle.dsp.limiter.PART", 7)
    assert np.allclose(limited(sound)[0], whole, atol=1e-6)
