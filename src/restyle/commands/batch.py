"""``restyle batch``: many transfers; a bad file does not stop the rest, a second run does what is left. Floor 6."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from restyle.commands import outputs, pool, transfer
from restyle.commands.inputs import read_sound
from restyle.commands.settings import Settings
from restyle.errors import RestyleError
from restyle.pipeline import learn_for
from restyle.style import DEFAULT, Style, is_learnt, read


@dataclass(frozen=True)
class Pair:
    """One transfer to do."""

    content: Path
    style: Path
    out: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a pair: ``done``, ``skipped`` (it was there) or ``failed``; and why, or its warnings."""

    pair: Pair
    status: str
    reason: str = ""


def read_pairs(table: Path, folder: Path) -> list[Pair]:
    """Read a CSV file with the columns content, style and, if wanted, out.

    Args:
        table: the file; content and style are relative to its folder.
        folder: the results' folder, which out is relative to.

    Raises:
        RestyleError: if the file cannot be read, a column or value is missing, or two rows write the same file.
    """
    rows = read_table(table)
    pairs = [(table.parent / row["content"], table.parent / row["style"], row.get("out", "")) for row in rows]
    return _with_outputs(pairs, folder, str(table))


def read_table(table: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file that has at least the columns content and style.

    Raises:
        RestyleError: if the file cannot be read, or a column or value is missing.
    """
    transfer.check_input(table)
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows = [
                (reader.line_num, {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)})
                for row in reader
            ]
            columns = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise RestyleError(f"{table} is not a CSV file in UTF-8; save it again as CSV") from error
    if not {"content", "style"} <= set(columns):
        raise RestyleError(f"{table} needs the columns content and style in its first line")
    for line, row in rows:
        if not row["content"] or not row["style"]:
            raise RestyleError(f"{table}, line {line}: content or style is missing; fill in both")
    return [row for _, row in rows]


def make_pairs(style: Path, contents: Sequence[Path], folder: Path) -> list[Pair]:
    """Pair one style with many contents."""
    return _with_outputs([(content, style, "") for content in contents], folder, "the list")


def _with_outputs(rows: Sequence[tuple[Path, Path, str]], folder: Path, name: str) -> list[Pair]:
    """Name each result, by default 'content__style.wav', a number added where that is taken."""
    if not rows:
        raise RestyleError(f"{name} holds no pairs; give at least one content and style")
    pairs: list[Pair] = []
    taken: set[Path] = {folder / out for _, _, out in rows if out}
    for content, style, out in rows:
        made = folder / (out or f"{content.stem}__{style.stem}.wav")
        number = 2
        while not out and (made in taken):
            made, number = folder / f"{content.stem}__{style.stem}-{number}.wav", number + 1
        taken.add(made)
        pairs.append(Pair(content, style, made))
    records = [outputs.record_path(pair.out) for pair in pairs]
    for pair, record in zip(pairs, records, strict=True):
        if records.count(record) > 1:
            raise RestyleError(f"{name} has two results named {pair.out.stem}; give each an own name in the column out")
        if not pair.out.resolve().is_relative_to(folder.resolve()):
            raise RestyleError(f"{name}: {pair.out} lies outside {folder}; give names inside it in the column out")
    return pairs


def run(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    settings: Settings | None = None,
    jobs: int = 1,
    report: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Do the pairs that are not done yet.

    Args:
        pairs: what to do.
        folder: the results' folder; made if missing.
        settings: the options, the same for all pairs.
        jobs: processes at a time, which share the processor's cores.
        report: called with each outcome as it is known.

    Returns:
        The outcomes in the order of ``pairs``.

    Raises:
        RestyleError: if the folder cannot be made or ``jobs`` is less than 1; what is wrong with a pair is in its
            outcome.
    """
    settings, known = settings or Settings(), {}
    with outputs.folder(folder):
        todo = []
        for pair in pairs:
            if is_done(pair, settings):
                known[pair] = Outcome(pair, "skipped", "it is there already")
                if report:
                    report(known[pair])
            else:
                pair.out.parent.mkdir(parents=True, exist_ok=True)
                todo.append(pair)
        for (pair, _), outcome in pool.each(_do, [(pair, settings) for pair in todo], jobs):
            known[pair] = outcome or Outcome(pair, "failed", pool.KILLED)
            if report:
                report(known[pair])
    return [known[pair] for pair in pairs]


def is_done(pair: Pair, settings: Settings) -> bool:
    """Return whether the result is there, made of these files, unchanged since, with these settings and version."""
    place = outputs.record_path(pair.out)
    record = outputs.read_record(place)
    if record is None or not pair.out.is_file():
        return False
    if settings.method is None:
        made_by = record.get("settings", {}).get("method") if is_learnt(pair.style) else DEFAULT
        settings = replace(settings, method=made_by)
    wanted = transfer.make_record(pair.content, [pair.style], pair.out, settings)
    if any(record.get(key) != value for key, value in wanted.items()):
        return False
    return all(path.exists() and path.stat().st_mtime <= place.stat().st_mtime for path in (pair.content, pair.style))


def _do(task: tuple[Pair, Settings]) -> Outcome:
    pair, settings = task
    try:
        transfer.check_input(pair.content)
        transfer.check_style(pair.style)
        learnt = _learnt(pair.style, pair.style.stat().st_mtime_ns, settings)
        record = transfer.run(pair.content, [pair.style], pair.out, settings=settings, learnt=learnt)
    except RestyleError as error:
        return Outcome(pair, "failed", str(error))
    except Exception as error:
        return Outcome(pair, "failed", f"{type(error).__name__}: {error}; run this pair with restyle transfer --debug")
    return Outcome(pair, "done", "; ".join(record["warnings"]))


@lru_cache(maxsize=2)
def _learnt(style: Path, _changed: int, settings: Settings) -> Style:
    """Learn a style once for all the contents that want it."""
    clips = [] if is_learnt(style) else [read_sound(style)]
    return read(style, settings.options) if is_learnt(style) else learn_for(clips, settings, [str(style)])
