"""Songs of chord charts in several grooves: which there are to make, and what became of them. Floor 6."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restyle.commands.shared import pool
from restyle.commands.shared.tally import Tally
from restyle.data import arrangements, mma
from restyle.data.arrangements import Arrangement, side_of
from restyle.data.charts import read_charts
from restyle.data.manifest import read_manifest
from restyle.errors import RestyleError, warn
from restyle.io.atomic import writing
from restyle.io.text import write_text

SUMMARY = "summary.json"

Rows = Mapping[str, dict[str, Any]]


def plan(
    charts: Path,
    grooves: int | Sequence[str],
    songs: int,
    length: tuple[int, int],
    seed: int,
    jobs: int,
    tally: Tally,
) -> tuple[list[Arrangement], dict[str, Any]]:
    """Return the songs to make, and how many charts and grooves there are on each side of the split.

    Args:
        charts: their folder.
        grooves: how many a song has, or the names of all.
        songs: how many.
        length: bars of a song, at least and at most.
        seed: 0 and up.
        jobs: processes at a time.
        tally: is told how many charts are left out for what reason, and which library files.

    Raises:
        RestyleError: if there are no charts or no grooves, or a number is out of range.
    """
    read, left = read_charts(charts)
    for reason, count in left.items():
        tally.skip(f"{count} of the charts", reason)
    found = find_grooves([] if isinstance(grooves, int) else grooves, jobs, tally)
    count = grooves if isinstance(grooves, int) else len(found)
    facts = {
        "charts": Counter(side_of(chart.progression) for chart in read),
        "charts left out": left,
        "grooves": Counter(side_of(groove.family) for groove in found),
    }
    return list(arrangements.arrangements(read, found, songs, count=count, length=length, seed=seed)), facts


def find_grooves(wanted: Sequence[str], jobs: int, tally: Tally) -> list[mma.Groove]:
    """Return the grooves of MMA's library of some names: of grooves, of library files, or all where there are none.

    Raises:
        RestyleError: if MMA is not installed, or has nothing of a name.
    """
    names = {name.lower(): name for name in wanted}
    keys = {family: {k for n in mma.defined(family) for k in _keys(family, n)} for family in mma.families()}
    if strange := [name for key, name in names.items() if not any(key in own for own in keys.values())]:
        raise RestyleError(f"MMA has no groove '{strange[0]}'; see the files of its library for their names")
    families = [family for family, own in keys.items() if own and (not names or names.keys() & own)]
    found: list[mma.Groove] = []
    for family, outcome in pool.each(_grooves, families, jobs):
        result = pool.KILLED if outcome is None else outcome
        if isinstance(result, str):
            tally.skip(family, result)
        else:
            found += [groove for groove in result if not names or names.keys() & _keys(family, groove.name)]
    return sorted(found)


def _keys(family: str, name: str) -> set[str]:
    """What a groove may be called by."""
    return {key.lower() for key in (family, name, f"{family}:{name}")}


def _grooves(family: str) -> list[mma.Groove] | str:
    try:
        return mma.grooves(family)
    except RestyleError as error:
        return str(error)


def read_rows(out: Path) -> dict[str, dict[str, Any]]:
    """Return the manifest's rows by song, as they were written."""
    added = ("label", "midi")  # which rows of rendered songs have
    return {name: {k: v for k, v in row.items() if k not in added} for name, row in read_manifest(out).items()}


def is_made(song: Arrangement, out: Path, known: Rows) -> bool:
    """Return whether a song is there, made as it would be now."""
    row = known.get(song.file, {})
    return row.get("digest") == song.digest and all((out / song.file / name).is_file() for name in song.files())


def others(songs: Sequence[Arrangement], out: Path, known: Rows) -> dict[str, dict[str, Any]]:
    """Return the rows of songs that are there, but not asked for now; they stay."""
    current = {song.file for song in songs}
    rest = {name: row for name, row in known.items() if name not in current and (out / name).is_dir()}
    if rest:
        warn(f"{out} also holds {len(rest)} songs of a larger set, which stay part of it")
    return rest


def make(task: tuple[Arrangement, Path]) -> dict[str, Any] | str:
    """Return the manifest's row of a song that is made, or why there is none."""
    try:
        return arrangements.make(*task)
    except RestyleError as error:
        return str(error)


def write_summary(out: Path, facts: Mapping[str, Any], rows: Rows) -> None:
    """Write how many charts, grooves and songs there are on each side of the split."""
    songs = Counter(row["split"] for row in rows.values())
    with writing(out / SUMMARY) as beside:
        write_text(beside, json.dumps({**facts, "songs": songs}, indent=2, ensure_ascii=False) + "\n")
