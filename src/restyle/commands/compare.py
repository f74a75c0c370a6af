"""``restyle compare``: every method on every pair, and a page to hear, see and compare them. Floor 6."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restyle import __version__
from restyle.audio import Audio
from restyle.commands.batch import read_rows
from restyle.commands.shared import outputs, pool, results
from restyle.commands.shared.inputs import read_sound
from restyle.commands.shared.made import Report
from restyle.commands.shared.settings import Settings
from restyle.comparison.table import COPIES, Comparison, Pair
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError, warn
from restyle.io.text import write_text
from restyle.methods import METHODS
from restyle.pages import media, report
from restyle.pipeline import part

SECONDS = 30.0  # of each sound on the page, where there is room
MAIN = ("content.pitch", "content.note_f1", "style.mfcc", "rhythm.tempo_error", "quality.lsd")
SCORES, TABLE, REPORT = "scores.json", "scores.csv", "report.html"


def choose(methods: str) -> tuple[str, ...]:
    """Return the methods that ``all`` or a list like ``notes,mosaic`` names.

    Raises:
        RestyleError: if one is unknown or there is none.

    Example:
        >>> choose("notes, mosaic")
        ('notes', 'mosaic')
    """
    if methods.strip() == "all":
        return tuple(METHODS)
    names = tuple(dict.fromkeys(name.strip() for name in methods.split(",") if name.strip()))
    for name in names:
        if name not in METHODS:
            raise RestyleError(f"there is no method '{name}'; choose all, or some of {','.join(METHODS)}")
    if not names:
        raise RestyleError(f"--methods names no method; choose all, or some of {','.join(METHODS)}")
    return names


def make_pairs(contents: Sequence[Path], styles: Sequence[Path]) -> list[Pair]:
    """Pair every content with every style, or take the pairs of a CSV table (columns content, style, target).

    Raises:
        RestyleError: if there are no styles, or the table cannot be read.
    """
    if not styles:
        if len(contents) != 1 or contents[0].suffix.lower() != ".csv":
            raise RestyleError("give --style STYLE for the contents, or one .csv table of pairs")
        above = contents[0].parent
        rows = [
            (above / row["content"], above / row["style"], above / row["target"] if row.get("target") else None)
            for row in read_rows(contents[0])
        ]
    else:
        rows = [(content, style, None) for content in contents for style in styles]
    return [named(f"{number:03d}", *row) for number, row in enumerate(rows)]


def named(name: str, content: Path, style: Path, target: Path | None = None) -> Pair:
    """Return a pair of files without results."""
    files = [str(path.resolve()) for path in (content, style)]
    return Pair(name=name, content=files[0], style=files[1], target=str(target.resolve()) if target else None)


def run(
    pairs: Sequence[Pair],
    methods: Sequence[str],
    folder: Path,
    *,
    settings: Settings | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    report: Report | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare; write ``report.html``, ``scores.csv``, ``scores.json`` and the sounds. A second run does what is left.

    Args:
        pairs: from `make_pairs`.
        methods: from `choose`.
        folder: made if missing.
        settings: of the transfers; their method is left out.
        jobs: processes at a time; each works with one thread, so that results do not depend on their number.
        overwrite: whether results that were made of other files, or otherwise, may be replaced.
        report: called with each result's name (and what went wrong), how many are done, and of how many.
        progress: called with the fraction done, 0..1.

    Raises:
        RestyleError: if the folder cannot be written to or holds other results; what is wrong with a pair is in the
            comparison.
    """
    settings = settings or Settings()
    with outputs.folder(folder):
        check_folder(folder, overwrite=overwrite)
        with pool.Workers(jobs, threads=1) as workers:
            share = part(progress, 0, 0.9)
            judged = results.make(
                pairs,
                methods,
                folder,
                settings=settings,
                workers=workers,
                overwrite=overwrite,
                report=report,
                progress=share,
            )
            comparison = assemble(judged, methods, settings)
            page = _page(comparison, folder, workers, part(progress, 0.9, 1))
        write(comparison, folder, {REPORT: page})
    return comparison


def assemble(pairs: Sequence[Pair], methods: Sequence[str], settings: Settings) -> Comparison:
    """Return the value of a comparison that was made with these settings."""
    used = {"strength": settings.strength, "tone": settings.tone, "seed": settings.seed}
    part = {"start": settings.start, "duration": settings.duration}
    return Comparison(pairs=tuple(pairs), methods=tuple(methods), settings=used | part, version=__version__)


