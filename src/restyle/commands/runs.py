"""Trained models as styles: a run's folder, its weights file, or the name of a model that is there. Floor 6."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from restyle.commands.learn import SUFFIX, Style, load
from restyle.errors import RestyleError
from restyle.files import registry
from restyle.methods import METHODS, taught
from restyle.methods import method as make_method
from restyle.methods.base import Taught

WEIGHTS = registry.SUFFIX


def is_learnt(path: Path) -> bool:
    """Return whether a style's path names what was learnt: a ``.style`` file, a run's folder or a weights file."""
    return path.suffix in (SUFFIX, WEIGHTS) or path.is_dir()


def read(path: Path, options: Mapping[str, Any] | None = None) -> Style:
    """Read a style that was learnt.

    Args:
        path: a ``.style`` file, the folder of a finished run of ``restyle train``, or its weights file.
        options: settings of the method, for a trained model.

    Raises:
        RestyleError: if it is missing, damaged or unfinished, or was trained for something else.
    """
    if path.suffix == SUFFIX:
        return load(path)
    return _style(weights(path), options or {}, path.name)


def trained(model: str | Path, **options: Any) -> Style:
    """Return the style that a trained model is.

    Args:
        model: the folder of a finished run of ``restyle train``, a weights file, or a name of ``restyle models``.
        options: settings of the method, as ``named="jazz"``.

    Raises:
        RestyleError: if there is none, or it was trained for something else.

    Example:
        >>> trained("draw_strings").method
        'draw'
    """
    return read(named(Path(model)), options)


def named(path: Path) -> Path:
    """Return the weights file of a model that is a style by its bare name, as ``draw_strings``; any other path itself.

    Example:
        >>> named(Path("draw_strings")).name, named(Path("song.wav")).name
        ('draw_strings.safetensors', 'song.wav')
    """
    if path.suffix or path.parent != Path() or path.exists():
        return path
    found = (model.path for model in registry.models() if model.name == path.name)
    return next(found, path)


def weights(path: Path) -> Path:
    """Return the weights file of a finished run's folder; a file itself.

    Raises:
        RestyleError: if the folder is no run, or is not finished.
    """
    if not path.is_dir():
        return path
    if not (path / "run.json").is_file():
        raise RestyleError(f"{path} is a folder, but no run of restyle train; give a recording in it, or a run")
    try:
        if not (path / "finished.json").is_file():
            raise RestyleError(f"{path} is not finished; give its restyle train command again, then it goes on")
        name = json.loads((path / "run.json").read_text(encoding="utf-8"))["config"]["name"]
    except (OSError, ValueError, KeyError) as error:
        raise RestyleError(f"{path / 'run.json'} is damaged; train again with another --out") from error
    return path / f"{name}{WEIGHTS}"


def _style(path: Path, options: Mapping[str, Any], name: str) -> Style:
    """The style of a weights file, remembered by a name."""
    if not path.is_file():
        raise RestyleError(f"{path}: there is no such file; check the name")
    kind = str(registry.header(path).get("kind", ""))
    if kind not in METHODS or not taught(kind):
        held = f"a model of kind '{kind}'" if kind else "no model that restyle trained"
        styles = ", ".join(method for method in METHODS if taught(method))
        raise RestyleError(f"{path} holds {held}, which is no style; train one of {styles}, or give recordings")
    own = {**options, "weights": str(path)}
    used = cast(Taught, make_method(kind, **own))
    return Style(kind, {f"method/{key}": array for key, array in used.taught().items()}, (name,), own)
