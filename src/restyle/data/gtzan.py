"""GTZAN: 1,000 excerpts of 30 s in 10 genres, 22,050 Hz mono. Floor 3.

Source: Tzanetakis and Cook 2002, Musical genre classification of audio signals, IEEE Trans. Speech and Audio Proc. 10.
Its faults (repeated, distorted and mislabelled excerpts): Sturm 2013, arXiv 1306.1461.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from restyle.data.clip import Item, SoundFiles
from restyle.data.splits import split
from restyle.data.tables import find, read_lines
from restyle.data.triplets import SOUNDS
from restyle.errors import RestyleError

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
# as mirdata unpacks it, the archive itself, the copy on Kaggle
FOLDERS = ("", "genres/", "gtzan_genre/genres/", "genres_original/", "Data/genres_original/")
DAMAGED = "jazz.00054"
FRACTIONS = {"train": 0.8, "test": 0.2}


class Gtzan(SoundFiles):
    """The excerpts of all genres that are there; jazz.00054 is left out, so that all copies give the same items.

    Who plays is not known, so that each excerpt is a source of its own.

    Args:
        root: the folder it was unpacked or downloaded to (``genres/blues/blues.00000.wav`` or .au ...).
        lists: a split given as lists of files: side -> text file with lines like ``blues/blues.00029.wav``, or with
            numbers 1..1000 through all excerpts in order (both are about for the fault-filtered split of Kereliuk,
            Sturm and Larsen: train_filtered.txt, valid_filtered.txt, test_filtered.txt). Excerpts in no list are left
            out.

    Raises:
        RestyleError: if the folder does not hold the data set, or a list is missing, damaged or overlaps with another.

    Source: the filtered split: Kereliuk, Sturm and Larsen 2015, Deep learning and music adversaries, arXiv 1507.04761.

    Example:
        >>> Gtzan("gtzan", lists={"train": "train_filtered.txt", "test": "test_filtered.txt"})  # doctest: +SKIP
    """

    def __init__(self, root: str | Path, *, lists: Mapping[str, str | Path] | None = None) -> None:
        super().__init__("gtzan", root)
        patterns = [f"{folder}{genre}" for folder in FOLDERS for genre in GENRES]
        genres = find(root, patterns, "GTZAN's folders blues, classical ...").parent
        for genre in GENRES:
            for path in sorted((genres / genre).glob(f"{genre}.*")):
                if path.stem == DAMAGED:
                    self.skip(path, "it is known to be damaged")
                elif path.suffix.lower() in SOUNDS:
                    self.items.append(Item(path, (genre,), path.stem, "unknown"))
        if not self.items:
            raise RestyleError(f"{genres} holds none of GTZAN's excerpts (blues/blues.00000.wav ...); unpack it again")
        if lists:
            self._keep(lists)

    def split(self, *, seed: int = 0) -> dict[str, list[Item]]:
        """Return the sides of the lists, or without lists 80 % and 20 % of each genre at random (train, test)."""
        own = dict.fromkeys(item.split for item in self.items)
        return split(self.items, {side: 1 / len(own) for side in own} if len(own) > 1 else FRACTIONS, seed=seed)

    def _keep(self, lists: Mapping[str, str | Path]) -> None:
        """Keep what the lists name, on their sides."""
        side_of: dict[str, str] = {}
        for side, path in lists.items():
            for line in read_lines(path):
                name = _excerpt(line, path)
                if side_of.setdefault(name, side) != side:
                    raise RestyleError(f"{path} lists {name}, which '{side_of[name]}' holds too; leave one of them out")
        there = {item.source: item for item in self.items}
        for name in side_of:
            if name not in there and name != DAMAGED:
                self.skip(self.root / name, "it is in a list, but not in the folder")
        self.items = [replace(item, split=side_of[name]) for name, item in there.items() if name in side_of]


def _excerpt(line: str, path: str | Path) -> str:
    """Turn a line of a list into the name of an excerpt."""
    if line.isdecimal() and 1 <= int(line) <= 1000:
        genre, number = divmod(int(line) - 1, 100)
        return f"{GENRES[genre]}.{number:05d}"
    name = Path(line.split("\t")[0].replace("\\", "/")).stem
    if name.partition(".")[0] not in GENRES:
        raise RestyleError(f"{path} has the line '{line[:60]}'; each must name a file like blues/blues.00029.wav")
    return name
