"""The verb learn. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import bar
from restyle.cli.options import app, command, output


@command(
    app,
    "restyle learn choir1.wav choir2.wav -o choir.style",
    "restyle learn piano.wav choir.wav --mix .3,.7 -o between.style",
    "restyle transfer song.wav choir.style -o out.wav",
    options="method mix fit option overwrite",
)
def learn(
    style: Annotated[list[Path], typer.Argument(metavar="STYLE", help="One recording or several.")],
    out: Annotated[Path, output("NAME.style", "Where to keep the style.")],
    mix: Annotated[
        str | None, typer.Option(metavar="W,W...", help="How much of each recording's sound, as .3,.7.")
    ] = None,
    parts: Annotated[bool, typer.Option("--parts/--no-parts", help="Also learn each part of a mix on its own.")] = True,
    *,
    method: str | None,
    fit: int | None,
    option: list[str] | None,
    overwrite: bool,
) -> None:
    """Learn a style once, to use it wherever STYLE is asked for."""
    from restyle.commands import learn as verb
    from restyle.commands.shared.settings import options

    own, shares = options(option or (), fit), verb.shares(mix)
    with bar("learning"):
        learnt = verb.run(
            style, out, method=method or verb.DEFAULT, mix=shares, options=own, parts=parts, overwrite=overwrite
        )
    print(f"{out}: learnt from {len(style)} recording{'s' if len(style) > 1 else ''} for '{learnt.method}'")
