"""The value for sound."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restyle.audio import Audio


def ramp(channels: int = 2, length: int = 10, rate: int = 5) -> Audio:
    return Audio(np.arange(channels * length, dtype=np.float32).reshape(channels, length), rate)


def test_what_it_tells() -> None:
    audio = ramp(3, 10, 5)
    assert (audio.channels, audio.length, audio.duration, audio.rate) == (3, 10, 2.0, 5)


@pytest.mark.parametrize("dtype", [np.float64, np.int16, np.float32])
def test_one_dimension_is_one_channel_in_float32(dtype: type) -> None:
    audio = Audio(np.array([1, 2, 3], dtype), np.int64(8000))
    assert audio.samples.dtype == np.float32 and audio.samples.tolist() == [[1, 2, 3]]
    assert type(audio.rate) is int


def test_lists_are_taken_and_float32_is_not_copied() -> None:
    assert Audio([[0.5, 0.25]], 10).samples.tolist() == [[0.5, 0.25]]  # type: ignore[arg-type]
    samples = np.zeros((1, 5), np.float32)
    assert Audio(samples, 10).samples is samples


@pytest.mark.parametrize("shape", [(), (0, 5), (1, 2, 3)])
def test_impossible_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="channel"):
        Audio(np.zeros(shape), 10)


@pytest.mark.parametrize("rate", [0, -1])
def test_impossible_rates(rate: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        Audio(np.zeros(5), rate)


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ramp().rate = 3  # type: ignore[misc]


@given(start=st.integers(-5, 15), stop=st.integers(-5, 15))
def test_slices_are_clamped_copies(start: int, stop: int) -> None:
    audio = ramp()
    part = audio.slice(start, stop)
    assert np.array_equal(part.samples, audio.samples[:, max(0, start) : max(0, stop)])
    part.samples[:] = -1
    assert audio.samples.min() == 0


def test_mono_is_the_mean() -> None:
    assert np.array_equal(ramp().mono(), np.arange(10) + 5.0)
    assert np.array_equal(ramp(1).mono(), np.arange(10.0))
    assert ramp().mono().dtype == np.float32
