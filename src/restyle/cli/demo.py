"""The verb demo. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from restyle.cli.options import app, command, output


@command(app, "restyle demo -o restyle-demo", options="overwrite")
def demo(
    out: Annotated[Path, output("DIR", "Folder; made if missing.")] = Path("restyle-demo"), *, overwrite: bool
) -> None:
    """Play two short pieces, transfer one to the sound of the other with each method, and a mix; nothing is downloaded.

    The page plays all of it, and mutes and solos the parts of the mix.
    """
    from restyle.commands import demo as verb

    result = verb.run(out, overwrite=overwrite, report=lambda text, path: print(f"{text:35} {path}", flush=True))
    print(f"\nListen to {result[0]} (content), {result[1]} (style), then to the others;")
    print(f"look at the pictures beside them, or open {out / 'index.html'} in a browser for all of it.")
