"""Makes the songs that the separator learns from, and scores it on songs whose stems are known.

    restyle data render MIDI -o RENDERED --stems --rate 44100 --seconds 14 --soundfont FILE ...
    python benchmarks/singing.py SPEECH MIDI -o SUNG
    python benchmarks/separation.py make SONGS --rendered RENDERED ... --sung SUNG --stems DIR [--loops DIR]
    restyle data stems SONGS -o STORE
    restyle train separator --data STORE -o RUN
    python benchmarks/separation.py score SONGS [--weights FILE] [--seconds 60]

``make`` sorts the parts of rendered songs by family (drums, bass, other; choirs are left out), gives each a place and a
room in stereo, brings the families to the levels that they have on records, and adds a sung voice to most songs; some
stems are driven, as compressors and amplifiers do. Real stems are cut into pieces. ``score`` prints the
signal-to-distortion ratio of every stem, 10 log10(|s|^2 / |s - e|^2) over the whole song, the mean over the songs in
which the stem sounds, beside that of the mix itself and, where the package is there, of museval (median of
seconds, mean of songs).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from restyle.audio import Audio
from restyle.data.effects import room
from restyle.data.stems import STEMS, read_stems, stem_songs
from restyle.io.sound import read, write

RATE, PIECE = 44100, 14.0
LEVELS = {"drums": (-1.0, 3.0), "bass": (-2.0, 3.0), "vocals": (0.0, 3.0)}  # dB beside other: mean, deviation
DRIVEN, DRIVE = 0.2, (1.5, 4.0)  # share of the stems that are driven, and by which factor above their usual peaks
BASS, CHOIRS = range(32, 40), (52, 53, 54, 85, 91)


def family(name: str) -> str | None:
    """Return the stem that a part belongs to, by the name that rendering gave it; None leaves it out."""
    kind = name.partition("-")[2].removesuffix(".flac")
    if kind == "drums":
        return "drums"
    if not kind.isdigit() or int(kind) in CHOIRS:
        return None
    return "bass" if int(kind) in BASS else "other"


def placed(sound: np.ndarray, pan: float, rng: np.random.Generator) -> np.ndarray:
    """Return a mono sound ``[T]`` at a place and in a room, ``[2, T]``; stereo keeps its own."""
    both = sound if sound.ndim == 2 else np.stack([np.sqrt(1 - pan) * sound, np.sqrt(pan) * sound])
    if rng.random() < 0.6:
        both = np.stack([room(channel.astype(np.float64), RATE, rng) if channel.any() else channel for channel in both])
    return both.astype(np.float32)


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) + 1e-9


def driven(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a stem ``[2, T]``, at times with its peaks pressed."""
    factor = rng.uniform(*DRIVE)
    if rng.random() > DRIVEN or not sound.any():
        return sound
    usual = float(np.quantile(np.abs(sound), 0.999)) / factor + 1e-6
    return (usual * np.tanh(sound / usual)).astype(np.float32)


