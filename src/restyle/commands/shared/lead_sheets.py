"""The chords of a piece where they are known: in a file beside it, or named in the piece itself. Floor 6."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from restyle.analysis.chord_names import parse_chord
from restyle.data.charts import HOLD
from restyle.errors import RestyleError, warn
from restyle.io.midi_events import read_events
from restyle.io.scores import read_score
from restyle.score import STEPS, Score

NONE = "N"  # no chord
AROUND = " []{}()\t\r\n\0"  # what may stand around a name


def read_chords(path: Path, piece: Score) -> list[str]:
    """Return the chord of each beat of a text: a bar a line, a chord or ``/`` (as before) a beat.

    Args:
        path: the text.
        piece: whose chords they are; of fewer beats than it has, they begin again, and a warning says so.

    Raises:
        RestyleError: if it is no such text, or a line has not as many chords as bars of the piece have beats.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RestyleError(f"{path} is no text; write a bar a line, a chord or / a beat") from error
    lines = [line.split() for line in text.replace("|", "\n").splitlines() if line.strip()]
    cells = [cell for line in lines for cell in line]
    if not cells or cells[0] == HOLD:
        raise RestyleError(f"{path} does not begin with a chord; write a bar a line, a chord or / a beat")
    named: list[str] = []
    for cell in cells:
        named.append(named[-1] if cell == HOLD else cell)
    for name in dict.fromkeys(named):
        try:
            parse_chord(name)
        except RestyleError as error:
            raise RestyleError(f"{path}: {error}") from error
    beats = {-(-int(length) // STEPS) for length in np.diff(piece.bars)}
    wrong = next((line for line in lines if len(line) not in beats), None)
    if wrong and len(lines) > 1:
        many = f"{len(wrong)} chords for {' or '.join(map(str, sorted(beats)))} beats"
        raise RestyleError(f"{path}: the bar '{' '.join(wrong)}' has {many}; write a chord or {HOLD} a beat")
    if STEPS * len(named) < piece.bars[-1]:
        warn(f"{path} has the chords of {len(named)} of {-(-int(piece.bars[-1]) // STEPS)} beats: they begin again")
    return named


def named_chords(path: Path, beats: int, *, first: int = 1) -> list[str] | None:
    """Return the chord of each beat of a MIDI file that names them, as lead sheets do.

    They are the words of one kind (text, lyrics, markers or cues) of one track, all of them names of chords. Single
    letters alone are none: they may be marks of sections.

    Args:
        path: the MIDI file.
        beats: quarter notes that are wanted.
        first: the bar from which on, counted from 1.

    Returns:
        Names as `parse_chord` reads them, ``N`` before the first; None where the file names no chords.

    Raises:
        RestyleError: if it is no MIDI file.
    """
    lanes = defaultdict(list)
    for text in read_events(path).texts:
        if name := text.text.strip(AROUND):
            lanes[text.lane].append((text.quarter, name))
    found = next((lane for lane in lanes.values() if _are_chords([name for _, name in lane])), None)
    if found is None:
        return None
    begins = int(read_score(path).bars[first - 1]) // STEPS if first > 1 else 0
    chords = [NONE] * (begins + beats)
    for quarter, name in found:
        beat = min(int(quarter + 0.5), len(chords))
        chords[beat:] = [name] * (len(chords) - beat)
    return chords[begins:]


def _are_chords(names: list[str]) -> bool:
    try:
        known = [parse_chord(name) for name in names]
    except RestyleError:
        return False
    return len(known) > 1 and any(len(name) > 1 for name in names)
