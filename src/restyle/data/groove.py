"""Groove: 13.6 hours of drumming by ten drummers, MIDI and the sound of the electronic kit. Floor 3.

Source: Gillick et al. 2019, Learning to groove with inverse sequence transformations, arXiv 1905.06118;
https://magenta.tensorflow.org/datasets/groove.
"""

from __future__ import annotations

from pathlib import Path

from restyle.data.clip import Item, SoundFiles
from restyle.data.tables import find, read_rows

COLUMNS = ("drummer", "style", "beat_type", "midi_filename", "audio_filename", "split")
LICENCE = "CC BY 4.0"


class Groove(SoundFiles):
    """The performances that have sound (1,090 of 1,150); the others are noted in ``skipped``, without a warning.

    Labels: the style (funk, jazz, latin ...), whether it is a beat or a fill, then the finer style, where there is one
    (``latin/samba`` gives latin, beat, samba). Source: the drummer; the own split has most drummers on all three sides.

    Args:
        root: the folder with ``info.csv`` and the drummers' folders, or the one above it.

    Raises:
        RestyleError: if the table is missing or damaged, or no sound is there (the download without sound).

    Example:
        >>> Groove("groove").items[0].labels  # doctest: +SKIP
        ('funk', 'beat', 'groove1')
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__("groove", root)
        table = find(root, ["info.csv", "groove*/info.csv"], "Groove's table (info.csv)")
        rows = read_rows(table, COLUMNS)
        for row in rows:
            if not row["audio_filename"]:
                self.skip(table.parent / row["midi_filename"], "the data set has no sound of it", expected=True)
        self.items = self.present([_item(table.parent, row) for row in rows if row["audio_filename"]])


def _item(folder: Path, row: dict[str, str]) -> Item:
    style, *finer = row["style"].split("/")
    midi = folder / row["midi_filename"]
    labels = (style, row["beat_type"], *finer)
    notes = midi if midi.is_file() else None
    return Item(folder / row["audio_filename"], labels, row["drummer"], LICENCE, notes, row["split"])
