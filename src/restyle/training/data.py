"""From a store of spectrograms to batches: sides, chunks, and an order that depends on nothing but seeds. Floor 3.

Batch ``step`` of epoch ``epoch`` is a pure function of (seed, epoch, step): a run that was stopped goes on with the
very batches it would have had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restyle.data.clip import Item
from restyle.data.splits import split
from restyle.data.store import Entry, Store
from restyle.data.takes import Takes
from restyle.errors import RestyleError, warn
from restyle.io.networks import some

READERS = 2  # threads that read ahead
AHEAD = 4  # batches
READ = 4096  # frames read at once
# what a module may want beside spectrograms and labels
WANTS = ("sources", "notes", "bends", "partials", "pitch", "sound", "mean")


@dataclass(frozen=True)
class Sides:
    """Entries of a store by their numbers: no source is on two sides.

    Args:
        train: for the gradients.
        validation: for the best epoch.
        test: what the store itself sets apart; read only at the end.
    """

    train: list[int]
    validation: list[int]
    test: list[int]


def sides(store: Store, validation: float, *, seed: int = 0) -> Sides:
    """Part a store by source; entries that the data set itself calls test are left out of the other two.

    Args:
        store: the spectrograms; the parts of `Takes` are on their own sides.
        validation: part of the sources, 0..1.
        seed: the same seed gives the same sides.

    Raises:
        RestyleError: if nothing is left, or there are fewer than two sources.
    """
    fixed = {i: span.side for i, span in enumerate(store.spans) if span.side} if isinstance(store, Takes) else {}
    test = [i for i, entry in enumerate(store.entries) if entry.split == "test"]
    number = {}
    for i, entry in enumerate(store.entries):
        if entry.split != "test" and i not in fixed:
            number[i] = Item(Path(entry.name), tuple(entry.labels), entry.source, split=entry.split)
    if not number and not fixed:
        raise RestyleError("the data hold no spectrograms to learn from; choose another folder")
    held_out = {i for i, side in fixed.items() if side == "validation"}
    if not fixed or len({item.source for item in number.values()}) > 1:
        parted = split(list(number.values()), {"train": 1 - validation, "validation": validation}, seed=seed)
        chosen = {id(item) for item in parted["validation"]}
        held_out |= {i for i, item in number.items() if id(item) in chosen}
    own = sorted({*number, *fixed})
    return Sides([i for i in own if i not in held_out], [i for i in own if i in held_out], test)


def labels(store: Store, entries: Sequence[int]) -> list[str]:
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
        store: Store,
        entries: Sequence[int],
        frames: int,
        classes: Sequence[str],
        *,
        random: bool = False,
        seed: int = 0,
    ) -> None:
        self.store, self.frames, self.random, self.seed = store, frames, random, seed
        self.entries = np.asarray(entries, dtype=np.int64)
        self._means: dict[int, float] = {}
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

    def entry(self, chunk: int) -> Entry:
        """Return what is known of the spectrogram that a chunk is of."""
        return self.store.entries[self.entries[self.owner[chunk]]]

    def order(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return the order of an epoch in batches of a size."""
        return rng.permutation(len(self))

    def start(self, chunk: int, epoch: int) -> int:
        """Return the frame of its entry at which a chunk begins."""
        if not self.random:
            return int(self.place[chunk]) * self.frames
        free = self.entry(chunk).frames - self.frames
        return int(np.random.default_rng((self.seed, 1, epoch, chunk)).integers(0, max(0, free) + 1))

    def batch(self, chunks: np.ndarray, epoch: int, *, wants: Sequence[str] = ()) -> tuple[Tensor, ...]:
        """Read chunks.

        Args:
            chunks: which, by number.
            epoch: by which random ones are placed.
            wants: what else to read, of `WANTS`.

        Returns:
            Spectrograms float32 ``[B, F, L]``, labels int64 ``[B]``, and ``wants``, in that order: ``sources``
            int64 ``[B]``; ``notes`` float32 ``[B, N, 5]``, the columns of `Notes` with times from the chunk's start
            (notes that began before it start below 0), NaN where a chunk has fewer; ``bends`` float32 ``[B, N, L]``,
            their semitones, 0 where nothing is bent; ``partials`` float32 ``[B, R, 201]``, rows of
            `methods.notewise.envelopes` of notes that begin in the chunk, NaN where there are fewer; ``pitch`` float32
            ``[B, 176, L]`` (see `analysis.transcriber.salience`); ``sound`` float32 ``[B, L * hop]``; ``mean`` float32
            ``[B]``, the root mean square of the magnitudes of each chunk's whole entry.
        """
        starts = [self.start(chunk, epoch) for chunk in chunks]
        places = list(zip(chunks, starts, strict=True))
        output: Tensor | None = None
        for row, (chunk, start) in enumerate(places):
            read = self.store.read(self._number(chunk), start, self.frames)
            piece = torch.from_numpy(np.ascontiguousarray(read))
            if output is None:
                output = torch.zeros(len(chunks), self.frames, piece.shape[1])
            output[row, : len(piece)] = piece  # in half precision still: copying also widens it
        assert output is not None  # there is no batch without chunks
        owner = self.owner[chunks]
        notes = [self._notes(*place) for place in places] if "notes" in wants else []
        readers: dict[str, Callable[[], Tensor]] = {
            "sources": lambda: torch.from_numpy(self.sources[owner]),
            "notes": lambda: _padded([table for table, _ in notes], np.nan),
            "bends": lambda: _padded([curves for _, curves in notes], 0.0),
            "partials": lambda: _padded([self._partials(*place) for place in places], np.nan),
            "pitch": lambda: torch.stack([self._pitch(*place) for place in places]),
            "sound": lambda: torch.stack([self._sound(*place) for place in places]),
            "mean": lambda: torch.tensor([self.mean(self._number(chunk)) for chunk in chunks]),
        }
        labels = torch.from_numpy(self.labels[owner])
        return output.transpose(1, 2).contiguous(), labels, *(readers[name]() for name in wants)

    def mean(self, i: int) -> float:
        """Return the root mean square of the magnitudes of an entry, whole; it is read once."""
        if i not in self._means:
            total, frames = 0.0, self.store.entries[i].frames
            for at in range(0, frames, READ):
                log1p = self.store.read(i, at, READ).astype(np.float32)
                total += float(np.square(np.expm1(log1p), dtype=np.float64).mean(axis=1).sum())
            self._means[i] = (total / max(1, frames)) ** 0.5
        return self._means[i]

    def _number(self, chunk: int) -> int:
        return int(self.entries[self.owner[chunk]])

    def _notes(self, chunk: int, start: int) -> tuple[np.ndarray, np.ndarray]:
        """A chunk's notes ``[N, 5]`` and their bends ``[N, L]``."""
        i, hop = self._number(chunk), self.store.settings["hop"] / self.store.settings["rate"]
        table = self.store.beside(i, "notes")
        table = table[(table[:, 1] > start * hop) & (table[:, 0] < (start + self.frames) * hop)]
        curves = np.zeros((len(table), self.frames), np.float32)
        if "bends" in self.store.entries[i].beside:
            programmes, bends = self.store.beside(i, "bent"), self.store.beside(i, "bends")
            for programme, curve in zip(programmes, bends[:, start : start + self.frames], strict=True):
                curves[table[:, 4] == programme, : len(curve)] = curve
        return table - np.array([start * hop, start * hop, 0, 0, 0], np.float32), curves

    def _partials(self, chunk: int, start: int) -> np.ndarray:
        seconds = self.store.settings["hop"] / self.store.settings["rate"]
        rows = self.store.beside(self._number(chunk), "partials").astype(np.float32)
        rows = rows[(rows[:, 1] >= start * seconds) & (rows[:, 1] < (start + self.frames) * seconds)]
        rows[:, 1] -= start * seconds
        return rows

    def _pitch(self, chunk: int, start: int) -> Tensor:
        piece = self.store.beside(self._number(chunk), "pitch", start, start + self.frames)
        return nn.functional.pad(torch.from_numpy(piece).float().T, (0, self.frames - len(piece)))

    def _sound(self, chunk: int, start: int) -> Tensor:
        hop = self.store.settings["hop"]
        piece = self.store.beside(self._number(chunk), "sound", start * hop, (start + self.frames) * hop)
        return nn.functional.pad(torch.from_numpy(piece).float(), (0, self.frames * hop - len(piece)))


