"""The sound in m4a, aac, wma, webm and video files, through FFmpeg's libraries (PyAV). Floor 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from restyle.errors import RestyleError, require, warn
from restyle.io.streams import begins_again

BLOCK = 2**17  # samples of each channel in a block, about
PICTURE = 0x400  # FFmpeg's mark of a video stream that is a cover


class Container:
    """An open file whose first sound track is decoded block by block; a `restyle.io.sound.Source`.

    Decoding always begins at the file's beginning: after a seek, lossy codecs give other samples.

    Args:
        path: an existing file.
        to_end: whether a wav is read to the file's end, whatever sizes its header tells.

    Raises:
        RestyleError: if FFmpeg cannot read the file, it holds no sound, or PyAV is not installed.
    """

    def __init__(self, path: Path, *, to_end: bool = False) -> None:
        require("media", "av", what=f"{path} is no wav, flac, ogg, opus or mp3 file; reading another kind")
        import av

        self._path, self._failures = path, (av.FFmpegError, ValueError)
        options = {"protocol_whitelist": "file"}  # no address inside a play list is followed
        options |= {"ignore_length": "1"} if to_end else {}
        try:  # the resolved path cannot be taken for an address
            self._file = av.open(str(path.resolve()), metadata_errors="ignore", options=options)
        except self._failures as error:
            raise RestyleError(
                f"{path} is no sound file that can be read; choose a wav, flac, mp3 or m4a file"
            ) from error
        sounds = self._file.streams.audio
        if not sounds or not sounds[0].rate or not sounds[0].channels:
            self._file.close()
            raise RestyleError(f"{path} holds no sound; choose a file with a sound track")
        self._stream = sounds[0]
        self.rate, self.channels = self._stream.rate, self._stream.channels
        self.format, self.subtype = self._file.format.name, self._stream.codec_context.name
        self._offset = round(self._starts() * self.rate)
        self.length = self._offset + round(self._seconds() * self.rate)
        self.cut = False

    def blocks(self, first: int, count: int | None) -> Iterator[np.ndarray]:
        """Yield ``count`` samples (None: all) from sample ``first`` on, as float32 arrays ``[C, n]``."""
        if len(self._file.streams.audio) > 1:
            warn(f"{self._path} holds {len(self._file.streams.audio)} sound tracks: only the first is used")
        if self.format == "wav" and begins_again(self._path):
            warn(f"{self._path} holds several recordings one after the other: only the first is used")
        stop = self._end() if count is None else min(first + count, self._end())
        at, held, waiting = 0, [], 0
        for piece in self._pieces():
            part = piece[:, max(0, first - at) : max(0, stop - at)]
            at += piece.shape[1]
            held.append(part)
            waiting += part.shape[1]
            if waiting >= BLOCK or at >= stop:
                yield np.concatenate(held, axis=1)
                held, waiting = [], 0
            if at >= stop:
                return
        if waiting:
            yield np.concatenate(held, axis=1)
        exact = self._end() < 2**60
        self.cut |= exact and at < self._end() - self.rate // 20

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _seconds(self) -> float:
        """The length that the header tells, 0 if none."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return (self._file.duration or 0) / 1e6

    def _starts(self) -> float:
        """Seconds by which the sound begins after the picture, if there is one."""
        moving = [s for s in self._file.streams.video if not int(getattr(s, "disposition", 0)) & PICTURE]
        starts = [float((s.start_time or 0) * (s.time_base or 0)) for s in (self._stream, *moving)]
        return min(max(0.0, starts[0] - min(starts)), (self._file.duration or 0) / 1e6)

    def _end(self) -> int:
        """Where the sound ends: mp4 and m4a tell it to the sample, other containers about, or not at all."""
        return self.length if "mp4" in self.format and self.length else 2**60

    def _pieces(self) -> Iterator[np.ndarray]:
        import av

        for at in range(0, self._offset, BLOCK):
            yield np.zeros((self.channels, min(BLOCK, self._offset - at)), np.float32)
        layout, form = self._stream.layout, None
        even: Any = None
        try:
            for frame in self._file.decode(self._stream):
                own = (frame.format.name, frame.layout.name, frame.sample_rate)
                if form != own:  # another one may follow the first
                    form = own
                    yield from _flushed(even)
                    even = av.AudioResampler(format="fltp", layout=layout, rate=self.rate)
                yield from (result.to_ndarray() for result in even.resample(frame))
            yield from _flushed(even)
        except self._failures:
            self.cut = True  # what was decoded before the damage is kept


def _flushed(resampler: Any) -> list[np.ndarray]:
    """The rest that a resampler holds; one that was never fed has none."""
    try:
        return [frame.to_ndarray() for frame in resampler.resample(None) if frame is not None] if resampler else []
    except (ValueError, RuntimeError):
        return []
