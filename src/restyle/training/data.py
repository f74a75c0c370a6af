"""From a store of spectrograms to batches: sides, chunks, and an order that depends on nothing but seeds. Floor 4.

Batch ``step`` of epoch ``epoch`` is a pure function of (seed, epoch, step): a run that was stopped goes on with the
very batches it would have had.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from restyle.datasets.clip import Item
from restyle.datasets.splits import split
from restyle.errors import RestyleError

READERS = 2  # threads that read ahead
AHEAD = 4  # batches

log = logging.getLogger("restyle")


class Entry(Protocol):
    """A spectrogram of a store, before it is read."""

    name: str
    labels: tuple[str, ...]
    source: str
    split: str
    frames: int


class Spectrograms(Protocol):
    """What is needed of a `datasets.store.Store`."""

    settings: dict[str, Any]
    statistics: dict[str, np.ndarray]
    entries: list[Any]  # of `Entry`

    def read(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Return float16 ``[L, F]``."""
        ...


@dataclass(frozen=True)
class Sides:
    """Entries of a store by their numbers: no source is on two sides.

    Args:
        train: what is learnt from.
        validation: what tells when it is enough.
        test: what the store itself sets apart; never looked at before the end.
    """

    train: list[int]
    validation: list[int]
    test: list[int]


def sides(store: Spectrograms, validation: float, *, seed: int = 0) -> Sides:
    """Part a store by source; entries that the data set itself calls test are left out of the other two.

    Args:
        store: the spectrograms.
        validation: part of the sources, 0..1.
        seed: the same seed gives the same sides.

    Raises:
        RestyleError: if nothing is left, or there are fewer than two sources.
    """
    test = [i for i, entry in enumerate(store.entries) if entry.split == "test"]
    number = {}
    for i, entry in enumerate(store.entries):
        if entry.split != "test":
            number[i] = Item(Path(entry.name), tuple(entry.labels), entry.source, split=entry.split)
    if not number:
        raise RestyleError("the data hold no spectrograms to learn from; choose another folder")
    parted = split(list(number.values()), {"train": 1 - validation, "validation": validation}, seed=seed)
    held_out = {id(item) for item in parted["validation"]}
    return Sides(
        [i for i, item in number.items() if id(item) not in held_out],
        [i for i, item in number.items() if id(item) in held_out],
        test,
    )


def labels(store: Spectrograms, entries: Sequence[int]) -> list[str]:
    """Return the classes of entries: their first labels, sorted."""
    return sorted({store.entries[i].labels[0] for i in entries if store.entries[i].labels})


