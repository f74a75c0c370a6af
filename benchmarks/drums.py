"""Scores the drum network: F1 of hits (mir_eval, within 50 ms) by class, all files' hits together.

    restyle data render MIDI -o SONGS --stems --plain --rate 44100 --seconds 20 --soundfont FILE
    python benchmarks/drums.py SONGS [--weights FILE] [--separator FILE] [--most 40] [--level -6] [--true-only]

SONGS holds NAME.flac beside NAME.mid, the notes that are played in it, and NAME.stems, whose *drums.flac is the drums
alone. Hits are found in the drums alone, and in what the separator takes out of NAME.flac. Hits of a class within 30 ms
of one another count as one, as in a flam. With ``--level`` the parts are mixed again, the drums so many dB louder than
the rest: those of rendered files are often 20 dB softer, and are then scarcely separated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from restyle.analysis.drums.infer import KEYS, find_hits
from restyle.analysis.drums.model import CLASSES
from restyle.analysis.drums.train import f1, hit_times, matched
from restyle.analysis.separator.infer import separate_stems
from restyle.audio import Audio
from restyle.io.midi import read_midi
from restyle.io.sound import read
from restyle.notes import Notes

NEAR = 0.05  # s


def table(notes: Notes) -> np.ndarray:
    return np.stack([notes.onset, notes.offset, notes.pitch, notes.velocity, notes.programme], axis=1)


def counted(truth: Notes, found: Notes) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return matches, true and found hits of each class ``[4, 3]``, and pairs of true and found velocities."""
    import mir_eval

    rows, velocities = [], []
    for i, key in enumerate(KEYS):
        own, read_hits = hit_times(table(truth), i), found.select(found.pitch == key)
        rows.append(matched(own, read_hits.onset, NEAR))
        for a, b in mir_eval.util.match_events(own, read_hits.onset, NEAR):
            at = np.argmin(np.abs(truth.onset - own[a]) + (hit_class(truth) != i) * 1e3)
            velocities.append((float(truth.velocity[at]), float(read_hits.velocity[b])))
    return np.array(rows), velocities


def hit_class(notes: Notes) -> np.ndarray:
    from restyle.analysis.drums.keys import drum_class

    return np.array([-1 if (number := drum_class(pitch)) is None else number for pitch in notes.pitch])


def shown(name: str, counts: np.ndarray, velocities: list[tuple[float, float]]) -> str:
    scores = ", ".join(
        f"{kind} {f1(row):.3f} (precision {row[0] / max(1, row[2]):.2f}, recall {row[0] / max(1, row[1]):.2f}, "
        f"{row[1]:.0f} hits)"
        for kind, row in zip(CLASSES, counts, strict=True)
    )
    errors = np.array(velocities).reshape(-1, 2)
    mean = np.abs(errors[:, 0] - errors[:, 1]).mean() if len(errors) else np.nan
    together = np.corrcoef(errors.T)[0, 1] if len(errors) > 1 else np.nan
    return f"{name:10} F1 {scores}; velocities off by {mean:.3f}, correlation {together:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--separator", type=Path)
    parser.add_argument("--most", type=int, help="songs at most, evenly chosen")
    parser.add_argument("--level", type=float, help="dB of the drums above the rest")
    parser.add_argument("--true-only", action="store_true")
    args = parser.parse_args()
    songs = [path for path in sorted(args.folder.rglob("*.mid")) if list(stems(path).glob("*drums.flac"))]
    if args.most and len(songs) > args.most:
        songs = [songs[i] for i in np.linspace(0, len(songs) - 1, args.most).round().astype(int)]
    counts = {name: np.zeros((len(CLASSES), 3)) for name in ("true", "separated")[: 1 if args.true_only else 2]}
    velocities: dict[str, list[tuple[float, float]]] = {name: [] for name in counts}
    for path in songs:
        truth = read_midi(path)
        sounds: dict[str, Audio] = {"true": read(next(stems(path).glob("*drums.flac")))}
        if not args.true_only:
            sounds["separated"] = separate_stems(mix(path, args.level), weights=args.separator)["drums"]
        for name, sound in sounds.items():
            heard = truth.select(truth.onset < sound.duration)
            right, pairs = counted(heard, find_hits(sound, weights=args.weights))
            counts[name] += right
            velocities[name] += pairs
    print(f"{len(songs)} songs")
    for name, total in counts.items():
        print(shown(name, total, velocities[name]))


def mix(midi: Path, level: float | None) -> Audio:
    """Return the song as it is, or its parts with the drums at a level in dB above the rest."""
    song = read(midi.with_suffix(".flac"))
    if level is None:
        return song
    drums, rest = np.zeros(song.length), np.zeros(song.length)
    for path in sorted(stems(midi).glob("*.flac")):
        part, total = read(path).mono()[: song.length], drums if path.name.endswith("drums.flac") else rest
        total[: len(part)] += part
    if rest.any() and drums.any():
        drums *= 10 ** (level / 20) * np.sqrt(np.mean(rest**2) / np.mean(drums**2))
    whole = drums + rest
    return Audio((0.8 / max(1e-6, np.abs(whole).max()) * whole).astype(np.float32), song.rate)


def stems(midi: Path) -> Path:
    return midi.with_suffix(".stems")


if __name__ == "__main__":
    main()
