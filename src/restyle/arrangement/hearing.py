"""A recording as a score of parts: its tune, its bass, its chords and its drums. Floor 4."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restyle.analysis.bass import bass_line
from restyle.analysis.beats import note_curve, track
from restyle.analysis.drums.infer import find_hits
from restyle.analysis.facts import Analysis
from restyle.analysis.melody import melody_of
from restyle.analysis.meter import Meter, estimate_meter
from restyle.analysis.quantise import quantise
from restyle.audio import Audio
from restyle.errors import warn
from restyle.notes import Notes
from restyle.score import Score

TUNE, BASS, CHORDS = 73, 33, 0  # programmes of the parts of a recording, whose instruments are not known
LATE = 0.25  # s by which a note may be moved as it is written


@dataclass(frozen=True, eq=False)
class Heard:
    """What is played, and how it is written.

    Args:
        notes: as they are played.
        score: the same on the beats and bars that are found.
    """

    notes: Notes
    score: Score

    def as_played(self, part: Score) -> Notes:
        """Return notes of the score as they are played; those that are not found among these are left out."""
        return self.notes.select(_found(part, self.notes))


def heard(music: Audio | Notes, name: str) -> Heard:
    """Find what is played, and write it on the beats and bars that are found; on bars of 2 s where there is no beat.

    Of a recording, parts are told apart: the tune is the likeliest line, the bass are the lowest notes of the rest, one
    at a time, and drums are there where it has some for sure. Notes have the programmes that they have.

    Args:
        music: a recording or notes.
        name: what it is called in a warning.

    Example:
        >>> played = heard(Notes.of([(0.5 * k, 0.5 * k + 0.4, 60 + k, 0.8, 73) for k in range(8)]), "the tune")
        >>> len(played.score), played.score.programme.tolist()[0]
        (8, 73)
    """
    if isinstance(music, Notes):
        meter = estimate_meter(track(note_curve(music)), music)
    else:
        known = Analysis.of(music)
        meter = estimate_meter(known.beats, known.notes)
    if meter is None:
        warn(f"no steady beat was found in {name}: its notes stand in bars of 2 s")
    notes = music if isinstance(music, Notes) else _in_parts(music, meter)
    return Heard(notes, quantise(notes, meter))


def _in_parts(audio: Audio, meter: Meter | None) -> Notes:
    """The notes of a recording, the programmes of which tell the parts."""
    known = Analysis.of(audio)
    hits = find_hits(known.stems["drums"]) if known.stem_facts.has_hits else Notes.of([])
    tune, rest = _lead(known.notes, meter)
    low = np.isin(np.arange(len(rest)), bass_line(rest))
    parts = [_with(tune, TUNE), _with(rest.select(low), BASS), _with(rest.select(~low), CHORDS)]
    return Notes.joined([*parts, hits])


def _lead(notes: Notes, meter: Meter | None) -> tuple[Notes, Notes]:
    """The likeliest line, and the other notes."""
    if not len(notes):
        return notes, notes
    line = np.isin(np.arange(len(notes)), _found(melody_of(quantise(notes, meter)), notes))
    return notes.select(line), notes.select(~line)


def _with(notes: Notes, programme: int) -> Notes:
    return replace(notes, programme=np.full(len(notes), programme))


def _found(part: Score, notes: Notes) -> np.ndarray:
    """The numbers of the notes of which a part is written: the nearest of the same pitch and programme."""
    written = part.notes()
    found = []
    for onset, pitch, programme in zip(written.onset, written.pitch, written.programme, strict=True):
        same = np.flatnonzero((np.round(notes.pitch) == pitch) & (notes.programme == programme))
        away = np.abs(notes.onset[same] - onset)
        if len(same) and away.min() <= LATE:
            found.append(int(same[away.argmin()]))
    return np.unique(np.array(found, dtype=int))
