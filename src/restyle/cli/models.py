"""The verb models. Floor 7."""

from __future__ import annotations

from typing import Annotated

import typer

from restyle.cli.display import bar, fields, table
from restyle.cli.options import app, command


@command(app, "restyle models", "restyle models vae_gan", "restyle models hf:org/name")
def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="To describe: also a path, a run, or hf:org/name[@commit] to fetch."),
    ] = None,
) -> None:
    """List the models that come with the package, your own and downloaded ones; or say what one is."""
    from restyle.commands import models as verb

    if not name:
        table(["name", "where", "kind", "size", "licence"], verb.rows(verb.run()))
        return
    with bar(name) as progress:
        facts = verb.describe(name, progress=progress)
    fields(facts)
