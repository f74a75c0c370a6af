"""What MMA writes, tidied: on the grid of a score, without strums, each part in a range that can be heard. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restyle.io.midi_playing import play as follow
from restyle.notes import DRUMS
from restyle.score import STEPS, Score

TEMPO = 120  # beats a minute
EXACT = 0.15  # steps from a step within which a note is meant to lie on it; MMA's own triplets are 0.125 away
FINE = (0, 2, 3, 4, 6, 8, 9, 10)  # steps of a beat that are played: sixteenths, triplets and their halves
COARSE = (3, 4)  # steps of a sixteenth, and of a triplet's eighth
STRUM = 0.75 / STEPS  # quarter notes from one note of a strum to the next, at most
DEEPEST, TOO_DEEP = 28, 0.25  # lowest pitch of a bass; more of a part below it, and it is meant an octave higher
KEYS = (27, 87)  # of General MIDI 2's drums
TRACK_NAME = b"\x00\xff\x03"  # an event at the start of a track


@dataclass(frozen=True)
class Played:
    """What MMA plays.

    Args:
        score: on the grid; its tracks are those of MMA that have notes, numbered from 0.
        tracks: their names, as ``Drum``, ``Bass`` or ``Chord-Guitar``.
    """

    score: Score
    tracks: tuple[str, ...]


def snap(quarters: np.ndarray) -> np.ndarray:
    """Return the steps of a `Score` at which notes are meant to begin.

    Notes on sixteenths, triplets and their halves stay there. Library files of MMA that round positions to tenths of a
    beat, or lay notes before or behind the beat, have others: these go to sixteenths or to triplets, to whichever they
    are closer all together.

    Args:
        quarters: quarter notes from the first bar line to each note, shape ``[N]``.

    Example:
        >>> snap(np.array([0.0, 0.3, 0.5, 0.8])).tolist(), snap(np.array([0.3, 0.7, 1.02])).tolist()
        ([0, 3, 6, 9], [4, 8, 12])
    """
    steps = np.asarray(quarters, dtype=np.float64) * STEPS
    nearest = np.round(steps)
    exact = (np.abs(steps - nearest) < EXACT) & np.isin(nearest % STEPS, FINE)
    grids = [width * np.round(steps / width) for width in COARSE]
    far = [float(np.abs(steps - grid)[~exact].sum()) for grid in grids]
    return np.where(exact, nearest, grids[int(np.argmin(far))]).astype(np.int64)


def unstrummed(quarters: np.ndarray) -> np.ndarray:
    """Return when the notes of a part begin if those of a strum begin together, with the first of them.

    Args:
        quarters: quarter notes from the first bar line to each note, shape ``[N]``.

    Example:
        >>> unstrummed(np.array([1.0, 1.05, 1.1, 1.5])).tolist()
        [1.0, 1.0, 1.0, 1.5]
    """
    order = np.argsort(quarters, kind="stable")
    begins = np.diff(quarters[order], prepend=-np.inf) > STRUM
    made = np.empty_like(quarters)
    made[order] = quarters[order][begins][np.cumsum(begins) - 1]
    return made


def read_played(path: Path, count: int, beats: int) -> Played:
    """Read a MIDI file that MMA wrote.

    Args:
        path: of the file, at `TEMPO`.
        count: its bars.
        beats: quarter notes of each.

    Returns:
        The notes that begin in its bars; they end with them.

    Raises:
        RestyleError: if the file is missing or damaged.
    """
    played = follow(path, apart=True)
    notes, clock = played.notes, played.found.clock
    onset, offset = clock.quarters(np.array([(note.onset, note.offset) for note in notes]).T)
    columns = np.array([(note.pitch, note.velocity, note.programme, note.track) for note in notes])
    pitch, velocity, programme, track = columns.T
    for number in np.unique(track[programme != DRUMS]):
        onset[track == number] = unstrummed(onset[track == number])
    end, start = count * beats * STEPS, snap(onset)
    length = np.clip(np.round((offset - onset) * STEPS), 1, np.maximum(1, end - start))
    kept = (start < end) & ((programme != DRUMS) | ((pitch >= KEYS[0]) & (pitch <= KEYS[1])))
    used, numbers = np.unique(track[kept], return_inverse=True)
    raised = _raised(pitch, programme, track)
    rows = np.column_stack([start, length, raised, velocity / 127, programme])[kept]
    table = np.column_stack([rows, numbers]).tolist()
    names = _track_names(path)
    score = Score.of(table, bars=beats * STEPS * np.arange(count + 1), tempo=TEMPO)
    return Played(score, tuple(names[k] for k in used.tolist()))


def _raised(pitch: np.ndarray, programme: np.ndarray, track: np.ndarray) -> np.ndarray:
    """The pitches, an octave or more higher in parts that some grooves have below the range of any bass."""
    raised = pitch.copy()
    for number in np.unique(track):
        own = (track == number) & (programme != DRUMS)
        while own.any() and np.mean(raised[own] < DEEPEST) > TOO_DEEP:
            raised[own] += 12
    return raised


def read_onsets(path: Path) -> np.ndarray:
    """Return when the notes of a MIDI file begin that are no drums, in quarter notes, shape ``[N]``."""
    played = follow(path, apart=True)
    onset = np.array([note.onset for note in played.notes if note.programme != DRUMS])
    return played.found.clock.quarters(onset)


def _track_names(path: Path) -> list[str]:
    """The names of all tracks of a file."""
    data, at, names = path.read_bytes(), 14, []
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8])
        body = data[at + 8 : at + 8 + size]
        text = body.partition(TRACK_NAME)[2]
        names.append(text[1 : 1 + text[0]].decode("latin-1") if text else "")
        at += 8 + size
    return names
