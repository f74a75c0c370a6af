"""The tables and lists that come with data sets, with a sentence for what is wrong in them. Floor 3."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from restyle.errors import RestyleError


def find(root: str | Path, patterns: Iterable[str], what: str) -> Path:
    """Return the first file or folder under a folder that fits one of some patterns, in their order.

    Args:
        root: the folder the user gave.
        patterns: as `Path.glob` takes them.
        what: the data set and what should be there, for the sentence.

    Raises:
        RestyleError: if the folder is missing or holds none.
    """
    root = Path(root)
    if not root.is_dir():
        raise RestyleError(f"{root}: there is no such folder; check the name")
    for pattern in patterns:
        found = sorted(root.glob(pattern), reverse=True)  # the newest version first
        if found:
            return found[0]
    raise RestyleError(f"{root} does not hold {what}; give the folder that the data set was unpacked to")


def read_rows(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Read a csv file with a header, or a json file of rows or of columns, as one dictionary a row.

    Args:
        path: ends in .csv or .json.
        columns: what every row must have.

    Raises:
        RestyleError: if the file is damaged or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _of_json(json.load(file)) if path.suffix == ".json" else list(csv.DictReader(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise RestyleError(f"{path} is damaged or no table; download it again") from error
    missing = [column for column in columns if not rows or any(row.get(column) is None for row in rows)]
    if missing:
        raise RestyleError(f"{path} has rows without {', '.join(missing)}; download it again")
    return rows


def read_lines(path: str | Path) -> list[str]:
    """Read a list with an entry a line; empty lines, and lines that start with #, are passed over.

    Raises:
        RestyleError: if the file is missing, is no text or holds no entry.
    """
    try:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, ValueError) as error:
        raise RestyleError(f"{path} cannot be read as a list of files; check the name") from error
    entries = [line for line in lines if line and not line.startswith("#")]
    if not entries:
        raise RestyleError(f"{path} lists no files; give a list with one file a line")
    return entries


def _of_json(table: Any) -> list[dict[str, str]]:
    if isinstance(table, dict):  # {column: {row: value}}
        first: Any = next(iter(table.values()), {})
        table = [{column: values[row] for column, values in table.items()} for row in first]
    return [{key: str(value) for key, value in row.items()} for row in table]
