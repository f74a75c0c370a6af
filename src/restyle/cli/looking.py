"""The commands that tell or show something: transcribe, info, classify, methods, demo. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.app import Debug, Overwrite, Verbose, app, bar, examples


@app.command(epilog=examples("restyle transcribe song.wav -o song.mid"))
def transcribe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of any instruments.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.mid", help="The MIDI file to write.")],
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="A transcriber of your own: its run, weights file or name.")
    ] = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write the notes that a recording plays as a MIDI file."""
    from restyle.commands import transcribe as command

    with bar(file.name) as progress:
        notes = command.run(file, out, weights=weights, overwrite=overwrite, progress=progress)
    print(f"{out}: {len(notes)} notes")


@app.command(epilog=examples("restyle info song.wav", "restyle info song.mid", "restyle info choir.style --json"))
def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, a .mid file or a .style file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Show format, length, peak, loudness and tempo."""
    from restyle.commands import info as command

    facts = command.run(file)
    if as_json:
        import json

        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else value
        print(f"{name.replace('_', ' '):{width}}  {shown}")


@app.command(
    epilog=examples(
        "restyle classify song.mp3 --pictures pictures",
        "restyle classify music      (a folder whose sub-folders are named after genres: how many are right?)",
    )
)
def classify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings, or folders of them.")],
    weights: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A name of 'restyle models', a path, a run, or hf:org/name."),
    ] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the genres over time.")] = None,
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Tell which genre a recording sounds like, and when."""
    from restyle.commands import classify as command

    def report(path: Path, found: Any) -> None:
        if not as_json:
            print(f"{path}: {command.summary(found)}", flush=True)

    with bar(f"{len(files)} file{'s' if len(files) > 1 else ''}") as progress:
        found = command.run(
            files, weights=weights, pictures=pictures, overwrite=overwrite, progress=progress, report=report
        )
    if as_json:
        import json

        print(json.dumps(found.told(), indent=2, ensure_ascii=False))
    elif found.accuracy:
        print(f"right: {found.accuracy.track} of {found.accuracy.tracks} tracks, {found.accuracy.chunk} of the chunks")


@app.command(epilog=examples("restyle transfer song.wav style.wav -o out.wav --method mosaic"))
def methods(verbose: Verbose = False, debug: Debug = False) -> None:
    """List the methods."""
    from restyle.methods import METHODS

    width = max(map(len, METHODS))
    for name, entry in METHODS.items():
        print(f"{name:{width}}  {entry.text}")


@app.command(epilog=examples("restyle demo -o restyle-demo"))
def demo(
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder; made if missing.")] = Path(
        "restyle-demo"
    ),
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Play two short pieces, and transfer one to the sound of the other with each method; nothing is downloaded."""
    from restyle.commands import demo as command

    result = command.run(out, overwrite=overwrite, report=lambda text, path: print(f"{text:35} {path}", flush=True))
    print(f"\nListen to {result[0]} (content), {result[1]} (style), then to the others;")
    print(f"look at the pictures beside them, or open {out / 'index.html'} in a browser for all of it.")
