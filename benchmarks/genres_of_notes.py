"""Makes the data of the genre classifier of notes, and tells how often it is right, whatever is left of the pieces.

    restyle data arrange CHARTS -o SET --songs 3000
    python benchmarks/genres_of_notes.py make PARALLEL SET CHARTS --out data
    restyle train symbolic_genre --data data/train --test data/test --out run
    python benchmarks/genres_of_notes.py score data/test [data/unseen] --weights run

PARALLEL has a folder each genre, with the same charts in each (PIECE_GENRE.mid), and ``chords/`` with those
(PIECE.txt). A fifth of its pieces is for the test, whole; songs of SET over their charts are left out. Of SET, other
patterns of the genres are learnt from; those of families that SET itself holds out are in data/unseen.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from restyle.analysis.genre.accuracy import evaluate
from restyle.analysis.symbolic_genre.infer import classify, load
from restyle.io.scores import read_score
from restyle.notes import DRUMS
from restyle.score import Score, joined

GENRES = {  # the folder in PARALLEL, and families of grooves
    "blues": "blues stdlib/blues stdlib/blues128 stdlib/slowblues stdlib/fastblues casio/blues",
    "bluegrass": "bluegrass stdlib/bluegrass",
    "bossa": "bossa stdlib/bossanova kara/kbossa yamaha/jazzbossa",
    "funk": "funk stdlib/bvfunk casio/funk1 casio/funk2 kara/Kfunk1",
    "rock": "rock stdlib/60srock stdlib/basicrock stdlib/bubblerock stdlib/rock-128 stdlib/folkrock stdlib/softrock "
    "casio/rock1 casio/rock2 casio/digitalrock casio/60srock casio/poprock1 casio/poprock2 pflib/rock1 yamaha/w-rock "
    "kara/K50s_rock",
    "salsa": "salsa stdlib/salsa yamaha/salsa1 yamaha/salsa2",
    "swing": "jazz_swing stdlib/swing stdlib/fastswing stdlib/easyswing casio/swing casio/slowswing yamaha/jazzswing",
    "trance": "trance stdlib/trance casio/trance1 casio/trance2",
}
TEST = 5  # one piece of so many
HEAD = 24  # cells by which charts are known again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make")
    for name in ("parallel", "set", "charts"):
        making.add_argument(name, type=Path)
    making.add_argument("--out", type=Path, required=True)
    scoring = verbs.add_parser("score")
    scoring.add_argument("data", type=Path, nargs="+")
    scoring.add_argument("--weights")
    args = parser.parse_args()
    if args.verb == "make":
        make(args.parallel, args.set, args.charts, args.out)
    else:
        for data in args.data:
            score(data, args.weights)


def make(parallel: Path, band_set: Path, charts: Path, out: Path) -> None:
    pieces = np.random.default_rng(0).permutation(sorted(path.stem for path in (parallel / "chords").glob("*.txt")))
    test = set(pieces[: len(pieces) // TEST].tolist())
    for genre, (folder, *_) in ((genre, names.split()) for genre, names in GENRES.items()):
        for path in sorted((parallel / folder).glob("*.mid")):
            piece = path.stem.removesuffix(f"_{folder}")
            copy(path, out / ("test" if piece in test else "train") / genre / f"{piece}.mid")
    heads = {head(parallel / "chords" / f"{piece}.txt") for piece in test}
    genre_of = {family: genre for genre, names in GENRES.items() for family in names.split()[1:]}
    for row in map(json.loads, (band_set / "manifest.jsonl").read_text(encoding="utf-8").splitlines()):
        if row["beats"] == 4 and head(charts / f"{row['chart']}.txt") not in heads:
            side = "train" if row["split"] == "train" else "unseen"
            for stem, groove in row["grooves"].items():
                if genre := genre_of.get(groove["family"]):
                    name = f"{stem}/{Path(row['file']).name}/chart{row['chart']}.mid"
                    copy(band_set / row["file"] / f"{stem}.mid", out / side / genre / name)


def head(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").split()[:HEAD])


def copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def chords_and_bass(score: Score) -> Score:
    """The lowest track, and of the others the one with the fullest chords, all as one piano."""
    score = score.pitched()
    tracks = {track: score.track == track for track in np.unique(score.track).tolist()}
    low = min(tracks, key=lambda track: score.pitch[tracks[track]].mean(), default=None)
    fullness = {t: own.sum() / len(np.unique(score.start[own])) for t, own in tracks.items() if t != low}
    full = max(fullness, key=fullness.__getitem__, default=low)
    return pianos(score.select(np.isin(score.track, [low, full])))


def pianos(score: Score) -> Score:
    return replace(score, programme=np.where(score.programme == DRUMS, DRUMS, 0))


def wrong(score: Score) -> Score:
    """A fifth of the notes missing, a fifth of the others a wrong key, a tenth a step early or late."""
    rng = np.random.default_rng(0)
    shift = np.where((rng.random(len(score)) < 0.2) & (score.programme != DRUMS), rng.integers(-3, 4, len(score)), 0)
    late = np.where(rng.random(len(score)) < 0.1, rng.integers(-1, 2, len(score)), 0)
    score = replace(score, pitch=(score.pitch + shift).clip(0, 127), start=np.maximum(0, score.start + late))
    return score.select(rng.random(len(score)) >= 0.2)


def with_tune(score: Score) -> Score:
    """Beside it a melody that it has nothing to do with: a scale up and down, in quarter notes."""
    beats = range(0, int(score.bars[-1]), 12)
    tune = [(at, 12, 67 + (0, 2, 4, 5, 7, 5, 4, 2)[k % 8], 0.8, 73, 1000) for k, at in enumerate(beats)]
    return joined([score, Score.of(tune, bars=score.bars)])


def bars_of(score: Score, count: int) -> Iterator[Score]:
    for first in range(0, score.bar_count, count):
        if len(part := score.between(first, min(first + count, score.bar_count))):
            yield part


VARIANTS: dict[str, Callable[[Score], Score]] = {
    "as it is": lambda score: score,
    "all programmes piano": pianos,
    "without drums": lambda score: score.pitched(),
    "drums alone": lambda score: score.select(score.programme == DRUMS),
    "chords and bass alone, as piano": chords_and_bass,
    "wrong notes": wrong,
    "wrong notes, without drums": lambda score: wrong(score.pitched()),
    "a tune beside it": with_tune,
    "a tune beside it, without drums": lambda score: with_tune(score.pitched()),
}


def score(data: Path, weights: str | None) -> None:
    labels = load(weights)[1]
    known = [(read_score(p), labels.index(p.relative_to(data).parts[0])) for p in sorted(data.rglob("*.mid"))]
    table = Table(title=f"{data}: {len(known)} pieces")
    for name in ("of the pieces", "right", "mistaken"):
        table.add_column(name)
    for name, variant in VARIANTS.items():
        add(table, name, labels, [(variant(piece), label) for piece, label in known], weights)
    for count in (1, 2, 4):
        for name in ("as it is", "without drums", "chords and bass alone, as piano"):
            parts = [(p, label) for piece, label in known for p in bars_of(VARIANTS[name](piece), count)]
            add(table, f"{count} bars, {name}", labels, parts, weights)
    Console(width=150).print(table)


def add(table: Table, name: str, labels: tuple[str, ...], pieces: list[tuple[Score, int]], weights: str | None) -> None:
    probabilities = np.stack([classify(piece, weights=weights).mean for piece, _ in pieces])
    found = evaluate(probabilities, np.array([label for _, label in pieces]), range(len(pieces)))
    off = found.confusion - np.diag(np.diag(found.confusion))
    pairs = [(off[i, j], f"{labels[i]} for {labels[j]} {off[i, j]}") for i, j in np.argwhere(off)]
    worst = ", ".join(text for _, text in sorted(pairs, reverse=True)[:4])
    table.add_row(name, f"{found.track} of {found.tracks}", worst)


if __name__ == "__main__":
    main()
