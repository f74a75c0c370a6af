"""Writing so that a file appears whole or not at all. Floor 2."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restyle.errors import RestyleError

LONGEST = 255  # bytes of a file's name


def real(path: str | Path) -> Path:
    """Return a path itself, or what it leads to where it is a symbolic link."""
    path = Path(path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write to; rename it when all went well, remove it otherwise.

    A symbolic link stays one: what it leads to is replaced.

    Args:
        path: the file to appear in the end.

    Raises:
        RestyleError: if the folder is missing or read-only, ``path`` is a folder, or the disk is full.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with writing(folder + "/a.txt") as beside:
        ...     _ = beside.write_text("whole")
        >>> Path(folder, "a.txt").read_text()
        'whole'
    """
    check_writable(path)
    path = real(path)
    beside = path.with_name(f".restyle-{uuid.uuid4().hex[:12]}{path.suffix}")  # short, however long the name is
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise RestyleError(
            f"{path}: could not be written ({reason}); free some space or choose another place"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Raises:
        RestyleError: if the folder is missing or read-only, the name is too long, or ``path`` is a folder, a
            device or a circle of links.
    """
    path = real(path)
    folder = path.parent
    if len(os.fsencode(path.name)) > LONGEST:
        raise RestyleError(f"{path.name}: no file can have so long a name; give a shorter one")
    if not folder.is_dir():
        raise RestyleError(f"{folder}: there is no such folder to write {path.name} to; create it first")
    if path.is_dir():
        raise RestyleError(f"{path} is a folder; give the name of a file")
    if path.is_symlink():
        raise RestyleError(f"{path} is a link to itself; give the name of a file")
    if path.exists() and not path.is_file():
        raise RestyleError(f"{path} is a device, no file; give the name of a file")
    if not os.access(folder, os.W_OK):
        raise RestyleError(f"{folder} is read-only; choose another folder for {path.name}")
