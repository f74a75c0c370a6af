"""Several output files that appear together or not at all, and the checks on their names. Floor 6."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from restyle.errors import RestyleError
from restyle.io.atomic import check_writable, writing

HALF = 110  # bytes of a name that is made of two


def check_output(path: Path, inputs: Sequence[Path], kinds: Sequence[str], *, overwrite: bool = False) -> None:
    """Refuse an output that cannot be written or would overwrite an input or another file, before any work.

    Args:
        path: the file to write.
        inputs: the files that are read; links to them count as the same.
        kinds: the extensions allowed, as ``.wav``.
        overwrite: whether a file that is there may be replaced.

    Raises:
        RestyleError: if the extension is none of ``kinds``, the folder is missing or read-only, ``path`` is an
            input, or it exists and may not be replaced.

    Example:
        >>> check_output(Path("song.xyz"), [], [".wav", ".flac"])
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: song.xyz: the extension must be one of .wav .flac
    """
    if path.suffix.lower() not in kinds:
        raise RestyleError(f"{path}: the extension must be {'one of ' if len(kinds) > 1 else ''}{' '.join(kinds)}")
    check_writable(path)
    check_not_input(path, inputs)
    check_free([path], overwrite=overwrite)


def check_free(paths: Sequence[Path], *, overwrite: bool = False, why: str = "") -> None:
    """Refuse to replace files, unless that is asked for.

    Args:
        paths: the files to write.
        overwrite: whether those that are there may be replaced.
        why: what is known of those that are there, as ``, made with other settings``.

    Raises:
        RestyleError: if one exists and may not be replaced.
    """
    for path in paths:
        if not overwrite and (path.exists() or path.is_symlink()):
            raise RestyleError(f"{path} is there already{why}; give --overwrite to replace it, or choose another name")


def check_not_input(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output that is an input, or a link to one.

    Raises:
        RestyleError: if it is.
    """
    for given in inputs:
        if path.resolve() == given.resolve() or (path.exists() and given.exists() and path.samefile(given)):
            raise RestyleError(f"{path} is an input as well; give the output another name")


def check_distinct(paths: Sequence[Path]) -> None:
    """Refuse two outputs of the same name.

    Raises:
        RestyleError: if two paths are the same.
    """
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise RestyleError(f"{path} is given as two outputs; give each a name of its own")
        seen.add(path.resolve())


def record_path(out: Path) -> Path:
    """Return the name of the record beside a result: ``song.wav`` has ``song.json``."""
    return out.with_suffix(".json")


def shortened(stem: str) -> str:
    """Return a name, cut so that two of them fit in one; of long ones, other numbers tell those that are alike apart.

    Example:
        >>> len(shortened(200 * "a")), shortened("song")
        (110, 'song')
    """
    whole = os.fsencode(stem)
    return stem if len(whole) <= HALF else whole[:HALF].decode(errors="ignore")


def check_record(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse to overwrite a ``.json`` that is not a record of ours.

    Raises:
        RestyleError: if the file exists and restyle did not write it, or it cannot be written.
    """
    check_output(path, inputs, [".json"], overwrite=True)
    if path.exists() and read_record(path) is None:
        raise RestyleError(f"{path} exists and is not a record of restyle; give the output another name")


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a record that a transfer wrote; None if there is none or it is something else."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "restyle" in record else None


def fingerprint(path: Path) -> dict[str, Any]:
    """Return size and SHA-256 of a file: equal for equal files only.

    Example:
        >>> fingerprint(Path("/dev/null"))["bytes"]
        0
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": file.tell(), "sha256": sha256}


def fingerprints(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what tells inputs apart: the place, size and SHA-256 of each file; the place alone of a missing one."""
    return [{"file": path.resolve().as_posix()} | (fingerprint(path) if path.is_file() else {}) for path in paths]


def same_files(known: Any, given: Sequence[dict[str, Any]]) -> bool:
    """Return whether `fingerprints` of a record and of now are of equal files, wherever they lie."""
    try:
        pairs = zip(known, given, strict=True)
        return all((old["bytes"], old["sha256"]) == (new["bytes"], new["sha256"]) for old, new in pairs)
    except (TypeError, KeyError, ValueError):
        return False


@contextmanager
def together(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Give temporary names to write to, one beside each path; all are renamed in the end, or all removed.

    Raises:
        RestyleError: if a file cannot be written, naming it by its own name.
    """
    beside: list[Path] = []
    try:
        with ExitStack() as stack:
            beside += [stack.enter_context(writing(path)) for path in paths]
            yield beside
    except RestyleError as error:
        sentence = str(error)
        for temporary, path in zip(beside, paths, strict=False):
            sentence = sentence.replace(str(temporary), str(path)).replace(temporary.name, path.name)
        raise RestyleError(sentence) from error


@contextmanager
def folder(path: Path | None) -> Iterator[None]:
    """Make a folder if it is missing; if the work inside fails, remove it again when it was made here and is empty.

    Raises:
        RestyleError: if the folder above it is missing or read-only, or ``path`` is a file.
    """
    if path is None or path.is_dir():
        yield
        return
    if path.exists():
        raise RestyleError(f"{path} is a file; give the name of a folder")
    check_writable(path)
    path.mkdir()
    try:
        yield
    except BaseException:
        if not any(path.iterdir()):
            path.rmdir()
        raise
