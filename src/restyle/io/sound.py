"""Sound files to `Audio` and back, block by block: an hour needs no more memory than a minute. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import empty, release
from restyle.dsp.limiter import Limiter
from restyle.errors import RestyleError, warn
from restyle.io.atomic import check_writable, writing

BLOCK = 2**17  # samples of each channel written at once
WRITABLE = {  # extension -> libsndfile's format and, by bits, its subtype
    ".wav": ("WAV", {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}),
    ".flac": ("FLAC", {"16": "PCM_16", "24": "PCM_24"}),
    ".ogg": ("OGG", {"16": "VORBIS", "24": "VORBIS"}),  # the last three hold no bits: 16 and 24 give the same
    ".opus": ("OGG", {"16": "OPUS", "24": "OPUS"}),
    ".mp3": ("MP3", {"16": "MPEG_LAYER_III", "24": "MPEG_LAYER_III"}),
}
RATES = {
    ".opus": (8000, 12000, 16000, 24000, 48000),
    ".mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
CHANNELS = {".mp3": 2, ".flac": 8}


@dataclass(frozen=True)
class SoundInfo:
    """What a sound file's header tells: rate in Hz, channels, length in samples, duration in seconds, format, subtype.

    Length and duration are estimates where the header of a compressed format does not tell them exactly.
    """

    rate: int
    channels: int
    length: int
    duration: float
    format: str
    subtype: str


class Source(Protocol):
    """An open sound file. ``length`` is 0 when unknown; ``cut`` is true once the file has ended before it should."""

    rate: int
    channels: int
    length: int
    format: str
    subtype: str
    cut: bool

    def blocks(self, first: int, count: int | None) -> Iterator[np.ndarray]:
        """Yield ``count`` samples (None: all) from sample ``first`` on, as float32 arrays ``[C, n]``."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def read(path: str | Path, *, start: float = 0.0, duration: float | None = None) -> Audio:
    """Read a sound file, or the first sound track of a video, whole or in part.

    Samples above full scale in float files are kept. A damaged file gives what can be decoded, with a warning.

    Args:
        path: wav, aiff, au, flac, ogg, opus or mp3 (by libsndfile); m4a, aac, wma, webm, mp4, mkv ... (by FFmpeg).
        start: seconds to leave out at the beginning.
        duration: seconds to read at most; None reads to the end.

    Returns:
        The sound at the file's own rate and channels; a long one lies in a temporary file (see :func:`blocks.empty`).

    Raises:
        RestyleError: if the file is missing, is no sound, holds no or not finite samples, or ends before ``start``.

    Example:
        >>> import tempfile
        >>> name = tempfile.mkdtemp() + "/tone.wav"
        >>> write(name, Audio(np.full((2, 8000), 0.5), 8000))
        >>> part = read(name, start=0.25, duration=0.5)
        >>> part.samples.shape, float(part.samples[0, 0])
        ((2, 4000), 0.5)
    """
    path = Path(path)
    _check_part(path, start, duration)
    with closing(_open(path)) as source:
        first = round(start * source.rate)
        count = None if duration is None else max(1, round(duration * source.rate))
        samples = _collect(path, source, first, count)
        if samples.shape[1] == 0 and first:
            raise RestyleError(f"{path} ends before {start:g} s; start earlier")
        if samples.shape[1] == 0:
            raise RestyleError(f"{path} holds no samples; choose another file")
        if source.cut:
            seconds = samples.shape[1] / source.rate
            warn(f"{path} is damaged or cut off: only {seconds:.1f} s of it could be read")
    return Audio(samples, source.rate)


def info(path: str | Path) -> SoundInfo:
    """Return what a sound file's header tells, without decoding it.

    Raises:
        RestyleError: if the file is missing or is no sound.
    """
    with closing(_open(Path(path))) as source:
        duration = source.length / source.rate
        return SoundInfo(source.rate, source.channels, source.length, duration, source.format, source.subtype)


def check_output(path: str | Path, bits: str = "16") -> None:
    """Refuse an output that :func:`write` could not write, before any work is done.

    Raises:
        RestyleError: if the extension is unknown, does not go with ``bits``, or the place cannot be written to.
    """
    path = Path(path)
    extension = path.suffix.lower()
    if extension not in WRITABLE:
        raise RestyleError(f"{path}: cannot write '{path.suffix}' files; end the name in one of {', '.join(WRITABLE)}")
    subtypes = WRITABLE[extension][1]
    if bits not in subtypes:
        known = " or ".join(subtypes)
        raise RestyleError(f"{path}: {extension} files have no '{bits}' bits; choose {known}, or .wav for 32f")
    check_writable(path)


