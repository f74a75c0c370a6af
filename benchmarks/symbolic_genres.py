"""Scores pieces that were given another genre: by a CycleGAN on piano rolls and by arranging, beside truth and copy.

    restyle train symbolic_cyclegan --data MIDI --out RUN
    python benchmarks/symbolic_genres.py MIDI [--cyclegan RUN] [--arranger-weights RUN] [--pieces 120]

MIDI has a folder each genre, with the same charts in each (chart007_bossa.mid), and ``chords/`` with their chords
(chart007.txt). The charts are those that the CycleGAN's training holds out. A content is a chart in one genre with a
melody that is made up over its chords; the truth is the chart in the other genre; the style of an arrangement is a few
bars of another chart in it. ``right`` is the part of results whose accompaniment is called by the right name, ``right,
no drums`` the same by notes with pitch alone: the CycleGAN leaves drums as they are. ``content_chroma`` is of the whole
against the content, metrics of style are of the accompaniment against the truth, both with all their pitched tracks
as one of piano, which is what the CycleGAN makes.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from restyle.analysis.symbolic_genre.infer import classify
from restyle.arrangement import arrange
from restyle.arrangement.rolls.data import files
from restyle.arrangement.rolls.roll import notes_of, roll_of
from restyle.arrangement.rolls.transfer import transferred
from restyle.data.charts import parse_chart
from restyle.data.melodies import melody
from restyle.evaluation.symbolic import METRICS, content_chroma, evaluate, melody_f1
from restyle.io import hub, weights
from restyle.io.scores import read_score
from restyle.notes import DRUMS
from restyle.score import Score, joined

Made = tuple[Score, Score]  # the whole, and its accompaniment
MELODY = 100  # number of its track
RIGHT = "right", "right, no drums"
NAMES = {"jazz_swing": "swing"}  # of genres, as the classifier has them


@dataclass(frozen=True)
class Task:
    """A chart from one genre to another: its band and melody, the band there, and some bars of another chart there."""

    source: str
    target: str
    band: Score
    melody: Score
    truth: Score
    style: Score

    @property
    def content(self) -> Score:
        """What is given another genre."""
        return joined([self.band, self.melody])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("midi", type=Path)
    parser.add_argument("--cyclegan", help="a run of restyle train symbolic_cyclegan; scored on its own pair")
    parser.add_argument("--arranger-weights", help="a run of restyle train arranger")
    parser.add_argument("--pieces", type=int, default=120, help="of all pairs of genres; 0 for none")
    parser.add_argument("--bars", type=int, default=8, help="of the style")
    args = parser.parse_args()
    charts = held_out(args.midi)
    every = [(source, target) for source in sorted(charts) for target in sorted(charts) if source != target]
    parts = [("all pairs", every, args.pieces)] if args.pieces else []
    if args.cyclegan:
        pair = weights.load(hub.find(args.cyclegan))[1]["genres"]
        parts.append((f"{pair[0]} and {pair[1]}", [pair, pair[::-1]], None))
    for title, pairs, count in parts:
        rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for task in tasks(args.midi, charts, pairs, args.bars, count):
            made = by_hand(task) | arranged(task, args.arranger_weights)
            if count is None:
                made |= by_cyclegan(task, args.cyclegan)
            for name, (whole, band) in made.items():
                add(rows[name], scored(task, whole, band))
        show(title, rows)


def held_out(midi: Path) -> dict[str, dict[str, Path]]:
    """Genre -> chart -> file, of those that no training has seen."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for file in files(midi):
        if file.split == "test":
            found[file.genre][file.piece] = file.path
    return found


def tasks(
    midi: Path, charts: dict[str, dict[str, Path]], pairs: Sequence[tuple[str, str]], bars: int, count: int | None
) -> Iterator[Task]:
    """Yield each chart that both genres of a pair have, or ``count`` of them by chance."""
    rng = random.Random(0)
    all_of = [(a, b, chart) for a, b in pairs for chart in sorted(charts[a].keys() & charts[b].keys())]
    for source, target, chart in all_of if count is None else rng.sample(all_of, min(count, len(all_of))):
        band, truth = read_score(charts[source][chart]), read_score(charts[target][chart])
        other = read_score(charts[target][rng.choice(sorted(charts[target].keys() - {chart}))])
        chords = parse_chart(chart, (midi / "chords" / f"{chart}.txt").read_text(encoding="utf-8")).bars
        tune = melody([chords[bar % len(chords)] for bar in range(band.bar_count)], seed=sum(chart.encode()))
        tune = replace(tune, track=tune.track + MELODY, bars=band.bars, times=band.times)
        yield Task(source, target, band, tune, truth, other.between(0, min(bars, other.bar_count)))


def by_hand(task: Task) -> dict[str, Made]:
    return {
        "truth": (joined([task.melody, task.truth]), task.truth),
        "copy of the content": (task.content, task.band),
    }


def arranged(task: Task, network: str | None) -> dict[str, Made]:
    output = {}
    for name, chosen in {"arrange": None, "arrange, network": network}.items():
        if name == "arrange" or chosen:
            made = arrange(task.content, task.style, weights=chosen)
            output[name] = made.score, made.score.select(~np.isin(made.score.track, made.kept))
    return output


def by_cyclegan(task: Task, network: str) -> dict[str, Made]:
    """Everything as one roll, as published; and with the melody kept from it, as an arrangement does."""
    whole = transferred(task.content, weights=network, towards=task.target)
    band = transferred(task.band, weights=network, towards=task.target)
    return {
        "cyclegan": (whole, whole),
        "cyclegan, melody kept": (joined([band, task.melody]), band),
        "truth on the roll": (joined([rolled(task.truth), task.melody]), rolled(task.truth)),
    }


def rolled(score: Score) -> Score:
    """What a piano roll keeps of a score: the best that a network on them could do."""
    rows = [(start, length, pitch, 0.8, 0, 0) for start, length, pitch in notes_of(roll_of(score)).tolist()]
    pitched = replace(Score.of(rows, bars=score.bars), times=score.times)
    return joined([pitched, score.select(score.programme == DRUMS)])


def scored(task: Task, whole: Score, band: Score) -> dict[str, float | None]:
    named = {
        name: float(classify(score).best == NAMES.get(task.target, task.target))
        for name, score in ((RIGHT[0], band), (RIGHT[1], band.pitched()))
    }
    harmony = {"melody_f1": melody_f1(whole, task.melody), "content_chroma": content_chroma(whole, task.content)}
    return {**named, **evaluate(on_piano(band), style=on_piano(task.truth)), **harmony}


def on_piano(score: Score) -> Score:
    pitched = score.programme != DRUMS
    return replace(score, programme=np.where(pitched, 0, DRUMS), track=np.where(pitched, 0, 1))


def add(scores: dict[str, list[float]], found: dict[str, float | None]) -> None:
    for name, value in found.items():
        if value is not None:
            scores[name].append(value)


def show(title: str, rows: dict[str, dict[str, list[float]]]) -> None:
    names = [*RIGHT] + [name.partition(".")[2] for name in METRICS if name != "symbolic.degree"]
    names = [name for name in names if any(name in own for own in rows.values())]
    table = Table("", *names, title=f"{title}: {len(rows['truth'][RIGHT[0]])} pieces")
    for row, own in rows.items():
        table.add_row(row, *(f"{np.mean(own[name]):.3f}" if own[name] else "-" for name in names))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
