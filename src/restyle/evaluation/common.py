"""What all questions share: which sounds can be evaluated, in which form, and what silence scores. Floor 4.

Conventions of every metric:

* A sound holds at least half a second of finite samples. Else it is refused.
* Spectra, notes and beats are those of the mono mix at 16 kHz, so that rate and channels do not count
  (`mono_16k`). Only loudness, noise floor, bandwidth, clipping, silence and width are taken from the sound as it is.
* Where frames are compared one to one, the output is cut, or lengthened with zeros, to the reference's length.
* A sound that nowhere exceeds -100 dB of full scale is silence. Two silences are alike. Silence against sound scores
  the worst value where there is one, else what the formula says of zeros.
* What is measured on a sound is kept as long as that `Audio` lives: its samples must not be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

import librosa
import numpy as np

from restyle.analysis import beats
from restyle.audio import Audio, resample
from restyle.dsp import blocks
from restyle.errors import RestyleError

RATE = 16000  # Hz, at which sounds are compared
SHORTEST = 0.5  # seconds
SILENCE = 1e-5  # of full scale, less than one step of 16 bits
FRAME = 0.05  # seconds of a short-term level
LOWEST = -120.0  # dB, the level of digital zeros

Value = TypeVar("Value")


def remembered(function: Callable[[Audio], Value]) -> Callable[[Audio], Value]:
    """Compute a function of a sound once, and keep its value for as long as the sound lives.

    The value must not hold the sound itself, or neither would ever be let go.
    """
    kept: WeakKeyDictionary[Audio, Value] = WeakKeyDictionary()

    @wraps(function)
    def of(audio: Audio) -> Value:
        if audio not in kept:
            kept[audio] = function(audio)
        return kept[audio]

    return of


def check(audio: Audio, name: str = "the sound") -> None:
    """Refuse what cannot be evaluated.

    Args:
        audio: the sound.
        name: what an error's sentence is about.

    Raises:
        RestyleError: if it is shorter than half a second, or holds NaN or infinite samples.

    Example:
        >>> check(Audio(np.zeros(100), 8000), "the style")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: the style lasts 0.013 s, too short to be judged: choose one of at least 0.5 s
    """
    if not audio.length:
        raise RestyleError(f"{name} holds no samples: choose a recording of at least {SHORTEST} s")
    if audio.duration < SHORTEST:
        raise RestyleError(f"{name} lasts {audio.duration:.2g} s, too short to be judged: choose one of at least 0.5 s")
    if not _finite(audio):
        raise RestyleError(f"{name} holds samples that are NaN or infinite: repair it or choose another recording")


def check_all(output: Audio, other: Audio | None, name: str = "the reference") -> None:
    """Refuse a result, or what it is compared with, that cannot be evaluated (see `check`)."""
    check(output, "the output")
    if other is not None:
        check(other, name)


@remembered
def _finite(audio: Audio) -> bool:
    return all(np.isfinite(piece).all() for piece in blocks.views(audio))


@remembered
def mono_16k(audio: Audio) -> Audio:
    """Return the mono mix at 16 kHz."""
    sound = resample(audio.mono(), audio.rate, RATE)
    blocks.release(audio.samples)
    return Audio(sound, RATE)


@remembered
def silent(audio: Audio) -> bool:
    """Return whether the sound nowhere exceeds -100 dB of full scale."""
    return bool(np.abs(audio.samples).max(initial=0) <= SILENCE)


def pair(output: Audio, reference: Audio, *, cut: bool = True) -> tuple[Audio, Audio]:
    """Return both sounds as they are compared: mono, 16 kHz, with ``cut`` of the reference's length."""
    result, target = mono_16k(output), mono_16k(reference)
    if not cut or result.length == target.length:
        return result, target
    cuts = _cuts(result)
    if target.length not in cuts:
        samples = np.pad(result.samples, ((0, 0), (0, max(0, target.length - result.length))))
        cuts[target.length] = Audio(samples[:, : target.length], RATE)
    return cuts[target.length], target


@remembered
def _cuts(audio: Audio) -> dict[int, Audio]:
    return {}


def compares(
    *, perfect: float, silence: float | None = None, cut: bool = True
) -> Callable[[Callable[[Audio, Audio], float]], Callable[[Audio, Audio], float]]:
    """Make a metric of any two sounds from one of two mono sounds at 16 kHz that are not silent.

    Args:
        perfect: what two silences score.
        silence: what silence against sound scores; None where the metric is itself defined for zeros.
        cut: whether the output is brought to the reference's length.
    """

    def decorate(metric: Callable[[Audio, Audio], float]) -> Callable[[Audio, Audio], float]:
        @wraps(metric)
        def of(output: Audio, reference: Audio) -> float:
            check_all(output, reference)
            result, target = pair(output, reference, cut=cut)
            if silent(result) and silent(target):
                return perfect
            if silence is not None and (silent(result) or silent(target)):
                return silence
            return float(metric(result, target))

        return of

    return decorate


def levelled(samples: np.ndarray) -> np.ndarray:
    """Return samples scaled to a root mean square of 1; zeros remain."""
    samples = np.asarray(samples)
    return np.asarray(samples / (np.sqrt(np.mean(samples**2)) + np.finfo(np.float32).eps))


@remembered
def mel_level(sound: Audio) -> np.ndarray:
    """Return dB ``[128, L]`` of mel bands of a mono sound, levelled: `librosa.feature.melspectrogram`'s defaults."""
    power = librosa.feature.melspectrogram(y=levelled(sound.mono()), sr=sound.rate)
    return np.asarray(librosa.power_to_db(power))


@remembered
def onset_curve(sound: Audio) -> np.ndarray:
    """Return `restyle.analysis.beats.onset_curve`."""
    return beats.onset_curve(sound)


@remembered
def frame_levels(audio: Audio) -> np.ndarray:
    """Return the levels of all channels together in frames of 50 ms, in dB of full scale, shape ``[L]``."""
    size = round(FRAME * audio.rate)
    whole = audio.length // size * size
    powers = []
    for span in blocks.spans(whole, 400 * size, 0):
        piece = np.square(audio.samples[:, span.start : span.stop], dtype=np.float32).mean(axis=0)
        powers.append(piece.reshape(-1, size).mean(axis=1, dtype=np.float64))
        blocks.release(audio.samples)
    return np.asarray(10 * np.log10(np.maximum(np.concatenate(powers), 10 ** (LOWEST / 10))))


def usual_level(levels: np.ndarray) -> float:
    """Return the mean level in dB of the frames that are not 10 dB below the mean of all: BS.1770's relative gate."""
    power = 10 ** (levels / 10)
    return float(10 * np.log10(power[power >= 0.1 * power.mean()].mean()))