def load(folder: Path) -> Comparison:
    """Read the comparison that a folder holds.

    Raises:
        RestyleError: if there is none.
    """
    path = folder / SCORES
    if not path.is_file():
        raise RestyleError(f"{folder} holds no comparison ({SCORES} is missing); make one with 'restyle compare'")
    return Comparison.from_json(path.read_text(encoding="utf-8", errors="replace"), str(path))


def excerpts(pair: Pair, folder: Path, settings: dict[str, Any], seconds: float) -> dict[str, Audio]:
    """Read the same stretch of the content, the target and all results, and one of the style: the loudest ones.

    Args:
        pair: with its results.
        folder: of the comparison.
        settings: of the comparison; they say which part of the content was used.
        seconds: longest stretch.

    Returns:
        Sounds by the names content, style, target and those of the methods that made one.

    Raises:
        RestyleError: if a file cannot be read.
    """
    first, whole = settings.get("start", 0.0), settings.get("duration")
    at = media.excerpt_start(read_sound(Path(pair.content), start=first, duration=whole), seconds)
    length = seconds if whole is None else min(seconds, whole)
    own = media.excerpt_start(read_sound(Path(pair.style)), seconds)
    places = {"content": (Path(pair.content), first + at), "style": (Path(pair.style), own)}
    if pair.target:
        places["target"] = (Path(pair.target), first + at)
    made = [result for result in pair.results if result.method not in COPIES and result.sound and not result.error]
    places |= {result.method: (folder / str(result.sound), at) for result in made}
    return {name: read_sound(path, start=start, duration=length) for name, (path, start) in places.items()}


@dataclass(frozen=True)
class _Shown:
    """What a process needs to prepare a pair for the page."""

    pair: Pair
    folder: Path
    settings: dict[str, Any]
    seconds: float
    kbps: int


def _page(comparison: Comparison, folder: Path, workers: pool.Workers, progress: Progress | None) -> str:
    """The report; where not all pairs fit into one page, the last ones have scores but no sound."""
    pairs = [pair for pair in comparison.pairs if pair.results]
    seconds, kbps = 0.0, 0
    while pairs and not seconds:
        seconds, kbps = media.plan(sum(len(pair.results) + bool(pair.target) for pair in pairs), SECONDS)
        if not seconds:
            pairs.pop()
    tasks = [_Shown(pair, folder, comparison.settings, seconds, kbps) for pair in pairs]
    shown: dict[str, media.PairMedia] = {}
    for number, (task, made) in enumerate(workers.each(_prepare, tasks)):
        if made:
            shown[task.pair.name] = made
        if progress:
            progress((number + 1) / len(tasks))
    return report.page(comparison, shown)


def _prepare(task: _Shown) -> media.PairMedia | None:
    from restyle.analysis.transcriber.infer import transcribe

    try:
        sounds = excerpts(task.pair, task.folder, task.settings, task.seconds)
    except RestyleError as error:
        warn(f"{task.pair.title} is shown without sound: {error}")
        return None
    notes = {name: transcribe(audio).notes for name, audio in sounds.items()}
    return media.prepare(task.pair, sounds, notes, kbps=task.kbps)


def write(comparison: Comparison, folder: Path, more: dict[str, str] | None = None) -> None:
    """Write the scores as JSON and CSV, and more texts by their names: all of them or none.

    Raises:
        RestyleError: if they cannot be written.
    """
    texts = {SCORES: comparison.to_json(), TABLE: comparison.to_csv()} | (more or {})
    with outputs.together([folder / name for name in texts]) as beside:
        for path, text in zip(beside, texts.values(), strict=True):
            write_text(path, text)


def check_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Refuse to write over scores or a report that are somebody else's.

    Raises:
        RestyleError: if the folder holds some.
    """
    path = folder / SCORES
    if not path.exists():
        outputs.check_free([folder / TABLE, folder / REPORT], overwrite=overwrite)
    else:
        try:
            ours = json.loads(path.read_text(encoding="utf-8")).get("kind") == "comparison"
        except (ValueError, AttributeError, OSError):
            ours = False
        if not ours:
            raise RestyleError(f"{path} exists and is not a comparison of restyle; choose another folder")
