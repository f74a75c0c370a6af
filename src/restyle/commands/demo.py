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
    import restyle.pages.plot  # noqa: F401 (what it lacks is said before the work)
    from restyle.commands.demo_pieces import greensleeves, ode_to_joy
    from restyle.io.sound import write

    report = report or (lambda text, path: None)
    files: list[Path] = []
    pages = [CONTENT, STYLE, *(f"{name}.wav" for name in methods or METHODS), "index.html"]
    outputs.check_free([folder / name for name in pages], overwrite=overwrite)
    with outputs.folder(folder):
        for name, play in ((CONTENT, ode_to_joy), (STYLE, greensleeves)):
            write(folder / name, play())
            files.append(folder / name)
            report("content" if name == CONTENT else "style", folder / name)
        for name in methods or list(METHODS):
            out = folder / f"{name}.wav"
            transfer.run(
                folder / CONTENT,
                [folder / STYLE],
                out,
                settings=Settings(method=name),
                pictures=folder / f"{name}-pictures",
                overwrite=overwrite,
            )
            files.append(out)
            report(f"method {name}", out)
        page = folder / "index.html"
        with outputs.together([page]) as [beside]:
            write_text(beside, _page(folder, files))
        report("a page that plays and shows all", page)
    return files


def _page(folder: Path, files: list[Path]) -> str:
    from restyle.pages.rendering import render

    texts = {CONTENT: ("Content", "Ode to Joy"), STYLE: ("Style", "Greensleeves")}
    sounds = []
    for path in files:
        title, text = texts[path.name] if path.name in texts else (path.stem, METHODS[path.stem].text)
        picture = Path(f"{path.stem}-pictures") / "spectrograms.png"
        there = picture.as_posix() if (folder / picture).exists() else ""
        sounds.append({"title": title, "text": text, "file": path.name, "picture": there})
    return render("demo.html", sounds=sounds)
