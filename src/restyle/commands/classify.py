"""``restyle classify``: which genre is it? Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restyle.commands import outputs
from restyle.commands.inputs import read_sound
from restyle.commands.transfer import check_input
from restyle.errors import RestyleError

if TYPE_CHECKING:
    from restyle.analysis.genre import Genres

Report = Callable[[Path, "Genres"], None]


def run(
    files: Sequence[Path],
    *,
    weights: str | Path | None = None,
    pictures: Path | None = None,
    progress: Callable[[float], None] | None = None,
    report: Report | None = None,
) -> list[dict[str, Any]]:
    """Tell the genres of recordings.

    Args:
        files: the recordings.
        weights: of the classifier: a name, a path, or ``hf:org/name``; those that come with the package by default.
        pictures: a folder that gets ``NAME.png`` with the probabilities over time of each; made if missing.
        progress: called with the fraction done, 0..1.
        report: called with each file as it is done.

    Returns:
        For each file ``{"file", "genre", "probabilities": {label: mean}, "times": [s], "over_time": {label: [..]},
        "picture"}``, the most probable genre first.

    Raises:
        RestyleError: if a file cannot be used, two pictures would have one name, or the weights hold no classifier.
    """
    if not files:
        raise RestyleError("there is nothing to classify; give a recording")
    for path in files:
        check_input(path)
    drawn = {path: None if pictures is None else pictures / f"{path.stem}.png" for path in files}
    _check([picture for picture in drawn.values() if picture])
    from restyle.analysis import genre
    from restyle.files import registry

    weights = None if weights is None else registry.find(weights)
    genre.load(weights)  # before any sound is read
    told = []
    with outputs.folder(pictures):
        for i, path in enumerate(files):
            found = genre.classify(read_sound(path), weights=weights, progress=_part(progress, i, len(files)))
            picture = drawn[path]
            if picture:
                _draw(found, path, picture)
            told.append(_told(path, found, picture))
            if report:
                report(path, found)
    return told


def summary(found: Genres) -> str:
    """Return the three most probable genres in one line.

    Example:
        >>> import numpy as np
        >>> from restyle.analysis.genre import Genres
        >>> summary(Genres(("jazz", "rock"), np.array([[0.9, 0.1]]), np.array([2.5])))
        'jazz 90 %, rock 10 %'
    """
    order = (-found.mean).argsort(kind="stable")[:3]
    return ", ".join(f"{found.labels[i]} {100 * found.mean[i]:.0f} %" for i in order)


def _check(pictures: list[Path]) -> None:
    names = [picture.name for picture in pictures]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise RestyleError(f"two recordings would have the picture {twice[0]}; rename one, or draw into two folders")


def _part(progress: Callable[[float], None] | None, i: int, count: int) -> Callable[[float], None] | None:
    return (lambda fraction: progress((i + fraction) / count)) if progress else None


def _draw(found: Genres, path: Path, picture: Path) -> None:
    from restyle.files.safely import writing
    from restyle.plot import save
    from restyle.plot_genres import probabilities

    with writing(picture) as beside:
        save(probabilities(found.labels, found.probabilities, found.times, path.name), beside)


def _told(path: Path, found: Genres, picture: Path | None) -> dict[str, Any]:
    order = (-found.mean).argsort(kind="stable")
    told: dict[str, Any] = {
        "file": str(path),
        "genre": found.best,
        "probabilities": {found.labels[i]: round(float(found.mean[i]), 4) for i in order},
        "times": [round(float(time), 3) for time in found.times],
        "over_time": {found.labels[i]: [round(float(p), 4) for p in found.probabilities[:, i]] for i in order},
    }
    return told | ({"picture": str(picture)} if picture else {})
