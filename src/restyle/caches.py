"""Caches of libraries, put where they can be written on a machine with read-only places. Floor 1."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path


def cache_home() -> Path:
    """Return the folder in which the system keeps the caches of this user's programs."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (Path.home fails where there is none)
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


def prepare() -> None:
    """Point numba (without a cache librosa cannot be imported) and matplotlib to a temporary place where they need one.

    What the environment says goes before. It must be called before the libraries are loaded.
    """
    config = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))  # noqa: PTH111
    needed = {"NUMBA_CACHE_DIR": [cache_home()], "MPLCONFIGDIR": [cache_home(), config]}
    for name, places in needed.items():
        if name not in os.environ and not all(map(_can_be_written, places)) and (folder := _private()):
            os.environ[name] = str(folder / name.lower())


def _can_be_written(path: Path) -> bool:
    """Whether a folder, or the nearest one above it that there is, lets files be made in it."""
    there = next((place for place in (path, *path.parents) if os.path.lexists(place)), Path())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _private() -> Path | None:
    """A temporary folder that is this user's alone: what others could write there would be run."""
    import tempfile

    owner = os.getuid() if hasattr(os, "getuid") else ""
    try:
        folder = Path(tempfile.gettempdir()) / f"restyle-{owner}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        own = stat.S_ISDIR(found.st_mode) and (owner == "" or found.st_uid == owner) and not found.st_mode & 0o022
        return folder if own else Path(tempfile.mkdtemp(prefix="restyle-"))
    except OSError:
        return None
