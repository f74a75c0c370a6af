"""``restyle transcribe``: a recording to a MIDI file. Floor 6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from restyle.commands.inputs import MIDI, read_sound
from restyle.commands.outputs import check_output
from restyle.commands.transfer import check_input
from restyle.errors import warn
from restyle.notes import Notes
from restyle.representations.checks import is_silent


def run(path: Path, out: Path, *, overwrite: bool = False, progress: Callable[[float], None] | None = None) -> Notes:
    """Write the notes that a recording plays.

    Args:
        path: the recording.
        out: the ``.mid`` file to write.
        overwrite: whether a file that is there may be replaced.
        progress: called with the fraction done, 0..1.

    Returns:
        The notes; none (with a warning) where the recording is silent.

    Raises:
        RestyleError: if the input cannot be used or the output cannot be written or exists.
    """
    from restyle.files.midi import write_midi

    check_input(path)
    check_output(out, [path], MIDI, overwrite=overwrite)
    audio = read_sound(path)
    if is_silent(audio):
        warn(f"{path} is silent, so there are no notes in it")
        notes = Notes.of([])
    else:
        from restyle.analysis.transcription import transcribe

        notes = transcribe(audio, progress=progress).notes
    write_midi(out, notes)
    return notes
