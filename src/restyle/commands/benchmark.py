"""``restyle benchmark``: make triplets, and run methods on triplets or pairs. Floor 6."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restyle.commands.shared import outputs, results
from restyle.commands.shared.comparisons import named
from restyle.commands.shared.settings import Settings
from restyle.commands.shared.tally import Report
from restyle.comparison.published import ARTIFICIAL
from restyle.comparison.table import COPIES, Comparison, Pair
from restyle.data import triplets
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError

WITH_TARGET = ("quality.lsd", "style.mfcc", "content.pitch")
WITHOUT = ("style.mfcc", "content.pitch", "content.chroma", "rhythm.onset")


def make(
    midi: Path,
    instruments: Path | Sequence[Path],
    folder: Path,
    *,
    count: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
) -> int:
    """Make triplets of content, style and target; return how many there are.

    Args:
        midi: a folder; MIDI files in folders below it are found, too.
        instruments: a SoundFont, or folders of recorded notes; no model that is tested may have been trained on them.
        folder: made if missing.
        count: how many triplets.
        seed: of every choice.
        progress: called with the fraction done, 0..1.

    Raises:
        RestyleError: if there are too few usable MIDI files, or something cannot be read or written.
    """
    if count < 1:
        raise RestyleError(f"count must be 1 or more, not {count}")
    if not midi.is_dir():
        raise RestyleError(f"{midi} is no folder; give the folder of the MIDI files")
    files = sorted(path for path in midi.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if not files:
        raise RestyleError(f"{midi} holds no MIDI files; give another folder")
    with outputs.folder(folder):
        return len(triplets.make(files, instruments, folder, count=count, seed=seed, progress=progress))


def instruments(soundfont: Path | None, notes: Sequence[Path] | None) -> Path | Sequence[Path]:
    """Return what plays triplets.

    Raises:
        RestyleError: unless there is either a SoundFont or a folder of recorded notes.
    """
    if (soundfont is None) == (not notes):
        raise RestyleError("triplets are played by a SoundFont or by recorded notes; give --soundfont or --notes")
    return soundfont or notes or ()


def run(
    folder: Path,
    methods: Sequence[str],
    out: Path,
    *,
    settings: Settings | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    report: Report | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Transfer and evaluate all triplets (or pairs without targets) of a folder; a second run does what is left.

    Args:
        folder: holds ``NNN.content.*``, ``NNN.style.*`` and, of triplets, ``NNN.target.*``.
        methods: names of methods.
        out: folder for the sounds and scores; made if missing.
        settings: of the transfers.
        jobs: processes at a time.
        overwrite: whether results that were made of other files, or otherwise, may be replaced.
        report: called with each result's name (and what went wrong), how many are done, and of how many.
        progress: called with the fraction done, 0..1.

    Raises:
        RestyleError: if the folder holds no pairs, or the results cannot be written or would replace others.
    """
    pairs = [named(t.name, t.content, t.style, t.target) for t in triplets.read(folder)]
    return results.run(
        pairs,
        methods,
        out,
        settings=settings,
        metrics=metrics(pairs),
        jobs=jobs,
        overwrite=overwrite,
        report=report,
        progress=progress,
    )


def metrics(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return the metrics of pairs: others where there are targets."""
    return WITH_TARGET if all(pair.target for pair in pairs) else WITHOUT


@dataclass(frozen=True)
class Row:
    """A line of the table: a mean and its standard error for each metric, None where there is none."""

    name: str
    values: tuple[tuple[float, float | None] | None, ...]
    seconds: float | None = None
    memory: float | None = None
    failed: int = 0


def rows(comparison: Comparison, metrics: Sequence[str]) -> Iterator[Row]:
    """Yield the copies, the methods, and where there are targets what others published."""
    for method in [*COPIES, *comparison.methods]:
        values = [comparison.values(method, metric) for metric in metrics]
        seconds, memory = (_known(comparison.values(method, name)) for name in ("seconds", "memory"))
        results_of = [pair.result(method) for pair in comparison.pairs]
        yield Row(
            f"copy of the {method}" if method in COPIES else method,
            tuple(_mean(_known(column)) for column in values),
            float(np.mean(seconds)) if seconds else None,
            max(memory) if memory else None,
            sum(result is None for result in results_of),
        )
    if "quality.lsd" in metrics:
        for name, figures in ARTIFICIAL.items():
            yield Row(name, tuple((figures[metric], None) if metric in figures else None for metric in metrics))


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float]) -> tuple[float, float | None] | None:
    if not values:
        return None
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return float(np.mean(values)), error
