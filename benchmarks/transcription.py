"""Scores the transcriber: F1 of notes (mir_eval, onsets within 50 ms, offsets within 20 % or 50 ms), mean over files.

    python benchmarks/transcription.py FOLDER [--sound .content.flac] [--notes .target.mid] [--weights FILE]

FOLDER holds NAME.content.flac beside NAME.target.mid, the notes that are played in it; with ``--sound .flac --notes
.mid`` it may be what ``restyle data render`` made. Drums are scored where they are played and the weights know them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import mir_eval
import numpy as np

import restyle
from restyle.analysis.transcriber.infer import KEYS, transcribe
from restyle.analysis.transcriber.train import drum_class
from restyle.notes import DRUMS, Notes


def table(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([notes.onset, notes.offset], axis=1), 440 * 2 ** ((notes.pitch - 69) / 12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sound", default=".content.flac")
    parser.add_argument("--notes", default=".target.mid")
    parser.add_argument("--weights", type=Path)
    args = parser.parse_args()
    score, rows, seconds, sound = mir_eval.transcription.precision_recall_f1_overlap, [], 0.0, 0.0
    hits = np.zeros((3, 3))  # by class: right, found, true
    for path in sorted(args.folder.rglob(f"*{args.sound}")):
        played = restyle.read_midi(path.with_name(path.name.removesuffix(args.sound) + args.notes))
        truth, drums = played.pitched(), played.select(played.programme == DRUMS)
        if not len(truth):
            continue
        audio = restyle.read(path)
        started = time.perf_counter()
        heard = transcribe(audio, weights=args.weights)
        found = heard.notes
        seconds, sound = seconds + time.perf_counter() - started, sound + audio.duration
        onsets = score(*table(truth), *table(found), offset_ratio=None)[2]
        rows.append((onsets, score(*table(truth), *table(found))[2]))
        for kind, row in enumerate(hits if len(drums) else ()):
            true = np.unique(drums.onset[[drum_class(pitch) == kind for pitch in drums.pitch]])
            read = heard.drums.onset[heard.drums.pitch == KEYS[kind]]
            row += len(mir_eval.util.match_events(true, read, 0.05)), len(read), len(true)
    onset, offset = np.mean(rows, axis=0)
    print(
        f"{len(rows)} files: F1 onsets {onset:.4f}, with offsets {offset:.4f}, least {np.min(rows, axis=0)[0]:.2f}, "
        f"{180 * seconds / sound:.1f} s for 3 minutes"
    )
    if hits[:, 2].any():
        scores = 2 * hits[:, 0] / np.maximum(1, hits[:, 1] + hits[:, 2])
        print("drums: F1 kick {:.3f}, snare {:.3f}, others {:.3f}".format(*scores))


if __name__ == "__main__":
    main()
