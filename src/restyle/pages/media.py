"""The sounds and pictures of a page that holds them itself. Floor 6."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from restyle.audio import Audio
from restyle.comparison.table import Pair
from restyle.notes import Notes
from restyle.pages.pictures import Box, boxes, outline, webp

LIMIT = 25_000_000  # bytes of a page that still opens quickly and can be mailed
PICTURES = 40_000  # bytes of a sound's spectrogram and waveform in a page, at most
NOTES = 1600  # bytes of a second's notes: ten of them
PAGE = 300_000  # bytes of a page without sounds and pictures
BITRATES = (128, 112, 96, 80, 64)  # kb/s
STEREO = 96  # kb/s; below it one channel sounds better than two
SHORTEST = 3.0  # seconds; less than this is no music
LOUDNESS = -16.0  # LUFS, or as much less as the sound with the highest peaks needs
PEAK = 0.84  # highest sample: MP3 may exceed what it was made of by more than 1 dB
FADE = 0.01  # s
COLUMNS, BANDS = 720, 160  # of a spectrogram


@dataclass(frozen=True, kw_only=True)
class SoundMedia:
    """A sound of a page.

    Args:
        name: ``content``, ``style``, ``target`` or a method's name.
        mp3: base64.
        loop: whether it is shorter than the others and begins again at its end.
        gain: dB by which it was made louder, so that all are as loud.
        spectrogram: a data URI; time to the right, octaves upward.
        outline: the waveform as an SVG path, -1..1 on ``OUTLINE`` columns.
        notes: what is played; None when that is not known.
    """

    name: str
    mp3: str
    loop: bool
    gain: float
    spectrogram: str
    outline: str
    notes: tuple[Box, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class PartMedia:
    """A part of a result, as drums: its name, base64 of an MP3 file, and the waveform as in `SoundMedia`."""

    name: str
    mp3: str
    outline: str


@dataclass(frozen=True, kw_only=True)
class PairMedia:
    """The sounds of a pair on one time axis.

    Args:
        seconds: length of the axis.
        sounds: content, style, target, methods.
        frequencies: lowest and highest of the spectrograms in Hz.
        pitches: lowest and highest of the notes' pictures.
        parts: of those results that were taken apart, by the method's name.
    """

    seconds: float
    sounds: tuple[SoundMedia, ...]
    frequencies: tuple[float, float]
    pitches: tuple[float, float]
    parts: Mapping[str, tuple[PartMedia, ...]] = field(default_factory=dict)


def plan(sounds: int, seconds: float, limit: float = LIMIT) -> tuple[float, int]:
    """Return how much of each sound fits in a page.

    Args:
        sounds: how many there are in all pairs.
        seconds: of each, at most.
        limit: bytes of the whole page.

    Returns:
        Seconds and kb/s: the bit rate falls before the sounds are shortened. 0 seconds where less than 3 of each
        would fit: then give the sounds of fewer pairs.

    Example:
        >>> plan(24, 30), plan(112, 10), plan(100, 60)
        ((30, 128), (10, 96), (16.0, 64))
    """
    room = (limit - PAGE) / max(1, sounds) - PICTURES
    for kbps in BITRATES:
        if seconds * _bytes(kbps) <= room:
            return seconds, kbps
    fitting = math.floor(room / _bytes(BITRATES[-1]))
    return (float(fitting) if fitting >= SHORTEST else 0.0), BITRATES[-1]


def _bytes(kbps: int) -> float:
    """Bytes of a second: its sound in base64, with what MP3's frames and silence around them add, and its notes."""
    return kbps * 125 * 4 / 3 * 1.02 + NOTES


