"""Spectrograms of a data set in shards that are read memory-mapped, with statistics. Floor 3.

A folder with ``shard-*.safetensors`` (arrays float16 ``[L, F]``, with what is known of each in the metadata) and
``index.json`` (settings, entries, statistics), which is written last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from restyle.errors import RestyleError, warn
from restyle.io import shards
from restyle.io.atomic import writing
from restyle.io.text import write_text

INDEX = "index.json"
SHARD = 2**27  # bytes of arrays in a shard, about
BLOCK = 4096  # frames looked at at once


@dataclass(frozen=True)
class Entry:
    """What is known of a spectrogram before it is read.

    Args:
        name: of the sound, by which entries are sorted.
        labels: the first is the class.
        source: the group that must not be on two sides of a split.
        split: train, validation or test, where the data set itself says so.
        frames: L.
        stamp: the sound's state when it was read.
        shard: the file that holds it.
        key: its array in that file.
        beside: names of the arrays kept beside it, as ``notes``.
    """

    name: str
    labels: tuple[str, ...]
    source: str
    split: str
    frames: int
    stamp: str = ""
    shard: str = ""
    key: str = ""
    beside: tuple[str, ...] = ()


class Store:
    """Spectrograms in a folder; `Store.open` opens one.

    Attributes:
        folder: where it lies.
        settings: of the spectrograms: kind, rate, n_fft, hop ..., and ``log1p`` true.
        statistics: ``mean`` and ``std`` of every bin over all frames, float32 ``[F]``.
        entries: sorted by name.
    """

    def __init__(
        self, folder: Path, settings: dict[str, Any], statistics: dict[str, np.ndarray], entries: list[Entry]
    ) -> None:
        self.folder, self.settings, self.statistics, self.entries = folder, settings, statistics, entries
        self._warned = False  # of what its arrays lack

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """Open a finished store.

        Raises:
            RestyleError: if the folder holds none, it is unfinished or damaged, or a shard is missing.

        Example:
            >>> store = Store.open("store")  # doctest: +SKIP
            >>> store.read(0, start=100, frames=257).shape  # doctest: +SKIP
            (257, 257)
        """
        folder = Path(folder)
        if not (folder / INDEX).is_file():
            state = "is unfinished" if any(folder.glob("shard-*.safetensors")) else "holds no store of spectrograms"
            raise RestyleError(f"{folder} {state}; run restyle data spectrograms")
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            entries = [_entry(row) for row in index["entries"]]
            statistics = {name: np.array(index["statistics"][name], np.float32) for name in ("mean", "std")}
            settings = dict(index["settings"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RestyleError(f"{folder / INDEX} is damaged; run restyle data spectrograms again") from error
        missing = sorted({entry.shard for entry in entries if not (folder / entry.shard).is_file()})
        if missing:
            raise RestyleError(f"{folder} lacks {missing[0]}; run restyle data spectrograms again")
        return cls(folder, settings, statistics, entries)

    def read(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Return frames of entry ``i`` as a copy, float16 ``[L, F]``; only these are read from the disk.

        Args:
            i: which entry.
            start: the first frame.
            frames: how many at most; None reads to the end.

        Raises:
            RestyleError: if its shard is missing or damaged.
        """
        entry = self.entries[i]
        stop = entry.frames if frames is None else start + frames
        return np.array(shards.array(self.folder / entry.shard, entry.key)[start:stop])

    def beside(self, i: int, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return a part of an array that is kept beside entry ``i``, as a copy.

        What there may be: ``sound`` (float16 ``[T]``, at the spectrogram's rate), ``notes`` (float32 ``[N, 5]``: the
        columns of `Notes`), and for those that are bent ``bent`` (int64 ``[P]``, programmes) and ``bends`` (float16
        ``[P, L]``, semitones); ``partials`` (float32 ``[R, 201]``, rows of `methods.notewise.envelopes`); ``pitch``
        (float16 ``[L, 176]``, see `analysis.transcriber.salience`).

        Args:
            i: which entry.
            name: one of its ``beside``.
            start: along the first axis.
            stop: along the first axis; None reads to the end.

        Raises:
            RestyleError: if the store holds no such array.
        """
        entry = self.entries[i]
        if name not in entry.beside:
            what = {"notes": "lay MIDI files beside the sounds", "sound": "make the spectrograms with --sound"}
            what |= {"pitch": "make the spectrograms with --pitch"}
            raise RestyleError(f"{entry.name} has no {name} in its store; {what.get(name, 'make the store again')}")
        array = np.array(shards.array(self.folder / entry.shard, f"{entry.key}.{name}")[start:stop])
        if name == "partials" and array.dtype == np.float16:
            self._warn_of_half_precision()
            array = array.astype(np.float32)
        return array

    def _warn_of_half_precision(self) -> None:
        if not self._warned:
            self._warned = True
            warn(f"{self.folder} keeps onsets in 16 bits, up to 31 ms off; run restyle data spectrograms again")


class StoreWriter:
    """Fills a store; entries that are there from before, made with the same settings, are kept.

    Several writers may fill one folder at the same time; one of them closes it when all have flushed.

    Args:
        folder: is made if missing.
        settings: of the spectrograms, as JSON knows them.
        size: bytes of arrays gathered before they are written.

    Raises:
        RestyleError: if the folder cannot be made.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with StoreWriter(folder, {"kind": "stft"}) as writer:
        ...     writer.add("jazz/song.wav", ("jazz",), "song", "", np.ones((10, 4)))
        >>> Store.open(folder).statistics["mean"].tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any], *, size: int = SHARD) -> None:
        self.folder, self.settings, self.size = Path(folder), dict(settings), size
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RestyleError(f"{folder} cannot be made ({error.strerror}); choose another folder") from error
        self._entries: list[Entry] = []
        self._arrays: list[np.ndarray] = []
        self._beside: list[dict[str, np.ndarray]] = []

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            self.close()

    @cached_property
    def done(self) -> dict[str, str]:
        """Name -> stamp of what was there when this was first asked.

        Raises:
            RestyleError: if the folder's spectrograms were made with other settings.
        """
        return {entry.name: entry.stamp for entry in self._written()}

    def add(
        self,
        name: str,
        labels: tuple[str, ...],
        source: str,
        split: str,
        array: np.ndarray,
        *,
        stamp: str = "",
        beside: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Add a spectrogram ``[L, F]`` and what is kept beside it (see `Store.beside`).

        It is kept as float16 and takes the place of an earlier one of its name.

        Raises:
            RestyleError: if it is written now and cannot be, or holds no frames or values that are not finite.
        """
        array = np.ascontiguousarray(array, np.float16)
        if array.ndim != 2 or not array.size:
            raise RestyleError(f"{name} gives no frames; choose a longer sound")
        if not np.isfinite(array).all():
            raise RestyleError(f"{name} gives values that are no numbers or too large for a store; turn it down")
        self._entries.append(Entry(name, tuple(labels), source, split, len(array), stamp, beside=tuple(beside or ())))
        self._arrays.append(array)
        self._beside.append(dict(beside or {}))
        if sum(a.nbytes for a in self._arrays) >= self.size:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last time as one shard.

        Raises:
            RestyleError: if it cannot be written.
        """
        if not self._entries:
            return
        packed = json.dumps([self.settings, [asdict(entry) for entry in self._entries]], sort_keys=True).encode()
        digest = hashlib.sha256(packed)
        for array in self._arrays:
            digest.update(array.data)
        arrays = {str(i): array for i, array in enumerate(self._arrays)}
        for i, more in enumerate(self._beside):
            arrays |= {f"{i}.{name}": np.ascontiguousarray(array) for name, array in more.items()}
        arrays["sums"] = np.stack([_sums(array) for array in self._arrays])
        rows = [asdict(entry) for entry in self._entries]
        path = self.folder / f"shard-{digest.hexdigest()[:16]}.safetensors"
        shards.write(path, arrays, {"spectrograms": self.settings, "entries": rows})
        self._entries, self._arrays, self._beside = [], [], []

    def close(self, keep: Container[str] | None = None) -> None:
        """Write what is left, and the index of all entries.

        Args:
            keep: names of the entries that the index holds; None holds all.

        Raises:
            RestyleError: if there are none, or a file cannot be written.
        """
        self.flush()
        found = {entry.name: entry for entry in self._written() if keep is None or entry.name in keep}
        if not found:
            raise RestyleError(f"{self.folder} has no spectrograms; add at least one")
        entries = [found[name] for name in sorted(found)]
        index = {
            "restyle": "spectrograms",
            "settings": self.settings,
            "statistics": {name: values.tolist() for name, values in self._statistics(entries).items()},
            "entries": [asdict(entry) for entry in entries],
        }
        with writing(self.folder / INDEX) as beside:
            write_text(beside, json.dumps(index, ensure_ascii=False))

    def _written(self) -> list[Entry]:
        """The entries of all shards, later ones last; a shard that is damaged counts as not there."""
        entries = []
        for path in sorted(self.folder.glob("shard-*.safetensors"), key=lambda path: path.stat().st_mtime_ns):
            try:
                header = shards.read_settings(path)
                rows = header["entries"]
            except (RestyleError, KeyError) as error:
                warn(f"{path.name} is made anew: {error}")
                continue
            if (before := header["spectrograms"]) != self.settings:
                other = sorted(name for name in self.settings if before.get(name) != self.settings[name])
                why = ", ".join(other) or "other settings"
                raise RestyleError(f"{self.folder} holds spectrograms made otherwise ({why}); choose another folder")
            entries += [_entry({**row, "shard": path.name, "key": str(i)}) for i, row in enumerate(rows)]
        return entries

    def _statistics(self, entries: list[Entry]) -> dict[str, np.ndarray]:
        sums = sum(shards.array(self.folder / entry.shard, "sums")[int(entry.key)] for entry in entries)
        mean, square = np.asarray(sums) / sum(entry.frames for entry in entries)
        return {"mean": mean.astype(np.float32), "std": np.sqrt(np.maximum(square - mean**2, 0)).astype(np.float32)}


def _sums(array: np.ndarray) -> np.ndarray:
    """Sums of the values and of their squares over all frames, float64 ``[2, F]``."""
    sums = np.zeros((2, array.shape[1]))
    for at in range(0, len(array), BLOCK):
        block = array[at : at + BLOCK].astype(np.float32)
        sums += block.sum(axis=0, dtype=np.float64), np.square(block).sum(axis=0, dtype=np.float64)
    return sums


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "labels": tuple(row["labels"]), "beside": tuple(row.get("beside", ()))})
