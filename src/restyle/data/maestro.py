"""MAESTRO: 200 hours of piano competitions, sound and the keys' MIDI within 3 ms. Floor 3.

Source: Hawthorne et al. 2019, Enabling factorized piano music modeling and generation with the MAESTRO dataset,
arXiv 1810.12247; https://magenta.tensorflow.org/datasets/maestro.
"""

from __future__ import annotations

from pathlib import Path

from restyle.data.clip import Item, SoundFiles
from restyle.data.tables import find, read_rows

COLUMNS = ("canonical_composer", "canonical_title", "split", "midi_filename", "audio_filename")
LICENCE = "CC BY-NC-SA 4.0"  # not for commercial use: nor are weights trained on it


class Maestro(SoundFiles):
    """The performances of MAESTRO 1 to 3. Label: the composer. Source: the composition; split: the own one.

    Args:
        root: the folder with ``maestro-v3.0.0.csv`` (or .json) and the years' folders, or the one above it.

    Raises:
        RestyleError: if the table is missing or damaged, or no sound is there (the download without sound).

    Example:
        >>> Maestro("maestro-v3.0.0").items[0].source  # doctest: +SKIP
        'Alban Berg: Sonata Op. 1'
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__("maestro", root)
        patterns = [f"{where}maestro-v*.{ending}" for where in ("", "maestro-v*/") for ending in ("csv", "json")]
        table = find(root, patterns, "MAESTRO's table (maestro-v3.0.0.csv)")
        self.items = self.present([_item(table.parent, row) for row in read_rows(table, COLUMNS)])


def _item(folder: Path, row: dict[str, str]) -> Item:
    composer, midi = row["canonical_composer"], folder / row["midi_filename"]
    source = f"{composer}: {row['canonical_title']}"
    notes = midi if midi.is_file() else None
    return Item(folder / row["audio_filename"], (composer,), source, LICENCE, notes, row["split"])
