"""The filters are SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from restyle.dsp import filters

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 500])
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 1200)])
def test_maximum_and_mean(size, shape):
    x = RNG.normal(0, 1, shape).astype(np.float32)
    assert np.array_equal(filters.maximum_filter(x, size), scipy.ndimage.maximum_filter1d(x, size, axis=-1))
    assert np.allclose(filters.mean_filter(x, size), scipy.ndimage.uniform_filter1d(x, size, axis=-1), atol=1e-6)


def test_minimum_and_smooth():
    x = RNG.normal(0, 1, 300)
    lowest = scipy.ndimage.minimum_filter1d(x, 11, mode="nearest")
    window = np.hanning(13)[1:-1]
    wanted = scipy.ndimage.convolve1d(lowest, window / window.sum(), mode="nearest")
    assert np.allclose(filters.minimum_and_smooth(x, 5), wanted)


@pytest.mark.parametrize("gap", [1, 2, 4])
def test_closing(gap):
    for _ in range(20):
        x = RNG.random(60) < 0.4
        padded = np.pad(x, 2 * gap)
        wanted = scipy.ndimage.binary_closing(padded, np.ones(gap + 1, bool))[2 * gap : 2 * gap + 60]
        assert np.array_equal(filters.closed(x, gap), wanted)
    assert not filters.closed(np.zeros(0, bool), gap).any()


def test_oversampling_through_a_lowpass():
    kernel = filters.lowpass(81, 0.25, 5.0)
    assert np.allclose(kernel, scipy.signal.firwin(81, 0.25, window=("kaiser", 5.0)))
    x = RNG.normal(0, 1, 200)
    assert np.allclose(filters.oversampled(x, kernel, 4), scipy.signal.upfirdn(kernel, x, up=4))


def test_the_response_of_sections():
    sections = scipy.signal.butter(4, [0.1, 0.3], btype="band", output="sos")
    _, wanted = scipy.signal.sosfreqz(sections, worN=np.arange(513) * np.pi / 512)
    assert np.allclose(filters.response(sections, 1024), wanted)
