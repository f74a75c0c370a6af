"""``restyle data spectrograms``: a folder of sounds to a store. Floor 6."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from restyle.commands.shared import cluster, outputs
from restyle.commands.shared.tally import Report, Tally, tally
from restyle.data.folder import Folder
from restyle.data.manifest import MANIFEST, Songs
from restyle.data.store import StoreWriter
from restyle.dsp import blocks
from restyle.dsp.checks import is_silent
from restyle.errors import RestyleError
from restyle.threads import single

GROUP = 2**25  # bytes of sound files whose spectrograms are worked on by one process before it takes others
PARTIALS = 100  # measured of a note
ONSETS = "float32"  # how a store keeps the onsets of partials; those of another kind are made anew


@dataclass(frozen=True)
class Sound:
    """A sound to transform; its stamp tells whether it is the one that was transformed before."""

    name: str
    path: Path
    labels: tuple[str, ...]
    source: str
    split: str
    stamp: str
    notes: Path | None = None


class More(NamedTuple):
    """What is kept beside spectrograms (see `data.store.Store.beside`)."""

    sound: bool
    partials: bool
    pitch: bool


@dataclass(frozen=True)
class Group:
    """Sounds that one process transforms and writes as a shard, with settings as JSON."""

    items: tuple[Sound, ...]
    settings: str
    out: Path
    more: More


def spectrograms(
    folder: Path,
    out: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    sound: bool = False,
    partials: bool = False,
    pitch: bool = False,
    jobs: int = 1,
    address: str | None = None,
    report: Report | None = None,
) -> Tally:
    """Put log1p spectrograms of all sounds of a folder in a store; those that are there and unchanged are kept.

    The notes of a MIDI file that lies beside a sound, with its bends, go into the store with it.

    Args:
        folder: songs that `render` made, or any sounds in sub-folders named after labels.
        out: the store's folder (see `data.store`), made if missing.
        settings: ``kind`` (stft, mel, cqt), ``rate``, ``hop`` ... as `LogSpectrogram` knows them, whose defaults hold
            for those left out.
        sound: whether to keep the sounds themselves, too, at the spectrograms' rate.
        partials: whether to keep how the notes sound, too, where MIDI files have them (`methods.notewise.envelopes`).
        pitch: whether to keep how likely every pitch sounds and begins (see `analysis.transcriber.salience`).
        jobs: processes at a time.
        address: of a Ray or Dask cluster that does the work instead (see `cluster.each`); it must see both folders.
        report: called with a sound's name, how many are done, and of how many.

    Returns:
        How many spectrograms are new or were there, and which sounds were skipped and why.

    Raises:
        RestyleError: if the folder is missing or holds no sounds, none can be read, a setting is out of range, or the
            store was made with other settings or cannot be written to.

    Example:
        >>> spectrograms(Path("songs"), Path("store"), {"kind": "mel", "bins": 64}, jobs=2)  # doctest: +SKIP
        Tally(new=200, kept=0, skipped=[])
    """
    form = whole(settings or {})
    more = More(sound, partials, pitch)
    items, made = sounds(folder, more), Tally()
    if out.is_file():
        raise RestyleError(f"{out} is a file; give the name of a folder")
    with outputs.folder(out):
        writer = StoreWriter(out, form)
        left = [item for item in items if writer.done.get(item.name) != item.stamp]
        made.kept = len(items) - len(left)
        groups = _groups(left, form, out, jobs, more)
        outcomes = cluster.each(_transform, groups, jobs, address)
        tally(made, outcomes, len(items), report)
        if not made.new + made.kept:
            raise RestyleError(f"{folder}: no sound of it could be read; choose another folder")
        writer.close(keep={item.name for item in items} - {name for name, _ in made.skipped})
    return made


def whole(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of spectrograms with the defaults of those left out.

    Raises:
        RestyleError: if one is out of range.
    """
    from restyle.dsp.spectrogram import LogSpectrogram

    try:
        return LogSpectrogram.of(settings).settings()
    except ValueError as error:
        raise RestyleError(f"the spectrograms cannot be made: {error}") from error


