"""Random tone, microphone, tape, room, loudness curve and noise: what is learnt must not depend on them. Floor 3."""

from __future__ import annotations

import io

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal

from restyle.audio import Audio, resample
from restyle.io.mp3 import encode_mp3

LOWEST_BAND = 31.5  # Hz, the octave up to here is shaped as one with all below
SMALLEST_ROOM, LARGEST_ROOM = (2.5, 2.5, 2.2), (15.0, 12.0, 6.0)  # metres
SOUND = 343.0  # metres a second
EARLY = 0.08  # seconds in which echoes are those of a room's walls one by one; then they are noise that fades
FLOOR_FFT, QUIETEST = 1024, 10  # samples of a spectrum; per cent of the moments that are a recording's noise floor


def apply(sound: np.ndarray, rate: int, rng: np.random.Generator, *, floor: np.ndarray | None = None) -> np.ndarray:
    """Change a sound as rooms, loudspeakers and recordings do, each change with a probability of its own.

    The changes: an equaliser by octaves (50 %), a microphone (25 %), a low-pass (15 %), drive (10 %), reverb (35 %),
    tape (10 %), a slow loudness curve (25 %) and noise (70 %), in this order.

    Args:
        sound: ``[T]``.
        rate: Hz.
        rng: draws all that is random; the same state gives the same result.
        floor: spectrum of the noise (see `noise_floor`); by default it is white or falls with frequency.

    Returns:
        ``[T]`` float32, at another level.

    Example:
        >>> apply(np.sin(np.arange(8000) / 10), 8000, np.random.default_rng(0)).shape
        (8000,)
    """
    if not sound.any():
        return sound.astype(np.float32)
    for change, probability in CHANGES:
        if rng.random() < probability:
            sound = change(sound, rate, rng)
    if rng.random() < 0.7:
        sound = _noise(sound, rng, floor)
    return sound.astype(np.float32)


