"""Scores arrangements of held-out charts in held-out grooves, beside the truth and two copies, means over pieces.

    restyle data arrange CHARTS -o DATA --songs 3000
    python benchmarks/arrangement.py DATA [--pieces 100] [--split test] [--bars 8] [--pop909 DIR] [--weights NAME]

A content is a song's melody with its chart played in one groove; the style is a few bars of another groove, playing
another song; the truth is that groove playing the content's chart. ``content_chroma`` is against the content, the
others against the truth. ``retrieval`` takes the style's bars as they are, ``network`` writes them anew. With POP909,
its songs are put on the beats that come with them, arranged in the same styles, and held against its own chords.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from restyle.analysis.chord_names import parse_chord
from restyle.analysis.melody import melody_of
from restyle.analysis.meter import Meter
from restyle.analysis.quantise import quantise
from restyle.arrangement import arrange
from restyle.evaluation.symbolic import METRICS, evaluate
from restyle.io.scores import read_score
from restyle.score import Score, joined


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--split", default="test")
    parser.add_argument("--bars", type=int, default=8, help="of the style")
    parser.add_argument("--pop909", type=Path)
    parser.add_argument("--weights", default="arranger", help="of the network: a name, a run or a path")
    parser.add_argument("--songs", type=int, default=20, help="of POP909")
    args = parser.parse_args()
    lines = (args.data / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["split"] == args.split]
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for content, melody, style, truth in pieces(args.data, rows, args.pieces, args.bars):
        made = {}
        for name, weights in (("retrieval", None), ("network", args.weights)):
            start = time.perf_counter()
            made[name] = arrange(content, style, weights=weights).score
            scores[name]["seconds"].append(time.perf_counter() - start)
        made |= {"truth": joined([melody, truth]), "copy of the content": content, "copy of the style": style}
        for name, score in made.items():
            add(scores[name], evaluate(score, content=content, style=truth, melody=melody))
    show(f"{len(scores['truth']['style'])} pieces", scores)
    if args.pop909:
        show("POP909", dict(pop909(args.pop909, args.data, rows, args.songs, args.bars)))


def pieces(data: Path, rows: Sequence[dict], count: int, bars: int) -> Iterator[tuple[Score, Score, Score, Score]]:
    """Yield content, its melody, style and truth; grooves that play one song alone have no style."""
    rng = random.Random(0)
    of_groove = defaultdict(list)
    for row in rows:
        for name in row["grooves"]:
            of_groove[name].append(row)
    tasks = [
        (row, name, source)
        for row in rows
        for name in sorted(row["grooves"])
        for source in sorted(row["grooves"])
        if source != name and len(of_groove[name]) > 1
    ]
    for row, name, source in rng.sample(tasks, min(count, len(tasks))):
        other = rng.choice([r for r in of_groove[name] if r is not row])
        band, truth, melody = (read_score(data / row["file"] / f"{n}.mid") for n in (source, name, "melody"))
        melody = replace(melody, track=melody.track + 100, bars=band.bars, times=band.times)
        yield joined([band, melody]), melody, first(read_score(data / other["file"] / f"{name}.mid"), bars), truth


def first(score: Score, bars: int) -> Score:
    return score.between(0, min(bars, score.bar_count))


def pop909(
    folder: Path, data: Path, rows: Sequence[dict], songs: int, bars: int
) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Yield the scores of songs as they are, and of their arrangements."""
    rng = random.Random(0)
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path in rng.sample(sorted(folder.glob("*.mid")), songs):
        content = on_beats(read_score(path), path.with_name(f"{path.stem}.beat_midi.txt"))
        row = rng.choice(rows)
        style = first(read_score(data / row["file"] / f"{rng.choice(sorted(row['grooves']))}.mid"), bars)
        labels, melody = annotated(content, path.with_name(f"{path.stem}.chord_midi.txt")), melody_of(content)
        chords = np.array([pitch_classes(label) for label in labels])
        start = time.perf_counter()
        made = arrange(content, style).score
        scores["retrieval"]["seconds"].append(time.perf_counter() - start)
        told = arrange(content, style, chords=labels).score
        for name, score in (("retrieval", made), ("with its chords", told), ("as it is", content)):
            add(scores[name], evaluate(score, content=content, style=style, melody=melody, chords=chords))
    yield from scores.items()


def on_beats(score: Score, path: Path) -> Score:
    """A score on the beats of a file of times and marks of downbeats, on which its own are not."""
    table = np.loadtxt(path)
    meter = Meter(np.concatenate([[0.0], table[1:, 0]]), 4, int(np.argmax(table[:, 2])) % 4)
    tracks = [score.select(score.track == track) for track in np.unique(score.track)]
    parts = [replace(quantise(part.notes(), meter), track=np.full(len(part), i)) for i, part in enumerate(tracks)]
    longest = max(parts, key=lambda part: part.bars[-1])
    return joined([longest, *(part for part in parts if part is not longest)])


def annotated(score: Score, path: Path) -> list[str]:
    """The chord in the middle of each quarter note, by lines of start, end and label."""
    labels = ["N"] * (len(score.times) - 1)
    middles = (score.times[1:] + score.times[:-1]) / 2
    for line in path.read_text(encoding="utf-8").splitlines():
        start, end, label = line.split()
        for beat in np.flatnonzero((middles >= float(start)) & (middles < float(end))):
            labels[beat] = label
    return labels


def pitch_classes(label: str) -> list[bool]:
    root, classes, _ = parse_chord(label)
    return [(k - (root or 0)) % 12 in classes for k in range(12)]


def add(scores: dict[str, list[float]], found: dict[str, float | None]) -> None:
    for name, value in found.items():
        if value is not None:
            scores[name].append(value)


def show(title: str, scores: dict[str, dict[str, list[float]]]) -> None:
    names = [name.partition(".")[2] for name in METRICS] + ["seconds"]
    names = [name for name in names if any(name in own for own in scores.values())]
    table = Table("", *names, title=title)
    for row, own in scores.items():
        table.add_row(row, *(f"{np.mean(own[name]):.3f}" if own[name] else "-" for name in names))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