def write(path: str | Path, audio: Audio, *, bits: str = "16") -> None:
    """Write a sound file in the format of its extension; it appears whole or not at all.

    Where it exceeds full scale a limiter turns the peaks down, with a warning, except in ``32f``, which holds them.
    Opus and mp3 know some rates only: sound at another one is resampled to the next higher, or highest, with a warning.

    Args:
        path: ends in .wav, .flac, .ogg, .opus or .mp3.
        audio: the sound.
        bits: "16" or "24" (wav, flac), or "32f" (float, wav only); ogg, opus and mp3 are the same for 16 and 24.

    Raises:
        RestyleError: if the format cannot hold the sound, the sound is empty or not finite, the place cannot be written
            to, or the disk is full.
    """
    from restyle.io.libsndfile import Layout, encode

    path = Path(path)
    check_output(path, bits)
    _check_sound(path, audio)
    rate = _nearest_rate(path, audio.rate)
    limit = _limiter(audio, rate) if max(_peak(path, b) for b in _stream(audio, rate)) > 1 and bits != "32f" else None
    form, subtypes = WRITABLE[path.suffix.lower()]
    form = "RF64" if form == "WAV" and audio.samples.nbytes > 2**32 - 2**20 else form  # wav's sizes have 32 bits
    with writing(path) as beside:
        blocks = _stream(audio, rate)
        encode(beside, limit(blocks) if limit else blocks, Layout(rate, audio.channels, form, subtypes[bits]))


def _check_part(path: Path, start: float, duration: float | None) -> None:
    if not 0 <= start < np.inf:
        raise RestyleError(f"{path}: the start cannot be {start:g} s; give 0 or more seconds")
    if duration is not None and not 0 < duration < np.inf:
        raise RestyleError(f"{path}: the duration cannot be {duration:g} s; give more than 0 seconds")


def _open(path: Path) -> Source:
    from soundfile import LibsndfileError

    from restyle.io.libsndfile import Libsndfile
    from restyle.io.streams import goes_on

    if path.is_dir():
        raise RestyleError(f"{path} is a folder; give the name of a sound file")
    if not path.exists():
        raise RestyleError(f"{path}: there is no such file; check the name")
    more = False
    try:
        path.open("rb").close()
        source = Libsndfile(path)
        more = goes_on(path, source.format)
        if not more:
            return source
        source.close()
    except OSError as error:
        raise RestyleError(f"{path} cannot be opened ({error.strerror}); check its permissions") from error
    except (LibsndfileError, TypeError):  # TypeError: a headerless .raw file
        pass
    from restyle.io.container import Container

    return Container(path, to_end=more)


def _collect(path: Path, source: Source, first: int, count: int | None) -> np.ndarray:
    """Decode into one array ``[C, T]``, which grows where the header gave too little."""
    expected = max(source.length - first, 0) if count is None else min(count, source.length or count)
    samples = empty(source.channels, min(expected, 4 * 3600 * source.rate))  # a damaged header may tell any length
    at = 0
    for block in source.blocks(first, count):
        end = at + block.shape[1]
        if end > samples.shape[1]:
            samples = _grown(samples, at, max(end, 3 * at // 2, 60 * source.rate))
        if not np.isfinite(block).all():
            second = (first + at) / source.rate
            raise RestyleError(f"{path} holds NaN or infinite samples after {second:.1f} s; repair or export it again")
        samples[:, at:end] = block
        release(samples)
        at = end
    return samples[:, :at]


def _grown(samples: np.ndarray, used: int, length: int) -> np.ndarray:
    longer = empty(len(samples), length)
    for at in range(0, used, BLOCK):
        stop = min(used, at + BLOCK)
        longer[:, at:stop] = samples[:, at:stop]
        release(longer)
        release(samples)
    return longer


def _check_sound(path: Path, audio: Audio) -> None:
    most = CHANNELS.get(path.suffix.lower(), audio.channels)
    if audio.channels > most:
        kind = path.suffix.lower()
        raise RestyleError(f"{path}: {kind} files hold {most} channels, not {audio.channels}; choose .wav or .ogg")
    if audio.length == 0:
        raise RestyleError(f"{path}: there are no samples to write; give a sound that is not empty")


def _nearest_rate(path: Path, rate: int) -> int:
    known = RATES.get(path.suffix.lower(), (rate,))
    nearest = min((k for k in known if k >= rate), default=known[-1])
    if nearest != rate:
        warn(f"{path.suffix.lower()} files know no {rate} Hz: the result is resampled to {nearest} Hz")
    return nearest


def _stream(audio: Audio, rate: int) -> Iterator[np.ndarray]:
    """Yield blocks ``[n, C]`` at ``rate``."""
    resample = None
    if rate != audio.rate:
        import soxr

        resample = soxr.ResampleStream(audio.rate, rate, audio.channels, dtype="float32", quality="HQ").resample_chunk
    for at in range(0, audio.length, BLOCK):
        block = np.ascontiguousarray(audio.samples[:, at : at + BLOCK].T)
        release(audio.samples)
        yield resample(block, last=at + BLOCK >= audio.length).reshape(-1, audio.channels) if resample else block


def _peak(path: Path, block: np.ndarray) -> float:
    peak = float(np.abs(block).max(initial=0.0))
    if not np.isfinite(peak):
        raise RestyleError(f"{path}: the sound holds NaN or infinite samples and is not written; try other settings")
    return peak


def _limiter(audio: Audio, rate: int) -> Limiter:
    limiter = Limiter(_stream(audio, rate), rate)
    change = f"its peaks are turned down by {limiter.largest:.1f} dB at most, in {limiter.seconds:.1f} s of it"
    warn(f"the result exceeds full scale: {change}")
    return limiter
