"""The verb info. Floor 7."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import fields
from restyle.cli.options import app, command


@command(app, "restyle info song.wav", "restyle info song.mid", "restyle info choir.style --json", options="as_json")
def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, a .mid file or a .style file.")],
    *,
    as_json: bool,
) -> None:
    """Show format, length, peak, loudness and tempo."""
    from restyle.commands import info as verb

    facts = verb.run(file)
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        fields({name.replace("_", " "): value for name, value in facts.items()})
