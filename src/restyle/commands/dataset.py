"""``restyle data use``: a known data set, where it was unpacked, as songs that all other commands take. Floor 6."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from typing import Any

from restyle.commands.shared.outputs import folder
from restyle.data.clip import Item, SoundFiles
from restyle.data.manifest import MANIFEST
from restyle.errors import RestyleError, require
from restyle.io.atomic import writing

DATA_SETS = {  # name: its class, as module:Class, and mirdata's name, where that can download it
    "gtzan": ("restyle.data.gtzan:Gtzan", "gtzan_genre"),
    "groove": ("restyle.data.groove:Groove", "groove_midi"),
    "maestro": ("restyle.data.maestro:Maestro", "maestro"),
    "nsynth": ("restyle.data.nsynth:Nsynth", ""),
}


def use(
    name: str, root: Path, out: Path, *, lists: Mapping[str, Path] | None = None, download: bool = False
) -> SoundFiles:
    """Write a manifest of a data set's sounds, with their labels, sources, notes and sides; the sounds stay in place.

    Args:
        name: one of `DATA_SETS`.
        root: the folder it was unpacked to.
        out: the folder of the manifest, made if missing; ``restyle data spectrograms`` and ``restyle train`` take it.
        lists: of GTZAN, a split given as lists of files: side -> text file.
        download: whether to download the data set to ``root`` first.

    Returns:
        The data set: its items, and what was skipped and why.

    Raises:
        RestyleError: if there is no such data set, it is not in the folder or cannot be downloaded, or ``out`` holds
            something else.

    Example:
        >>> use("gtzan", Path("gtzan"), Path("songs"))  # doctest: +SKIP
    """
    if name not in DATA_SETS:
        raise RestyleError(f"there is no data set '{name}'; choose one of {', '.join(DATA_SETS)}, or give a folder")
    target, listed = DATA_SETS[name]
    if lists and name != "gtzan":
        raise RestyleError(f"{name} has a split of its own; --list is for gtzan")
    if download:
        if not listed:
            raise RestyleError(f"{name} cannot be downloaded by restyle; unpack it to {root} yourself")
        fetch(listed, root)
    module, _, built = target.partition(":")
    given: dict[str, Any] = {"lists": lists} if lists else {}
    found: SoundFiles = getattr(import_module(module), built)(root, **given)
    if out.is_dir() and any(out.iterdir()) and not _is_ours(out / MANIFEST, name):
        raise RestyleError(f"{out} holds something else; give the name of a new folder")
    with folder(out):
        rows = [{"data_set": name, **_row(item, out)} for item in found.items]
        with writing(out / MANIFEST) as beside:
            beside.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return found


def fetch(name: str, home: Path) -> None:
    """Download a data set and the list of its checksums, and unpack it; what is there already is kept.

    Args:
        name: mirdata's name of the data set.
        home: the folder to unpack to; it is made if missing.

    Raises:
        RestyleError: if mirdata is missing, the data cannot be had, or it does not match its checksum.

    Source: Bittner et al. 2019, mirdata: software for reproducible usage of datasets, ISMIR.
    """
    require("data", "mirdata", what=f"the download of {name}")
    import mirdata

    try:
        mirdata.initialize(name, data_home=str(home)).download()
    except (OSError, ValueError, HTTPException) as error:  # a wrong checksum is an OSError
        problem = f"{name} could not be downloaded to {home} ({_short(error)})"
        raise RestyleError(f"{problem}; try again, or unpack a copy there yourself") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _row(item: Item, out: Path) -> dict[str, Any]:
    return {
        "file": os.path.relpath(item.path, out),
        "label": item.labels[0] if item.labels else "",
        "source": item.source,
        "licence": item.licence,
        "notes": os.path.relpath(item.notes, out) if item.notes else None,
        "split": item.split,
    }


def _is_ours(manifest: Path, name: str) -> bool:
    """Whether a manifest was written for the same data set; then it is written anew."""
    try:
        with manifest.open(encoding="utf-8") as file:
            return bool(json.loads(file.readline()).get("data_set") == name)
    except (OSError, ValueError, AttributeError):
        return False
