"""Long audio, cut into blocks with overlap and joined again. Floor 2."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from restyle.audio import Audio, resample
from restyle.errors import RestyleError
from restyle.memory import release, trim_memory
from restyle.threads import mapped

__all__ = ["Progress", "Span", "empty", "mono", "process", "release", "spans", "trim_memory", "views", "whole_mono"]

Progress = Callable[[float], None]  # called with the fraction done, 0..1

IN_MEMORY = 48 * 2**20  # bytes; larger sounds lie in an unnamed temporary file


def empty(channels: int, length: int) -> np.ndarray:
    """Return float32 zeros ``[C, T]``: in memory when small, else backed by an unnamed temporary file.

    Raises:
        RestyleError: if the disk for temporary files is full.
    """
    if 4 * channels * length <= IN_MEMORY:
        return np.zeros((channels, length), np.float32)
    try:
        with tempfile.TemporaryFile(prefix="restyle-") as file:
            _reserve(file.fileno(), 4 * channels * length)
            return np.memmap(file, np.float32, "w+", shape=(channels, length))
    except OSError as error:
        where = tempfile.gettempdir()
        raise RestyleError(f"no room for a temporary file in {where}: free some space or set TMPDIR") from error


def _reserve(descriptor: int, size: int) -> None:
    """Claim the disk space now: a disk that fills up under a memory map kills the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # some file systems cannot
            raise


def mono(audio: Audio, start: int, stop: int, rate: int) -> np.ndarray:
    """Return a stretch of a sound at another rate, its channels mixed to one by `Audio.mono`, float32 ``[T]``.

    Args:
        audio: the sound; what is no number counts as silence.
        start: its first sample.
        stop: the one after its last; the ends are clamped to the sound.
        rate: Hz.

    Example:
        >>> mono(Audio(np.ones((2, 44100)), 44100), 0, 44100, 22050).shape
        (22050,)
    """
    samples = np.nan_to_num(audio.slice(start, stop).mono())
    release(audio.samples)
    return np.ascontiguousarray(resample(samples, audio.rate, rate), np.float32)


def whole_mono(audio: Audio, rate: int) -> np.ndarray:
    """Return a whole sound at another rate like :func:`mono`, read and resampled block by block.

    Example:
        >>> whole_mono(Audio(np.ones((2, 44100)), 44100), 22050).shape
        (22050,)
    """
    import soxr

    stream = soxr.ResampleStream(audio.rate, rate, 1) if audio.rate != rate else None
    pieces = [np.zeros(0, np.float32)]
    for span in spans(audio.length, 20 * audio.rate, 0):
        block = mono(audio, span.start, span.stop, audio.rate)
        pieces.append(stream.resample_chunk(block, last=span.stop == audio.length) if stream else block)
    return np.concatenate(pieces)


@dataclass(frozen=True)
class Span:
    """One block: samples ``start..stop`` are its own, ``left..right`` also holds the context around them."""

    start: int
    stop: int
    left: int
    right: int


def spans(length: int, block: int, context: int) -> Iterator[Span]:
    """Cut ``length`` samples into blocks of ``block`` samples with ``context`` samples on either side.

    Example:
        >>> [(s.start, s.stop, s.left, s.right) for s in spans(10, 4, 1)]
        [(0, 4, 0, 5), (4, 8, 3, 9), (8, 10, 7, 10)]
    """
    for start in range(0, length, block):
        stop = min(length, start + block)
        yield Span(start, stop, max(0, start - context), min(length, stop + context))


def views(audio: Audio, seconds: float = 20.0) -> Iterator[np.ndarray]:
    """Yield the samples of a sound ``[C, n]``, a stretch after the other, each let go of after its use."""
    for span in spans(audio.length, round(seconds * audio.rate), 0):
        yield audio.samples[:, span.start : span.stop]
        release(audio.samples)


def process(
    audio: Audio,
    function: Callable[[Audio, Span], np.ndarray],
    *,
    seconds: float = 10.0,
    context: float = 1.0,
    hop: int = 1,
    progress: Progress | None = None,
) -> Audio:
    """Run a function over a sound block by block, some side by side, and join the results with cross-fades.

    Args:
        audio: the sound.
        function: takes a block (with its context) and its ``Span``; returns ``[C, T]`` of the block's own length. It
            may run for several blocks at once.
        seconds: length of a block's own part.
        context: seconds of sound given on either side, at least what the function needs; neighbouring results
            are cross-faded (raised cosine) over half of it, around the seam.
        hop: blocks start at multiples of this many samples; with a transform's hop all share one grid of frames.
        progress: called with the fraction done after each block.

    Returns:
        A sound of the same rate, channels and length.

    Example:
        >>> tone = Audio(np.ones((1, 1000)), 100)
        >>> twice = process(tone, lambda block, span: 2 * block.samples, seconds=3, context=1)
        >>> bool(np.allclose(twice.samples, 2))
        True
    """
    result = empty(audio.channels, audio.length)
    around = round(context * audio.rate / hop) * hop
    block = max(1, round(seconds * audio.rate / hop)) * hop
    whole = list(spans(audio.length, block, around))
    results = mapped(lambda span: function(audio.slice(span.left, span.right), span), whole)
    for span, output in zip(whole, results, strict=True):
        before, after = (_fade_half(seam, audio.length, block, around) for seam in (span.start, span.stop))
        first, last = span.start - before, span.stop + after
        weight = np.ones(last - first, np.float32)
        _fade_in(weight, before)
        _fade_in(weight[::-1], after)
        result[:, first:last] += weight * output[:, first - span.left : last - span.left]
        release(result)
        release(audio.samples)
        if progress:
            progress(span.stop / audio.length)
    return Audio(result, audio.rate)


def _fade_half(seam: int, length: int, block: int, around: int) -> int:
    """Half the samples of the cross-fade at a seam: the same for both neighbours, and no two fades meet."""
    return min(around // 4, block // 2, length - seam) if seam else 0


def _fade_in(weight: np.ndarray, half: int) -> None:
    """Multiply the first ``2 * half`` weights by a raised cosine; mirrored neighbours sum to one."""
    if half:
        ramp = np.sin((np.arange(2 * half) + 0.5) * np.pi / (4 * half)) ** 2
        weight[: 2 * half] *= ramp[: len(weight)].astype(np.float32)
