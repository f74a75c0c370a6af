"""Bars, a grid, and the sustain pedal of what is played: what makes a transcription readable. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from restyle.analysis.beats import Beats
from restyle.notes import DRUMS, Notes

METERS = (4, 3)  # beats of a bar, the usual one first
UNUSUAL = 1.1  # how much more three must explain than four
UNCLEAR = 0.1  # of the mean accent, below which a contrast explains nothing
NEAR = 0.12  # of a beat, within which a note counts as on it
LOW = 48  # MIDI pitch below which a note speaks for a downbeat
CHANGED = 1.5  # what a change of all pitch classes counts, beside a mean accent of 1
TOGETHER = 0.06  # s within which notes that ring on end when a pedal is lifted
FEWEST = 3  # notes that a pedal holds
EARLY = 0.25  # of a beat from the start, within which the first beat is the start
LATE = 0.08  # s after its first note at which a pedal goes down
TOUCHED = 0.1  # s that a key is held at least


@dataclass(frozen=True, eq=False)
class Meter:
    """Where the beats of a piece fall, and which of them begin bars.

    Args:
        times: of the beats in seconds, shape ``[N]``, the first of them 0.
        beats: of a bar.
        first: number of the first beat that begins a bar, 0 to ``beats - 1``.
    """

    times: np.ndarray
    beats: int
    first: int

    def place(self, time: np.ndarray) -> np.ndarray:
        """Return where times in seconds fall, counted in beats; the last beats' length goes on after the end."""
        return _piecewise(np.asarray(time, dtype=np.float64), self.times, np.arange(len(self.times), dtype=np.float64))

    def time(self, place: np.ndarray) -> np.ndarray:
        """Return the times in seconds of places in beats."""
        return _piecewise(np.asarray(place, dtype=np.float64), np.arange(len(self.times), dtype=np.float64), self.times)


