"""The verb separate. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command, output


@command(
    app,
    "restyle separate song.wav -o stems",
    "restyle separate song.mp3 -o stems --format flac",
    "restyle separate song.wav -o stems --model demucs      (extra demucs; downloads its weights)",
    options="bits overwrite",
)
def separate(
    file: Annotated[Path, typer.Argument(metavar="SONG", help="A recording.")],
    out: Annotated[Path, output("DIR", "Folder of vocals, drums, bass and other, which add up to the song.")],
    form: Annotated[
        str, typer.Option("--format", metavar="wav|flac|ogg|opus|mp3", help="Format of the files.")
    ] = "wav",
    model: Annotated[str, typer.Option(metavar="restyle|demucs", help="What separates.")] = "restyle",
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="A separator of your own, or another model of Demucs's.")
    ] = None,
    *,
    bits: str,
    overwrite: bool,
) -> None:
    """Take a song apart: vocals, drums, bass and all else."""
    from restyle.commands import separate as verb

    with bar(file.name) as progress:
        found = verb.run(
            file, out, weights=weights, model=model, form=form, bits=bits, overwrite=overwrite, progress=progress
        )
    for name, level in found.items():
        print(f"{out / name}.{form}: {level:.1f} LUFS")
