"""The folder of a run: which config and data it is of, and whether it is finished. Floor 3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

from restyle.data.store import Store
from restyle.errors import RestyleError
from restyle.io.atomic import writing
from restyle.io.text import write_text
from restyle.training import config as configs


@dataclass(frozen=True)
class Trained:
    """The result of a run.

    Args:
        weights: the file for `io.hub`, with a model card beside it.
        epochs: that were run.
        best_epoch: whose weights these are.
        scores: of that epoch, and of the test set.
        before: whether the run was finished before.
    """

    weights: Path
    epochs: int
    best_epoch: int
    scores: dict[str, float]
    before: bool


def begun(out: Path, config: dict[str, Any], store: Store) -> dict[str, Any]:
    """Make a run's folder, or refuse one that has got somewhere with another config or other data.

    Returns:
        Config and data, for ``run.json``.

    Raises:
        RestyleError: if it is another run's, or cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise RestyleError(f"{out} is a file; give the name of a folder for the run")
    known = sorted(
        f"{entry.name} {entry.labels} {entry.source} {entry.split} {entry.frames}" for entry in store.entries
    )
    now = {"config": config, "data": sha1("\n".join(known).encode(), usedforsecurity=False).hexdigest()}
    path = out / "run.json"
    if path.is_file() and any((out / name).exists() for name in ("last.ckpt", "best.safetensors", "finished.json")):
        before = read(path)
        key = configs.same(configs.modern(before.get("config", {}), path), config)
        if key:
            raise RestyleError(f"{out} holds a run with another {key}; give it another --out, or that setting again")
        if before.get("data") != now["data"]:
            raise RestyleError(f"{out} holds a run on other data; give another --out, or those data again")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RestyleError(f"{out}: the folder cannot be made ({error.strerror}); choose another --out") from error
    return now


def finished(out: Path) -> Trained | None:
    """Return the result of a finished run; None if it is not finished."""
    path = out / "finished.json"
    if not path.is_file():
        return None
    done, name = read(path), read(out / "run.json").get("config", {}).get("name", "")
    weights = out / f"{name}.safetensors"
    return Trained(weights, done["epochs"], done["best_epoch"], done["scores"], True) if weights.is_file() else None


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run.

    Raises:
        RestyleError: if it is damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RestyleError(f"{path} is damaged; choose another --out") from error


def write(path: Path, values: dict[str, Any]) -> None:
    """Write a JSON file of a run, whole or not at all."""
    with writing(path) as beside:
        write_text(beside, json.dumps(values, indent=1))
