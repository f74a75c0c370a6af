"""Pictures for a page: notes to draw, waveforms as paths, spectrograms as WebP. Floor 6."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from restyle.audio import Audio
from restyle.notes import Notes

OUTLINE = 480  # columns of a waveform
SAME_TIME, SAME_PITCH = 0.05, 0.5  # s and semitones within which a note is the content's


@dataclass(frozen=True, kw_only=True)
class Box:
    """A note in a picture: s, s, MIDI number, 0..1, and how it stands against the content's notes.

    The last is ``same``, ``added`` or ``missing``, or ``plain`` for what is not held against them. On the page of an
    arrangement it is the part that the note belongs to.
    """

    onset: float
    length: float
    pitch: float
    velocity: float
    kind: str


def boxes(name: str, played: dict[str, Notes]) -> tuple[Box, ...]:
    """Return the notes of one of several sounds to draw: all but the style's are held against the content's.

    Example:
        >>> a, b = Notes.of([(0, 1, 60, 1, 0)]), Notes.of([(0, 1, 60, 1, 0), (1, 2, 64, 1, 0)])
        >>> [box.kind for box in boxes("notes", {"content": a, "notes": b})]
        ['same', 'added']
    """
    notes, content = played[name], played.get("content")
    if name == "style" or content is None:
        return _rows(notes, np.full(len(notes), "plain"))
    near = np.abs(notes.onset[:, None] - content.onset) <= SAME_TIME
    near &= np.abs(notes.pitch[:, None] - content.pitch) <= SAME_PITCH
    missing = content.select(~near.any(axis=0))
    kinds = np.where(near.any(axis=1), "same", "added")
    return _rows(missing, np.full(len(missing), "missing")) + _rows(notes, kinds)


def _rows(notes: Notes, kinds: Sequence[str] | np.ndarray) -> tuple[Box, ...]:
    columns = (notes.onset, notes.offset - notes.onset, notes.pitch, notes.velocity, kinds)
    return tuple(
        Box(onset=float(a), length=float(b), pitch=float(c), velocity=float(d), kind=str(kind))
        for a, b, c, d, kind in zip(*columns, strict=True)
    )


def webp(pixels: np.ndarray) -> str:
    """Return a WebP picture of uint8 ``[height, width, 3]`` as a data URI."""
    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(sink, "WEBP", quality=72, method=4)
    return f"data:image/webp;base64,{base64.b64encode(sink.getvalue()).decode()}"


def outline(audio: Audio, peak: float) -> str:
    """Return the highest and lowest sample of each column as a closed path, relative to ``peak``, upward negative."""
    edges = np.linspace(0, audio.length, OUTLINE + 1).astype(int)[:-1]
    high = np.maximum.reduceat(audio.samples.max(axis=0), edges) / peak
    low = np.minimum.reduceat(audio.samples.min(axis=0), edges) / peak
    there = [f"{x} {-y:.3f}" for x, y in enumerate(high)]
    back = [f"{x} {-y:.3f}" for x, y in reversed(list(enumerate(low)))]
    return "M" + "L".join(there + back) + "Z"
