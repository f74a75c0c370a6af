"""The verb arrange. Floor 7."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import bar, fields
from restyle.cli.options import app, command, output
from restyle.errors import RestyleError


def _list_grooves(value: bool) -> None:
    if value:
        from restyle.commands.shared.grooves import library

        fields(library())
        raise typer.Exit


@command(
    app,
    "restyle arrange tune.mid bossa.mid -o out.mid",
    "restyle arrange tune.mid --groove bossa -o out.mid --takes 4 --page takes.html",
    "restyle arrange tune.mid bossa.mid -o out.mid --bars 1-32 --keep melody,bass --density 0.7 --seed 3",
    "restyle arrange melody.mid bossa.mid -o out.mid --chords chords.txt",
    "restyle arrange song.wav band.wav -o out.wav --takes 4",
    options="overwrite seed",
)
def arrange(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="A MIDI file or a recording: its tune is kept.")],
    style: Annotated[
        Path | None, typer.Argument(metavar="STYLE", help="A MIDI file or a recording: how it accompanies.")
    ] = None,
    *,
    out: Annotated[Path, output("OUT", "The MIDI file to write; a sound file where STYLE is a recording.")],
    groove: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Instead of STYLE: a groove of the program mma, or a part of its name."),
    ] = None,
    chords: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The chords, if known: a bar a line, a chord or / a beat.")
    ] = None,
    keep: Annotated[
        str, typer.Option(metavar="A,B", help="What stays of CONTENT: melody, bass, chords, drums.")
    ] = "melody",
    bars: Annotated[str | None, typer.Option(metavar="1-32", help="The bars of CONTENT to arrange.")] = None,
    density: Annotated[
        float | None, typer.Option(metavar="D", help="0: the style's bars with the fewest notes; 1: the most.")
    ] = None,
    takes: Annotated[int, typer.Option(metavar="N", help="Make several to choose from: OUT-1, OUT-2 ...")] = 1,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A network that writes new bars: arranger, or a run of 'restyle train arranger'."
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="A page to hear and see content, style and takes on.")
    ] = None,
    list_grooves: Annotated[
        bool,
        typer.Option("--list-grooves", callback=_list_grooves, is_eager=True, help="List the grooves, and no more."),
    ] = False,
    overwrite: bool,
    seed: int,
) -> None:
    """Accompany a tune as another piece is accompanied: bass, chords and drums, on the tune's own chords and form."""
    from restyle.commands import arrange as verb

    asked = verb.Asked(
        groove=groove,
        chords=chords,
        keep=tuple(name for name in keep.split(",") if name),
        bars=_bars(bars),
        density=density,
        seed=seed,
        takes=takes,
        weights=weights,
    )
    with bar(content.name) as progress:
        records = verb.run(content, style, out, asked, page=page, overwrite=overwrite, progress=progress)
    for record in records:
        print(f"{record['out']}: {len(record['chords'])} beats, {record['notes']} notes, as {record['style']}")
    if page:
        print(f"{page}: to hear and see content, style and results")


def _bars(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    if not found:
        raise RestyleError(f"bars are given as 1-32 or 8, not '{text}'")
    return int(found[1]), int(found[2] or found[1])
