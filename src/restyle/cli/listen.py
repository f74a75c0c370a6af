"""The verb listen: page, score. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import interval, table
from restyle.cli.options import command, group, output


class _PageByDefault(typer.core.TyperGroup):
    """``listen DIR`` stands for ``listen page DIR``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["page", *args]
        return list(super().parse_args(ctx, args))


verbs = group(
    "listen",
    "Make a blind listening test of a comparison ('restyle listen DIR -o test.html'), and score its ratings.",
    "restyle listen comparison -o test.html",
    "restyle listen score ratings-*.json",
    cls=_PageByDefault,
)


@command(verbs, "restyle listen comparison -o test.html --seed 7", options="seed seconds overwrite")
def page(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What 'restyle compare' wrote.")],
    out: Annotated[Path, output("test.html", "The page to write.")],
    seconds: Annotated[float, typer.Option(metavar="S", help="Length of the excerpts.")] = 10.0,
    *,
    seed: int,
    overwrite: bool,
) -> None:
    """Write a page on which listeners rate the sounds of a comparison without knowing which is which."""
    from restyle.commands import listen as verb

    count = verb.make(folder, out, seed=seed, seconds=seconds, overwrite=overwrite)
    print(
        f"{out}: {count} trials; send it to listeners, and score the files that they save with 'restyle listen score'"
    )


@command(
    verbs,
    "restyle listen score ratings-ann.json ratings-bo.json",
    "restyle listen score *.json --json",
    options="as_json",
)
def score(
    ratings: Annotated[list[Path], typer.Argument(metavar="RATINGS", help="Files that listeners saved.")],
    *,
    as_json: bool,
) -> None:
    """Give mean ratings with 95 % intervals, and a paired test of each two methods."""
    from restyle.commands import listen as verb

    scores = verb.score(ratings)
    if as_json:
        print(scores.to_json())
        return
    rows = [[row.question, row.condition, interval(row.interval), str(row.count)] for row in scores.scores]
    table(["question", "sound", "mean, 95 % interval", "ratings"], rows)
    pairs = [
        [d.question, f"{d.first} - {d.second}", f"{d.difference:+.1f}", f"{d.p:.3g}", f"{d.p_holm:.3g}", d.unit]
        for d in scores.differences
    ]
    if pairs:
        table(["question", "difference", "mean", "p", "p (Holm)", "paired by"], pairs)
    for flag in scores.flags:
        print(
            f"{flag.name}: rated the hidden reference below 90 in {flag.low} of {flag.trials} trials ({flag.question})"
        )
    print(f"{scores.listeners} listeners, {scores.pairs} pairs")
