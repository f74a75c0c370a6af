"""``restyle learn``: recordings to a style that can be used again. Floor 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restyle.commands.shared.inputs import read_sound
from restyle.commands.shared.outputs import check_output
from restyle.errors import RestyleError
from restyle.methods import check
from restyle.style import DEFAULT, PARTS, SUFFIX, Style, learn, save


def run(
    paths: Sequence[Path],
    out: Path,
    *,
    method: str = DEFAULT,
    mix: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
    parts: bool = True,
    overwrite: bool = False,
) -> Style:
    """Learn from files and write a ``.style`` file; see `learn`. ``parts``: also of each part of a mix on its own.

    Raises:
        RestyleError: if an input cannot be used, or the output cannot be written or exists without ``overwrite``.
    """
    check(method)
    check_output(out, paths, [SUFFIX], overwrite=overwrite)
    names = [path.name for path in paths]
    wanted = [name for name in PARTS if parts or name != "parts"]
    clips = [read_sound(path) for path in paths]
    learnt = learn(clips, method=method, parts=wanted, names=names, mix=mix, options=options)
    save(out, learnt)
    return learnt


def shares(text: str | None) -> list[float] | None:
    """Read the shares of a mixture.

    Raises:
        RestyleError: if they are no numbers.

    Example:
        >>> shares(".3,.7")
        [0.3, 0.7]
    """
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError as error:
        raise RestyleError(f"--mix {text}: write a number for each recording, as .3,.7") from error