def sounds(folder: Path, more: More) -> list[Sound]:
    """Return the sounds of a folder, sorted by name; nothing of them is read.

    Raises:
        RestyleError: if the folder is missing or holds no sounds.
    """
    found = Songs(folder) if (folder / MANIFEST).is_file() else Folder(folder)
    items = []
    for item in found.items:
        states = [path.stat() for path in (item.path, item.notes) if path]
        sizes = [(state.st_size, state.st_mtime_ns) for state in states]
        source = json.dumps([sizes, item.labels, item.source, item.split, more, *([ONSETS] if more.partials else [])])
        name = Path(os.path.relpath(item.path, folder)).as_posix()
        stamp = hashlib.sha256(source.encode()).hexdigest()[:16]
        items.append(Sound(name, item.path, item.labels, item.source, item.split, stamp, item.notes))
    return sorted(items, key=lambda item: item.name)


def _groups(items: list[Sound], settings: dict[str, Any], out: Path, jobs: int, more: More) -> list[Group]:
    """Sounds that are worked on one after the other and fill about a shard; enough groups to keep all jobs busy."""
    together = sum(item.path.stat().st_size for item in items)
    most = min(GROUP, max(1, together // (4 * jobs)))
    groups: list[list[Sound]] = [[]]
    size = 0
    for item in items:
        groups[-1].append(item)
        size += item.path.stat().st_size
        if size >= most:
            groups.append([])
            size = 0
    return [Group(tuple(group), json.dumps(settings), out, more) for group in groups if group]


@single()
def _transform(group: Group) -> dict[str, str]:
    """Write the spectrograms of a group; return the names of the sounds that have none, and why."""
    import torch

    from restyle.analysis.transcriber.salience import salience
    from restyle.audio import Audio
    from restyle.dsp.spectrogram import LogSpectrogram

    settings = json.loads(group.settings)
    spectrogram = LogSpectrogram.of(settings)
    writer, reasons = StoreWriter(group.out, settings), {}
    for item in group.items:
        try:
            samples = mono(item.path, spectrogram.rate)
            with torch.inference_mode():
                parts = [block.T.half().numpy() for block in spectrogram.blocks(torch.from_numpy(samples))]
            array = np.concatenate(parts)
            beside = _notes(item.notes, spectrogram.hop / spectrogram.rate, len(array)) if item.notes else {}
            if group.more.partials and item.notes:
                beside["partials"] = _partials(samples, spectrogram.rate, beside["notes"])
            if group.more.pitch:
                hop = spectrogram.hop / spectrogram.rate
                beside["pitch"] = salience(Audio(samples, spectrogram.rate), len(array), hop)
            if group.more.sound:
                beside["sound"] = samples.astype(np.float16)
            writer.add(item.name, item.labels, item.source, item.split, array, stamp=item.stamp, beside=beside)
        except RestyleError as error:
            reasons[item.name] = str(error)
        except Exception as error:
            reasons[item.name] = f"{type(error).__name__}: {error}"
    writer.flush()
    return reasons


def _notes(path: Path, hop: float, frames: int) -> dict[str, np.ndarray]:
    """What a store keeps of a MIDI file: see `Store.beside`."""
    from restyle.io.midi import read_bends, read_midi

    notes, bends = read_midi(path, bent=False), read_bends(path)
    columns = (notes.onset, notes.offset, notes.pitch, notes.velocity, notes.programme)
    kept = {"notes": np.stack(columns, axis=1).astype(np.float32)}
    if bends:
        at = np.arange(frames) * hop
        curves = [np.interp(at, times, semitones) for times, semitones in bends.values()]
        kept |= {"bent": np.array(list(bends), np.int64), "bends": np.stack(curves).astype(np.float16)}
    return kept


def _partials(samples: np.ndarray, rate: int, table: np.ndarray) -> np.ndarray:
    """How the notes of a sound sound: rows of `methods.notewise.envelopes`."""
    from restyle.analysis.partials import measured
    from restyle.audio import Audio
    from restyle.methods.notewise.envelopes import rows
    from restyle.notes import Notes

    notes = Notes(*table.T.astype(np.float64))
    return rows(measured(Audio(samples[None], rate), notes, most=PARTIALS), notes)


def mono(path: Path, rate: int) -> np.ndarray:
    """Read a sound at another rate, mixed to one channel, float32 ``[T]``, in blocks: long ones fit in memory.

    Raises:
        RestyleError: if it cannot be read or is silent.
    """
    from restyle.io.sound import read

    audio = read(path)
    if is_silent(audio):
        raise RestyleError(f"{path} is silent; leave it out")
    return blocks.whole_mono(audio, rate)
