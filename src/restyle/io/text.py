r"""Text for files and the terminal: names that are not in its encoding, times in words. Floor 2.

A file's name may hold bytes that are no UTF-8; Python keeps each as a lone surrogate, which no encoding can write. It
is written as ``\udcff``: as JSON that is the same name again when it is read.
"""

from __future__ import annotations

import codecs
from pathlib import Path

ESCAPED = "restyle.escaped"  # a way to treat what an encoding lacks, as ``errors`` of open() or encode()


def write_text(path: Path, text: str) -> None:
    r"""Write text as UTF-8.

    Example:
        >>> import json, os, tempfile
        >>> path, name = Path(tempfile.mkdtemp(), "a.json"), os.fsdecode(b"f\xfcr.wav")
        >>> write_text(path, json.dumps([name, "für.wav"], ensure_ascii=False))
        >>> path.read_text(encoding="utf-8")
        '["f\\udcfcr.wav", "für.wav"]'
        >>> json.loads(path.read_text(encoding="utf-8"))[0] == name
        True
    """
    path.write_text(text, encoding="utf-8", errors=ESCAPED)


def spell(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> spell(75), spell(4000), spell(8)
        ('1 min', '1 h 7 min', '8 s')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def printable(text: str) -> str:
    r"""Return text that every font and page takes, escaped as `write_text` does.

    Example:
        >>> print(printable("f\udcfcr.wav"))
        f\udcfcr.wav
    """
    return text.encode(errors=ESCAPED).decode()


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)), error.end


codecs.register_error(ESCAPED, _escape)