def _piecewise(x: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    slopes = np.diff(values) / np.diff(known)
    piece = np.clip(np.searchsorted(known, x, side="right") - 1, 0, len(slopes) - 1)
    return np.asarray(values[piece] + (x - known[piece]) * slopes[piece])


def estimate_meter(found: Beats, notes: Notes) -> Meter | None:
    """Find bars of three or four beats; None where there is no steady beat.

    A beat is the more a downbeat the louder, the longer and the lower the notes are that begin on it, and the more the
    harmony changes there. Bars of 6/8 have two beats of three eighths, and two of them count as one bar of four; slow
    ones may pass for 3/4.

    Args:
        found: the beats.
        notes: what is played; drums do not count.

    Example:
        >>> beats = Beats(120.0, 0.5 * np.arange(12), 1.0)
        >>> notes = Notes.of([(0.5 * k, 0.5 * k + 0.4, 40 if k % 3 == 1 else 64, 0.5, 0) for k in range(12)])
        >>> meter = estimate_meter(beats, notes)
        >>> meter.beats, meter.first
        (3, 1)

    Source: Goto, "An audio-based real-time beat tracking system for music with or without drum-sounds", Journal of New
    Music Research 30, 2001, for changes of harmony as a cue.
    """
    if not found.steady:
        return None
    notes = notes.select(notes.programme != DRUMS)
    period = float(np.median(np.diff(found.times)))
    start = float(found.times[0])
    before = max(1, round(start / period))
    # the beats before the first share what time there is
    times = np.concatenate([np.arange(before) * start / before, found.times]) if start > EARLY * period else found.times
    meter = Meter(np.concatenate([[0.0], times[1:]]), METERS[0], 0)
    cues = _accents(notes, meter) + CHANGED * _changes(notes, meter)
    contrasts = {beats: _contrast(cues, beats) for beats in METERS}
    usual, rare = METERS
    beats = rare if contrasts[rare][0] > UNUSUAL * max(contrasts[usual][0], UNCLEAR) else usual
    return replace(meter, beats=beats, first=contrasts[beats][1])


def _accents(notes: Notes, meter: Meter) -> np.ndarray:
    """How loud, long and low the notes are that begin on each beat, ``[N]``, 1 on average."""
    period = float(np.median(np.diff(meter.times)))
    place = meter.place(notes.onset)
    beat = np.round(place).astype(int)
    on = (np.abs(place - beat) < NEAR) & (beat >= 0) & (beat < len(meter.times))
    weight = notes.velocity * (np.minimum(notes.offset - notes.onset, 2 * period) / period + (notes.pitch < LOW))
    accents = np.sqrt(np.bincount(beat[on], weight[on], len(meter.times)))
    return np.asarray(accents / max(float(accents.mean()), 1e-9))


def _changes(notes: Notes, meter: Meter) -> np.ndarray:
    """How far the pitch classes above the bass in the two beats from each beat differ from those before it, 0..1."""
    count = len(meter.times)
    chroma = np.zeros((count, 12))
    high = notes.select(notes.pitch >= LOW)
    start, end = meter.place(high.onset), meter.place(high.offset)
    for beat in range(count):
        sounding = end.clip(beat, beat + 1) - start.clip(beat, beat + 1)
        chroma[beat] = np.bincount(np.round(high.pitch).astype(int) % 12, sounding, 12)
    pairs = chroma[1:] + chroma[:-1]
    pairs = pairs / np.maximum(np.linalg.norm(pairs, axis=1, keepdims=True), 1e-9)
    both = (pairs[:-2].any(1)) & (pairs[2:].any(1))
    changes = np.zeros(count)
    changes[2:-1] = np.where(both, 1 - (pairs[:-2] * pairs[2:]).sum(1), 0)
    return changes


def _contrast(accents: np.ndarray, beats: int) -> tuple[float, int]:
    """By how much the strongest of each so many beats stands out, and which it is."""
    means = np.array([accents[k::beats].mean() if len(accents) > k else 0.0 for k in range(beats)])
    strongest = int(means.argmax())
    rest = np.delete(means, strongest).mean()
    return float((means[strongest] - rest) / max(float(accents.mean()), 1e-9)), strongest


def quantised(notes: Notes, meter: Meter, division: int) -> Notes:
    """Move notes onto a grid.

    Args:
        notes: what is played.
        meter: its beats, each a quarter note.
        division: of a whole note: 16 for sixteenths, 12 for triplets of eighths.

    Returns:
        The notes, each a grid step long at least.

    Example:
        >>> meter = Meter(0.5 * np.arange(8), 4, 0)
        >>> quantised(Notes.of([(0.52, 0.7, 60, 1, 0)]), meter, 16).onset.tolist()
        [0.5]
    """
    step = 4 / division
    onset = np.maximum(0, np.round(meter.place(notes.onset) / step))
    offset = np.maximum(onset + 1, np.round(meter.place(notes.offset) / step))
    return replace(notes, onset=np.maximum(0, meter.time(onset * step)), offset=meter.time(offset * step))


def pedalled(notes: Notes) -> tuple[Notes, list[tuple[float, float]]]:
    """Find where a sustain pedal tells the same with shorter notes: where several that began apart end together.

    Args:
        notes: of one instrument.

    Returns:
        The notes as keys would be held, and when the pedal is down, as (from, to) in seconds. Played with the pedal
        they last as long as before: no other note ends while it is down.

    Example:
        >>> notes = Notes.of([(0.0, 2.0, 48, 1, 0), (0.5, 2.0, 64, 1, 0), (1.0, 2.0, 67, 1, 0)])
        >>> keys, pedal = pedalled(notes)
        >>> keys.offset.tolist(), pedal
        ([0.5, 1.0, 2.0], [(0.08, 2.0)])
    """
    offset = notes.offset.copy()
    pedal: list[tuple[float, float]] = []
    order = np.argsort(notes.offset, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(notes.offset[order]) > TOGETHER) + 1) if len(notes) else []
    for group in groups:
        onsets = np.unique(notes.onset[group])
        down, up = float(onsets[0]) + LATE, float(notes.offset[group].max())
        if len(group) < FEWEST or len(onsets) < FEWEST or (pedal and down <= pedal[-1][1]):
            continue
        others = np.setdiff1d(np.arange(len(notes)), group)
        if np.any((notes.offset[others] > down) & (notes.onset[others] < up)) or _restruck(notes, group):
            continue
        pedal.append((down, up))
        following = np.searchsorted(onsets, notes.onset[group], side="right")
        held = np.append(onsets, up)[following]
        offset[group] = np.where(following < len(onsets), np.maximum(held, notes.onset[group] + TOUCHED), up)
    return replace(notes, offset=offset), pedal


def _restruck(notes: Notes, group: Sequence[int] | np.ndarray) -> bool:
    """Whether a key is struck twice: a pedal would let the first note ring into the second."""
    return len(np.unique(np.round(notes.pitch[group]))) < len(group)
