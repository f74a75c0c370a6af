"""The songs that the manifest of a folder lists: rendered from MIDI files, or those of a known data set. Floor 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from restyle.data.clip import Item, SoundFiles
from restyle.errors import RestyleError

MANIFEST = "manifest.jsonl"


class Songs(SoundFiles):
    """The songs that `restyle data render` made, or `restyle data use` listed.

    All rendered songs of a MIDI file, or of a chart, are one source.

    Args:
        root: the folder, which holds a manifest.

    Raises:
        RestyleError: if the manifest or all of its sounds are missing, or it is damaged.

    Example:
        >>> Songs("rendered").labels  # doctest: +SKIP
        ('jazz', 'rock')
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__("songs", root)
        rows = read_manifest(self.root)
        if not rows:
            raise RestyleError(f"{self.root} holds no rendered songs; make some with 'restyle data render'")
        items = []
        for name in sorted(rows):
            row, path = rows[name], self.root / name
            labels = (row["label"],) if row["label"] else ()
            source = row.get("source") or Path(row["midi"]).with_suffix("").as_posix()
            midi = (
                path.with_suffix(".mid") if "notes" not in row else self.root / row["notes"] if row["notes"] else None
            )
            items.append(
                Item(
                    path,
                    labels,
                    source,
                    row.get("licence", ""),
                    None if row.get("notes", "") is None else midi,
                    row.get("split", ""),
                )
            )
        self.items = self.present(items)


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a set's manifest by file; a last line that was cut off is passed over.

    Raises:
        RestyleError: if the manifest is something else.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    rows = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            name = str(row["file"])
            rows[name] = row | {"label": row.get("label", ""), "midi": row.get("midi", name)}
        except (ValueError, TypeError, KeyError) as error:
            if number < len(lines):
                raise RestyleError(
                    f"{path}, line {number}: this is no manifest of songs; choose another folder"
                ) from error
    return rows
