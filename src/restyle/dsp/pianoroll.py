"""Piano rolls: notes to onset, frame and velocity matrices, and back. Floor 2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restyle.dsp.filters import closed, maximum_filter
from restyle.notes import DRUMS, Notes


@dataclass(frozen=True, eq=False)
class Roll:
    """What is played, frame by frame: float32 matrices ``[L, P]``.

    Args:
        onset: 1 where a note starts (probabilities when predicted).
        frame: 1 where a note sounds.
        velocity: loudness of the note that starts there, 0..1.
        offset: 1 where a note ends.
        bend: semitones by which a sounding note deviates from its pitch.
        hop: seconds between two frames.
        lowest: MIDI pitch of the first column.
        tuning: semitones by which all pitches are higher than whole ones.
    """

    onset: np.ndarray
    frame: np.ndarray
    velocity: np.ndarray
    offset: np.ndarray
    bend: np.ndarray
    hop: float
    lowest: int = 21
    tuning: float = 0.0


def notes_to_roll(
    notes: Notes, frames: int, hop: float, *, bends: np.ndarray | None = None, lowest: int = 21, pitches: int = 88
) -> Roll:
    """Draw notes into a piano roll; onsets and offsets are spread over two or three frames by their distance to them.

    Args:
        notes: the notes; drums and pitches out of range are left out, and so are onsets before time 0.
        frames: number of frames L.
        hop: seconds between two frames.
        bends: semitones ``[N, L]`` of each note.
        lowest: MIDI pitch of the first column.
        pitches: number of columns P.

    Example:
        >>> roll = notes_to_roll(Notes.of([(0.02, 0.05, 60, 0.5, 0)]), 6, 0.01)
        >>> roll.frame[:, 60 - 21].tolist()
        [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    """
    onset, frame, velocity, offset, bend = (np.zeros((frames, pitches), np.float32) for _ in range(5))
    for i in np.flatnonzero(notes.programme != DRUMS):
        row, start, stop = round(notes.pitch[i]) - lowest, notes.onset[i] / hop, notes.offset[i] / hop
        if not 0 <= row < pitches or start > frames - 1:
            continue
        near, amount = spread(start, frames)
        onset[near, row] = np.maximum(onset[near, row], amount)
        velocity[near, row] = notes.velocity[i]
        near, amount = spread(stop, frames)
        offset[near, row] = np.maximum(offset[near, row], amount)
        held = slice(max(0, round(start)), max(round(stop), round(start) + 1, 0))
        frame[held, row] = 1
        if bends is not None:
            bend[held, row] = bends[i, held] + notes.pitch[i] - round(notes.pitch[i])
    return Roll(onset, frame, velocity, offset, bend, hop, lowest)


def spread(place: float, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames near a place that is counted in frames, and how much of it each gets; none before frame 0."""
    near = np.arange(max(0, int(np.floor(place)) - 1), min(frames, int(np.floor(place)) + 3))
    near = near if place >= -0.5 else near[:0]
    return near, np.maximum(0, 1 - np.abs(near - place) / 1.5)


def roll_to_notes(
    roll: Roll,
    *,
    onset_threshold: float = 0.5,
    frame_threshold: float = 0.4,
    offset_threshold: float = 0.15,
    shortest: float = 0.04,
    gap: int = 2,
    near: int = 4,
) -> Notes:
    """Read notes from a piano roll of probabilities: they start at onset peaks and last while the frames hold.

    Args:
        roll: onsets, frames, velocities and offsets.
        onset_threshold: lowest probability of an onset peak, 0..1.
        frame_threshold: a note ends where its frames stay below this,
        offset_threshold: or at the likeliest offset around there, if one is as likely as this.
        shortest: notes shorter than this many seconds are lengthened to it.
        gap: frames below the threshold that do not end a note yet.
        near: frames around the end of the frames in which the offset is searched.

    Example:
        >>> notes = Notes.of([(0.1, 0.4, 60, 0.5, 0), (0.4, 0.7, 60, 0.9, 0)])
        >>> read = roll_to_notes(notes_to_roll(notes, 100, 0.01))
        >>> read.onset.round(2).tolist(), read.offset.round(2).tolist()
        ([0.1, 0.4], [0.4, 0.7])
    """
    rows = []
    for pitch in np.flatnonzero((roll.onset >= onset_threshold).any(axis=0)):
        onset, offset = (values[:, pitch].astype(np.float32) for values in (roll.onset, roll.offset))
        sounding = closed(roll.frame[:, pitch] >= frame_threshold, gap)
        silent = np.append(np.flatnonzero(~sounding), len(onset))
        starts = peaks(onset, onset_threshold)
        # there may be none: in half precision a probability can reach a threshold that it lies below
        ends = [*starts[1:], len(onset)][: len(starts)]
        for start, following in zip(starts, ends, strict=True):
            # the frames may begin to hold just after the onset
            stop = min(following, silent[np.searchsorted(silent, min(start + 2, len(onset)))])
            first = max(start + 2, stop - near)
            ending = offset[first : min(following, stop + near) + 1]
            if ending.max(initial=0.0) >= offset_threshold:
                stop = first + int(ending.argmax())
            begin = max(0.0, start + between(onset, int(start))) * roll.hop
            end = max(stop * roll.hop, begin + shortest)
            velocity = float(np.clip(roll.velocity[start, pitch], 0.02, 1))
            rows.append((begin, end, roll.lowest + pitch + roll.tuning, velocity, 0))
    return Notes.of(rows)


def peaks(curve: np.ndarray, threshold: float) -> np.ndarray:
    """Frames at or above a threshold that no neighbour within two frames exceeds; of equal neighbours the first."""
    peak = (curve >= threshold) & (curve == maximum_filter(curve, 5))
    peak[1:] &= ~peak[:-1]
    return np.flatnonzero(peak)


def distance(places: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return how far each place is from the nearest mark; infinitely where there is none.

    Args:
        places: in any order, ``[N]``.
        marks: sorted, ``[M]``.

    Example:
        >>> distance(np.array([0.0, 2.0]), np.array([0.5, 5.0])).tolist()
        [0.5, 1.5]
    """
    marks = np.concatenate([[-np.inf], marks, [np.inf]])
    after = np.searchsorted(marks, places).clip(1)
    return np.asarray(np.minimum(places - marks[after - 1], marks[after] - places))


def between(curve: np.ndarray, peak: int) -> float:
    """Return where between its neighbours a parabola through a peak has its top, -0.5..0.5.

    Example:
        >>> between(np.array([0.0, 2.0, 1.0]), 1)
        0.16666666666666666
    """
    if not 0 < peak < len(curve) - 1:
        return 0.0
    left, middle, right = (float(x) for x in curve[peak - 1 : peak + 2])
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
