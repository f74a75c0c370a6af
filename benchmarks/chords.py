"""Scores chords (mir_eval, weighted by time), beats and downbeats (F1 within 70 ms), mean over rendered charts.

    restyle data render MIDI -o SONGS --soundfont FILE --plain --seconds 30
    python benchmarks/chords.py SONGS MIDI [--from 40] [--verbose]

MIDI holds STYLE/NAME_STYLE.mid, each of one tempo, in bars of four beats from the start, and chords/NAME.txt: a bar a
line, a beat a word, ``/`` where the chord goes on. ``--from`` leaves out charts with a lower number. Beats are scored
as they are tracked in the sound and as the meter has them, which also counts those before the first.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

import mir_eval
import numpy as np

import restyle
from restyle.analysis.beats import onset_curves, track
from restyle.analysis.chords import estimate_chords
from restyle.analysis.meter import estimate_meter
from restyle.analysis.transcriber.infer import transcribe

HARTE = {
    **{"": "maj", "m": "min", "M7": "maj7", "m7": "min7", "6": "maj6", "m6": "min6", "69": "maj6(9)", "M9": "maj9"},
    **{
        "m9": "min9",
        "m11": "min11",
        "mM7": "minmaj7",
        "m7b5": "hdim7",
        "+": "aug",
        "7#5": "aug(b7)",
        "7sus4": "sus4(b7)",
    },
    **{"7b9": "7(b9)", "7#9": "7(#9)", "7#11": "7(#11)", "7b5": "(3,b5,b7)"},
}
SCORES = ("majmin", "sevenths", "beats", "beats of the meter", "downbeats")
BAR = 4


def beat_length(path: Path) -> float:
    """Seconds of a quarter note, from the first tempo of a MIDI file."""
    data = path.read_bytes()
    at = data.index(b"\xff\x51\x03") + 3
    return int.from_bytes(data[at : at + 3], "big") / 1e6


def chart(path: Path) -> list[str]:
    """The chord of every beat."""
    labels: list[str] = []
    for word in path.read_text().split():
        root, quality = re.fullmatch(r"([A-G][#b]?)(.*)|/", word).groups()
        labels.append(f"{root}:{HARTE.get(quality, quality)}" if root else labels[-1])
    return labels


def beat_score(true: np.ndarray, found: np.ndarray) -> float:
    trimmed = [mir_eval.beat.trim_beats(times) for times in (true, found[found < true[-1] + 0.1])]
    return float(mir_eval.beat.f_measure(*trimmed))


def score(sound: Path, midi: Path, labels: list[str]) -> list[float]:
    audio, beat = restyle.read(sound), beat_length(midi)
    end = min(audio.duration, len(labels) * beat)
    true = np.arange(0, end, beat)
    found = track(*onset_curves(audio))
    meter = estimate_meter(found, transcribe(audio).notes)
    chords = estimate_chords(audio, beats=found)
    times = np.stack([true, np.append(true[1:], end)], axis=1)
    named = mir_eval.chord.evaluate(times, labels[: len(true)], chords.times, list(chords.labels))
    result = [named["majmin"], named["sevenths"], beat_score(true, found.times), 0.0, 0.0]
    if meter is not None:
        inside = meter.times < end - beat / 2
        downbeats = meter.times[meter.first :: meter.beats]
        result[3:] = [
            beat_score(true, meter.times[inside]),
            beat_score(true[::BAR], downbeats[downbeats < end - beat / 2]),
        ]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("midi", type=Path)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    rows = defaultdict(list)
    for sound in sorted(args.songs.rglob("*.flac")):
        name, style = sound.name.split(".")[0].split("_", 1)
        if int(re.search(r"\d+", name)[0]) < args.first:
            continue
        midi = args.midi / style / f"{name}_{style}.mid"
        rows[style].append(score(sound, midi, chart(args.midi / "chords" / f"{name}.txt")))
        if args.verbose:
            print(sound.name, np.round(rows[style][-1], 2).tolist(), flush=True)
    every = np.concatenate(list(rows.values()))
    for style, part in [*rows.items(), (f"{len(every)} songs", every)]:
        print(f"{style:12} " + ", ".join(f"{k} {v:.3f}" for k, v in zip(SCORES, np.mean(part, axis=0), strict=True)))


if __name__ == "__main__":
    main()
