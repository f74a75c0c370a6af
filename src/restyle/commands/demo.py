"""``restyle demo``: two pieces of its own, each method's transfer of one to the other's sound. Floor 6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from restyle.commands import transfer
from restyle.commands.shared import outputs
from restyle.commands.shared.settings import Settings
from restyle.io.text import write_text
from restyle.methods import METHODS

CONTENT, STYLE = "ode-to-joy.wav", "greensleeves.wav"


def run(
    folder: Path,
    *,
    methods: list[str] | None = None,
    overwrite: bool = False,
    report: Callable[[str, Path], None] | None = None,
) -> list[Path]:
    """Write the two pieces, a transfer by each method with its pictures, and a page that plays them.

    Args:
        folder: where to write; made if missing.
        methods: names of methods; all by default.
        overwrite: whether files of an earlier demo may be replaced.
        report: called with a text and a path as each file is there.

    Returns:
        The files to listen to.

    Raises:
        RestyleError: if the folder cannot be made or written to, or holds such files already.
    """
    from restyle.commands.demo_pieces import greensleeves, ode_to_joy
    from restyle.io.sound import write
    from restyle.pages.rendering import render  # here, so that a missing package is named before the work

    report = report or (lambda text, path: None)
    methods = methods or list(METHODS)
    files = [folder / name for name in (CONTENT, STYLE, *(f"{name}.wav" for name in methods))]
    page = folder / "index.html"
    outputs.check_free([*files, page], overwrite=overwrite)
    with outputs.folder(folder):
        for title, path, play in (("content", files[0], ode_to_joy), ("style", files[1], greensleeves)):
            write(path, play())
            report(title, path)
        for name, path in zip(methods, files[2:], strict=True):
            settings, pictures = Settings(method=name), folder / f"{name}-pictures"
            transfer.run(files[0], [files[1]], path, settings=settings, pictures=pictures, overwrite=overwrite)
            report(f"method {name}", path)
        with outputs.together([page]) as [beside]:
            texts = {name: METHODS[name].text for name in methods}
            write_text(beside, render("demo.html", content=CONTENT, style=STYLE, methods=texts))
        report("a page that plays and shows all", page)
    return files
