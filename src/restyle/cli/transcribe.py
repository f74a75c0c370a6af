"""The verb transcribe. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command, output


@command(app, "restyle transcribe song.wav -o song.mid", options="overwrite")
def transcribe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of any instruments.")],
    out: Annotated[Path, output("OUT.mid", "The MIDI file to write.")],
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="A transcriber of your own: its run, weights file or name.")
    ] = None,
    *,
    overwrite: bool,
) -> None:
    """Write the notes that a recording plays as a MIDI file."""
    from restyle.commands import transcribe as verb

    with bar(file.name) as progress:
        notes = verb.run(file, out, weights=weights, overwrite=overwrite, progress=progress)
    print(f"{out}: {len(notes)} notes")
