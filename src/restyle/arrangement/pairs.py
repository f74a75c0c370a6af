"""Drafts of what a groove plays over chords, and what it does play, from a folder of parallel bands. Floor 4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.chord_names import parse_chord
from restyle.arrangement import tokens
from restyle.arrangement.drafts import cut, drafted, located, played, scale_of
from restyle.arrangement.harmony import Harmony
from restyle.arrangement.tokens import BEAT_BAR, CHORD, OF_BAR
from restyle.arrangement.variation import mixed, varied
from restyle.data.arrangements import CHORDS, MELODY
from restyle.data.manifest import read_manifest
from restyle.data.store import Store, StoreWriter
from restyle.errors import RestyleError
from restyle.io.midi import MIDI
from restyle.io.scores import read_score
from restyle.score import STEPS, Score
from restyle.training.data import Chunks

KIND = "bars"
SETTINGS = {"kind": KIND, "rate": 2, "hop": 1}  # hours are reckoned at 120 beats a minute
STYLE_BARS = (2, 8)  # of a pair, at least and at most
AROUND = 4  # bars before and after those that are written, whose chords are known
DRAFTED = 1  # bars before and after them, of which there is a draft
OTHER = 0.5  # part of the drafts whose bars are not those that fit best
TAKES = 100  # of them
MIXED, VARIED = 0.4, 0.7  # parts of the pairs that are of two grooves, and that are changed
PLAIN = 0.5  # part of the pairs whose chords are told as plainly as `analysis.harmony` finds them
POOL = 50  # batches whose pairs are sorted by length


def pack(data: Path, made: Path, report: Callable[[str], None] | None = None) -> Store:
    """Write a folder of ``restyle data arrange`` as a store: an entry each song and groove, a frame each beat.

    The frames are rows of `tokens.beats`; ``notes`` beside them are rows of `tokens.events_of`.

    Args:
        data: the folder.
        made: of the store; entries that are there are kept.
        report: called with a line before the work.

    Raises:
        RestyleError: if the folder holds no such data.
    """
    songs = _manifest(data)
    if report:
        report(f"packing {len(songs)} songs of {data}")
    with StoreWriter(made, SETTINGS) as writer:
        for song in songs:
            missing = [stem for stem in song["grooves"] if writer.done.get(_name(song, stem)) != song["digest"]]
            if not missing:
                continue
            melody = read_score(data / song["file"] / MELODY)
            for stem in missing:
                score = read_score(data / song["file"] / f"{stem}{MIDI[0]}")
                harmony = read_chords(data / song["file"] / CHORDS, score.bars, song["beats"])
                table = tokens.beats(score.bars, harmony, melody)
                given = {"stamp": song["digest"], "beside": {"notes": tokens.events_of(score, table).astype("f2")}}
                writer.add(_name(song, stem), (), song["chart"], song["split"], table, **given)
        writer.close({_name(song, stem) for song in songs for stem in song["grooves"]})
    return Store.open(made)


def _name(song: dict[str, Any], stem: str) -> str:
    return f"{song['file']}/{stem}"


def _manifest(data: Path) -> list[dict[str, Any]]:
    rows = list(read_manifest(data).values())
    if not rows or not all({"grooves", "chart", "split", "digest", "beats"} <= row.keys() for row in rows):
        raise RestyleError(f"{data} holds no parallel bands; make them with restyle data arrange")
    return rows


def read_chords(path: Path, bars: np.ndarray, beats: int) -> Harmony:
    """Read the chords of a song.

    Args:
        path: the table; its beats are equal parts of bars.
        bars: steps at which bars begin and the last one ends.
        beats: of each bar.

    Raises:
        RestyleError: if it is missing or damaged.
    """
    try:
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        names = [row[2] for row in rows for _ in range(int(row[1]))]
        for name in set(names):
            parse_chord(name)
    except (OSError, ValueError, IndexError) as error:
        raise RestyleError(f"{path} is no table of chords; make the songs again") from error
    step = STEPS * np.arange(-(-int(bars[-1]) // STEPS))
    bar = np.searchsorted(bars, step, side="right") - 1
    cell = bar * beats + (step - bars[bar]) * beats // (bars[bar + 1] - bars[bar])
    return Harmony.of([names[k] for k in np.minimum(cell, len(names) - 1)], 0, "major")


class Pairs(Chunks):
    """Chunks of ``frames`` beats that are to be written, each with a draft of bars of the same groove.

    The draft is made of 2 to 8 bars of another song that has the groove, where there is one, else of other bars of the
    same. Pairs that change from epoch to epoch are also changed by `variation`.
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
        super().__init__(store, entries, frames, classes, random=random, seed=seed)
        self.same: dict[str, list[int]] = defaultdict(list)
        for i in entries:
            self.same[_groove(store, i)].append(i)
        self.playing: dict[str, list[int]] = defaultdict(list)
        for i in entries:
            self.playing[_song(store, i)].append(i)
        notes = np.array([len(store.beside(i, "notes")) / max(1, store.entries[i].frames) for i in entries])
        self.density = notes[self.owner]  # events of a beat

    def order(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return the chunks in an order in which those of a batch are about as long."""
        whole = rng.permutation(len(self))
        pools = [whole[k : k + POOL * size] for k in range(0, len(whole), POOL * size)]
        order = np.concatenate([pool[np.argsort(self.density[pool], kind="stable")] for pool in pools])
        count = len(order) // size
        batches = order[: count * size].reshape(count, size)[rng.permutation(count)]
        return np.concatenate([batches.reshape(-1), order[count * size :]])

    def batch(self, chunks: np.ndarray, epoch: int, *, wants: Sequence[str] = ()) -> tuple[Tensor, ...]:
        """Read pairs.

        Args:
            chunks: which, by number.
            epoch: by which bars are drawn.
            wants: nothing.

        Returns:
            Beats around the bars to write float32 ``[B, 30, L]``, the draft's events int64 ``[B, S, 5]``, and the
            events to write int64 ``[B, N + 1, 5]``, as `model.Arranger` takes them, -1 where there are fewer.
        """
        found = [self._pair(int(chunk), epoch if self.random else 0) for chunk in chunks]
        known, draft, events = (_stacked(tables) for tables in zip(*found, strict=True))
        return known.transpose(1, 2).contiguous().float(), draft, events

    def _pair(self, chunk: int, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self.seed, 2, epoch, chunk))
        i = self._number(chunk)
        table = self._read(i)[0]
        count, each = table[-1, BEAT_BAR] + 1, np.bincount(table[:, BEAT_BAR]).max()
        size = int(max(1, min(self.frames // each, count // 2)))
        place = int(self.place[chunk]) * size
        first = int(rng.integers(count - size + 1)) if self.random else min(place, count - size)
        near = np.arange(max(0, first - AROUND), min(count, first + size + AROUND))
        bars = range(first - near[0], first - near[0] + size)
        laid = range(max(0, bars[0] - DRAFTED), min(len(near), bars[-1] + 1 + DRAFTED))
        plain = [bool(self.random and rng.random() < PLAIN) for _ in range(2)]
        known = cut(simplified(table) if plain[0] else table, table[:0], near)[0]
        pair = self._band(i, near, known, laid, plain[1], rng)
        others = [k for k in self.playing[_song(self.store, i)] if k != i]
        if self.random and others and rng.random() < MIXED:
            other = others[int(rng.integers(len(others)))]
            pair = mixed(pair, self._band(other, near, known, laid, plain[1], rng), rng)
        if self.random and rng.random() < VARIED:
            pair = varied(pair, rng)
        draft, truth = (tokens.events_of(score, known) for score in pair)
        return known, located(inside(draft, laid), known), written(truth, known, bars)

    def _band(
        self, i: int, near: np.ndarray, known: np.ndarray, laid: range, plain: bool, rng: np.random.Generator
    ) -> tuple[Score, Score]:
        """A draft of what an entry plays in some bars, and what it does play there."""
        table, events = self._read(i)
        others = [k for k in self.same[_groove(self.store, i)] if k != i]
        beats, band = self._read(others[int(rng.integers(len(others)))]) if others else (table, events)
        spare = np.arange(beats[-1, BEAT_BAR] + 1)
        spare = spare if others else np.setdiff1d(spare, near[laid[0] : laid[-1] + 1])
        length = min(int(rng.integers(STYLE_BARS[0], STYLE_BARS[1] + 1)), len(spare))
        begin = int(rng.integers(len(spare) - length + 1))
        scales = scale_of(beats), scale_of(table)
        style = cut(simplified(beats) if plain else beats, band, spare[begin : begin + length])
        take = int(rng.integers(TAKES)) if self.random and rng.random() < OTHER else 0
        return drafted(style, known, laid, scales=scales, seed=take), played(cut(table, events, near)[1], known)

    def _read(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        return self.store.read(i).astype(np.int64), self.store.beside(i, "notes").astype(np.int64)


def _groove(store: Store, i: int) -> str:
    return store.entries[i].name.rpartition("/")[2]


def _song(store: Store, i: int) -> str:
    return store.entries[i].name.rpartition("/")[0]


def _stacked(tables: Sequence[np.ndarray]) -> Tensor:
    """Tables ``[N, D]`` of different N as one ``[B, N, D]``, filled up with -1."""
    output = np.full((len(tables), max(map(len, tables)), tables[0].shape[1]), -1, np.int64)
    for row, table in zip(output, tables, strict=True):
        row[: len(table)] = table
    return torch.from_numpy(output)


def simplified(table: np.ndarray) -> np.ndarray:
    """Return a table of `tokens.beats` whose chords have no tensions: third, fifth and seventh at most.

    Example:
        >>> table = np.zeros((1, tokens.WIDTH), int)
        >>> table[0, [1 + k for k in (0, 1, 4, 7, 9, 10)]] = 1  # 13b9
        >>> np.flatnonzero(simplified(table)[0, CHORD]).tolist()
        [0, 4, 7, 10]
    """
    table = table.copy()
    flags = table[:, CHORD]
    third, fifth = flags[:, 3] | flags[:, 4], flags[:, 7]
    for degrees, fuller in (((1, 2, 5, 9), third), ((6, 8), fifth)):
        for degree in degrees:
            flags[:, degree] &= 1 - fuller
    flags[:, 3] &= 1 - flags[:, 4]  # a sharp ninth
    return table


def inside(events: np.ndarray, bars: range) -> np.ndarray:
    """Return the events of bars in a row."""
    return events[(events[:, OF_BAR] >= bars[0]) & (events[:, OF_BAR] <= bars[-1])]


def written(events: np.ndarray, table: np.ndarray, bars: range) -> np.ndarray:
    """Return the events of bars as the network writes them, with one that ends the last."""
    rows = located(inside(events, bars), table)
    return np.concatenate([rows, [[tokens.BAR, 0, 0, 0, rows[-1, 4]]]])
