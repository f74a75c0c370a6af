"""``restyle batch``: many transfers; a bad file does not stop the rest, a second run does what is left. Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from glob import escape
from itertools import count
from pathlib import Path

from restyle.commands import transfer
from restyle.commands.shared import outputs, pool
from restyle.commands.shared.inputs import read_rows, read_sound
from restyle.commands.shared.settings import Settings
from restyle.errors import RestyleError, collect_warnings
from restyle.io.hub import run_weights
from restyle.pipeline import learn_for
from restyle.style import Style, is_learnt
from restyle.style import read as read_style


@dataclass(frozen=True)
class Pair:
    """One transfer to do; several styles are recordings of one."""

    content: Path
    styles: tuple[Path, ...]
    out: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a pair: ``done``, ``skipped`` (it was there) or ``failed``; and why, or its warnings."""

    pair: Pair
    status: str
    reason: str = ""


def read_pairs(table: Path, folder: Path) -> list[Pair]:
    """Read a CSV file with the columns content, style and, if given, out.

    Args:
        table: the file; content and style are relative to its folder.
        folder: the results' folder, which out is relative to.

    Raises:
        RestyleError: if the file cannot be read, a column or value is missing, or two rows write the same file.
    """
    above = table.parent
    rows = [(above / row["content"], (above / row["style"],), row.get("out", "")) for row in read_rows(table)]
    return _with_outputs(rows, folder, str(table))


def make_pairs(styles: Sequence[Path], contents: Sequence[Path], folder: Path) -> list[Pair]:
    """Pair one style, of one recording or several, with many contents."""
    return _with_outputs([(content, tuple(styles), "") for content in contents], folder, "the list")


def _with_outputs(rows: Sequence[tuple[Path, tuple[Path, ...], str]], folder: Path, name: str) -> list[Pair]:
    """Name each result, by default 'content__style.wav', a number added where that is another pair's."""
    if not rows:
        raise RestyleError(f"{name} holds no pairs; give at least one content and style")
    places = [folder / out if out else None for _, _, out in rows]
    taken = {outputs.record_path(place) for place in places if place}
    for find in (_earlier, _free):  # what is there stays where it is, whatever else is in the list
        for i, (content, styles, _) in enumerate(rows):
            place = places[i] or find(content, styles, folder, taken)
            if place:
                places[i] = place
                taken.add(outputs.record_path(place))
    pairs = [Pair(content, styles, place) for (content, styles, _), place in zip(rows, places, strict=True) if place]
    records = [outputs.record_path(pair.out) for pair in pairs]
    for pair, record in zip(pairs, records, strict=True):
        if records.count(record) > 1:
            raise RestyleError(f"{name} has two results named {pair.out.stem}; give each an own name in the column out")
        if not pair.out.resolve().is_relative_to(folder.resolve()):
            raise RestyleError(f"{name}: {pair.out} lies outside {folder}; give names inside it in the column out")
    return pairs


def _stem(content: Path, styles: Sequence[Path]) -> str:
    names = f"{outputs.shortened(content.stem)}__{outputs.shortened(styles[0].stem)}"
    return names + (f"+{len(styles) - 1}" if len(styles) > 1 else "")


def _earlier(content: Path, styles: Sequence[Path], folder: Path, taken: set[Path]) -> Path | None:
    """The result that an earlier run made of these files, whatever they hold now, or of equal ones elsewhere."""
    stem = _stem(content, styles)
    try:
        given = outputs.fingerprints([content, *map(run_weights, styles)])
    except RestyleError:  # the style cannot be used, as is said when its turn comes
        return None
    for place in sorted(folder.glob(f"{escape(stem)}*.json")):
        number = place.stem.removeprefix(stem)
        record = outputs.read_record(place) or {}
        known = record.get("inputs", [])[: len(given)]
        same = [one["file"] for one in known] == [one["file"] for one in given] or outputs.same_files(known, given)
        ours = number == "" or (number[0] == "-" and number[1:].isdecimal())
        if same and ours and place not in taken and Path(record["out"]).suffix == ".wav":
            return place.with_suffix(".wav")
    return None


def _free(content: Path, styles: Sequence[Path], folder: Path, taken: set[Path]) -> Path:
    """The first name that no result has."""
    stem = _stem(content, styles)
    names = (folder / f"{stem}{'' if number == 1 else f'-{number}'}.wav" for number in count(1))
    used = (path for path in names if not (path.exists() or outputs.record_path(path).exists()))
    return next(path for path in used if outputs.record_path(path) not in taken)


def run(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    settings: Settings | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    report: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Do the pairs that are not done yet.

    Args:
        pairs: what to do.
        folder: the results' folder; made if missing.
        settings: the options, the same for all pairs.
        jobs: processes at a time, which share the processor's cores.
        overwrite: whether results made otherwise are replaced; without, such a pair fails. All pairs are then done.
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
            pair.out.parent.mkdir(parents=True, exist_ok=True)
            outcome = _before(pair, settings, overwrite)
            if outcome is None:
                todo.append((pair, settings, overwrite))
                continue
            known[pair] = outcome
            if report:
                report(outcome)
        for (pair, *_), done in pool.each(_do, todo, jobs):
            known[pair] = done or Outcome(pair, "failed", pool.KILLED)
            if report:
                report(known[pair])
    return [known[pair] for pair in pairs]


def _before(pair: Pair, settings: Settings, overwrite: bool) -> Outcome | None:
    """What is known of a pair without any work."""
    try:
        if transfer.kept(pair.content, pair.styles, pair.out, settings, overwrite=overwrite):
            return Outcome(pair, "skipped", "it is there already")
    except RestyleError as error:
        return Outcome(pair, "failed", str(error))
    return None


def _do(task: tuple[Pair, Settings, bool]) -> Outcome:
    pair, settings, overwrite = task
    try:
        stamps = tuple(path.stat().st_mtime_ns for path in pair.styles)
        learnt = _learnt(pair.styles, stamps, settings)
        record = transfer.run(
            pair.content, pair.styles, pair.out, settings=settings, learnt=learnt, overwrite=overwrite
        )
    except RestyleError as error:
        return Outcome(pair, "failed", str(error))
    except Exception as error:
        return Outcome(pair, "failed", f"{type(error).__name__}: {error}; run this pair with restyle transfer --debug")
    return Outcome(pair, "done", "; ".join(record["warnings"]))


@lru_cache(maxsize=2)
def _learnt(styles: tuple[Path, ...], _changed: tuple[int, ...], settings: Settings) -> Style:
    """Learn a style once for all the contents that want it; the warnings go with it into each of their records."""
    with collect_warnings() as warnings:
        if is_learnt(styles[0]):
            style = read_style(styles[0], settings.options)
        else:
            style = learn_for([read_sound(path) for path in styles], settings, [str(path) for path in styles])
    return replace(style, warnings=tuple(warnings))
