"""Download and checksums of data sets, by mirdata (extra ``data``). Floor 3."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from typing import Any

from restyle.errors import RestyleError, require


def download(name: str, home: str | Path) -> None:
    """Download a data set and the list of its checksums, and unpack it; what is there already is kept.

    Args:
        name: mirdata's name of the data set.
        home: the folder to unpack to; it is made if missing.

    Raises:
        RestyleError: if mirdata is missing, the data cannot be had, or it does not match its checksum.

    Source: Bittner et al. 2019, mirdata: software for reproducible usage of datasets, ISMIR.
    """
    try:
        _dataset(name, home).download()
    except (OSError, ValueError, HTTPException) as error:  # a wrong checksum is an OSError
        problem = f"{name} could not be downloaded to {home} ({_short(error)})"
        raise RestyleError(f"{problem}; try again, or unpack a copy there yourself") from error


def validate(name: str, home: str | Path) -> tuple[list[str], list[str]]:
    """Compare the files of a data set with their checksums.

    Returns:
        Files that are missing and files that differ, as names under ``home``; two empty lists mean that all is well.

    Raises:
        RestyleError: if mirdata or the list of checksums is missing, or the folder is.
    """
    if not Path(home).is_dir():
        raise RestyleError(f"{home}: there is no such folder; check the name")
    try:
        missing, differing = _dataset(name, home).validate(verbose=False)
    except OSError as error:
        raise RestyleError(f"the checksums of {name} are not there yet; download the data set first") from error
    return _names(missing, home), _names(differing, home)


def _dataset(name: str, home: str | Path) -> Any:
    require("data", "mirdata", what=f"the data set {name}")
    import mirdata

    return mirdata.initialize(name, data_home=str(home))


def _names(found: dict[str, dict[str, list[str]]], home: str | Path) -> list[str]:
    paths = (Path(path) for kind in found.values() for files in kind.values() for path in files)
    return sorted(path.relative_to(home).as_posix() for path in paths)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
