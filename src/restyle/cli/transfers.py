"""The commands that make sound: transfer, learn, batch. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.app import (
    Bits,
    Debug,
    Duration,
    Fit,
    Genre,
    Groove,
    MethodName,
    Option,
    Overwrite,
    Seed,
    Start,
    Strength,
    Tempo,
    Tone,
    Verbose,
    app,
    bar,
    examples,
)
from restyle.errors import RestyleError


@app.command(
    epilog=examples(
        "restyle transfer song.wav style.wav -o out.wav",
        "restyle transfer song.mid guitar1.wav guitar2.wav -o out.flac",
        "restyle transfer song.mp3 choir.style -o out.wav --strength 0.7 --tempo 120",
        "restyle transfer song.wav --genre jazz -o out.wav",
        "restyle transfer song.wav draw_strings -o out.wav      (a model of restyle models)",
        "restyle transfer song.wav my_run -o out.wav      (made by restyle train draw)",
        "restyle transfer song.wav style.wav -o out.wav --method note_synth --fit 100 --overwrite",
        "restyle transfer song.wav style.wav -o out.wav --method wavenet --set decoder=autoregressive",
    )
)
def transfer(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="What is played: a recording or a .mid file.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Result: .wav .flac .ogg .opus or .mp3.")],
    style: Annotated[
        list[Path] | None,
        typer.Argument(metavar="STYLE", help="How it sounds: recordings, a .style file, or a trained run."),
    ] = None,
    genre: Genre = None,
    method: MethodName = None,
    strength: Strength = 1.0,
    tempo: Tempo = "content",
    groove: Groove = False,
    tone: Tone = True,
    seed: Seed = 0,
    midi: Annotated[Path | None, typer.Option(metavar="OUT.mid", help="Also write the content's notes.")] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Also draw content, style and result.")] = None,
    start: Start = 0.0,
    duration: Duration = None,
    bits: Bits = "16",
    fit: Fit = None,
    option: Option = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Play CONTENT with the sound of STYLE; a record of inputs and settings is written beside OUT as .json.

    A result that is there already is kept if it was made of the same, and else replaced only with --overwrite.
    """
    from restyle.commands import transfer as command
    from restyle.commands.shared.settings import Settings, options

    settings = Settings(
        options=options(option or (), fit),
        method=method,
        strength=strength,
        tempo=tempo,
        groove=groove,
        tone=tone,
        seed=seed,
        start=start,
        duration=duration,
        bits=bits,
    )
    styles = _styles(style, genre)
    with bar(f"{content.name} in the style of {genre or styles[0].name}") as progress:
        record = command.run(
            content,
            styles,
            out,
            settings=settings,
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


def _styles(style: list[Path] | None, genre: str | None) -> list[Path]:
    """The recordings, or the file of a genre's style."""
    from restyle.style import genre_file, named

    if genre and style:
        raise RestyleError(f"there are two styles, {style[0]} and the genre '{genre}'; give one of them")
    if not genre and not style:
        raise RestyleError("there is no style; give recordings, a .style file, or --genre")
    return [genre_file(genre)] if genre else [named(path) for path in style or []]


@app.command(
    epilog=examples(
        "restyle learn choir1.wav choir2.wav -o choir.style",
        "restyle learn piano.wav choir.wav --mix .3,.7 -o between.style",
        "restyle transfer song.wav choir.style -o out.wav",
    )
)
def learn(
    style: Annotated[list[Path], typer.Argument(metavar="STYLE", help="One recording or several.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="NAME.style", help="Where to keep the style.")],
    method: MethodName = None,
    mix: Annotated[
        str | None, typer.Option(metavar="W,W...", help="How much of each recording's sound, as .3,.7.")
    ] = None,
    fit: Fit = None,
    option: Option = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Learn a style once, to use it wherever STYLE is asked for."""
    from restyle.commands import learn as command
    from restyle.commands.shared.settings import options

    own, shares = options(option or (), fit), command.shares(mix)
    with bar("learning"):
        learnt = command.run(style, out, method=method or command.DEFAULT, mix=shares, options=own, overwrite=overwrite)
    print(f"{out}: learnt from {len(style)} recording{'s' if len(style) > 1 else ''} for '{learnt.method}'")


@app.command(
    epilog=examples(
        "restyle batch pairs.csv -o results --jobs 2      (columns content,style[,out])",
        "restyle batch --style choir.style a.wav b.wav -o results",
        "restyle batch --style choir1.wav --style choir2.wav a.wav b.wav -o results      (recordings of one style)",
        "restyle batch pairs.csv -o results --seed 1 --overwrite",
    )
)
def batch(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PAIRS.csv|CONTENT", help="A table, or contents for --style.")
    ],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the results; made if missing.")],
    style: Annotated[
        list[Path] | None,
        typer.Option(metavar="STYLE", help="One style for all the contents; several recordings of it if given again."),
    ] = None,
    genre: Genre = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Transfers at a time.")] = 1,
    method: MethodName = None,
    strength: Strength = 1.0,
    tempo: Tempo = "content",
    groove: Groove = False,
    tone: Tone = True,
    seed: Seed = 0,
    start: Start = 0.0,
    duration: Duration = None,
    bits: Bits = "16",
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Transfer many pairs; a bad file does not stop the rest, and a second run does only what is left.

    Results are named CONTENT__STYLE.wav, with a number where another pair has that name. One that is there is skipped
    if it was made of the same files with the same options, and else replaced only with --overwrite.
    The exit code is 1 if a pair failed.
    """
    from restyle.commands import batch as command
    from restyle.commands.shared.settings import Settings

    settings = Settings(
        method=method,
        strength=strength,
        tempo=tempo,
        groove=groove,
        tone=tone,
        seed=seed,
        start=start,
        duration=duration,
        bits=bits,
    )
    one = _styles(style, genre) if style or genre else None
    if one is None and len(inputs) != 1:
        raise RestyleError("give one table of pairs, or --style STYLE or --genre NAME and any number of contents")
    pairs = command.make_pairs(one, inputs, out) if one else command.read_pairs(inputs[0], out)
    known: list[command.Outcome] = []
    with bar(f"{len(pairs)} pairs") as progress:

        def report(outcome: command.Outcome) -> None:
            known.append(outcome)
            print(f"{len(known)}/{len(pairs)} {_line(outcome)}", flush=True)
            progress(len(known) / len(pairs))

        outcomes = command.run(pairs, out, settings=settings, jobs=jobs, overwrite=overwrite, report=report)
    counts = {status: sum(o.status == status for o in outcomes) for status in ("done", "skipped", "failed")}
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    if counts["failed"]:
        raise typer.Exit(1)


def _line(outcome: Any) -> str:
    pair = outcome.pair
    what = f"{pair.content} in the style of {', '.join(map(str, pair.styles))}"
    if outcome.status == "failed":
        return f"failed: {what}: {outcome.reason}"
    return f"{outcome.status}: {pair.out}" + (f": {what}: {outcome.reason}" if outcome.reason else "")
