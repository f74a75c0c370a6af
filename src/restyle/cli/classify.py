"""The verb classify. Floor 7."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command


@command(
    app,
    "restyle classify song.mp3 --pictures pictures",
    "restyle classify song.mid                      (by its notes)",
    "restyle classify music      (a folder whose sub-folders are named after genres: how many are right?)",
    options="overwrite as_json",
)
def classify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings or MIDI files, or folders of them.")],
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name of 'restyle models', a path, a run, or hf:org/name.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the genres over time.")] = None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Tell which genre a recording sounds like, or the notes of a MIDI file go like, and when."""
    from restyle.commands import classify as verb

    def report(path: Path, found: Any) -> None:
        if not as_json:
            print(f"{path}: {verb.summary(found)}", flush=True)

    with bar(f"{len(files)} file{'s' if len(files) > 1 else ''}") as progress:
        found = verb.run(
            files, weights=weights, pictures=pictures, overwrite=overwrite, progress=progress, report=report
        )
    if as_json:
        print(json.dumps(found.plain(), indent=2, ensure_ascii=False))
    elif found.accuracy:
        print(f"right: {found.accuracy.track} of {found.accuracy.tracks} tracks, {found.accuracy.chunk} of the chunks")
