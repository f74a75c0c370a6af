"""Download of data sets, with their checksums, by mirdata (extra ``data``). Floor 3."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path

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
    require("data", "mirdata", what=f"the download of {name}")
    import mirdata

    try:
        mirdata.initialize(name, data_home=str(home)).download()
    except (OSError, ValueError, HTTPException) as error:  # a wrong checksum is an OSError
        problem = f"{name} could not be downloaded to {home} ({_short(error)})"
        raise RestyleError(f"{problem}; try again, or unpack a copy there yourself") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
