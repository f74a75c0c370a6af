"""Tables that people write: CSV as spreadsheets save it. Floor 2."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from restyle.errors import RestyleError

DELIMITERS = ",;\t|"


def read_table(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    r"""Read a CSV file whose first line names its columns, with commas, semicolons, tabs or bars between them.

    Args:
        path: the file, in UTF-8 or, with a byte order mark, UTF-16.
        columns: names that the first line must hold; case and spaces around them do not count.

    Returns:
        For each row that is not empty its line, from 2, and its values by the columns' names in small letters.

    Raises:
        RestyleError: if the file cannot be read or a column is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "pairs.csv")
        >>> _ = path.write_text("Content; Style\na, b.wav; c.wav\n")
        >>> read_table(path, ["content", "style"])
        [(2, {'content': 'a, b.wav', 'style': 'c.wav'})]
    """
    try:
        data = path.read_bytes()
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        lines = io.StringIO(data.decode("utf-16" if utf16 else "utf-8").lstrip("\ufeff"), newline="")
        header, delimiter = _header(lines.readline(), columns)
        lines.seek(0)
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        rows = [(reader.line_num, [value.strip() for value in row]) for row in reader][1:]
    except OSError as error:
        raise RestyleError(f"{path} cannot be read ({error.strerror}); check the name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RestyleError(f"{path} is not a CSV file in UTF-8; save it again as CSV") from error
    missing = [name for name in columns if name not in header]
    if missing:
        there = f"names the columns {', '.join(header)}" if any(header) else "is empty"
        raise RestyleError(f"{path}: its first line {there}, but no {' nor '.join(missing)}; name the columns there")
    filled = [(line, row + [""] * (len(header) - len(row))) for line, row in rows if any(row)]
    return [(line, dict(zip(header, row, strict=False))) for line, row in filled]


def _header(line: str, columns: Sequence[str]) -> tuple[list[str], str]:
    """The columns' names, and the delimiter: that which gives most of the names wanted, then most names."""
    found = []
    for delimiter in DELIMITERS:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        names = [name.strip().lower() for name in row]
        found.append((len(set(columns) & set(names)), len(names), names, delimiter))
    *_, names, delimiter = max(found, key=lambda one: one[:2])
    return names, delimiter
