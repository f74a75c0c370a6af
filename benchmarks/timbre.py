"""Makes what the style embedding learns from, and scores embeddings on recordings and instruments they never heard.

    python benchmarks/timbre.py make DIR --midi DIR --soundfont FILE [--notes DIR] [--train 40] [--test 12] [--first 0]
    python benchmarks/timbre.py excerpts DIR --sounds DIR [--each 2] [--leave-out NAME ...]
    python benchmarks/timbre.py score DIR/test WEIGHTS...
    python benchmarks/timbre.py recordings DIR WEIGHTS...
    python benchmarks/timbre.py notes DIR [DIR ...] --weights WEIGHTS [--only NAME ...]

``make`` writes DIR/train (for ``restyle train timbre --data DIR/train``) and DIR/test, which holds every fifth
instrument and, with --notes, the recorded ones, and DIR/test-plain, the same without effects; it goes on where it was
stopped, and several may run at once with --first 0, 40 ... ``excerpts`` adds clips of two excerpts of 4 s from anywhere
in each recording of a folder, half of them a little faster or slower (and so higher or lower).

``score``: how often is a clip (or a piece of it) nearer to another clip of its instrument than to one of another?
``recordings``: are two excerpts of 10 s of one recording nearer than those of two? Area under the curve, all recordings
counting alike. ``notes``: single notes of a folder an instrument, by pitch; how often is, of two, the one nearer to a
note that is the same instrument, else of its family, else excited alike? A stand-in for people's ratings. Beside all
stands the plain distance of mean MFCCs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import librosa
import numpy as np

import restyle
from restyle.analysis.genre.accuracy import Share, triplets
from restyle.analysis.timbre.infer import embed
from restyle.audio import Audio, resample
from restyle.data.instruments import Instruments, held_out, write_clips
from restyle.data.recorded import NoteSamples

PHRASE, EXCERPT, RATE = 4.0, 10.0, 16000  # seconds, seconds, Hz
SEMITONE = 1.0  # by which an excerpt may be faster or slower
PITCHES, NEAR, EACH, NOTE = (48, 55, 60, 65, 72), 2.5, 3, 2.0  # notes that are compared; semitones; of each; seconds
FAMILIES = {
    "bowed": ("violin", "viola", "cello", "double-bass", "double_bass_arco"),
    "double reed": ("oboe", "bassoon"),
    "clarinet": ("clarinet",),
    "flute": ("flute",),
    "saxophone": ("sax",),
    "brass": ("trumpet", "horn", "trombone", "tuba"),
    "voice": ("-ah", "-ih", "-oh", "voice"),
    "piano": ("piano",),
    "plucked": ("guitar", "ganjo", "banjo", "pizz", "bass", "harp"),
}
STRUCK = {"piano", "plucked"}

Point = Callable[[Audio], np.ndarray]


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


def sounds(folder: Path, without: list[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in {".flac", ".wav", ".ogg", ".mp3"} and not any(word in str(path) for word in without):
            yield path


def excerpts(args: argparse.Namespace) -> None:
    for number, path in enumerate(sounds(args.sounds, args.leave_out)):
        audio = restyle.read(path)
        whole, rng = audio.mono(), np.random.default_rng(number)
        if audio.duration < PHRASE:
            continue
        for clip in range(args.each):
            parts = []
            for _ in range(2):
                rate = audio.rate * 2 ** (rng.uniform(-SEMITONE, SEMITONE) / 12 * rng.integers(2))
                start = rng.integers(0, max(1, len(whole) - round(PHRASE * rate)))
                piece = resample(whole[start : start + round(PHRASE * rate)], rate, RATE)[: round(PHRASE * RATE)]
                piece = np.pad(piece, (0, round(PHRASE * RATE) - len(piece)))
                parts.append(0.7 * piece / (np.abs(piece).max() + 1e-9))
            name = "_".join(path.relative_to(args.sounds).with_suffix("").parts)
            out = args.folder / name / f"{clip:04d}.flac"
            out.parent.mkdir(parents=True, exist_ok=True)
            restyle.write(out, Audio(np.concatenate(parts), RATE))


def mean_mfcc(audio: Audio) -> np.ndarray:
    mfcc = librosa.feature.mfcc(y=audio.mono(), sr=audio.rate, n_mfcc=13, hop_length=500)
    return mfcc[1:].mean(axis=1)


def score(folder: Path, point: Point, seconds: float) -> Share:
    points, labels, sources = [], [], []
    for path in sorted(folder.glob("*/*.flac")):
        audio = restyle.read(path)
        size = round(seconds * audio.rate)
        for start in range(0, audio.length - size + 1, size):
            points.append(point(audio.slice(start, start + size)))
            labels.append(path.parent.name)
            sources.append(str(path))
    return triplets(np.stack(points), labels, sources)


def distances(points: list[np.ndarray]) -> np.ndarray:
    units = np.stack([point / max(np.linalg.norm(point), 1e-9) for point in points])
    return 1 - units @ units.T


def recordings(folder: Path, point: Point) -> str:
    points, names = [], []
    for path in sounds(folder, []):
        audio = restyle.read(path)
        size = round(EXCERPT * audio.rate)
        for start in range(0, audio.length - size + 1, size):
            piece = audio.slice(start, start + size)
            if np.abs(piece.samples).max() > 0.02:
                points.append(point(piece))
                names.append(path.stem)
    name, away = np.array(names), distances(points)
    upper = np.triu(np.ones(away.shape, bool), 1)
    far = np.sort(away[upper & (name[:, None] != name)])
    areas = []
    for one in sorted(set(names)):
        own = away[upper & (name[:, None] == one) & (name == one)]
        if len(own):
            areas.append(np.mean(1 - np.searchsorted(far, own) / len(far)))
    return f"{np.mean(areas):.3f} ({len(points)} excerpts of {len(set(names))} recordings)"


def family(name: str) -> str:
    # names say more at their beginning, as double_bass_pizz: the first family that has a word of it
    order = sorted(FAMILIES, key=lambda kind: kind == "bowed" and "pizz" in name)
    return next((kind for kind in order if any(word in name for word in FAMILIES[kind])), name)


def unlike(one: str, other: str) -> int:
    if one == other:
        return 0
    if family(one) == family(other):
        return 1
    return 2 if (family(one) in STRUCK) == (family(other) in STRUCK) else 3


def notes(folders: list[Path], only: list[str], point: Point) -> str:
    samples, rng = NoteSamples(*folders), np.random.default_rng(0)
    right = count = 0
    for pitch in PITCHES:
        names, points = [], []
        for name, found in samples.instruments.items():
            near = [sample for sample in found if abs(sample.pitch - pitch) < NEAR]
            for k in rng.permutation(len(near))[:EACH]:
                audio = restyle.read(near[k].path)
                loud = np.flatnonzero(np.abs(audio.mono()) > 0.02 * np.abs(audio.samples).max())
                start = max(0, int(loud[0]) - audio.rate // 100)
                points.append(point(audio.slice(start, start + round(NOTE * audio.rate))))
                names.append(name)
        away = distances(points)
        ranks = np.array([[unlike(a, b) for b in names] for a in names])
        for a, name in enumerate(names):
            if only and name not in only:
                continue
            rest = np.arange(len(names)) != a
            nearer = ranks[a, rest][:, None] < ranks[a, rest]
            right += int((nearer & (away[a, rest][:, None] < away[a, rest])).sum())
            count += int(nearer.sum())
    return f"{right / count:.3f} ({count} triplets)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--midi", type=Path, required=True)
    making.add_argument("--soundfont", type=Path, required=True)
    making.add_argument("--notes", type=Path, action="append", default=[])
    making.add_argument("--train", type=int, default=40, help="clips of each instrument")
    making.add_argument("--test", type=int, default=12)
    making.add_argument("--first", type=int, default=0)
    cutting = verbs.add_parser("excerpts")
    cutting.add_argument("folder", type=Path)
    cutting.add_argument("--sounds", type=Path, required=True)
    cutting.add_argument("--each", type=int, default=2, help="clips of each recording")
    cutting.add_argument("--leave-out", nargs="*", default=[], help="parts of paths")
    scoring = verbs.add_parser("score")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("weights", type=Path, nargs="*")
    scoring.add_argument("--seconds", type=float, default=2 * PHRASE, help="of the pieces that clips are cut into")
    whole = verbs.add_parser("recordings")
    whole.add_argument("folder", type=Path)
    whole.add_argument("weights", type=Path, nargs="*")
    single = verbs.add_parser("notes")
    single.add_argument("folders", type=Path, nargs="+")
    single.add_argument("--weights", type=Path, nargs="*", default=[])
    single.add_argument(
        "--only", nargs="*", default=[], help="instruments of the notes that the others are held against"
    )
    args = parser.parse_args()
    if args.verb in ("make", "excerpts"):
        (make if args.verb == "make" else excerpts)(args)
        return
    judge: dict[str, Callable[[Point], object]] = {
        "score": lambda point: score(args.folder, point, args.seconds),
        "recordings": lambda point: recordings(args.folder, point),
        "notes": lambda point: notes(args.folders, args.only, point),
    }
    print("| embedding | right |\n|---|---|")
    points: dict[str, Point] = {"mean MFCCs 2 to 13, cosine": lambda audio: mean_mfcc(at_rate(audio))}
    points |= {"the package's": embed} | {path.stem: partial(embed, weights=path) for path in args.weights}
    for name, point in points.items():
        print(f"| {name} | {judge[args.verb](point)} |", flush=True)


def at_rate(audio: Audio) -> Audio:
    return Audio(resample(audio.mono(), audio.rate, RATE), RATE)


if __name__ == "__main__":
    main()
