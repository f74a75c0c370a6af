"""The folder of a comparison, as `compare` and `benchmark run` write it and `listen` reads it. Floor 6."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from restyle import __version__
from restyle.audio import Audio
from restyle.commands.shared import outputs
from restyle.commands.shared.inputs import read_sound
from restyle.commands.shared.settings import Settings
from restyle.comparison.table import COPIES, Comparison, Pair
from restyle.errors import RestyleError
from restyle.io.text import write_text
from restyle.methods import METHODS
from restyle.pages import media

SCORES, TABLE, REPORT = "scores.json", "scores.csv", "report.html"


def choose(methods: str) -> tuple[str, ...]:
    """Return the methods that ``all`` or a list like ``notes,mosaic`` names.

    Raises:
        RestyleError: if one is unknown or there is none.

    Example:
        >>> choose("notes, mosaic")
        ('notes', 'mosaic')
    """
    if methods.strip() == "all":
        return tuple(METHODS)
    names = tuple(dict.fromkeys(name.strip() for name in methods.split(",") if name.strip()))
    for name in names:
        if name not in METHODS:
            raise RestyleError(f"there is no method '{name}'; choose all, or some of {','.join(METHODS)}")
    if not names:
        raise RestyleError(f"--methods names no method; choose all, or some of {','.join(METHODS)}")
    return names


def named(name: str, content: Path, style: Path, target: Path | None = None) -> Pair:
    """Return a pair of files without results."""
    files = [str(path.resolve()) for path in (content, style)]
    return Pair(name=name, content=files[0], style=files[1], target=str(target.resolve()) if target else None)


def assemble(pairs: Sequence[Pair], methods: Sequence[str], settings: Settings) -> Comparison:
    """Return a comparison with the settings of its transfers."""
    used = {"strength": settings.strength, "parts": settings.parts, "vocals": settings.vocals}
    used |= {"tone": settings.tone, "seed": settings.seed}
    part = {"start": settings.start, "duration": settings.duration}
    return Comparison(pairs=tuple(pairs), methods=tuple(methods), settings=used | part, version=__version__)


def load(folder: Path) -> Comparison:
    """Read the comparison that a folder holds.

    Raises:
        RestyleError: if there is none.
    """
    path = folder / SCORES
    if not path.is_file():
        raise RestyleError(f"{folder} holds no comparison ({SCORES} is missing); make one with 'restyle compare'")
    return Comparison.from_json(path.read_text(encoding="utf-8", errors="replace"), str(path))


def excerpts(pair: Pair, folder: Path, settings: dict[str, Any], seconds: float) -> dict[str, Audio]:
    """Read the same stretch of the content, the target and all results, and one of the style: the loudest ones.

    Args:
        pair: with its results.
        folder: of the comparison.
        settings: of the comparison; they say which part of the content was used.
        seconds: longest stretch.

    Returns:
        Sounds by the names content, style, target and those of the methods that made one.

    Raises:
        RestyleError: if a file cannot be read.
    """
    first, (at, length) = settings.get("start", 0.0), _stretch(pair, settings, seconds)
    own = media.excerpt_start(read_sound(Path(pair.style)), seconds)
    places = {"content": (Path(pair.content), first + at), "style": (Path(pair.style), own)}
    if pair.target:
        places["target"] = (Path(pair.target), first + at)
    usable = [result for result in pair.results if result.method not in COPIES and result.sound and not result.error]
    places |= {result.method: (folder / str(result.sound), at) for result in usable}
    return {name: read_sound(path, start=start, duration=length) for name, (path, start) in places.items()}


def part_excerpts(pair: Pair, folder: Path, settings: dict[str, Any], seconds: float) -> dict[str, dict[str, Audio]]:
    """Read the parts of results that were taken apart, at the same stretch as `excerpts`.

    Returns:
        Method -> part -> sound.

    Raises:
        RestyleError: if a file cannot be read.
    """
    at, length = _stretch(pair, settings, seconds)
    return {
        result.method: {
            name: read_sound(folder / file, start=at, duration=length) for name, file in result.parts.items()
        }
        for result in pair.results
        if result.parts and not result.error
    }


def _stretch(pair: Pair, settings: dict[str, Any], seconds: float) -> tuple[float, float]:
    """Where the loudest stretch of what is used of the content begins there, and how long it is."""
    whole = settings.get("duration")
    used = read_sound(Path(pair.content), start=settings.get("start", 0.0), duration=whole)
    return media.excerpt_start(used, seconds), seconds if whole is None else min(seconds, whole)


def write(comparison: Comparison, folder: Path, more: dict[str, str] | None = None) -> None:
    """Write the scores as JSON and CSV, and more texts by their names: all of them or none.

    Raises:
        RestyleError: if they cannot be written.
    """
    texts = {SCORES: comparison.to_json(), TABLE: comparison.to_csv()} | (more or {})
    with outputs.together([folder / name for name in texts]) as beside:
        for path, text in zip(beside, texts.values(), strict=True):
            write_text(path, text)


def check_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Refuse to write over scores or a report that are somebody else's.

    Raises:
        RestyleError: if the folder holds some.
    """
    path = folder / SCORES
    if not path.exists():
        outputs.check_free([folder / TABLE, folder / REPORT], overwrite=overwrite)
    else:
        try:
            ours = json.loads(path.read_text(encoding="utf-8")).get("kind") == "comparison"
        except (ValueError, AttributeError, OSError):
            ours = False
        if not ours:
            raise RestyleError(f"{path} exists and is not a comparison of restyle; choose another folder")
