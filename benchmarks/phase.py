"""Phase reconstruction: spectral convergence and seconds of each way, librosa's beside ours.

Run ``python benchmarks/phase.py``: on ten seconds of chords with vibrato and percussion, made here, at two rates; or
``python benchmarks/phase.py FILE...`` on the first ten seconds of recordings. The phase of a spectrogram is thrown
away (for the content start that of the same sound through a distortion is given instead), an estimate is made and
analysed again: spectral convergence says how far its magnitudes are from those asked for (lower is better). Times
are of one thread, ours and librosa's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import librosa
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from restyle.audio import Audio
from restyle.dsp.phase import griffin_lim, spectral_convergence
from restyle.dsp.stft import Stft
from restyle.io import sound

SECONDS, COUNTS, STFT = 10.0, (32, 100, 500), Stft(2048, 512)


def band(rate: int, seconds: float = SECONDS, seed: int = 0) -> np.ndarray:
    """Chords of decaying partials with vibrato, a kick on the beat, a snare off it, hats between; shape ``[T]``."""
    chance, time_ = np.random.default_rng(seed), np.arange(int(seconds * rate)) / rate
    out = np.zeros_like(time_)
    for beat, start in enumerate(np.arange(0, seconds - 0.1, 0.5)):
        first = int(start * rate)
        since = time_[: min(len(time_) - first, 2 * rate)]
        part = out[first : first + len(since)]
        for pitch in chance.choice([40, 48, 52, 55, 60, 64, 67, 72, 76], 4, replace=False):
            part += 0.08 * tone(440 * 2 ** ((pitch - 69) / 12), since, rate)
        part += 0.6 * np.exp(-18 * since) * np.sin(2 * np.pi * (50 * since + 4 * (1 - np.exp(-30 * since))))
        noise = chance.standard_normal(len(since))
        part += (0.2 if beat % 2 else 0) * np.exp(-25 * since) * noise
        part[rate // 4 :] += 0.05 * (np.exp(-60 * since) * np.diff(noise, prepend=0))[: len(part[rate // 4 :])]
    return out.astype(np.float32)


def tone(frequency: float, since: np.ndarray, rate: int) -> np.ndarray:
    """One note: partials up to 8 kHz that fade the faster the higher they are, vibrato of 20 cents at 5.5 Hz."""
    angle = 2 * np.pi * frequency * since + frequency * 0.0116 / 5.5 * np.sin(2 * np.pi * 5.5 * since)
    count = int(min(rate / 2, 8000) / frequency)
    attack = np.minimum(1, since / 0.01)
    return attack * sum(np.exp(-(1.5 + 0.3 * k) * since) * np.sin(k * angle + k * k) / k for k in range(1, count + 1))


def ways(x: torch.Tensor, magnitude: torch.Tensor) -> list[tuple[str, str, Callable[[], torch.Tensor]]]:
    """Name, iterations and function of each way from magnitudes to samples."""
    length, array = len(x), magnitude.numpy()
    neighbour = STFT(torch.tanh(3 * x / x.std().clamp_min(1e-6)))  # the same events, much harsher

    def ours(count: int, momentum: float, start: Callable[[], torch.Tensor | None]) -> Callable[[], torch.Tensor]:
        return lambda: griffin_lim(magnitude, STFT, length, iterations=count, momentum=momentum, phase=start())

    def theirs(count: int, momentum: float) -> Callable[[], torch.Tensor]:
        return lambda: torch.from_numpy(
            librosa.griffinlim(array, n_iter=count, momentum=momentum, length=length, random_state=0)
        )

    rows = []
    for name, momentum in (("plain Griffin-Lim", 0.0), ("fast Griffin-Lim", 0.99)):
        for n in COUNTS:
            rows.append((f"{name}, random start", str(n), ours(n, momentum, lambda: None)))
            rows.append((f"{name}, random start, librosa", str(n), theirs(n, momentum)))
    rows += [("content's phase, then fast", str(n), ours(n, 0.99, lambda: neighbour)) for n in (0, 4, 16)]
    return rows


def measure(audio: Audio, title: str) -> Table:
    """Run every way once (after a short warm-up) and set the figures out."""
    x = torch.from_numpy(audio.mono())
    magnitude = STFT(x).abs()
    table = Table("way", "iterations", "convergence dB", "seconds", title=title)
    short = x[: audio.rate]
    for _, _, run in ways(short, STFT(short).abs())[:2]:
        run()
    for name, count, run in ways(x, magnitude):
        start = time.perf_counter()
        made = run()
        seconds = time.perf_counter() - start
        table.add_row(name, count, f"{spectral_convergence(magnitude, made, STFT):.1f}", f"{seconds:.2f}")
    return table


def main() -> None:
    torch.set_num_threads(1)
    console = Console(width=100)
    for path in sys.argv[1:]:
        console.print(measure(sound.read(path, duration=SECONDS), path))
    for rate in () if len(sys.argv) > 1 else (44100, 22050):
        console.print(measure(Audio(band(rate), rate), f"chords, vibrato, percussion: {SECONDS:g} s at {rate} Hz"))


if __name__ == "__main__":
    main()
