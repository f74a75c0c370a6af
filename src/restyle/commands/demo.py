"""``restyle demo``: two pieces of its own, each method's transfer of one to the other's sound, and a mix. Floor 6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from restyle.commands import transfer
from restyle.commands.shared import outputs
from restyle.commands.shared.settings import Settings
from restyle.io.text import write_text
from restyle.methods import METHODS
from restyle.style import DEFAULT

if TYPE_CHECKING:
    from restyle.pages.media import PartMedia

CONTENT, STYLE = "ode-to-joy", "greensleeves"
BAND, CLUB, MIX = "band", "club", "band-club"  # two arrangements, and the first in the style of the second

Say = Callable[[str, Path], None]


def run(
    folder: Path, *, methods: list[str] | None = None, overwrite: bool = False, report: Say | None = None
) -> list[Path]:
    """Write two pieces, a transfer by each method with its pictures, one of a mix, and a page that plays them.

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
    from restyle.commands.demo_pieces import SECONDS, greensleeves, ode_to_joy
    from restyle.io.sound import write
    from restyle.pages.pictures import OUTLINE
    from restyle.pages.rendering import render  # here, so that a missing package is named before the work

    report = report or (lambda text, path: None)
    methods = methods or list(METHODS)
    pieces, results, mixes = (
        [folder / f"{name}.wav" for name in names] for names in ((CONTENT, STYLE), methods, (BAND, CLUB, MIX))
    )
    files, page = [*pieces, *results, *mixes], folder / "index.html"
    outputs.check_free([*files, page], overwrite=overwrite)
    with outputs.folder(folder):
        for title, path, play in zip(("content", "style"), pieces, (ode_to_joy, greensleeves), strict=True):
            write(path, play())
            report(title, path)
        for name, path in zip(methods, results, strict=True):
            settings, pictures = Settings(method=name), folder / f"{name}-pictures"
            transfer.run(pieces[0], pieces[1:], path, settings=settings, pictures=pictures, overwrite=overwrite)
            report(f"method {name}", path)
        parts = _transfer_mix(*mixes, overwrite=overwrite)
        report("a mix, taken apart", mixes[-1])
        values = {"content": CONTENT, "style": STYLE, "methods": {name: METHODS[name].text for name in methods}}
        mix = {"content": BAND, "style": CLUB, "result": MIX, "parts": parts, "seconds": SECONDS, "columns": OUTLINE}
        with outputs.together([page]) as [beside]:
            write_text(beside, render("demo.html", **values, mix=mix))
        report("a page that plays and shows all", page)
    return files


def _transfer_mix(content: Path, style: Path, out: Path, *, overwrite: bool) -> tuple[PartMedia, ...]:
    """Write two arrangements, and the first in the style of the second; return the parts of that."""
    from restyle.commands.demo_pieces import SECONDS, band, club
    from restyle.io.sound import read, write
    from restyle.pages.media import tracks
    from restyle.stages.parts import mix

    stems = [path.with_name(f"{path.stem}-stems") for path in (content, style)]
    for path, folder, play in zip((content, style), stems, (band, club), strict=True):
        sounds = play()
        with outputs.folder(folder):
            for name, sound in sounds.items():
                write(folder / f"{name}.wav", sound)
            write(path, mix(list(sounds.values())))
    record = transfer.run(
        content,
        [style],
        out,
        settings=Settings(method=DEFAULT),
        stems=out.with_name(f"{out.stem}-parts"),
        beside=transfer.Beside(stems[0], stems[1]),
        overwrite=overwrite,
    )
    return tracks({name: read(Path(file)) for name, file in record["stems"].items()}, seconds=SECONDS)
