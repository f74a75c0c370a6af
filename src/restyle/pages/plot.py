"""Pictures of sound and notes, as matplotlib figures that need no screen. Floor 6."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import release
from restyle.io.text import printable
from restyle.notes import Notes

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
    """Return levels on a logarithmic frequency axis, for pictures.

    Args:
        audio: the sound; its channels are mixed to one (see `Audio.mono`).
        bands: number of bands from 40 Hz to 20 kHz, or to half the rate where that is lower.
        columns: highest number of moments; of a long sound as many are analysed, so memory does not grow.

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
    """The mono mix around a sample, silent beyond the ends."""
    first = centre - n_fft // 2
    inside = audio.slice(first, first + n_fft).mono()
    frame = np.zeros(n_fft, np.float32)
    frame[max(0, -first) : max(0, -first) + len(inside)] = inside
    return frame


def _bands(frequencies: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Triangles ``[bands, F]`` as wide as the distance of two bands, and never narrower than a bin."""
    width = np.maximum(np.gradient(frequencies), bins[1])
    return np.clip(1 - np.abs(bins - frequencies[:, None]) / width[:, None], 0, None)


def compare(sounds: dict[str, Audio], notes: dict[str, Notes] | None = None) -> Figure:
    """Draw sounds one below the other, on one dB scale.

    Args:
        sounds: by title, from top to bottom.
        notes: drawn as lines over the sounds of the same titles, at the frequency and time of each note.

    Returns:
        A figure; `save` writes it.

    Raises:
        ValueError: if there is nothing to draw.

    Example:
        >>> noise = Audio(np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
        >>> len(compare({"content": noise, "result": noise}).axes)  # two panels and the scale
        3
    """
    return _figure(sounds, notes=notes)


def spectrogram(audio: Audio, title: str = "", *, top: float | None = None) -> Figure:
    """Draw one sound; ``top`` is the brightest colour's level in dB, by default the sound's own highest."""
    return _figure({title: audio}, top)


def notes(notes: Notes, title: str = "") -> Figure:
    """Draw notes as a piano roll: time to the right, pitch upward, the colour is the velocity.

    Args:
        notes: what is played; drums are left out. An empty table gives an empty roll.
        title: above the picture.

    Returns:
        A figure; `save` writes it.

    Example:
        >>> roll = notes(Notes.of([(0, 1, 60, 0.5, 0), (0.5, 1.5, 67, 0.9, 0)]))
        >>> len(roll.axes)  # the roll and the scale
        2
    """
    from matplotlib.collections import PolyCollection

    played = notes.pitched()
    figure, [ax] = _panels(1, 3.2)
    left, right, y = played.onset, played.offset, played.pitch
    corners = [(left, y - 0.45), (right, y - 0.45), (right, y + 0.45), (left, y + 0.45)]
    outlines = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)  # [N, 4, 2]
    boxes = PolyCollection(list(outlines), cmap="viridis_r")
    boxes.set_array(played.velocity)
    boxes.set_clim(0, 1)
    ax.add_collection(boxes)
    low, high = pitch_range([played])
    ax.set(xlim=(0, max(played.duration, 0.1)), ylim=(low, high), ylabel="pitch", xlabel="time (s)")
    octaves = [pitch for pitch in range(128) if pitch % 12 == 0 and low <= pitch <= high]
    ax.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
    ax.grid(axis="y", alpha=0.3)
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold")
    figure.colorbar(boxes, ax=ax, label="velocity", pad=0.01)
    return figure


def pitch_range(rolls: Sequence[Notes]) -> tuple[float, float]:
    """Return the lowest and highest pitch that a picture of these notes needs: an octave and a margin at least.

    Example:
        >>> pitch_range([Notes.of([(0, 1, 60, 0.5, 0)])])
        (53.0, 67.0)
    """
    pitches = np.concatenate([roll.pitched().pitch for roll in rolls] or [np.array([])])
    low, high = (float(pitches.min()), float(pitches.max())) if len(pitches) else (60.0, 60.0)
    missing = max(0.0, 12 - (high - low)) / 2
    return low - missing - 1, high + missing + 1


def loudest(sounds: Sequence[Audio]) -> float:
    """Return the highest level of several sounds in dB, so that their pictures can share a scale."""
    return max(float(log_spectrogram(audio)[0].max()) for audio in sounds)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as a PNG file; names in it are shown as they are, whatever letters they have."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if isinstance(text, Text) and "mathdefault" not in text.get_text():  # so matplotlib writes powers of ten
            text.set_text(printable(text.get_text()))
            text.set_parse_math(False)  # two dollars in a name are no formula
    figure.savefig(path, dpi=130, format="png")


def colours(level: np.ndarray, top: float) -> np.ndarray:
    """Return levels in dB ``[F, L]``, low frequencies first, as a picture: uint8, ``[F, L, 3]``, high ones first."""
    import matplotlib

    return matplotlib.colormaps[COLOURS]((level[::-1] - top) / RANGE + 1, bytes=True)[..., :3]


def frequency_ticks(low: float, high: float) -> dict[int, str]:
    """Return round frequencies in Hz from ``low`` to ``high``, and how they are written."""
    round_ones = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
    return {f: f"{f // 1000} k" if f >= 1000 else str(f) for f in round_ones if low <= f <= high}


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure that needs no screen, with panels one below the other; ``height`` of each in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 0.8 + height * count), layout="constrained")
    return figure, list(figure.subplots(count, 1, squeeze=False)[:, 0])


def _figure(sounds: dict[str, Audio], top: float | None = None, notes: dict[str, Notes] | None = None) -> Figure:
    if not sounds:
        raise ValueError("there is no sound to draw")
    figure, axes = _panels(len(sounds), 2.4)
    levels = {name: log_spectrogram(audio) for name, audio in sounds.items()}
    top = max(float(level.max()) for level, _ in levels.values()) if top is None else top
    for ax, (name, audio) in zip(axes, sounds.items(), strict=True):
        image = _panel(ax, *levels[name], audio.duration, top)
        if notes and name in notes:
            played = notes[name].pitched()
            ax.hlines(np.log2(440) + (played.pitch - 69) / 12, played.onset, played.offset, "#7df9ff", linewidth=1.2)
        ax.set_title(name, loc="left", fontsize=11, fontweight="bold")
    axes[-1].set_xlabel("time (s)")
    figure.colorbar(image, ax=axes, label="level (dB)", aspect=15 * len(sounds), pad=0.01)
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
    ticks = frequency_ticks(frequencies[0], frequencies[-1])
    ax.set_yticks(np.log2(list(ticks)), list(ticks.values()))
    ax.set_ylabel("frequency (Hz)")
    return image
