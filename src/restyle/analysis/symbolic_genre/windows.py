"""Bars of pieces in folders named after genres, changed at random for training. Floor 3."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.symbolic_genre.profile import profile
from restyle.data.store import Store, StoreWriter
from restyle.errors import RestyleError, warn
from restyle.io.midi import MIDI_READ
from restyle.io.scores import read_score
from restyle.notes import DRUMS
from restyle.score import COLUMNS, STEPS, Score, joined
from restyle.training.data import Chunks

KIND = "score"
SETTINGS = {"kind": KIND, "rate": 1, "hop": 2}  # hours are reckoned at 2 seconds a bar
LONGEST = 16  # bars of a changed window
NO_DRUMS, NO_TRACK, TUNE, WRONG, LOOSE = 0.3, 0.2, 0.3, 0.5, 0.3  # parts of the windows that are changed so
SPOILT = 0.3  # part of the notes that are wrong, at most


def pack(data: Path, made: Path, report: Callable[[str], None] | None = None) -> Store:
    """Write a folder of MIDI files as a store: an entry each piece, a frame each bar, its length in steps.

    ``notes`` beside them are the columns of `Score`, velocities times 127. Files of one name, or of
    one name and ``_GENRE``, are one source: a piece in several genres, which must be on one side.

    Args:
        data: sub-folders named after genres; deeper ones only keep order.
        made: of the store; entries that are there are kept.
        report: called with a line before the work.

    Raises:
        RestyleError: if there are fewer than two such sub-folders. Files that cannot be read, or have no notes, are
            passed over with a warning.
    """
    paths = _paths(data)
    if report:
        report(f"reading {len(paths)} MIDI files of {data}")
    kept = set()
    with StoreWriter(made, SETTINGS) as writer:
        for path in paths:
            inside = path.relative_to(data)
            kept.add(inside.as_posix())
            stamp = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            if writer.done.get(inside.as_posix()) == stamp:
                continue
            try:
                score = read_score(path)
                if not len(score):
                    raise RestyleError(f"{path} has no notes; leave it out")
            except RestyleError as error:
                warn(str(error))
                kept.discard(inside.as_posix())
                continue
            bars = np.diff(score.bars)[:, None]
            source = path.stem.removesuffix(f"_{inside.parts[0]}")
            writer.add(
                inside.as_posix(), inside.parts[:1], source, "", bars, stamp=stamp, beside={"notes": _table(score)}
            )
        writer.close(kept)
    return Store.open(made)


def _paths(data: Path) -> list[Path]:
    found = (path for path in data.glob("*/**/*") if path.suffix.lower() in MIDI_READ and path.is_file())
    paths = sorted(path for path in found if not any(part[0] == "." for part in path.relative_to(data).parts))
    if len({path.relative_to(data).parts[0] for path in paths}) < 2:
        raise RestyleError(f"{data} holds no two genres; give a sub-folder of MIDI files to each of two or more")
    return paths


def _table(score: Score) -> np.ndarray:
    columns = replace(score, velocity=np.round(127 * score.velocity))
    return np.column_stack([getattr(columns, name) for name in COLUMNS]).astype(np.int64)


class Windows(Chunks):
    """Chunks of ``frames`` bars as profiles; in training windows of 1 to 16 bars at random places, changed."""

    def order(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return an order in which all classes come equally often."""
        labels = self.labels[self.owner]
        own = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        each = -(-len(self) // len(own))
        return rng.permutation(np.concatenate([np.resize(chunks, each) for chunks in own]))[: len(self)]

    def batch(self, chunks: np.ndarray, epoch: int, *, wants: Sequence[str] = ()) -> tuple[Tensor, ...]:
        """Read windows.

        Args:
            chunks: which, by number.
            epoch: by which random ones are placed and changed.
            wants: ``sources`` or nothing.

        Returns:
            Profiles float32 ``[B, R, C]``, labels int64 ``[B]``, and the sources int64 ``[B]`` if wanted.
        """
        profiles = torch.from_numpy(np.stack([profile(self._window(int(chunk), epoch)) for chunk in chunks]))
        owner = self.owner[chunks]
        sources = (torch.from_numpy(self.sources[owner]),) if "sources" in wants else ()
        return profiles, torch.from_numpy(self.labels[owner]), *sources

    def _window(self, chunk: int, epoch: int) -> Score:
        score = self._score(chunk)
        if not self.random:
            first = int(self.place[chunk]) * self.frames
            return score.between(first, min(first + self.frames, score.bar_count))
        rng = np.random.default_rng((self.seed, 2, epoch, chunk))
        count = min(score.bar_count, int((LONGEST + 1) ** rng.random()))
        first = int(rng.integers(score.bar_count - count + 1))
        return changed(score.between(first, first + count), rng)

    def _score(self, chunk: int) -> Score:
        i = self._number(chunk)
        bars = np.concatenate([[0], np.cumsum(self.store.read(i)[:, 0].astype(np.int64))])
        return Score.of(self.store.beside(i, "notes"), bars=bars)  # type: ignore[arg-type]


def changed(score: Score, rng: np.random.Generator) -> Score:
    """Return a score as another band might play it: another key, fewer parts, a tune above it, wrong notes.

    Example:
        >>> score = Score.of([(12 * beat, 12, 48, 0.8, 32, 0) for beat in range(4)], bars=[0, 48])
        >>> len(changed(score, np.random.default_rng(0))) > 0
        True
    """
    score = _parted(score, rng)
    drums = score.programme == DRUMS
    pitch = score.pitch + np.where(drums, 0, rng.integers(-5, 7))
    start, length = score.start, score.length
    if rng.random() < WRONG:
        wrong = (rng.random(len(score)) < rng.uniform(0, SPOILT)) & ~drums
        pitch = pitch + np.where(wrong, rng.integers(-4, 5, len(score)), 0)
        other = rng.random(len(score)) < rng.uniform(0, SPOILT)
        length = np.where(other, np.maximum(1, length * rng.choice([0.5, 0.7, 1.4, 2.0], len(score))), length)
    if rng.random() < LOOSE:
        late = rng.random(len(score)) < rng.uniform(0, 2 * SPOILT)
        start = np.maximum(0, start + np.where(late, rng.integers(-1, 2, len(score)), 0))
    score = replace(score, start=start, length=length.astype(np.int64), pitch=pitch.clip(0, 127))
    if rng.random() < WRONG:
        score = score.select(rng.random(len(score)) >= rng.uniform(0, SPOILT))
    return joined([score, _tune(score, rng)]) if rng.random() < TUNE else score


def _parted(score: Score, rng: np.random.Generator) -> Score:
    """Without drums, and without other tracks, now and then; something is left."""
    drums = score.programme == DRUMS
    if rng.random() < NO_DRUMS and not drums.all():
        score = score.select(~drums)
    tracks = np.unique(score.track)
    kept = tracks[rng.random(len(tracks)) >= NO_TRACK]
    return score.select(np.isin(score.track, kept)) if len(kept) else score


def _tune(score: Score, rng: np.random.Generator) -> Score:
    """A melody at random over a score's bars: notes of one to six of a unit, in small steps, with rests."""
    unit = int(rng.choice([STEPS // 4, STEPS // 3, STEPS // 2, STEPS]))
    start = np.cumsum(unit * rng.integers(1, 7, int(score.bars[-1]) // unit + 1))
    length = np.minimum(np.diff(start, append=start[-1] + unit), unit * rng.integers(1, 5, len(start)))
    pitch = (rng.integers(62, 80) + np.cumsum(rng.integers(-3, 4, len(start)))).clip(55, 90)
    tune = np.column_stack([start, length, pitch, np.ones_like(start), np.zeros_like(start), np.full_like(start, 1000)])
    return Score.of(tune[start < score.bars[-1]], bars=score.bars)
