"""How well `restyle transfer --arrange` keeps the tune of a recording, and how near it comes to the style.

    python benchmarks/arrangement_sound.py PAIRS [--ways copy transfer 1 0.5] [--only 1 2] [--keep DIR]

PAIRS holds recordings, ``001.content.wav`` and ``001.style.wav`` and so on. ``melody`` is the F-measure of the notes of
the result's tune beside those of the content's, both found in transcriptions by the transcriber of the package:
onsets within 50 ms, pitches within a semitone; ``any octave`` counts their pitch classes; ``present`` is how many notes
of the content's tune are among all notes of the result. ``style`` is the distance of embeddings from the style. Ways
are numbers for `--arrange`, and to hold them against a copy of the content and the transfer of its own notes.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import mir_eval
import numpy as np
from rich.console import Console
from rich.table import Table

import restyle
from restyle.analysis.facts import Analysis
from restyle.analysis.melody import melody_of
from restyle.analysis.meter import estimate_meter
from restyle.analysis.quantise import quantise
from restyle.arrangement.hearing import Heard
from restyle.audio import Audio
from restyle.evaluation.style import embedding
from restyle.notes import Notes

ONSET, SEMITONE = 0.05, 100.0  # s and cents within which a note is right
COLUMNS = ("melody", "any octave", "present", "style")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--ways", nargs="*", default=["copy", "transfer", "1", "0.5"])
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the pairs")
    parser.add_argument("--keep", type=Path, help="folder for the results")
    args = parser.parse_args()
    scores: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number, content, style in pairs(args.pairs, args.only):
        for way in args.ways:
            sound = made(way, content, style)
            row = measured(sound, content, style)
            scores[way].append(row)
            print(f"{number} {way:8}", *(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
            if args.keep:
                args.keep.mkdir(exist_ok=True)
                restyle.write(args.keep / f"{number}.{way}.wav", sound)
    show(scores)


def pairs(folder: Path, only: list[int] | None) -> Iterator[tuple[str, Audio, Audio]]:
    for path in sorted(folder.glob("*.content.wav")):
        number = path.name.partition(".")[0]
        if not only or int(number) in only:
            yield number, restyle.read(path), restyle.read(path.with_name(f"{number}.style.wav"))


def made(way: str, content: Audio, style: Audio) -> Audio:
    if way == "copy":
        return content
    return restyle.transfer(content, style, arrange=0.0 if way == "transfer" else float(way))


def measured(result: Audio, content: Audio, style: Audio) -> dict[str, float]:
    own, found = tune(content), tune(result)
    _, recall, _ = matched(own, Analysis.of(result).notes)
    scores = (matched(own, found)[2], matched(classes(own), classes(found))[2], recall, embedding(result, style))
    return dict(zip(COLUMNS, scores, strict=True))


def tune(audio: Audio) -> Notes:
    """The likeliest line among the notes of a recording, at the times at which they are played."""
    known = Analysis.of(audio)
    if not len(known.notes):
        return known.notes
    written = Heard(known.notes, quantise(known.notes, estimate_meter(known.beats, known.notes)))
    return written.as_played(melody_of(written.score))


def classes(notes: Notes) -> Notes:
    return Notes(notes.onset, notes.offset, 60 + np.round(notes.pitch) % 12, notes.velocity, notes.programme)


def matched(truth: Notes, found: Notes) -> tuple[float, float, float]:
    """Precision, recall and F-measure of notes by onset and pitch."""
    if not len(truth) or not len(found):
        return 0.0, 0.0, 0.0
    tables = [
        column
        for notes in (truth, found)
        for column in (np.stack([notes.onset, notes.offset], 1), 440 * 2 ** ((np.round(notes.pitch) - 69) / 12))
    ]
    return mir_eval.transcription.precision_recall_f1_overlap(
        *tables, onset_tolerance=ONSET, pitch_tolerance=SEMITONE, offset_ratio=None
    )[:3]


def show(scores: dict[str, list[dict[str, float]]]) -> None:
    table = Table("", "pairs", *COLUMNS)
    for name, rows in scores.items():
        means = (f"{np.mean([row[column] for row in rows]):.3f}" for column in COLUMNS)
        table.add_row(name, str(len(rows)), *means)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
