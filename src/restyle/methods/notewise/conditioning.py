"""Measured notes as `methods.notewise.model` takes them: what is heard, and what is to be played. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.partials import BANDS, HIGHEST, partial_ratios
from restyle.dsp.melbands import centre_frequencies
from restyle.methods.notewise.envelopes import unpacked
from restyle.methods.notewise.model import RELEASE, Heard

VELOCITY = 30.0  # dB of a velocity ten times as high
MOST = 96  # partials of a sound that is judged


def bands() -> np.ndarray:
    """Return the frequencies of the noise bands in Hz, above 0."""
    return np.maximum(1, centre_frequencies(BANDS, HIGHEST))


def median_level(table: np.ndarray) -> float:
    """Return the level in dB of the median note of rows ``[R, 201]``."""
    return float(np.median(np.unique(table[:, [1, 0, 5]], axis=0)[:, 2]))


def shift(table: np.ndarray, db: float) -> None:
    """Change the level of rows ``[R, 201]``, in place."""
    columns = unpacked(table)  # views
    columns.facts[:, 5] += db
    for levels in (columns.amplitude, columns.envelope, columns.noise):
        levels += db


def median_velocity(table: np.ndarray) -> float:
    """Return the velocity of the median note of rows ``[R, 201]``."""
    return float(np.median(np.unique(table[:, [1, 0, 7]], axis=0)[:, 2]))


def touch(velocity: np.ndarray, usual: float) -> np.ndarray:
    """Return how much louder than with the usual velocity notes are played, in dB."""
    return np.asarray(VELOCITY * np.log10(np.maximum(velocity, 0.02) / max(usual, 0.02)))


def batch(tables: Sequence[np.ndarray], known: Tensor) -> Heard:
    """Put tables of rows ``[R, 201]`` of different lengths into one batch.

    Args:
        tables: levels relative to each one's median note.
        known: 1 for bands below half the rate ``[M]``.
    """
    longest = max(len(table) for table in tables)
    padded = np.stack([np.pad(table, ((0, longest - len(table)), (0, 0))) for table in tables]).astype(np.float32)
    there = torch.tensor([[i < len(table) for i in range(longest)] for table in tables])
    rows = unpacked(padded)._asdict()
    columns = {name: torch.from_numpy(np.ascontiguousarray(column)).to(known) for name, column in rows.items()}
    return Heard(**columns, known=known[None].expand(len(tables), -1), there=there.to(known.device))


def voices(
    table: np.ndarray, start: float, frames: int, hop: float, *, usual: float, most: int
) -> tuple[Tensor, Tensor]:
    """Return what is asked to play again the notes that sound in a stretch.

    Args:
        table: rows ``[R, 201]``.
        start: of the stretch, s.
        frames: L.
        hop: seconds between two.
        usual: velocity of the median note that is heard.
        most: notes; where more sound at once none is returned.

    Returns:
        ``[N, L, 5]``, and the frequencies of their partials in multiples of the fundamental's ``[N, P]``.
    """
    notes = np.unique(table[:, [0, 1, 4, 7, 8]], axis=0)  # pitch, onset, duration, velocity, stiffness
    level = touch(notes[:, 3], usual)
    chosen = np.flatnonzero((notes[:, 1] < start + frames * hop) & (notes[:, 1] + notes[:, 2] + RELEASE > start))
    chosen = chosen if len(chosen) <= most else chosen[:0]
    result = np.zeros((len(chosen), frames, 5), np.float32)
    for row, i in zip(result, chosen, strict=True):
        pitch, onset, duration = notes[i, :3]
        since = start + np.arange(frames) * hop - onset
        row[:] = np.stack(np.broadcast_arrays(pitch, since, since - duration, duration, level[i]), axis=1)
    ratios = np.array([partial_ratios(MOST, float(notes[i, 4])) for i in chosen], np.float32)
    return torch.from_numpy(result), torch.from_numpy(ratios.reshape(-1, MOST))
