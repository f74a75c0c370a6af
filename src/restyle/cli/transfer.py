"""The verb transfer. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command, output, styles

EQUALISED = 0.5  # coherence from which a result is said to be the content's own sound


@command(
    app,
    "restyle transfer song.wav style.wav -o out.wav",
    "restyle transfer song.mid guitar1.wav guitar2.wav -o out.flac",
    "restyle transfer song.mp3 choir.style -o out.wav --strength 0.7 --tempo 120",
    "restyle transfer song.wav --genre jazz -o out.wav",
    "restyle transfer song.wav draw_strings -o out.wav      (a model of restyle models)",
    "restyle transfer song.wav my_run -o out.wav      (made by restyle train draw)",
    "restyle transfer song.wav style.wav -o out.wav --method note_synth --fit 100 --overwrite",
    "restyle transfer song.wav style.wav -o out.wav --method wavenet --set decoder=autoregressive",
    options="genre method strength tempo groove tone seed midi pictures start duration bits fit option overwrite",
)
def transfer(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="What is played: a recording or a .mid file.")],
    out: Annotated[Path, output("OUT", "Result: .wav .flac .ogg .opus or .mp3.")],
    style: Annotated[
        list[Path] | None,
        typer.Argument(metavar="STYLE", help="How it sounds: recordings, a .style file, or a trained run."),
    ] = None,
    midi: Annotated[Path | None, typer.Option(metavar="OUT.mid", help="Also write the content's notes.")] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Also draw content, style and result.")] = None,
    *,
    genre: str | None,
    fit: int | None,
    option: list[str] | None,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Play CONTENT with the sound of STYLE; a record of inputs and settings is written beside OUT as .json.

    A result that is there already is kept if it was made of the same, and else replaced only with --overwrite.
    """
    from restyle.commands import transfer as verb
    from restyle.commands.shared.settings import Settings, options

    chosen = Settings(options=options(option or (), fit), **settings)
    given = styles(style, genre)
    with bar(f"{content.name} in the style of {genre or given[0].name}") as progress:
        record = verb.run(
            content,
            given,
            out,
            settings=chosen,
            midi=midi,
            pictures=pictures,
            overwrite=overwrite,
            progress=progress,
        )
    if record["kept"]:
        print(f"{out} is there already, made of the same; nothing to do")
        return
    length, name = record["length"] / record["rate"], record["settings"]["method"]
    print(f"{out}: {length:.1f} s by '{name}' in {record['seconds']:.1f} s")
    coherence = record["facts"].get("coherence", 0.0)
    if coherence >= EQUALISED:
        other = "another style" if name == "mosaic" else "--method mosaic"
        print(f"this is mostly your recording, equalised (coherence {coherence:.2f} of 1); try {other}")
