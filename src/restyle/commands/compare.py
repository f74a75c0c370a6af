"""``restyle compare``: every method on every pair, and a page to hear, see and compare them. Floor 6."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from restyle.commands.shared import pool, results
from restyle.commands.shared.comparisons import REPORT, excerpts, named, part_excerpts
from restyle.commands.shared.inputs import read_rows
from restyle.commands.shared.settings import Settings
from restyle.commands.shared.tally import Report
from restyle.comparison.table import Comparison, Pair
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError, warn
from restyle.pages import media, report
from restyle.pipeline import part

SECONDS = 30.0  # of each sound on the page, where there is room
MAIN = (
    "style.embedding",
    "style.mfcc",
    "content.melody",
    "content.beat_chroma",
    "content.pitch",
    "rhythm.tempo_error",
    "quality.lsd",
)


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
        methods: from `comparisons.choose`.
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
    return results.run(
        pairs,
        methods,
        folder,
        settings=settings,
        jobs=jobs,
        overwrite=overwrite,
        report=report,
        progress=part(progress, 0, 0.9),
        page=lambda comparison, workers: _page(comparison, folder, workers, part(progress, 0.9, 1)),
    )


def _page(comparison: Comparison, folder: Path, workers: pool.Workers, progress: Progress | None) -> str:
    """The report; where not all fits into one page, parts are left out, then sounds of the last pairs."""
    pairs = [pair for pair in comparison.pairs if pair.results]
    parts, seconds, kbps = sum(len(result.parts) for pair in pairs for result in pair.results), 0.0, 0
    while pairs and not seconds:
        sounds = sum(len(pair.results) + bool(pair.target) for pair in pairs)
        seconds, kbps = media.plan(sounds + parts, SECONDS)
        if not seconds and parts:
            parts = 0
            warn(f"{REPORT} has no room for the parts of the results; they lie in {folder / results.SOUNDS}")
        elif not seconds:
            pairs.pop()
    prepare = partial(
        _prepare, folder=folder, settings=comparison.settings, seconds=seconds, kbps=kbps, parts=parts > 0
    )
    prepared: dict[str, media.PairMedia] = {}
    for number, (pair, result) in enumerate(workers.each(prepare, pairs), 1):
        if result:
            prepared[pair.name] = result
        if progress:
            progress(number / len(pairs))
    return report.page(comparison, prepared)


def _prepare(
    pair: Pair, folder: Path, settings: dict[str, Any], seconds: float, kbps: int, parts: bool
) -> media.PairMedia | None:
    from restyle.analysis.transcriber.infer import transcribe

    try:
        sounds = excerpts(pair, folder, settings, seconds)
        apart = part_excerpts(pair, folder, settings, seconds) if parts else {}
    except RestyleError as error:
        warn(f"{pair.title} is shown without sound: {error}")
        return None
    notes = {name: transcribe(audio).notes for name, audio in sounds.items()}
    return media.prepare(pair, sounds, notes, parts=apart, kbps=kbps)