def written(folder: Path, stems: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    peak = max(1e-3, float(np.abs(np.sum(list(stems.values()), axis=0)).max()))
    for name, sound in stems.items():
        write(folder / f"{name}.flac", Audio((0.8 / peak * sound).astype(np.float32), RATE))


def rendered_song(job: tuple[int, Path, list[Path], Path, float]) -> None:
    """Make one song of rendered parts and a voice."""
    number, parts, voices, out, unsung = job
    target = out / f"song{number:05d}"
    if target.exists():
        return
    rng = np.random.default_rng([11, number])
    stems: dict[str, np.ndarray] = {}
    for path in sorted(parts.glob("*.flac")):
        kind = family(path.name)
        if kind is None:
            continue
        sound = read(path).mono()
        if not sound.any():
            continue
        pan = float(np.clip(rng.normal(0.5, 0.05 if kind != "other" else 0.25), 0.05, 0.95))
        wet = placed(sound, pan, rng)
        stems[kind] = stems.get(kind, 0) + wet
    if not stems:
        return
    stems = {name: driven(sound, rng) for name, sound in stems.items()}
    band = rms(stems.get("other", next(iter(stems.values()))))
    for name in stems.keys() - {"other"} if "other" in stems else ():
        stems[name] = stems[name] * band / rms(stems[name]) * 10 ** (rng.normal(*LEVELS[name]) / 20)
    if voices and rng.random() > unsung:
        voice = read(voices[int(rng.integers(len(voices)))]).samples
        length = next(iter(stems.values())).shape[1]
        voice = placed(np.roll(voice, int(rng.integers(RATE)), axis=1), 0.5, rng)
        voice = np.pad(voice, ((0, 0), (0, max(0, length - voice.shape[1]))))[:, :length]
        voice = np.repeat(voice, 2, 0)[:2] if len(voice) == 1 else voice
        voice = driven(voice, rng)
        stems["vocals"] = voice * band / rms(voice) * 10 ** (rng.normal(*LEVELS["vocals"]) / 20)
    written(target, stems)


def pieces(files: dict[str, Path]) -> Iterator[dict[str, np.ndarray]]:
    """Cut real stems."""
    stems = read_stems(files, rate=RATE)
    length = round(PIECE * RATE)
    total = next(iter(stems.values())).length
    for at in range(0, total - length // 2, length):
        yield {name: np.repeat(s.samples[:, at : at + length], 3 - s.channels, 0)[:2] for name, s in stems.items()}


def make(args: argparse.Namespace) -> None:
    voices = sorted(args.sung.glob("*.flac")) if args.sung else []
    jobs = [path for folder in args.rendered for path in sorted(folder.rglob("*.stems"))]
    with ProcessPoolExecutor(args.jobs) as pool:
        made = [(args.first + i, path, voices, args.folder, args.unsung) for i, path in enumerate(jobs)]
        for done, _ in enumerate(pool.map(rendered_song, made, chunksize=4), 1):
            print(f"\r{done}/{len(jobs)}", end="", flush=True)
    for song in stem_songs(args.stems) if args.stems else []:
        if song.name not in args.leave_out:
            for i, stems in enumerate(pieces(dict(song.files))):
                written(args.folder / f"real-{song.name}-{i:02d}", stems)
    for kind, names in (("drums", args.drum_loops or ()), ("vocals", args.voices or ()), ("other", args.others or ())):
        for path in names:
            for i, stems in enumerate(pieces({kind: path})):
                written(args.folder / f"loop-{kind}-{path.stem}-{i:02d}", stems)
    print()


def score(args: argparse.Namespace) -> None:
    from restyle.analysis.separator.infer import separate_stems

    found: dict[str, list[float]] = {name: [] for name in STEMS}
    plain: dict[str, list[float]] = {name: [] for name in STEMS}
    other: dict[str, list[float]] = {name: [] for name in STEMS}
    for song in stem_songs(args.folder):
        truth = read_stems(song.files, rate=RATE)
        keep = slice(0, round(args.seconds * RATE))
        truth = {name: np.repeat(s.samples[:, keep], 3 - s.channels, 0)[:2] for name, s in truth.items()}
        mix = np.sum(list(truth.values()), axis=0)
        estimates = separate_stems(Audio(mix, RATE), weights=args.weights)
        row = []
        for name, own in truth.items():
            if rms(own) < 0.01 * rms(mix):
                continue
            error = own - estimates[name].samples
            found[name].append(20 * np.log10(rms(own) / rms(error)))
            plain[name].append(20 * np.log10(rms(own) / rms(mix - own)))
            row.append(f"{name} {found[name][-1]:.2f} ({plain[name][-1]:.2f})")
        if args.museval:
            import museval

            names = list(truth)
            own, guess = (
                np.stack([np.asarray(x).T for x in y])
                for y in ([truth[n] for n in names], [estimates[n].samples for n in names])
            )
            ratios = museval.evaluate(own, guess, win=RATE, hop=RATE)[0]
            for name, ratio in zip(names, ratios, strict=True):
                other[name].append(float(np.nanmedian(ratio)))
        print(song.name, ", ".join(row), flush=True)
    for name in STEMS:
        if found[name]:
            more = f"; museval {np.nanmean(other[name]):.2f}" if other[name] else ""
            means = f"mix {np.mean(plain[name]):.2f}; median {np.median(found[name]):.2f}{more}"
            print(f"{name:7} {np.mean(found[name]):6.2f} dB ({means}) of {len(found[name])} songs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    making = verbs.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--rendered", type=Path, nargs="*", default=[])
    making.add_argument("--sung", type=Path)
    making.add_argument("--unsung", type=float, default=0.2, help="part of the songs without a voice")
    making.add_argument("--stems", type=Path)
    making.add_argument("--leave-out", nargs="*", default=[])
    making.add_argument("--drum-loops", type=Path, nargs="*")
    making.add_argument("--voices", type=Path, nargs="*")
    making.add_argument("--others", type=Path, nargs="*")
    making.add_argument("--first", type=int, default=0)
    making.add_argument("-j", "--jobs", type=int, default=2)
    making.set_defaults(call=make)
    scoring = verbs.add_parser("score")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("--weights", type=Path)
    scoring.add_argument("--seconds", type=float, default=60.0)
    scoring.add_argument("--museval", action="store_true")
    scoring.set_defaults(call=score)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
