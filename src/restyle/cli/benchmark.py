"""The verb benchmark: make, run. Floor 7."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import bar, finish, heading, say_done, table
from restyle.cli.options import command, group, output

verbs = group(
    "benchmark",
    "Make triplets of content, style and target, and run methods on them.",
    "restyle benchmark make --midi midi --soundfont gm.sf2 -o triplets",
    "restyle benchmark run triplets --methods notes,mosaic -o results",
)


@command(
    verbs,
    "restyle benchmark make --midi midi --soundfont gm.sf2 -o triplets --count 60",
    "restyle benchmark make --midi midi --notes orchestra --notes guitars -o real-triplets",
    options="seed",
)
def make(
    midi: Annotated[Path, typer.Option(metavar="DIR", help="Folder of MIDI files.")],
    out: Annotated[Path, output("DIR", "Folder of the triplets.")],
    soundfont: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An .sf2 or .sf3 that no model was trained with.")
    ] = None,
    notes: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Instead: recorded notes, a folder an instrument, the pitch in their names."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many.")] = 60,
    *,
    seed: int,
) -> None:
    """Render triplets: one track as content, another as style, the content's notes by the style's sound as target."""
    from restyle.commands import benchmark as verb

    with bar(f"{count} triplets") as progress:
        number = verb.make(midi, verb.instruments(soundfont, notes), out, count=count, seed=seed, progress=progress)
    print(f"{out}: {number} triplets")


@command(
    verbs,
    "restyle benchmark run triplets --methods all -o results",
    "restyle benchmark run pairs -o results      (NNN.content.* and NNN.style.* without NNN.target.*)",
    options="methods jobs tone seed overwrite as_json",
)
def run(
    triplets: Annotated[Path, typer.Argument(metavar="TRIPLETS", help="Folder of NNN.content.*, NNN.style.* ...")],
    out: Annotated[Path, output("DIR", "Folder for sounds and scores.")],
    *,
    methods: str,
    jobs: int,
    overwrite: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Judge methods on triplets (or pairs without targets); a second run does what is left."""
    from restyle.commands import benchmark as verb
    from restyle.commands.shared.comparisons import choose
    from restyle.commands.shared.settings import Settings

    names = choose(methods)
    with bar(f"{triplets.name}: {', '.join(names)}") as progress:
        chosen = Settings(**settings)
        comparison = verb.run(
            triplets, names, out, settings=chosen, jobs=jobs, overwrite=overwrite, report=say_done, progress=progress
        )
    metrics = verb.metrics(comparison.pairs)
    rows = list(verb.rows(comparison, metrics))
    if as_json:
        print(json.dumps({"metrics": metrics, "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        _show(rows, metrics, len(comparison.pairs))
    finish(comparison)


def _show(rows: Sequence[Any], metrics: Sequence[str], count: int) -> None:
    from restyle.comparison.published import NOTE

    shown = []
    for row in rows:
        cells = [_with_error(value) for value in row.values]
        seconds = "" if row.seconds is None else f"{row.seconds:.2f}"
        memory = "" if row.memory is None else f"{row.memory / 1e6:.0f}"
        shown.append([row.name, *cells, seconds, memory, str(row.failed) if row.failed else ""])
    table(["", *map(heading, metrics), "s a clip", "MB", "failed"], shown)
    print(f"{count} pairs, mean ± standard error; lower is better")
    if "quality.lsd" in metrics:
        print(NOTE)


def _with_error(value: tuple[float, float | None] | None) -> str:
    if value is None:
        return ""
    mean, error = value
    digits = 2 if mean >= 1 else 4
    return f"{mean:.{digits}f}" if error is None else f"{mean:.{digits}f} ± {error:.{digits}f}"
