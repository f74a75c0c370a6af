"""Files as scores. Floor 6."""

from __future__ import annotations

from pathlib import Path

from restyle.audio import Audio
from restyle.commands.shared.inputs import read_sound
from restyle.errors import RestyleError
from restyle.io.midi import MIDI_READ
from restyle.io.scores import read_score
from restyle.score import Score


def score_of(path: Path, bars: tuple[int, int] | None = None, *, sound: Audio | None = None) -> Score:
    """Return a piece on its bars, or some of them; of a recording as they are found.

    Args:
        path: a MIDI file or a recording.
        bars: the first and the last, counted from 1; all by default.
        sound: the recording, where it has been read.

    Raises:
        RestyleError: if it cannot be read, has no notes, or not these bars.
    """
    if path.suffix.lower() in MIDI_READ:
        score = read_score(path)
    else:
        from restyle.arrangement.hearing import heard  # it loads torch

        score = heard(sound or read_sound(path), str(path)).score
    if not len(score):
        raise RestyleError(f"{path} has no notes; give another file")
    if bars is None:
        return score
    first, last = bars
    if not 1 <= first <= last or first > score.bar_count:
        raise RestyleError(f"{path} has bars 1 to {score.bar_count}; {first}-{last} are not among them")
    return score.between(first - 1, min(last, score.bar_count))
