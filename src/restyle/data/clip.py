"""What every data set yields, and how the ones made of sound files are read. Floor 3."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import release
from restyle.errors import RestyleError, warn
from restyle.io.midi import read_midi
from restyle.io.sound import read
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


class DataSet(Protocol):
    """A finite data set: what it holds is known before a sound is read."""

    name: str
    items: list[Item]
    skipped: list[tuple[str, str]]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes: the first labels of all items, sorted."""
        ...

    def clips(self, items: Iterable[Item] | None = None, *, seconds: float | None = None) -> Iterator[Clip]:
        """Read items (all of them if None), whole or cut into clips of some seconds."""
        ...


class SoundFiles:
    """A `DataSet` of sound files; the classes of single data sets fill ``items``.

    Files that are missing, damaged or silent are never fatal: each is named in a warning and noted in ``skipped`` as
    (name, reason), once, however often it is asked for.

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

    def clips(self, items: Iterable[Item] | None = None, *, seconds: float | None = None) -> Iterator[Clip]:
        """Read items one after the other, so that one sound at a time is in memory.

        Args:
            items: which, in this order; None reads all.
            seconds: cut every sound into clips of exactly so many seconds, one after the other; a rest at the end is
                left out, and a sound that is shorter than one clip is skipped. None gives every sound whole.

        Raises:
            RestyleError: if ``seconds`` is not above 0.
        """
        if seconds is not None and not 0 < seconds < np.inf:
            raise RestyleError(f"a clip cannot last {seconds:g} s; give more than 0 seconds")
        return self._clips(self.items if items is None else items, seconds)

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

    def notes(self, item: Item) -> Notes | None:
        """Return what is played in an item; None if that is not known, or its MIDI file is damaged (it is skipped)."""
        if item.notes is None:
            return None
        try:
            return read_midi(item.notes)
        except RestyleError as error:
            self.skip(item.notes, str(error))
            return None

    def _clips(self, items: Iterable[Item], seconds: float | None) -> Iterator[Clip]:
        for item in items:
            audio = self._sound(item, seconds)
            if audio is None:
                continue
            notes = self.notes(item)
            if seconds is None:
                yield Clip(audio, notes, item.labels, item.source, item.licence)
                continue
            size = max(1, round(seconds * audio.rate))
            for at in range(0, audio.length - size + 1, size):
                part = notes.between(at / audio.rate, (at + size) / audio.rate) if notes else notes
                yield Clip(audio.slice(at, at + size), part, item.labels, item.source, item.licence)
                release(audio.samples)

    def _sound(self, item: Item, seconds: float | None) -> Audio | None:
        try:
            audio = read(item.path)
        except RestyleError as error:
            self.skip(item.path, str(error))
            return None
        if _silent(audio):
            self.skip(item.path, "it is silent")
            return None
        if seconds is not None and audio.length < max(1, round(seconds * audio.rate)):
            self.skip(item.path, f"it lasts only {audio.duration:.3g} s, less than the {seconds:g} s of a clip")
            return None
        return audio


def _silent(audio: Audio) -> bool:
    for at in range(0, audio.length, BLOCK):
        block = audio.samples[:, at : at + BLOCK]
        moves = bool((block.max(axis=1) - block.min(axis=1) >= SILENCE).any())
        release(audio.samples)
        if moves:
            return False
    return True
