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
    "restyle transfer song.wav song2.wav -o out.wav --stems parts --vocals tone      (mixes are taken apart)",
    "restyle transfer song.wav piano.wav -o out.wav --drums funk.wav --strength drums=0.7,other=1",
    "restyle transfer song.wav funk.wav -o out.wav --drums-pattern style --add bass",
    "restyle transfer song.wav band.wav -o out.wav --arrange 1      (a new accompaniment to the tune)",
    "restyle transfer song.wav --genre jazz -o out.wav",
    "restyle transfer song.wav draw_strings -o out.wav      (a model of restyle models)",
    "restyle transfer song.wav my_run -o out.wav      (made by restyle train draw)",
    "restyle transfer song.wav style.wav -o out.wav --method note_synth --fit 100 --overwrite",
    "restyle transfer song.wav style.wav -o out.wav --method wavenet --set decoder=autoregressive",
    options="genre method strength parts vocals drums_pattern add arrange tempo groove tone seed midi pictures start"
    " duration bits fit option overwrite",
)
def transfer(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="What is played: a recording or a .mid file.")],
    out: Annotated[Path, output("OUT", "Result: .wav .flac .ogg .opus or .mp3.")],
    style: Annotated[
        list[Path] | None,
        typer.Argument(metavar="STYLE", help="How it sounds: recordings, a .style file, or a trained run."),
    ] = None,
    midi: Annotated[
        Path | None, typer.Option(metavar="OUT.mid", help="Also write the content's notes, a track a part.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Also draw content, style and result.")] = None,
    stems: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write the parts of the result, where it is taken apart.")
    ] = None,
    drums: Annotated[Path | None, typer.Option(metavar="FILE", help="Another style for the drums.")] = None,
    bass: Annotated[Path | None, typer.Option(metavar="FILE", help="Another style for the bass.")] = None,
    other: Annotated[Path | None, typer.Option(metavar="FILE", help="Another style for all other parts.")] = None,
    content_stems: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The content's stems: vocals, drums, bass, other.")
    ] = None,
    style_stems: Annotated[Path | None, typer.Option(metavar="DIR", help="The style's stems.")] = None,
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
    others = {part: path for part, path in {"drums": drums, "bass": bass, "other": other}.items() if path}
    beside = verb.Beside(content_stems, style_stems, others)
    with bar(f"{content.name} in the style of {genre or given[0].name}") as progress:
        record = verb.run(
            content,
            given,
            out,
            settings=chosen,
            midi=midi,
            pictures=pictures,
            stems=stems,
            beside=beside,
            overwrite=overwrite,
            progress=progress,
        )
    if record["kept"]:
        print(f"{out} is there already, made of the same; nothing to do")
        return
    length, used = record["length"] / record["rate"], record["settings"]["method"]
    print(f"{out}: {length:.1f} s by '{used}' in {record['seconds']:.1f} s")
    coherence = record["facts"].get("coherence", 0.0)
    if coherence >= EQUALISED and not record["settings"]["arrange"]:
        instead = "another style" if used == "mosaic" else "--method mosaic"
        print(f"this is mostly your recording, equalised (coherence {coherence:.2f} of 1); try {instead}")
