"""Folders of MIDI files, a folder each genre, as piano rolls, and batches of two genres and of all. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from restyle.arrangement.rolls.roll import BAR, is_common, roll_of
from restyle.data.store import Store, StoreWriter
from restyle.errors import RestyleError, warn
from restyle.io.midi import MIDI_READ
from restyle.io.scores import read_score
from restyle.training.data import Chunks

KIND = "rolls"
SETTINGS = {"kind": KIND, "rate": 8, "hop": 1}  # hours are reckoned at 120 beats a minute
TEST = 5  # one piece of so many is for the test


@dataclass(frozen=True)
class File:
    """A file to learn from.

    Args:
        path: where it lies.
        name: its path in the data's folder.
        genre: the first folder in that.
        piece: what is the same piece in all genres: the file's name, without ``_GENRE`` at its end.
        split: ``test``, or empty.
    """

    path: Path
    name: str
    genre: str
    piece: str
    split: str = ""


def files(data: Path) -> list[File]:
    """List the MIDI files of a folder of genres, by name; the last fifth of the pieces, by name, is for the test.

    Args:
        data: has a sub-folder each genre; a piece in several genres is ``PIECE_GENRE.mid`` or ``PIECE.mid`` in each.

    Raises:
        RestyleError: if there is no such file.
    """
    found = list(_found(data))
    if not found:
        raise RestyleError(f"{data} holds no MIDI files in sub-folders; give a folder that has one for each genre")
    pieces = sorted({file.piece for file in found})
    test = set(pieces[len(pieces) - len(pieces) // TEST :])
    return [File(f.path, f.name, f.genre, f.piece, "test" if f.piece in test else "") for f in found]


def _found(data: Path) -> Iterator[File]:
    for path in sorted(data.rglob("*")):
        inner = path.relative_to(data)
        hidden = any(part[0] == "." for part in inner.parts)
        if path.suffix.lower() in MIDI_READ and len(inner.parts) > 1 and not hidden:
            genre = inner.parts[0]
            yield File(path, inner.as_posix(), genre, path.stem.removesuffix(f"_{genre}"))


def pack(data: Path, made: Path, report: Callable[[str], None] | None = None) -> Store:
    """Write the rolls of a folder's files as a store: an entry each file, a frame each sixteenth.

    Args:
        data: the folder; see `files`.
        made: of the store; entries that are there are kept.
        report: called with a line before the work.

    Raises:
        RestyleError: if the folder holds no MIDI files, or one cannot be read.
    """
    found, other = files(data), 0
    if report:
        report(f"packing {len(found)} MIDI files of {data}")
    kept = set()
    with StoreWriter(made, SETTINGS) as writer:
        for file in found:
            stamp = f"{file.path.stat().st_mtime_ns} {file.split}"
            if writer.done.get(file.name) != stamp:
                score = read_score(file.path)
                if not is_common(score):
                    other += 1
                    continue
                writer.add(file.name, (file.genre,), file.piece, file.split, roll_of(score).T, stamp=stamp)
            kept.add(file.name)
        if other:
            warn(f"{other} of {len(found)} files of {data} are not in 4/4; left out")
        if not kept:
            raise RestyleError(f"{data} holds no file in 4/4; give others")
        writer.close(kept)
    return Store.open(made)


class Windows(Chunks):
    """Chunks that begin on a bar line."""

    def start(self, chunk: int, epoch: int) -> int:
        """Return the frame of its entry at which a chunk begins."""
        if not self.random:
            return super().start(chunk, epoch)
        free = max(0, self.entry(chunk).frames - self.frames) // BAR
        return BAR * int(np.random.default_rng((self.seed, 1, epoch, chunk)).integers(free + 1))


class Rolls(Windows):
    """Windows of a genre, each with one of another, and one of any genre.

    Args:
        genres: the two.
        others: of `Chunks`.

    Raises:
        RestyleError: if there is nothing of a genre, or the chunks are no whole bars.
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
        genres: Sequence[str],
    ) -> None:
        if frames % BAR:
            raise RestyleError(f"data.frames must be whole bars of {BAR} sixteenths, not {frames}")
        own = [[i for i in entries if genre in store.entries[i].labels] for genre in genres]
        for genre, numbers in zip(genres, own, strict=True):
            if not numbers:
                there = ", ".join(sorted({entry.labels[0] for entry in store.entries}))
                raise RestyleError(
                    f"there is nothing of '{genre}' in the data; set module.init_args.genres to two of {there}"
                )
        super().__init__(store, own[0], frames, classes, random=random, seed=seed)
        self.drawn = [Windows(store, i, frames, classes, random=random, seed=seed) for i in (own[1], entries)]

    def batch(self, chunks: np.ndarray, epoch: int, *, wants: Sequence[str] = ()) -> tuple[Tensor, ...]:
        """Read windows.

        Args:
            chunks: which of the first genre, by number; those beside them are drawn.
            epoch: by which places and draws change, in training.
            wants: nothing.

        Returns:
            Rolls of the first genre, of the second, and of any, float32 ``[B, 84, L]`` each.
        """
        epoch = epoch if self.random else 0
        rng = np.random.default_rng((self.seed, 2, epoch, chunks[0]))
        others = [side.batch(rng.integers(len(side), size=len(chunks)), epoch)[0] for side in self.drawn]
        return super().batch(chunks, epoch)[0], *others
