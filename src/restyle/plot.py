"""Pictures of sound, as matplotlib figures that need no screen. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from restyle.audio import Audio
from restyle.blocks import release

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

LOWEST, HIGHEST = 40.0, 20000.0  # Hz
BANDS = 288  # 32 an octave over nine octaves
COLUMNS = 1200
RANGE = 80.0  # dB between the brightest and the darkest colour
COLOURS = "magma"


def log_spectrogram(audio: Audio, *, bands: int = BANDS, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Return levels on a logarithmic frequency axis, for looking at.

    Args:
        audio: the sound; its channels are averaged.
        bands: number of bands from 40 Hz to 20 kHz, or to half the rate where that is lower.
        columns: highest number of moments; a long sound is looked at in as many places, so memory does not grow.

    Returns:
        dB (a sine of full scale is near 0), shape ``[bands, L]``, and the bands' centre frequencies in Hz.

    Example:
        >>> tone = Audio(np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050), 22050)
        >>> level, frequencies = log_spectrogram(tone)
        >>> bool(abs(frequencies[level.mean(axis=1).argmax()] / 1000 - 1) < 0.02)
        True
    """
    n_fft = 2 ** round(np.log2(0.093 * audio.rate))  # bins of about 10 Hz
    window = np.hanning(n_fft + 1)[:-1]
    frequencies = np.geomspace(min(LOWEST, audio.rate / 8), min(HIGHEST, audio.rate / 2), bands)
    weights = _bands(frequencies, np.fft.rfftfreq(n_fft, 1 / audio.rate))
    centres = np.linspace(0, max(0, audio.length - 1), min(columns, 1 + 4 * audio.length // n_fft)).astype(int)
    level = np.empty((bands, len(centres)), np.float32)
    for column, centre in enumerate(centres):
        power = np.abs(np.fft.rfft(_frame(audio, centre, n_fft) * window) / (window.sum() / 2)) ** 2
        level[:, column] = 10 * np.log10(weights @ power + 1e-14)
    release(audio.samples)
    return level, frequencies


def _frame(audio: Audio, centre: int, n_fft: int) -> np.ndarray:
    """The mean of the channels around a sample, silent beyond the ends."""
    first = centre - n_fft // 2
    inside = audio.samples[:, max(0, first) : first + n_fft].mean(axis=0)
    frame = np.zeros(n_fft, np.float32)
    frame[max(0, -first) : max(0, -first) + len(inside)] = inside
    return frame


def _bands(frequencies: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Triangles ``[bands, F]`` as wide as the distance of two bands, and never narrower than a bin."""
    width = np.maximum(np.gradient(frequencies), bins[1])
    return np.clip(1 - np.abs(bins - frequencies[:, None]) / width[:, None], 0, None)


def spectrograms(content: Audio | None, style: Audio | None, result: Audio | None) -> Figure:
    """Draw content, style and result one below the other, on one dB scale.

    Args:
        content: what was played; None leaves a panel out.
        style: how it should sound.
        result: what came of it.

    Returns:
        A figure; `save` writes it.

    Raises:
        ValueError: if there is nothing to draw.

    Example:
        >>> noise = Audio(np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
        >>> len(spectrograms(noise, None, noise).axes)  # two panels and the scale
        3
    """
    named = {"content": content, "style": style, "result": result}
    return _figure({name: audio for name, audio in named.items() if audio is not None})


def spectrogram(audio: Audio, title: str, *, top: float | None = None) -> Figure:
    """Draw one sound; ``top`` is the brightest colour's level in dB, by default the sound's own highest."""
    return _figure({title: audio}, top)


def loudest(sounds: Sequence[Audio]) -> float:
    """Return the highest level of several sounds in dB, so that their pictures can share a scale."""
    return max(float(log_spectrogram(audio)[0].max()) for audio in sounds)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as a PNG file."""
    figure.savefig(path, dpi=130, format="png")


def _figure(sounds: dict[str, Audio], top: float | None = None) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not sounds:
        raise ValueError("there is no sound to draw")
    figure = Figure(figsize=(10, 0.8 + 2.4 * len(sounds)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(sounds), 1, squeeze=False)[:, 0]
    levels = {name: log_spectrogram(audio) for name, audio in sounds.items()}
    top = max(float(level.max()) for level, _ in levels.values()) if top is None else top
    for ax, (name, audio) in zip(axes, sounds.items(), strict=True):
        image = _panel(ax, *levels[name], audio.duration, top)
        ax.set_title(name, loc="left", fontsize=11, fontweight="bold")
    axes[-1].set_xlabel("time (s)")
    figure.colorbar(image, ax=list(axes), label="level (dB)", aspect=15 * len(sounds), pad=0.01)
    return figure


def _panel(ax: Axes, level: np.ndarray, frequencies: np.ndarray, duration: float, top: float) -> AxesImage:
    octaves = np.log2(frequencies[[0, -1]])
    image = ax.imshow(
        level,
        origin="lower",
        aspect="auto",
        extent=(0, duration, float(octaves[0]), float(octaves[1])),
        vmin=top - RANGE,
        vmax=top,
        cmap=COLOURS,
        interpolation="bilinear",
    )
    ticks = [f for f in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000) if frequencies[0] <= f <= frequencies[-1]]
    ax.set_yticks(np.log2(ticks), [f"{f // 1000} k" if f >= 1000 else str(f) for f in ticks])
    ax.set_ylabel("frequency (Hz)")
    return image
