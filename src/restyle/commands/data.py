"""``restyle data``: chord charts and MIDI files to songs, songs to spectrograms. Floor 6."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from restyle.commands.shared import arranging, cluster, outputs, pool
from restyle.commands.shared.spectrograms import spectrograms
from restyle.commands.shared.stems import stems
from restyle.commands.shared.tally import Report, Tally
from restyle.data.instruments import Instruments, write_clips
from restyle.data.manifest import MANIFEST, read_manifest
from restyle.data.recipe import Recipe
from restyle.data.recorded import NoteSamples
from restyle.data.songs import Song, digest, make
from restyle.errors import RestyleError, warn
from restyle.io.atomic import writing
from restyle.io.midi import MIDI
from restyle.io.tables import read_table
from restyle.io.text import ESCAPED, write_text

__all__ = ["Recipe", "Tally", "arrange", "instruments", "render", "spectrograms", "stems"]


def render(
    midi: Path,
    out: Path,
    recipe: Recipe,
    *,
    variations: int = 1,
    jobs: int = 1,
    address: str | None = None,
    report: Report | None = None,
) -> Tally:
    """Render the MIDI files of a folder and all below; what is there already, made in the same way, is kept.

    Args:
        midi: the folder; its sub-folders are the labels and are found again in ``out``.
        out: gets NAME.vNN.flac with NAME.vNN.mid beside it (the notes as played), NAME.vNN.stems/ and manifest.jsonl.
        recipe: how songs are made.
        variations: songs made of every MIDI file, each with other random choices.
        jobs: processes at a time.
        address: of a Ray or Dask cluster that does the work instead (see `cluster.each`); it must see both folders.
        report: called with each song's name, how many are done, and of how many.

    Returns:
        How many songs are new or were there, and which were skipped and why; each is also named in a warning.

    Raises:
        RestyleError: if a folder is missing or cannot be written to, it holds no MIDI files, FluidSynth or the
            SoundFont cannot be used, or a setting is out of range.

    Example:
        >>> render(Path("midi"), Path("songs"), Recipe((Path("font.sf2"),)), jobs=2)  # doctest: +SKIP
        Tally(new=200, kept=0, skipped=[])
    """
    if variations < 1:
        raise RestyleError(f"variations must be 1 or more, not {variations}")
    _check_fonts(recipe)
    tally = Tally()
    songs = list(_songs(midi, variations, tally))
    if out.resolve().is_relative_to(midi.resolve()):
        raise RestyleError(f"{out} lies inside {midi}; write the songs to another folder")
    with outputs.folder(out):
        known = read_manifest(out)
        done = [song for song in songs if _is_done(song, recipe, out, known)]
        rows = {song.file: known[song.file] | {"source": song.source, "licence": song.licence} for song in done}
        tally.kept = len(rows)
        todo = [(song, recipe, out) for song in songs if song.file not in rows]
        others = _others(out, known, songs)
        if known:
            _write_manifest(out, rows | others)
        for number, ((song, *_), outcome) in enumerate(cluster.each(_render, todo, jobs, address), tally.kept + 1):
            result = pool.KILLED if outcome is None else outcome
            if isinstance(result, str):
                tally.skip(song.midi.relative_to(midi).as_posix(), result)
            else:
                tally.new += 1
                rows[song.file] = result
                _append(out, result)
            if report:
                report(song.file, number, len(songs))
        _write_manifest(out, rows | others)
    return tally


def instruments(
    midi: Path,
    out: Path,
    soundfonts: Sequence[Path],
    *,
    samples: Sequence[Path] = (),
    only: Sequence[str] = (),
    count: int = 6,
    seconds: float = 5.0,
    varied: bool = False,
    room: bool = False,
    seed: int = 0,
    jobs: int = 1,
    report: Report | None = None,
) -> Tally:
    """Make clips of single instruments with their notes, what players of notes are trained on; those there are kept.

    Args:
        midi: folder of MIDI files that phrases are taken from.
        out: gets INSTRUMENT/NNNN.flac with NNNN.mid beside it; two phrases in each.
        soundfonts: every programme of each is an instrument.
        samples: folders of recorded single notes; each of their folders is one more instrument.
        only: names of the instruments to play, as ``gm000`` (programme 0); by default all.
        count: clips of each instrument.
        seconds: of each phrase.
        varied: whether rooms, loudspeakers and noise differ from phrase to phrase.
        room: whether half of the clips are in a room, the same for all of the clip.
        seed: of all that is random.
        jobs: processes at a time.
        report: called with an instrument's name, how many are done, and of how many.

    Raises:
        RestyleError: if a folder is missing or holds no MIDI files, a SoundFont cannot be used, or there is no
            instrument of a name.
    """
    recipe = Recipe(tuple(soundfonts), samples=tuple(samples))
    _check_fonts(recipe)
    if not midi.is_dir():
        raise RestyleError(f"{midi}: there is no such folder; check the name")
    if count < 1:
        raise RestyleError(f"the number of clips must be 1 or more, not {count}")
    tally = Tally()
    with outputs.folder(out):
        prefixes = [f"{font.stem}-" if len(soundfonts) > 1 else "" for font in soundfonts]
        plans = [
            Plan(midi, out, font, prefix, recipe.samples if not i else (), count, seconds, varied, room, seed)
            for i, (font, prefix) in enumerate(zip(soundfonts, prefixes, strict=True))
        ]
        there = [(plan, name) for plan in plans for name in _opened(plan).names]
        if strange := sorted(set(only) - {name for _, name in there}):
            known = ", ".join(name for _, name in there)
            raise RestyleError(f"there is no instrument '{strange[0]}'; choose from {known}")
        tasks = [task for task in there if not only or task[1] in only]
        for number, ((_, name), outcome) in enumerate(cluster.each(_play_instrument, tasks, jobs, None), 1):
            result = pool.KILLED if outcome is None else outcome
            if isinstance(result, str):
                tally.skip(name, result)
            else:
                tally.new, tally.kept = tally.new + result, tally.kept + count - result
            if report:
                report(name, number, len(tasks))
    return tally


@dataclass(frozen=True)
class Plan:
    """Clips of the instruments of one SoundFont; see `instruments`."""

    midi: Path
    out: Path
    soundfont: Path
    prefix: str
    samples: tuple[Path, ...]
    count: int
    seconds: float
    varied: bool
    room: bool
    seed: int


@lru_cache(maxsize=1)
def _opened(plan: Plan) -> Instruments:
    """Load the SoundFont."""
    files = [path for path in sorted(plan.midi.rglob("*")) if path.suffix.lower() in MIDI]
    return Instruments(
        files,
        plan.soundfont,
        samples=plan.samples,
        seconds=plan.seconds,
        varied=plan.varied,
        room=plan.room,
        prefix=plan.prefix,
    )


def _play_instrument(task: tuple[Plan, str]) -> int | str:
    """How many clips are new, or why there are none."""
    plan, name = task
    try:
        return sum(1 for _ in write_clips(_opened(plan), plan.out, [name], plan.count, seed=plan.seed))
    except RestyleError as error:
        return str(error)


def arrange(
    charts: Path,
    out: Path,
    *,
    grooves: int | Sequence[str] = 4,
    songs: int = 1000,
    length: tuple[int, int] = (8, 32),
    seed: int = 0,
    jobs: int = 1,
    report: Report | None = None,
) -> Tally:
    """Make songs of chord charts, each played in several grooves by MMA; those that are there already are kept.

    Args:
        charts: folder of charts (``.txt``): a bar a line, a cell a beat, ``/`` where a chord sounds on.
        out: gets songs/NNNNNN with chords.tsv, melody.mid and a MIDI file for each groove, manifest.jsonl and
            summary.json.
        grooves: how many play a song, 2 and up, of all that MMA has; or the names of all that may: of grooves or of
            library files, as ``BossaNova``, ``stdlib/swing:SwingWalk`` or ``stdlib/swing``.
        songs: how many; a set that is made longer later has the same first ones.
        length: bars of a song, at least and at most.
        seed: of all that is random.
        jobs: processes at a time.
        report: called with each song's name, how many are done, and of how many.

    Returns:
        How many songs are new or were there, and what is skipped and why; each is also named in a warning.

    Raises:
        RestyleError: if the folder holds no charts, it cannot be written to, MMA is not installed or has no such
            groove, or a number is out of range.
    """
    tally = Tally()
    with outputs.folder(out):
        plan, facts = arranging.plan(charts, grooves, songs, length, seed, jobs, tally)
        known = arranging.read_rows(out)
        rows = {song.file: known[song.file] for song in plan if arranging.is_made(song, out, known)}
        others = arranging.others(plan, out, known)
        tally.kept = len(rows)
        todo = [(song, out) for song in plan if song.file not in rows]
        if known:
            _write_manifest(out, rows | others)
        for number, ((song, _), outcome) in enumerate(pool.each(arranging.make, todo, jobs), tally.kept + 1):
            result = pool.KILLED if outcome is None else outcome
            if isinstance(result, str):
                tally.skip(song.file, result)
            else:
                tally.new += 1
                rows[song.file] = result
                _append(out, result)
            if report:
                report(song.file, number, len(plan))
        _write_manifest(out, rows | others)
        arranging.write_summary(out, facts, rows | others)
    return tally


def _check_fonts(recipe: Recipe) -> None:
    from restyle.data.rendering import SoundFont

    for path in recipe.soundfonts:
        if not path.is_file():
            raise RestyleError(f"{path}: there is no such SoundFont; check the name")
        SoundFont(path).close()
    if recipe.samples:
        NoteSamples(*recipe.samples)


def _songs(midi: Path, variations: int, tally: Tally) -> Iterator[Song]:
    """The songs to make, in the order of their names; two MIDI files that want the same name are no two songs."""
    if not midi.is_dir():
        raise RestyleError(f"{midi}: there is no such folder; check the name")
    table, seen = _table(midi), set()
    paths = [path for path in sorted(midi.rglob("*")) if path.suffix.lower() in MIDI and path.is_file()]
    for path in paths:
        inside = path.relative_to(midi)
        name = inside.with_suffix("").as_posix()
        if any(part.startswith(".") for part in inside.parts):
            continue
        if name in seen:
            tally.skip(inside.as_posix(), "another MIDI file has this name and another ending; rename one of them")
            continue
        seen.add(name)
        for variation in range(variations):
            row = table.get(inside.as_posix(), {})
            licence = row.get("licence") or row.get("license") or ""
            yield Song(path, name, variation, licence, row.get("chart") or "")
    if not seen:
        raise RestyleError(f"{midi} holds no MIDI files ({', '.join(MIDI)}); choose another folder")


def _table(midi: Path) -> dict[str, dict[str, str]]:
    """File -> row of a table manifest.csv with columns file, licence and chart in the folder, where there is one."""
    table = next((path for path in sorted(midi.glob("*.csv")) if path.stem.lower() == "manifest"), None)
    if table is None:
        return {}
    rows = [row for _, row in read_table(table, [])]
    own = midi.resolve().name + "/"  # names may count from the folder above
    return {(row.get("file") or "").removeprefix(own): row for row in rows}


def _is_done(song: Song, recipe: Recipe, out: Path, known: dict[str, dict[str, Any]]) -> bool:
    row, path = known.get(song.file), out / song.file
    if row is None or not path.is_file() or not path.with_suffix(".mid").is_file():
        return False
    return bool(row.get("bytes") == path.stat().st_size and row.get("digest") == digest(song, recipe))


def _others(out: Path, known: dict[str, dict[str, Any]], songs: list[Song]) -> dict[str, dict[str, Any]]:
    """Rows of songs that are there, but not asked for now; they stay."""
    current = {song.file for song in songs}
    others = {name: row for name, row in known.items() if name not in current and (out / name).is_file()}
    if others:
        warn(f"{out} also holds {len(others)} songs of other files or variations, which stay part of the set")
    return others


def _render(task: tuple[Song, Recipe, Path]) -> dict[str, Any] | str:
    """The manifest's row, or why there is no song."""
    song, recipe, out = task
    try:
        return make(song, recipe, out)
    except RestyleError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _append(out: Path, row: dict[str, Any]) -> None:
    """So that a run that is cut off keeps what it made."""
    with (out / MANIFEST).open("a", encoding="utf-8", errors=ESCAPED) as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_manifest(out: Path, rows: dict[str, dict[str, Any]]) -> None:
    with writing(out / MANIFEST) as beside:
        lines = (json.dumps(rows[name], ensure_ascii=False) + "\n" for name in sorted(rows))
        write_text(beside, "".join(lines))
