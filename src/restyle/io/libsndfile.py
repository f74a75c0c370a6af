"""Sound files through libsndfile: decoding what it knows, encoding wav, flac, ogg, opus and mp3. Floor 2."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from restyle.errors import RestyleError

BLOCK = 2**17  # samples of each channel decoded at once


class Libsndfile:
    """An open file that libsndfile decodes block by block; a `restyle.io.sound.Source`.

    Args:
        path: an existing file.

    Raises:
        soundfile.LibsndfileError: if libsndfile does not know the format.
        TypeError: if the name ends in .raw, which has no header.
    """

    def __init__(self, path: Path) -> None:
        self._file = soundfile.SoundFile(os.fsencode(path))
        self.rate, self.channels = self._file.samplerate, self._file.channels
        self.length = self._file.frames if self._file.frames < 2**40 else 0  # streams without an end report 2**63
        self.format, self.subtype = self._file.format, self._file.subtype
        self.cut = False

    def blocks(self, first: int, count: int | None) -> Iterator[np.ndarray]:
        """Yield ``count`` samples (None: all) from sample ``first`` on, as float32 arrays ``[C, n]``."""
        length = self.length or 2**40
        stop = length if count is None else min(length, first + count)
        if first >= stop or not self._seek(first):
            return
        at, got = first, 1
        while at < stop and got:
            block = self._next(min(BLOCK, stop - at))
            got = block.shape[1]
            at += got
            yield block
        missing = at < stop - self.rate // 20  # decoders may differ by some samples from what a lossy header says
        at_end = at >= self.length
        self.cut |= (bool(self.length) and missing) or (at_end and _declares_more(self._file.extra_info))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _seek(self, first: int) -> bool:
        try:
            return not first or self._file.seek(first) == first
        except soundfile.LibsndfileError:
            self.cut = True
            return False

    def _next(self, count: int) -> np.ndarray:
        block = np.full((count, self.channels), np.nan, np.float32)
        try:
            return self._file.read(count, always_2d=True, out=block).T
        except soundfile.LibsndfileError:  # what was decoded before the damage is in the block
            self.cut = True
            undecoded = np.isnan(block).any(axis=1)
            return block[: int(undecoded.argmax()) if undecoded.any() else count].T


def _declares_more(header: str) -> bool:
    """Whether libsndfile's log of a header says that the file is shorter than it should be."""
    if "Last page lacks an end-of-stream bit" in header:
        return True
    for line in header.splitlines():
        if "should be" in line and line.split(":")[0].strip() in ("data", "SSND", "Data Size"):
            declared, actual = (int("".join(c for c in part if c.isdigit())) for part in line.split(":")[1].split("("))
            return actual < declared < 0x7FFF0000  # programs that write to a pipe declare the largest number there is
    return False


@dataclass(frozen=True)
class Layout:
    """How a file is to be written: rate in Hz, channels, libsndfile's format and subtype."""

    rate: int
    channels: int
    format: str
    subtype: str


def encode(path: Path, blocks: Iterable[np.ndarray], layout: Layout) -> None:
    """Write float32 blocks ``[n, C]``, full scale at -1..1.

    Raises:
        OSError: if the disk is full or the place cannot be written to.
        RestyleError: if the format cannot hold that many channels or that rate.
    """
    with _Sink(path) as sink:
        try:
            with soundfile.SoundFile(
                sink, "w", layout.rate, layout.channels, layout.subtype, format=layout.format
            ) as file:
                for block in blocks:
                    file.write(_quantised(block, layout.subtype))
                    sink.check()
        except (soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
            sink.check()
            what = f"{layout.channels} channels at {layout.rate} Hz"
            raise RestyleError(f"{path.suffix.lower()} files cannot hold {what}; write a .wav file instead") from error
        sink.check()


def _quantised(block: np.ndarray, subtype: str) -> np.ndarray:
    """Round to whole steps where the format has them, so that what was read comes back to the bit."""
    if subtype not in ("PCM_16", "PCM_24"):
        return block
    steps = np.float32(2**15 if subtype == "PCM_16" else 2**23)
    whole = np.clip(np.rint(block * steps), -steps, steps - 1).astype(np.int32)
    return whole.astype(np.int16) if subtype == "PCM_16" else whole << 8


class _Sink(io.FileIO):
    """A file that remembers why a write failed: libsndfile's encoders may ignore it, and never tell the reason."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._error: OSError | None = None

    def write(self, data: Any) -> int:
        view, done = memoryview(data).cast("B"), 0
        try:
            while done < len(view):
                done += super().write(view[done:]) or 0
        except OSError as error:
            self._error = error
        return done

    def check(self) -> None:
        """Raise what a write failed with.

        Raises:
            OSError: as the system gave it.
        """
        if self._error:
            raise self._error
