"""Scores the transcriber: F1 of notes (mir_eval, onsets within 50 ms, offsets within 20 % or 50 ms), mean over files.

    python benchmarks/transcription.py FOLDER [--sound .content.flac] [--notes .target.mid]

FOLDER holds NAME.content.flac beside NAME.target.mid, the notes that are played in it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import mir_eval
import numpy as np

import restyle
from restyle.analysis.transcriber.infer import transcribe
from restyle.notes import Notes


def table(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([notes.onset, notes.offset], axis=1), 440 * 2 ** ((notes.pitch - 69) / 12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sound", default=".content.flac")
    parser.add_argument("--notes", default=".target.mid")
    args = parser.parse_args()
    score, rows, seconds, sound = mir_eval.transcription.precision_recall_f1_overlap, [], 0.0, 0.0
    for path in sorted(args.folder.glob(f"*{args.sound}")):
        truth = restyle.read_midi(path.with_name(path.name.removesuffix(args.sound) + args.notes)).pitched()
        audio = restyle.read(path)
        started = time.perf_counter()
        found = transcribe(audio).notes
        seconds, sound = seconds + time.perf_counter() - started, sound + audio.duration
        onsets = score(*table(truth), *table(found), offset_ratio=None)[2]
        rows.append((onsets, score(*table(truth), *table(found))[2]))
    onset, offset = np.mean(rows, axis=0)
    print(
        f"{len(rows)} files: F1 onsets {onset:.4f}, with offsets {offset:.4f}, "
        f"{180 * seconds / sound:.1f} s for 3 minutes"
    )


if __name__ == "__main__":
    main()
