import tracemalloc

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.methods.excerpt import excerpt

RATE = 8000


def quiet_but(start, stop, seconds, rate=RATE):
    """Noise, loud from start to stop in seconds."""
    samples = np.random.default_rng(0).normal(0, 0.01, round(seconds * rate)).astype(np.float32)
    samples[round(start * rate) : round(stop * rate)] *= 10
    return Audio(np.stack([samples, samples]), rate)


@pytest.mark.parametrize("start", [0.0, 21.4, 57.0])
def test_the_loudest_stretch_is_kept(start):
    clip = quiet_but(start, start + 3, 60)
    kept = excerpt([clip], seconds=3.0)["samples"]
    at = round(start * RATE)
    assert kept.dtype == np.float32 and np.allclose(kept, clip.samples[0, at : at + 3 * RATE], atol=1e-6)


def test_a_short_clip_is_kept_whole():
    clip = quiet_but(0.5, 1, 2.005)
    assert len(excerpt([clip], seconds=3.0)["samples"]) == clip.length


@pytest.mark.parametrize("rate", [8000, 11025])
def test_a_stretch_is_as_long_as_asked_at_any_place(rate):
    clip = quiet_but(7.2, 8.003, 8.003, rate)
    assert len(excerpt([clip], seconds=1.237)["samples"]) == round(1.237 * rate)


def test_silence_is_refused():
    with pytest.raises(RestyleError, match="silent"):
        excerpt([Audio(np.zeros((1, 20 * RATE)), RATE)], seconds=3.0)


def test_a_long_style_needs_little_memory():
    clip = quiet_but(300, 310, 600, 16000)
    tracemalloc.start()
    try:
        excerpt([clip], seconds=10.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < clip.samples.nbytes / 8
