"""Makes clips of single instruments, and scores timbre embeddings by triplets of instruments that they never heard.

    python benchmarks/timbre.py make DIR --midi DIR --soundfont FILE [--notes DIR] [--train 40] [--test 12] [--first 0]
    python benchmarks/timbre.py score DIR/test WEIGHTS...

``make`` writes DIR/train (for ``restyle train timbre --data DIR/train``) and DIR/test, which holds every fifth
instrument and, with --notes, the recorded ones, and DIR/test-plain, the same without effects; it goes on where it was
stopped, and several may run at once with --first 0, 40 ... ``score``: how often is a clip (or a piece of it) nearer to
another clip of its instrument than to one of another? Beside them stands the plain distance of mean MFCCs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import librosa
import numpy as np

import restyle
from restyle.analysis.genre.accuracy import Share, triplets
from restyle.analysis.timbre.infer import embed
from restyle.audio import Audio
from restyle.data.instruments import Instruments, held_out, write_clips

PHRASE = 4.0  # seconds


def make(args: argparse.Namespace) -> None:
    midi = [path for path in sorted(args.midi.rglob("*.mid")) if not path.parent.name.startswith("drums")]
    train, test = held_out(Instruments(midi, args.soundfont).names)
    unseen = midi[::6]  # phrases of the test are of other files
    learnt = Instruments([path for path in midi if path not in set(unseen)], args.soundfont, seconds=PHRASE)
    judged, plain = (
        Instruments(unseen, args.soundfont, samples=args.notes, seconds=PHRASE, varied=varied)
        for varied in (True, False)
    )
    recorded = [name for name in judged.names if name not in learnt.names]
    for instruments, side, names, count in (
        (plain, "test-plain", [*test, *recorded], args.test),
        (judged, "test", [*test, *recorded], args.test),
        (learnt, "train", train, args.train),
    ):
        made = write_clips(instruments, args.folder / side, names, count, seed=len(side), first=args.first)
        print(f"{side}: {sum(1 for _ in made)} new clips of {len(names)} instruments", flush=True)


def mean_mfcc(audio: Audio) -> np.ndarray:
    mfcc = librosa.feature.mfcc(y=audio.mono(), sr=audio.rate, n_mfcc=13, hop_length=500)
    return mfcc[1:].mean(axis=1)


def score(folder: Path, point: Callable[[Audio], np.ndarray], seconds: float) -> Share:
    points, labels, sources = [], [], []
    for path in sorted(folder.glob("*/*.flac")):
        audio = restyle.read(path)
        size = round(seconds * audio.rate)
        for start in range(0, audio.length - size + 1, size):
            points.append(point(audio.slice(start, start + size)))
            labels.append(path.parent.name)
            sources.append(str(path))
    return triplets(np.stack(points), labels, sources)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--midi", type=Path, required=True)
    making.add_argument("--soundfont", type=Path, required=True)
    making.add_argument("--notes", type=Path)
    making.add_argument("--train", type=int, default=40, help="clips of each instrument")
    making.add_argument("--test", type=int, default=12)
    making.add_argument("--first", type=int, default=0)
    scoring = verbs.add_parser("score")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("weights", type=Path, nargs="*")
    scoring.add_argument("--seconds", type=float, default=2 * PHRASE, help="of the pieces that clips are cut into")
    args = parser.parse_args()
    if args.verb == "make":
        make(args)
        return
    print("| embedding | triplets right |\n|---|---|")
    points: dict[str, Callable[[Audio], np.ndarray]] = {"mean MFCCs 2 to 13, cosine": mean_mfcc}
    points |= {path.stem: partial(embed, weights=path) for path in args.weights}
    for name, point in points.items():
        print(f"| {name} | {score(args.folder, point, args.seconds)} |", flush=True)


if __name__ == "__main__":
    main()
