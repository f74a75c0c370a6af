"""What was played, written on beats and bars: each beat in sixteenths, triplets, or neither. Floor 3."""

from __future__ import annotations

import numpy as np

from restyle.analysis.meter import Meter
from restyle.notes import Notes
from restyle.score import STEPS, Score

PERIOD = 0.5  # s of a beat where none is heard
TOGETHER = 0.04  # s within which notes begin at once, as those of a chord
GRIDS = (3, 4, 2, 1)  # steps from point to point: sixteenths, triplets of eighths and of sixteenths, all
CHANCES = (0.83, 0.13, 0.02, 0.02)  # of each grid, before anything is heard of a beat
CROWDED = 1.0  # nats against a grid for each onset that shares a point with the one before it
BEFORE, ROUNDS = 10, 10  # beats that these chances count for, beside those of the piece; rounds of estimation
LOOSE = 0.022  # s, standard deviation of onsets around their points


def quantise(notes: Notes, meter: Meter | None) -> Score:
    """Write what was played as a score: its beats are the meter's, each note goes to the likeliest grid of its beat.

    The onsets of a beat are those of one of some grids, with normal deviations: sixteenths, which are the usual,
    triplets, or all twelve steps. Of a grid of more points each is less likely, so that a coarse one that explains
    the onsets as well, and keeps them apart, is chosen.

    Args:
        notes: what was played, in the order of time from 0 s.
        meter: its beats, each a quarter note, and bars; 120 beats a minute in bars of four where None.

    Returns:
        The score: programmes are tracks, in their order; beats before the first downbeat are a short first bar.

    Example:
        >>> meter = Meter(0.5 * np.arange(8), 4, 1)
        >>> score = quantise(Notes.of([(0.51, 0.74, 60, 1, 0), (0.67, 0.8, 62, 1, 0), (0.84, 1, 64, 1, 0)]), meter)
        >>> score.start.tolist(), score.bars.tolist()
        ([12, 16, 20], [0, 12, 60])

    Source: Cemgil, Desain, Kappen, "Rhythm quantization for transcription", Computer Music Journal 24(2), 2000, for
    the likelihood of normal deviations and the prior for simple rhythms.
    """
    meter = meter or Meter(PERIOD * np.arange(2), 4, 0)
    onset = meter.place(_together(notes.onset)).clip(0)
    offset = meter.place(notes.offset)
    steps = _grids(np.unique(onset), meter)
    start, end = _nearest(onset, steps), _nearest(offset, steps)
    length = np.maximum(1, end - start)
    bars = _bars(meter, int((start + length).max(initial=1)))
    times = meter.time(np.arange(-(-int(bars[-1]) // STEPS) + 1))
    track = np.unique(notes.programme, return_inverse=True)[1]
    pitch = np.round(notes.pitch).clip(0, 127)
    return Score(start, length, pitch, notes.velocity, notes.programme, track, bars, times)


def _together(onset: np.ndarray) -> np.ndarray:
    """The onsets, of those that begin nearly together their mean; they must rise."""
    found, first = np.zeros(len(onset), dtype=int), 0
    for i in range(1, len(onset)):
        apart = onset[i] - onset[first] > TOGETHER
        first = i if apart else first
        found[i] = found[i - 1] + apart
    return np.asarray((np.bincount(found, onset) / np.maximum(1, np.bincount(found)))[found])


def _grids(onsets: np.ndarray, meter: Meter) -> np.ndarray:
    """The steps from point to point of the likeliest grid of each beat in which there are onsets, and of one more."""
    beat = np.floor(onsets).astype(int)
    count = int(beat.max(initial=0)) + 2
    period = np.diff(meter.time(np.arange(count + 1)))
    scores = np.zeros((count, len(GRIDS)))
    for k, step in enumerate(GRIDS):
        point = np.round(onsets * STEPS / step) * step
        likelihood = -0.5 * ((onsets - point / STEPS) * period[beat] / LOOSE) ** 2
        likelihood -= np.where(point % STEPS > 0, np.log(STEPS / step - 1), 0)  # all grids have the beat itself
        likelihood -= np.where(np.diff(point, prepend=-1) == 0, CROWDED, 0)
        scores[:, k] = np.bincount(beat, likelihood, count)
    telling = scores[np.ptp(scores, axis=1) > 0]
    chances = np.array(CHANCES)
    for _ in range(ROUNDS):
        likely = telling + np.log(chances)
        likely = np.exp(likely - np.logaddexp.reduce(likely, axis=1, keepdims=True))
        chances = (BEFORE * np.array(CHANCES) + likely.sum(axis=0)) / (BEFORE + len(telling))
    return np.array(GRIDS)[(scores + np.log(chances)).argmax(axis=1)]


def _nearest(place: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The points of the grids nearest to places in beats; after the last beat with onsets, of sixteenths."""
    beat = np.floor(place).astype(int)
    step = np.append(steps, GRIDS[0])[np.minimum(beat, len(steps))]
    return np.asarray(np.floor(place * STEPS / step + 0.5) * step).astype(np.int64)


def _bars(meter: Meter, end: int) -> np.ndarray:
    bar, pickup = STEPS * meter.beats, STEPS * meter.first
    count = max(1, -(-(end - pickup) // bar))
    return np.unique(np.append(0, pickup + bar * np.arange(count + 1)))
