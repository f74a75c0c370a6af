"""The verb transcribe. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command, output


@command(
    app,
    "restyle transcribe song.wav -o song.mid",
    "restyle transcribe waltz.wav -o waltz.mid --quantise 16 --pedal",
    options="overwrite",
)
def transcribe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of any instruments.")],
    out: Annotated[Path, output("OUT.mid", "The MIDI file to write.")],
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="A transcriber of your own: its run, weights file or name.")
    ] = None,
    quantise: Annotated[
        int | None, typer.Option(metavar="N", help="Move notes onto a grid: 16 for sixteenths, 12 for triplets ...")
    ] = None,
    pedal: Annotated[bool, typer.Option("--pedal", help="Use the sustain pedal where it sounds the same.")] = False,
    drums: Annotated[bool, typer.Option("--drums", help="Write the hits of drums, too.")] = False,
    *,
    overwrite: bool,
) -> None:
    """Write the notes that a recording plays as a MIDI file, with its tempo and bars where it has a steady beat."""
    from restyle.commands import transcribe as verb

    with bar(file.name) as progress:
        notes = verb.run(
            file,
            out,
            weights=weights,
            quantise=quantise,
            pedal=pedal,
            drums=drums,
            overwrite=overwrite,
            progress=progress,
        )
    print(f"{out}: {len(notes)} notes")