def _padded(tables: list[np.ndarray], filling: float) -> Tensor:
    """Tables ``[N, D]`` of different N as one ``[B, N, D]``."""
    output = np.full((len(tables), max(1, *map(len, tables)), tables[0].shape[1]), filling, np.float32)
    for row, table in zip(output, tables, strict=True):
        row[: len(table)] = table
    return torch.from_numpy(output)


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
        wants: what batches hold beside spectrograms and labels (see `Chunks.batch`).
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
        wants: Sequence[str] = (),
        pin: bool = False,
    ) -> None:
        self.chunks, self.shuffle, self.seed, self.wants, self.pin = chunks, shuffle, seed, wants, pin
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
        order = self.chunks.order(np.random.default_rng((self.seed, 0, epoch)), self.size)
        return order[where][self.rank :: self.world]

    def read(self, epoch: int, step: int) -> tuple[Tensor, ...]:
        """Return a batch: the same for the same arguments."""
        output = self.chunks.batch(self.indices(epoch, step), epoch, wants=self.wants)
        return tuple(part.pin_memory() for part in output) if self.pin else output

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


def check_labels(entries: Sequence[Entry]) -> None:
    """Refuse data from which no classes can be learnt.

    Raises:
        RestyleError: if there are fewer than two, or an entry has no label.
    """
    known = sorted({entry.labels[0] for entry in entries if entry.labels})
    if len(known) < 2:
        found = f"only the class '{known[0]}'" if known else "no labels"
        raise RestyleError(f"the data to learn from hold {found}; give a sub-folder of sounds to each of two or more")
    unlabelled = [entry.name for entry in entries if not entry.labels]
    if unlabelled:
        raise RestyleError(f"{unlabelled[0]} has no label; put it into a sub-folder named after its class")


def check_classes(store: Store, found: Sides) -> None:
    """Refuse sides from which no classes can be learnt.

    Raises:
        RestyleError: if there are fewer than two.
    """
    check_labels([store.entries[i] for i in found.train])
    missing = set(labels(store, found.train)) - set(labels(store, found.validation))
    if missing:
        warn(f"no source of {some(sorted(missing))} is left for validation; add more")
    check_labels([store.entries[i] for i in (*found.train, *found.validation)])