def codec(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Return a sound ``[T]`` as it comes out of an MP3 file of 64 to 128 kb/s."""
    import soundfile

    peak = np.abs(sound).max() + 1e-9
    coded = encode_mp3(Audio(sound[None] / peak * 0.9, rate), kbps=int(rng.choice([64, 96, 128])))
    decoded, own = soundfile.read(io.BytesIO(coded), dtype="float32")
    back = resample(decoded, own, rate) * (peak / 0.9)
    return np.asarray(np.pad(back, (0, max(0, len(sound) - len(back))))[: len(sound)], np.float32)


def _equalise(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    size = scipy.fft.next_fast_len(len(sound), real=True)
    spectrum = scipy.fft.rfft(sound, size)
    bands = np.log2(np.maximum(scipy.fft.rfftfreq(size, 1 / rate) / LOWEST_BAND, 1))
    gain = np.interp(bands, np.arange(10), rng.normal(0, rng.uniform(1, 6), 10))
    spectrum *= (10 ** (gain / 20)).astype(spectrum.real.dtype)
    return scipy.fft.irfft(spectrum, size)[: len(sound)]


def _low_pass(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    cutoff = min(rng.uniform(1500, 7000), 0.45 * rate)
    return scipy.signal.sosfilt(scipy.signal.butter(4, cutoff, fs=rate, output="sos"), sound)


def _drive(sound: np.ndarray, _: int, rng: np.random.Generator) -> np.ndarray:
    return np.tanh(sound / np.abs(sound).max() * rng.uniform(1, 8))


def room(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Return a sound ``[T]`` with the echoes of a room, at 4 to 24 dB below it: of walls, or noise of .15 to 1.6 s."""
    if rng.random() < 0.5:
        echoes = shoebox(rate, rng)
    else:
        time = np.arange(round(rng.uniform(0.15, 1.6) * rate)) / rate
        echoes = rng.normal(0, 1, len(time)) * 10 ** (-3 * time / time[-1])
    wet = scipy.signal.oaconvolve(sound, echoes.astype(sound.dtype))[: len(sound)]
    level = 10 ** (rng.uniform(-24, -4) / 20) * np.sqrt(np.mean(sound**2) / (np.mean(wet**2) + 1e-12))
    return sound + level * wet


def shoebox(rate: int, rng: np.random.Generator) -> np.ndarray:
    """Return the impulse response ``[T]`` of a rectangular room without its direct sound, from which time counts.

    The first 80 ms are image sources, the rest noise that fades as fast as Eyring's formula says.

    Source: Allen and Berkley, "Image method for efficiently simulating small-room acoustics", JASA 1979.
    """
    size = rng.uniform(SMALLEST_ROOM, LARGEST_ROOM)
    source, ear = (rng.uniform(0.1, 0.9, 3) * size for _ in range(2))
    kept = rng.uniform(0.6, 0.95)  # of the amplitude by each wall
    first = float(np.linalg.norm(source - ear))
    reach = first + EARLY * SOUND
    orders = [np.arange(-count, count + 1) for count in np.ceil(reach / (2 * size)).astype(int)]
    n = np.stack(np.meshgrid(*orders, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    side = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(1, -1, 3)
    way = np.linalg.norm((1 - 2 * side) * source + 2 * n * size - ear, axis=-1).ravel()
    walls = (np.abs(n - side) + np.abs(n)).sum(axis=-1).ravel()
    echo = (walls > 0) & (way < reach)
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    seconds = 0.161 * size.prod() / (-surface * np.log(kept**2))
    early = round(EARLY * rate)
    result = np.zeros(early + round(seconds * rate))
    at = np.minimum(((way[echo] - first) / SOUND * rate).astype(int), len(result) - 1)
    np.add.at(result, at, kept ** walls[echo] / way[echo] * rng.choice([-1, 1], int(echo.sum())))
    level = np.sqrt(np.mean(result[early // 2 : early] ** 2))
    result[early:] = level * rng.normal(0, 1, len(result) - early) * 10 ** (-3 * np.linspace(0, 1, len(result) - early))
    return result


def noise_floor(sound: np.ndarray) -> np.ndarray:
    """Return the spectrum ``[513]`` of what sounds in the quietest moments of ``[T]``; its largest value is 1."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (0, FLOOR_FFT)), FLOOR_FFT)[:: FLOOR_FFT // 2]
    levels = np.abs(scipy.fft.rfft(frames * np.hanning(FLOOR_FFT), axis=1))
    heard = levels[levels.max(axis=1) > 0]
    floor = np.percentile(heard, QUIETEST, axis=0) if len(heard) else np.ones(FLOOR_FFT // 2 + 1)
    return np.asarray(floor / (floor.max() + 1e-12))


def _microphone(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Roll off the lowest, raise or lower it by nearness, and raise what gives presence."""
    size = scipy.fft.next_fast_len(len(sound), real=True)
    hertz = np.maximum(scipy.fft.rfftfreq(size, 1 / rate), 1.0)
    corner, near, peak = rng.uniform(30, 150), rng.uniform(-3, 6), rng.uniform(2500, 7000)
    gain = -20 * np.log10(1 + (corner / hertz) ** 2) + near / (1 + (hertz / 250) ** 2)
    gain += rng.uniform(-2, 6) * np.exp(-np.square(np.log2(hertz / peak) / 0.7))
    return scipy.fft.irfft(scipy.fft.rfft(sound, size) * 10 ** (gain / 20), size)[: len(sound)]


def _tape(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Wow and flutter, of some cents, and a little saturation."""
    return wavering(np.tanh(sound / np.abs(sound).max() * rng.uniform(0.2, 1.5)), rate, rng)


def wavering(sound: np.ndarray, rate: int, rng: np.random.Generator, *, cents: float = 6.0) -> np.ndarray:
    """Return a sound ``[T]`` whose pitch wavers slowly by up to ``cents``, and faster by a fifth of it; times stay."""
    time = np.arange(len(sound)) / rate
    moved = np.zeros(len(sound))
    for slowest, fastest, depth in ((0.3, 2.0, cents), (5.0, 12.0, cents / 5)):
        turn = 2 * np.pi * rng.uniform(slowest, fastest)
        speed = 2 ** (depth * rng.uniform(0.1, 1) / 1200) - 1
        moved += speed / turn * np.sin(turn * time + rng.uniform(0, 2 * np.pi))
    return scipy.ndimage.map_coordinates(sound, [(time + moved) * rate], order=3, mode="nearest")


def _swell(sound: np.ndarray, _: int, rng: np.random.Generator) -> np.ndarray:
    times = np.linspace(0, len(sound), 9)
    return sound * 10 ** (np.interp(np.arange(len(sound)), times, rng.uniform(-24, 0, 9)) / 20)


def _noise(sound: np.ndarray, rng: np.random.Generator, floor: np.ndarray | None) -> np.ndarray:
    noise = rng.standard_normal(len(sound), dtype=np.float32)
    if floor is not None:
        size = scipy.fft.next_fast_len(len(sound), real=True)
        gain = np.interp(np.linspace(0, 1, size // 2 + 1), np.linspace(0, 1, len(floor)), floor)
        noise = scipy.fft.irfft(scipy.fft.rfft(noise, size) * gain, size)[: len(sound)]
        noise /= noise.std() + 1e-9
    elif rng.random() < 0.5:
        noise = scipy.signal.lfilter([1], [1, -0.95], noise) * 0.3
    return sound + noise * np.abs(sound).max() * 10 ** (rng.uniform(-100, -40) / 20)


CHANGES = (  # and how likely each is
    *((_equalise, 0.5), (_microphone, 0.25), (_low_pass, 0.15), (_drive, 0.1)),
    *((room, 0.35), (_tape, 0.1), (_swell, 0.25)),
)
