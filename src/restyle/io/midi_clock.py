"""The ticks of a MIDI file, in seconds and in quarter notes. Floor 2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TEMPO = 500_000  # microseconds a quarter note, until a tempo is given
DROP_FRAME = 29  # frames a second that stand for 30 * 1000 / 1001


@dataclass(frozen=True)
class Clock:
    """Ticks to seconds: from each of ``ticks`` on, a tick lasts so many seconds; a quarter note is so many ticks."""

    ticks: np.ndarray
    lasting: np.ndarray
    quarter: float

    @classmethod
    def of(cls, tempi: list[tuple[int, int]], division: int) -> Clock:
        """Make it of (tick, microseconds a quarter note); frames a second have 120 quarter notes a minute."""
        if division & 0x8000:  # frames a second and ticks a frame, whatever the tempo
            frames = 256 - (division >> 8)
            rate = (30_000 / 1001 if frames == DROP_FRAME else frames) * (division & 0xFF)
            return cls(np.zeros(1), np.array([1 / rate]), rate * TEMPO / 1e6)
        table = np.array([(0, TEMPO), *sorted(tempi, key=lambda tempo: tempo[0])], dtype=np.float64)
        return cls(table[:, 0], table[:, 1] / 1e6 / division, division)

    @property
    def starts(self) -> np.ndarray:
        """Seconds of ``ticks``."""
        return np.concatenate([[0.0], np.cumsum(np.diff(self.ticks) * self.lasting[:-1])])

    def seconds(self, ticks: np.ndarray) -> np.ndarray:
        """Return when ticks are."""
        at = np.searchsorted(self.ticks, ticks, side="right") - 1
        return np.asarray(self.starts[at] + (ticks - self.ticks[at]) * self.lasting[at])

    def quarters(self, seconds: np.ndarray) -> np.ndarray:
        """Return how many quarter notes have passed at times in seconds."""
        starts = self.starts
        at = np.searchsorted(starts, seconds, side="right") - 1
        return np.asarray((self.ticks[at] + (seconds - starts[at]) / self.lasting[at]) / self.quarter)
