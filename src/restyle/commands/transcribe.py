"""``restyle transcribe``: a recording to a MIDI file. Floor 6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from restyle.commands.shared.inputs import check_input, read_sound
from restyle.commands.shared.outputs import check_output
from restyle.dsp.checks import is_silent
from restyle.errors import RestyleError, warn
from restyle.io.midi import MIDI, write_midi
from restyle.notes import DRUMS, Notes

NO_DRUMS = -40.0  # dB beside the whole, below which what is taken for drums is what is left of others
GRIDS = (4, 6, 8, 12, 16, 24, 32)


def run(
    path: Path,
    out: Path,
    *,
    weights: str | None = None,
    quantise: int | None = None,
    pedal: bool = False,
    drums: bool = False,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Notes:
    """Write the notes that a recording plays, with its tempo map and bars where it has a steady beat.

    Args:
        path: the recording.
        out: the ``.mid`` file to write.
        weights: of the transcriber: a name of ``restyle models``, a path, or ``hf:org/name``; the package's by default.
        quantise: the grid that notes are moved to, as a division of a whole note: 16 for sixteenths, 12 for triplets.
        pedal: whether keys are let go early and held by the sustain pedal, where that sounds the same.
        drums: whether hits of kick, snare, toms and cymbals are written as well, on channel 10.
        overwrite: whether a file that is there may be replaced.
        progress: called with the fraction done, 0..1.

    Returns:
        The notes as they sound; none (with a warning) where the recording is silent.

    Raises:
        RestyleError: if the input cannot be used or the output cannot be written or exists.
    """
    if quantise is not None and quantise not in GRIDS:
        raise RestyleError(f"quantise must be one of {', '.join(map(str, GRIDS))}, not {quantise}")
    check_input(path)
    check_output(out, [path], MIDI, overwrite=overwrite)
    audio = read_sound(path)
    if is_silent(audio):
        warn(f"{path} is silent, so there are no notes in it")
        notes = Notes.of([])
        write_midi(out, notes)
        return notes
    from restyle.analysis import meter as meters
    from restyle.analysis.drums.infer import find_hits
    from restyle.analysis.facts import Analysis
    from restyle.analysis.transcriber.infer import transcribe

    found = transcribe(audio, weights=weights, progress=progress)
    notes = found.notes
    held: list[tuple[float, float]] = []
    meter = meters.estimate_meter(Analysis.of(audio).beats, notes)
    if drums and Analysis.of(audio).stem_facts.levels["drums"] >= NO_DRUMS:
        notes = Notes.joined([notes, find_hits(Analysis.of(audio).stems["drums"])])
    if meter is None:
        kept = ", and nothing is quantised" if quantise else ""
        warn(f"no steady beat was found in {path}: its notes stand at a tempo of 120, without bars{kept}")
    elif quantise:
        notes = meters.quantised(notes, meter, quantise)
    keys = notes
    if pedal:
        played, held = meters.pedalled(notes.pitched())
        keys = Notes.joined([played, notes.select(notes.programme == DRUMS)])
    if meter is None:
        write_midi(out, keys, pedal=held)
    else:
        write_midi(out, keys, pedal=held, beats=meter.times, bar=meter.beats, pickup=meter.first)
    return notes
