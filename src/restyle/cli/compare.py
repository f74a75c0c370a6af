"""The verb compare. Floor 7."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import bar, finish, heading, interval, say_done, table
from restyle.cli.options import app, command, output


@command(
    app,
    "restyle compare song.wav --style guitar.wav --style choir.wav -o comparison",
    "restyle compare a.wav b.wav --style choir.wav --methods notes,mosaic -o comparison",
    "restyle compare pairs.csv -o comparison      (columns content,style[,target])",
    options="methods jobs strength parts vocals tone seed start duration overwrite",
)
def compare(
    contents: Annotated[list[Path], typer.Argument(metavar="CONTENT", help="Recordings, or one .csv table of pairs.")],
    out: Annotated[Path, output("DIR", "Folder for report and sounds.")],
    style: Annotated[list[Path] | None, typer.Option(metavar="STYLE", help="A recording; may be given again.")] = None,
    *,
    methods: str,
    jobs: int,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Transfer every content to every style by every method; write a page to hear, see and compare them.

    A second run does what is left; results in DIR that were made of other files, or with other options, are replaced
    only with --overwrite. What cannot be used is named on the page; the exit code is then 1.
    """
    from restyle.commands import compare as verb
    from restyle.commands.shared.comparisons import REPORT, choose
    from restyle.commands.shared.settings import Settings

    chosen = Settings(**settings)
    names, pairs = choose(methods), verb.make_pairs(contents, style or [])
    with bar(f"{len(pairs)} pairs x {len(names)} methods") as progress:
        comparison = verb.run(
            pairs, names, out, settings=chosen, jobs=jobs, overwrite=overwrite, report=say_done, progress=progress
        )
    _show_means(comparison, verb.MAIN)
    print(f"open {out / REPORT} in a browser to hear, see and compare")
    finish(comparison)


def _show_means(comparison: Any, metrics: Sequence[str]) -> None:
    from restyle.comparison.statistics import bootstrap
    from restyle.comparison.table import COPIES

    known = set(comparison.metrics())
    names = [name for name in metrics if name in known]
    rows = []
    for method in [*COPIES, *comparison.methods]:
        cells = [interval(bootstrap(comparison.values(method, name))) for name in [*names, "seconds"]]
        rows.append([f"copy of the {method}" if method in COPIES else method, *cells])
    table(["", *map(heading, names), "seconds"], rows)
