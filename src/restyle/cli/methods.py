"""The verb methods. Floor 7."""

from __future__ import annotations

from restyle.cli.display import fields
from restyle.cli.options import app, command


@command(app, "restyle transfer song.wav style.wav -o out.wav --method mosaic")
def methods() -> None:
    """List the methods."""
    from restyle.methods import METHODS

    fields({name: entry.text for name, entry in METHODS.items()})