def excerpt_start(audio: Audio, seconds: float) -> float:
    """Return where the loudest stretch of so many seconds begins; 0 when the sound is not longer.

    Example:
        >>> sound = np.concatenate([np.zeros(30000), np.ones(20000), np.zeros(10000)])
        >>> excerpt_start(Audio(sound, 10000), 2.0)
        3.0
    """
    from restyle.dsp.blocks import release

    if audio.duration <= seconds:
        return 0.0
    hop = max(1, audio.rate // 10)
    power = np.empty(audio.length // hop)
    for k in range(len(power)):
        power[k] = np.mean(audio.samples[:, k * hop : (k + 1) * hop].astype(np.float64) ** 2)
        if k % 100 == 0:
            release(audio.samples)
    wide = min(len(power), math.ceil(seconds * audio.rate / hop))
    total = np.convolve(power, np.ones(wide), "valid")
    first = int((total >= total.max() * (1 - 1e-9)).argmax())  # the first of equals
    return min(first * hop / audio.rate, audio.duration - seconds)


def matched(sounds: dict[str, Audio]) -> tuple[dict[str, Audio], dict[str, float]]:
    """Make sounds equally loud, without clipping any: what is louder is easily taken for better.

    Args:
        sounds: by name; of one or two channels, mono counts as what two loudspeakers make of it.

    Returns:
        The sounds at one loudness (silence stays silence), and the gain of each in dB.
    """
    from restyle.dsp.loudness import loudness

    louds = {name: loudness(_twice(audio)) for name, audio in sounds.items()}
    peaks = {name: float(np.abs(audio.samples).max(initial=0)) for name, audio in sounds.items()}
    audible = [name for name in sounds if peaks[name] > 0 and math.isfinite(louds[name])]
    common = min([LOUDNESS, *(louds[name] + 20 * math.log10(PEAK / peaks[name]) for name in audible)])
    gains = {name: common - louds[name] if name in audible else 0.0 for name in sounds}
    scaled = {name: Audio(a.samples * np.float32(10 ** (gains[name] / 20)), a.rate) for name, a in sounds.items()}
    return scaled, gains


def _twice(audio: Audio) -> Audio:
    return Audio(np.repeat(audio.samples, 2, axis=0), audio.rate) if audio.channels == 1 else audio


def prepare(
    pair: Pair,
    sounds: dict[str, Audio],
    notes: dict[str, Notes],
    *,
    parts: Mapping[str, Mapping[str, Audio]] | None = None,
    kbps: int,
) -> PairMedia:
    """Make what a page shows of a pair.

    Args:
        pair: says the order: content, style, target, then its methods.
        sounds: excerpts of these names, all but the style's from the same moment; what is missing is not shown. A
            style shorter than the others begins again, a longer one is cut.
        notes: of the excerpts of these names, in seconds from where each begins.
        parts: of the excerpts of these names, each by its own name.
        kbps: bit rate of the sounds in kb/s.

    Raises:
        ValueError: if there is no sound.
    """
    from restyle.io.mp3 import RATE, at_rate
    from restyle.pages import plot

    order = ["content", "style", "target", *(result.method for result in pair.results)]
    names = [name for name in dict.fromkeys(order) if name in sounds]
    if not names:
        raise ValueError(f"there is no sound of {pair.name}")
    seconds = max(sounds[name].duration for name in names if name != "style" or len(names) == 1)
    cut = {name: plain(at_rate(sounds[name], RATE), seconds, kbps) for name in names}
    loud, gains = matched(cut)
    spread = {name: _spread(audio, seconds, name == "style") for name, audio in loud.items()}
    levels = {name: plot.log_spectrogram(audio, bands=BANDS, columns=COLUMNS) for name, audio in spread.items()}
    top = max(float(level.max()) for level, _ in levels.values())
    peak = max(float(np.abs(audio.samples).max(initial=0)) for audio in loud.values()) or 1.0
    played = {name: _played(notes[name], loud[name].duration, seconds) for name in names if name in notes}
    return PairMedia(
        seconds=seconds,
        frequencies=(float(levels[names[0]][1][0]), float(levels[names[0]][1][-1])),
        pitches=plot.pitch_range(list(played.values())),
        sounds=tuple(
            SoundMedia(
                name=name,
                mp3=mp3(loud[name], kbps),
                loop=name == "style" and loud[name].duration < seconds,
                gain=gains[name],
                spectrogram=webp(plot.colours(levels[name][0], top)),
                outline=outline(spread[name], peak),
                notes=boxes(name, played) if name in played else None,
            )
            for name in names
        ),
        parts={
            name: tracks(parts[name], seconds=seconds, kbps=kbps, gain=gains[name])
            for name in names
            if parts and parts.get(name)
        },
    )


def tracks(parts: Mapping[str, Audio], *, seconds: float, kbps: int = 128, gain: float = 0.0) -> tuple[PartMedia, ...]:
    """Make what a page needs to play and mute the parts of a sound.

    Args:
        parts: by name; what is longer than ``seconds`` is cut.
        seconds: length of the time axis.
        kbps: bit rate of each in kb/s.
        gain: dB by which all are made louder, or as much less as the part with the highest peaks needs.

    Example:
        >>> tone = Audio(0.1 * np.sin(np.arange(44100) / 5), 44100)
        >>> [part.name for part in tracks({"drums": tone, "bass": tone}, seconds=1.0)]
        ['drums', 'bass']
    """
    from restyle.io.mp3 import RATE, at_rate

    cut = {name: plain(at_rate(audio, RATE), seconds, kbps) for name, audio in parts.items()}
    peak = max(float(np.abs(audio.samples).max(initial=0)) for audio in cut.values()) or 1.0
    factor = np.float32(min(10 ** (gain / 20), PEAK / peak))
    return tuple(
        PartMedia(
            name=name,
            mp3=mp3(Audio(audio.samples * factor, audio.rate), kbps),
            outline=outline(_spread(audio, seconds, False), peak),
        )
        for name, audio in cut.items()
    )


def mp3(audio: Audio, kbps: int) -> str:
    """Return a sound as base64 of an MP3 file."""
    from restyle.io.mp3 import encode_mp3

    return base64.b64encode(encode_mp3(audio, kbps=kbps)).decode()


def plain(audio: Audio, seconds: float, kbps: int) -> Audio:
    """Return one or two channels, not longer than ``seconds``, with ends that do not click; one below 96 kb/s."""
    samples = audio.mono()[None] if audio.channels > 2 or kbps < STEREO else audio.samples
    samples = samples[:, : round(seconds * audio.rate)].copy()
    n = min(samples.shape[1] // 2, round(FADE * audio.rate))
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    samples[:, :n] *= ramp
    samples[:, samples.shape[1] - n :] *= ramp[::-1]
    return Audio(samples, audio.rate)


def _spread(audio: Audio, seconds: float, repeat: bool) -> Audio:
    """Exactly ``seconds``: repeated from the beginning, or filled with silence."""
    length = round(seconds * audio.rate)
    samples = np.tile(audio.samples, -(-length // audio.length)) if repeat else audio.samples
    samples = samples[:, :length]
    return Audio(np.pad(samples, ((0, 0), (0, length - samples.shape[1]))), audio.rate)


def _played(notes: Notes, own: float, seconds: float) -> Notes:
    """The notes of a sound that lasts ``own`` seconds and is repeated to ``seconds``."""
    whole = notes.pitched().between(0, own)
    times = np.arange(math.ceil(seconds / own - 1e-6)) * own if own < seconds else np.zeros(1)
    columns = [
        np.concatenate([whole.onset + at for at in times]),
        np.concatenate([whole.offset + at for at in times]),
        *(np.tile(column, len(times)) for column in (whole.pitch, whole.velocity, whole.programme)),
    ]
    return Notes(*columns).between(0, seconds)
