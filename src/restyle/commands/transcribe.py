"""``restyle transcribe``: a recording to a MIDI file. Floor 6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from restyle.commands.shared.inputs import check_input, read_sound
from restyle.commands.shared.outputs import check_output
from restyle.dsp.checks import is_silent
from restyle.errors import warn
from restyle.io.midi import MIDI, write_midi
from restyle.notes import Notes


def run(
    path: Path,
    out: Path,
    *,
    weights: str | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Notes:
    """Write the notes that a recording plays.

    Args:
        path: the recording.
        out: the ``.mid`` file to write.
        weights: of the transcriber: a name of ``restyle models``, a path, or ``hf:org/name``; the package's by default.
        overwrite: whether a file that is there may be replaced.
        progress: called with the fraction done, 0..1.

    Returns:
        The notes; none (with a warning) where the recording is silent.

    Raises:
        RestyleError: if the input cannot be used or the output cannot be written or exists.
    """
    check_input(path)
    check_output(out, [path], MIDI, overwrite=overwrite)
    audio = read_sound(path)
    if is_silent(audio):
        warn(f"{path} is silent, so there are no notes in it")
        notes = Notes.of([])
    else:
        from restyle.analysis.transcriber.infer import transcribe

        notes = transcribe(audio, weights=weights, progress=progress).notes
    write_midi(out, notes)
    return notes