class Chunks:
    """Entries cut into pieces of equal length.

    An entry of L frames has ``L // frames`` chunks (one, followed by silence, if it is shorter). They lie one after
    the other, or each epoch at other places.

    Args:
        store: the spectrograms.
        entries: which, by number.
        frames: L of a chunk.
        classes: the labels, in the order of the classes' numbers.
        random: whether the places change from epoch to epoch.
        seed: of the places.
    """

    def __init__(
        self,
        store: Spectrograms,
        entries: Sequence[int],
        frames: int,
        classes: Sequence[str],
        *,
        random: bool = False,
        seed: int = 0,
    ) -> None:
        self.store, self.frames, self.random, self.seed = store, frames, random, seed
        self.entries = np.asarray(entries, dtype=np.int64)
        number = {label: i for i, label in enumerate(classes)}
        sources = {name: i for i, name in enumerate(sorted({entry.source for entry in store.entries}))}
        chosen = [store.entries[i] for i in entries]
        self.labels = np.array([number[entry.labels[0]] if entry.labels else -1 for entry in chosen], dtype=np.int64)
        self.sources = np.array([sources[entry.source] for entry in chosen], dtype=np.int64)
        counts = np.array([max(1, entry.frames // frames) for entry in chosen], dtype=np.int64)
        self.owner = np.repeat(np.arange(len(chosen)), counts)  # which of the chosen entries a chunk is of
        self.place = np.arange(len(self.owner)) - np.repeat(np.cumsum(counts) - counts, counts)

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self.owner)

    def entry(self, chunk: int) -> Any:
        """Return what is known of the spectrogram that a chunk is of."""
        return self.store.entries[self.entries[self.owner[chunk]]]

    def start(self, chunk: int, epoch: int) -> int:
        """Return the frame of its entry at which a chunk begins."""
        if not self.random:
            return int(self.place[chunk]) * self.frames
        free = self.entry(chunk).frames - self.frames
        return int(np.random.default_rng((self.seed, 1, epoch, chunk)).integers(0, max(0, free) + 1))

    def batch(self, chunks: np.ndarray, epoch: int, *, sources: bool = False) -> tuple[Tensor, ...]:
        """Read chunks: spectrograms float32 ``[B, F, L]``, labels int64 ``[B]``, and sources ``[B]`` if wanted."""
        made: Tensor | None = None
        for row, chunk in enumerate(chunks):
            start = self.start(chunk, epoch)
            read = self.store.read(int(self.entries[self.owner[chunk]]), start, self.frames)
            piece = torch.from_numpy(np.ascontiguousarray(read))
            if made is None:
                made = torch.zeros(len(chunks), self.frames, piece.shape[1])
            made[row, : len(piece)] = piece  # in half precision still: copying also widens it
        assert made is not None  # there is no batch without chunks
        owner = self.owner[chunks]
        told = [torch.from_numpy(self.labels[owner])]
        if sources:
            told.append(torch.from_numpy(self.sources[owner]))
        return made.transpose(1, 2).contiguous(), *told


class Batches:
    """An iterable for a trainer: the batches of one epoch from any step on, read ahead by threads.

    Training: every epoch has its own order; all processes take equal parts of each batch, so that two processes see
    together what one alone would. Validation (``shuffle`` false): each process has whole entries of its own, in order.

    Args:
        chunks: what to read.
        size: chunks of a batch, over all processes.
        shuffle: for training.
        seed: of the order.
        rank: number of this process.
        world: number of processes.
        sources: whether batches tell sources.
        pin: whether to put batches where a GPU can fetch them.

    Raises:
        RestyleError: if a batch cannot be divided by the processes.
    """

    def __init__(
        self,
        chunks: Chunks,
        size: int,
        *,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        sources: bool = False,
        pin: bool = False,
    ) -> None:
        self.chunks, self.shuffle, self.seed, self.sources, self.pin = chunks, shuffle, seed, sources, pin
        self.rank, self.world, self.epoch, self.first = rank, world, 0, 0
        if shuffle:
            if size % world:
                raise RestyleError(f"a batch of {size} cannot be shared by {world} devices; change data.batch")
            size = min(size, len(chunks) // world * world)
            if not size:
                raise RestyleError(f"{len(chunks)} chunks are too few for {world} devices; use fewer devices")
            self.size, self.count = size, len(chunks) // size
        else:
            self.own = np.flatnonzero(chunks.owner % world == rank)
            self.size = max(1, size // world)
            self.count = -(-len(self.own) // self.size)

    def begin(self, epoch: int, first: int = 0) -> None:
        """Let the next iteration be that of an epoch, from batch ``first`` on."""
        self.epoch, self.first = epoch, first

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return self.count

    def indices(self, epoch: int, step: int) -> np.ndarray:
        """Return which chunks make up this process's part of a batch."""
        where = slice(step * self.size, (step + 1) * self.size)
        if not self.shuffle:
            return self.own[where]
        order = np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.chunks))
        return order[where][self.rank :: self.world]

    def read(self, epoch: int, step: int) -> tuple[Tensor, ...]:
        """Return a batch: the same for the same arguments."""
        made = self.chunks.batch(self.indices(epoch, step), epoch, sources=self.sources)
        return tuple(part.pin_memory() for part in made) if self.pin else made

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Yield the rest of the epoch."""
        epoch, steps = self.epoch, iter(range(self.first, self.count))
        with ThreadPoolExecutor(READERS) as readers:
            waiting = deque(readers.submit(self.read, epoch, step) for step in islice(steps, AHEAD))
            try:
                while waiting:
                    ready = waiting.popleft().result()
                    waiting.extend(readers.submit(self.read, epoch, step) for step in islice(steps, 1))
                    yield ready
            finally:
                for future in waiting:
                    future.cancel()


def check_classes(store: Spectrograms, found: Sides) -> None:
    """Refuse data from which no classes can be learnt.

    Raises:
        RestyleError: if there are fewer than two.
    """
    known = labels(store, found.train)
    if len(known) < 2:
        told = f"only the class '{known[0]}'" if known else "no labels"
        raise RestyleError(f"the data to learn from hold {told}; give a sub-folder of sounds to each of two or more")
    missing = set(known) - set(labels(store, found.validation))
    if missing:
        log.warning("no source of %s is left for validation; add more", ", ".join(sorted(missing)))
    unlabelled = [store.entries[i].name for i in (*found.train, *found.validation) if not store.entries[i].labels]
    if unlabelled:
        raise RestyleError(f"{unlabelled[0]} has no label; put it into a sub-folder named after its class")
