"""Songs whose stems are known: a folder a song, with vocals, drums, bass and other in it. Floor 3.

This is how MUSDB18-HQ lies on a disk: ``SONG/vocals.wav``, ``SONG/drums.wav`` and so on. Files named
``SONG.vocals.ogg`` in one folder are read, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restyle.audio import Audio, resample
from restyle.data.triplets import SOUNDS
from restyle.errors import RestyleError, warn
from restyle.io.sound import read

STEMS = ("vocals", "drums", "bass", "other")
UNEQUAL = 0.05  # seconds by which stems of a song may differ without a word


@dataclass(frozen=True)
class StemSong:
    """The files of a song's stems; one that is not there is silent.

    Args:
        name: of the song.
        files: name of the stem (of `STEMS`) -> file.
    """

    name: str
    files: Mapping[str, Path]


def stem_songs(folder: str | Path) -> list[StemSong]:
    """Return the songs of a folder and of all below, sorted by name; nothing of them is read.

    Raises:
        RestyleError: if the folder is missing or holds no stems.
    """
    root, found = Path(folder), dict[str, dict[str, Path]]()
    if not root.is_dir():
        raise RestyleError(f"{folder}: there is no such folder; check the name")
    for path in sorted(root.rglob("*")):
        song, _, stem = path.stem.rpartition(".")
        if path.suffix.lower() in SOUNDS and stem in STEMS:
            name = (
                (path.parent / song).relative_to(root).as_posix() if song else path.parent.relative_to(root).as_posix()
            )
            found.setdefault(root.name if name == "." else name, {})[stem] = path
    if not found:
        raise RestyleError(f"{folder} holds no stems; name them {', '.join(f'{stem}.wav' for stem in STEMS)}")
    return [StemSong(name, files) for name, files in sorted(found.items())]


def read_stems(files: Mapping[str, Path], *, rate: int | None = None) -> dict[str, Audio]:
    """Read stems of one song, brought to one rate, number of channels and length (the longest's).

    Args:
        files: name -> file.
        rate: of the result in Hz; by default the highest.

    Returns:
        The stems, by the same names.

    Raises:
        RestyleError: if there are none, or one cannot be read.
    """
    if not files:
        raise RestyleError(f"there are no stems; give files named {', '.join(STEMS)}")
    sounds = {name: read(path) for name, path in files.items()}
    rate = rate or max(sound.rate for sound in sounds.values())
    return aligned(sounds, rate)


def aligned(
    sounds: Mapping[str, Audio], rate: int, *, channels: int | None = None, length: int | None = None
) -> dict[str, Audio]:
    """Bring sounds to one rate, number of channels and length; what is too short is followed by silence.

    Args:
        sounds: by name.
        rate: in Hz.
        channels: of all; the most that one has where None.
        length: in samples; that of the longest where None.
    """
    durations = {name: sound.duration for name, sound in sounds.items()}
    shortest = min(durations, key=durations.__getitem__)
    if max(durations.values()) - durations[shortest] > UNEQUAL:
        warn(f"the stems differ in length: {shortest} has {durations[shortest]:.2f} of {max(durations.values()):.2f} s")
    channels = channels or max(sound.channels for sound in sounds.values())
    moved = {name: sound.samples if sound.rate == rate else _resampled(sound, rate) for name, sound in sounds.items()}
    length = length or max(samples.shape[-1] for samples in moved.values())
    return {name: Audio(_fitted(samples, channels, length), rate) for name, samples in moved.items()}


def _resampled(sound: Audio, rate: int) -> np.ndarray:
    return np.stack([resample(channel, sound.rate, rate) for channel in sound.samples])


def _fitted(samples: np.ndarray, channels: int, length: int) -> np.ndarray:
    if len(samples) > channels == 1:
        samples = samples.mean(0, keepdims=True)
    if samples.shape == (channels, length):
        return samples
    output = np.zeros((channels, length), np.float32)
    output[:, : samples.shape[-1]] = samples[:, :length]  # one channel goes to all
    return output


def frames(stems: Mapping[str, Audio], hop: int) -> np.ndarray:
    """Return stems as rows of a store, ``[L, S * 2 * hop]`` float16: in each all stems and channels of one hop.

    Args:
        stems: of one rate and length, mono or stereo; one that is missing is silent.
        hop: samples.
    """
    length = next(iter(stems.values())).length // hop
    output = np.zeros((length, len(STEMS), 2, hop), np.float16)
    for i, name in enumerate(STEMS):
        if name in stems:
            samples = stems[name].samples[:, : length * hop]
            output[:, i] = samples[[0, -1]].reshape(2, length, hop).transpose(1, 0, 2)
    return output.reshape(length, -1)
