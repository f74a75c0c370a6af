"""What every data set yields, and how the ones made of sound files are read. Floor 3."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from restyle.audio import Audio
from restyle.errors import RestyleError, warn
from restyle.notes import Notes

SILENCE = 2e-5  # between the highest and the lowest sample (a peak of -100 dB): below it nothing is heard
BLOCK = 2**20  # samples of each channel looked at at once

log = logging.getLogger("restyle")


@dataclass(frozen=True)
class Clip:
    """A piece of a data set: sound, its notes where known, its labels, where it comes from, and its licence.

    Args:
        audio: the sound.
        notes: what is played, with times in s from the start of ``audio``; None where that is not known.
        labels: the first is the class (genre, instrument), others tell more.
        source: the group that must not be on two sides of a split.
        licence: of the sound; "" where the data set tells none.
    """

    audio: Audio
    notes: Notes | None
    labels: tuple[str, ...]
    source: str
    licence: str = ""


@dataclass(frozen=True)
class Item:
    """What is known of a sound file before it is read.

    Args:
        path: the sound file.
        labels: the first is the class (genre, instrument), others tell more.
        source: the group that must not be on two sides of a split (file, chart, composition, player, instrument).
        licence: of the sound; "" where the data set tells none.
        notes: the MIDI file of what is played, where there is one.
        split: train, validation or test, where the data set itself says so.
    """

    path: Path
    labels: tuple[str, ...]
    source: str
    licence: str = ""
    notes: Path | None = None
    split: str = ""


class SoundFiles:
    """A finite data set of sound files; the classes of single data sets fill ``items``, before a sound is read.

    Files that are missing or known to be damaged are never fatal: each is named in a warning and noted in ``skipped``
    as (name, reason), once.

    Args:
        name: of the data set, for messages.
        root: its folder; names in messages count from here.
    """

    def __init__(self, name: str, root: str | Path) -> None:
        self.name, self.root = name, Path(root)
        self.items: list[Item] = []
        self.skipped: list[tuple[str, str]] = []
        self._known: set[str] = set()

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes: the first labels of all items, sorted."""
        return tuple(sorted({item.labels[0] for item in self.items if item.labels}))

    def skip(self, path: Path, reason: str, *, expected: bool = False) -> None:
        """Note that a file is left out, and warn of it, unless the data set itself is known to lack it."""
        name = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        if name not in self._known:
            self._known.add(name)
            self.skipped.append((name, reason))
            (log.info if expected else warn)(f"{self.name}: {name} is skipped: {reason}")

    def present(self, items: Iterable[Item]) -> list[Item]:
        """Return the items whose sound file is there and skip the others.

        Raises:
            RestyleError: if there is none.
        """
        there = []
        for item in items:
            if item.path.is_file():
                there.append(item)
            else:
                self.skip(item.path, "there is no such file")
        if not there:
            raise RestyleError(f"{self.root} holds none of the sound files of {self.name}; unpack the sound there too")
        return there
