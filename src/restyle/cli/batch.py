"""The verb batch. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command, output, styles
from restyle.errors import RestyleError


@command(
    app,
    "restyle batch pairs.csv -o results --jobs 2      (columns content,style[,out])",
    "restyle batch --style choir.style a.wav b.wav -o results",
    "restyle batch --style choir1.wav --style choir2.wav a.wav b.wav -o results      (recordings of one style)",
    "restyle batch pairs.csv -o results --seed 1 --overwrite",
    options="genre jobs method strength parts vocals drums_pattern add tempo groove tone seed start duration bits"
    " overwrite",
)
def batch(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PAIRS.csv|CONTENT", help="A table, or contents for --style.")
    ],
    out: Annotated[Path, output("DIR", "Folder of the results; made if missing.")],
    style: Annotated[
        list[Path] | None,
        typer.Option(metavar="STYLE", help="One style for all the contents; several recordings of it if given again."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Transfers at a time.")] = 1,
    *,
    genre: str | None,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Transfer many pairs; a bad file does not stop the rest, and a second run does only what is left.

    Results are named CONTENT__STYLE.wav, with a number where another pair has that name. One that is there is skipped
    if it was made of the same files with the same options, and else replaced only with --overwrite.
    The exit code is 1 if a pair failed.
    """
    from restyle.commands import batch as verb
    from restyle.commands.shared.settings import Settings

    chosen = Settings(**settings)
    one = styles(style, genre) if style or genre else None
    if one is None and len(inputs) != 1:
        raise RestyleError("give one table of pairs, or --style STYLE or --genre NAME and any number of contents")
    pairs = verb.make_pairs(one, inputs, out) if one else verb.read_pairs(inputs[0], out)
    known: list[verb.Outcome] = []
    with bar(f"{len(pairs)} pairs") as progress:

        def report(outcome: verb.Outcome) -> None:
            known.append(outcome)
            print(f"{len(known)}/{len(pairs)} {_line(outcome)}", flush=True)
            progress(len(known) / len(pairs))

        outcomes = verb.run(pairs, out, settings=chosen, jobs=jobs, overwrite=overwrite, report=report)
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
