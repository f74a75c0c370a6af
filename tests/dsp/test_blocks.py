"""Long audio in blocks: what goes in comes out, at any size of block and context."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.errors import RestyleError


def noise(length: int, channels: int = 2, rate: int = 100) -> Audio:
    return Audio(np.random.default_rng(length).uniform(-1, 1, (channels, length)), rate)


@given(st.integers(0, 200), st.integers(1, 60), st.integers(0, 60))
def test_spans_cover_everything_once(length: int, block: int, context: int) -> None:
    owned = np.zeros(length, int)
    for span in blocks.spans(length, block, context):
        owned[span.start : span.stop] += 1
        assert span.stop - span.start <= block
        assert span.left == max(0, span.start - context) and span.right == min(length, span.stop + context)
    assert np.all(owned == 1)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 500), st.integers(1, 600), st.integers(0, 600), st.integers(1, 3))
def test_identity_gives_the_input(length: int, block: int, context: int, channels: int) -> None:
    audio = noise(length, channels)
    done = blocks.process(audio, lambda part, span: part.samples, seconds=block / 100, context=context / 100)
    assert done.rate == audio.rate and done.samples.shape == audio.samples.shape
    assert np.allclose(done.samples, audio.samples, atol=1e-6)


@settings(deadline=None)
@given(st.integers(50, 400), st.integers(1, 100))
def test_a_filter_in_blocks_is_the_filter_in_one(length: int, block: int) -> None:
    """A filter 21 samples long, with a context that covers its reach and the cross-fade (a quarter of the context)."""
    kernel = np.hanning(21) / 10

    def smooth(part: Audio, span: blocks.Span) -> np.ndarray:
        return np.stack([np.convolve(channel, kernel, "same")[: part.length] for channel in part.samples])

    audio = noise(length)
    whole = smooth(audio, blocks.Span(0, length, 0, length))
    joined = blocks.process(audio, smooth, seconds=block / 100, context=0.2)
    assert np.allclose(joined.samples, whole, atol=1e-5)


def test_neighbours_are_cross_faded() -> None:
    """Blocks of 0, 1, 2 ...: steps without a fade, smooth and monotone with one, and right in the middle of a block."""
    audio = Audio(np.zeros((1, 1000)), 100)

    def number(part: Audio, span: blocks.Span) -> np.ndarray:
        return np.full(part.samples.shape, span.start // 200, np.float32)

    hard = blocks.process(audio, number, seconds=2, context=0).samples[0]
    soft = blocks.process(audio, number, seconds=2, context=1).samples[0]
    assert np.diff(hard).max() == 1
    assert np.diff(soft).min() >= 0 and np.diff(soft).max() < 0.05
    assert np.array_equal(soft[100::200], np.arange(5))


def test_progress_grows_to_one() -> None:
    told: list[float] = []
    blocks.process(noise(950), lambda part, span: part.samples, seconds=2, context=0.5, progress=told.append)
    assert told == sorted(told) and told[-1] == 1 and len(told) == 5


def test_file_backed_sound_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = noise(1000)
    wanted = blocks.process(audio, lambda part, span: 2 * part.samples, seconds=1).samples
    monkeypatch.setattr(blocks, "IN_MEMORY", 100)
    held = blocks.empty(2, 1000)
    assert isinstance(held, np.memmap) and not held.any()
    held[:] = audio.samples
    blocks.release(held)
    blocks.release(held[:, 3:])  # a view, too
    done = blocks.process(Audio(held, 100), lambda part, span: 2 * part.samples, seconds=1)
    assert isinstance(done.samples, np.memmap) and np.array_equal(done.samples, wanted)


def test_small_sounds_stay_in_memory() -> None:
    held = blocks.empty(2, 1000)
    assert not isinstance(held, np.memmap) and held.dtype == np.float32 and not held.any()
    held[:] = 1
    blocks.release(held)
    assert held.all()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the disk space cannot be claimed here")
def test_no_room_for_a_temporary_file() -> None:
    code = (
        "import resource, sys\n"
        "from restyle.dsp import blocks\n"
        "from restyle.errors import RestyleError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "try:\n    blocks.empty(2, 2**24)\n"
        "except RestyleError as error:\n    print(error)\n    sys.exit(2)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no room for a temporary file" in done.stdout


def test_unusable_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks.tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(RestyleError, match=r"no room for a temporary file in /nowhere"):
        blocks.empty(2, blocks.IN_MEMORY)


def test_blocks_lie_on_a_grid():
    starts = []

    def look(block, span):
        starts.extend([span.start, span.left])
        return block.samples

    sound = Audio(np.random.default_rng(0).normal(0, 1, (2, 100_003)), 22050)
    made = blocks.process(sound, look, seconds=1.0, context=0.3, hop=256)
    assert np.allclose(made.samples, sound.samples, atol=1e-6)
    assert len(starts) > 6 and all(start % 256 == 0 for start in starts)
