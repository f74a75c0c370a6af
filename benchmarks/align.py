"""Makes songs whose notes are known of recordings and MIDI files of the same name that are not exactly in time.

    python benchmarks/align.py DIR -o SONGS [--least 0.3] [--leave-out NAME ...] [--copies 3]

The MIDI file is brought into the recording's time by dynamic time warping of what the transcriber hears and what the
file says. Each piece of 10 s is checked: how many of its onsets does the transcriber hear where they now lie, beyond
what chance gives (the same notes a quarter of a second later)? Pieces below --least are left out, the others are
written once to --copies times, the surer the more often: so they count by confidence in ``restyle train transcriber``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np

from restyle.analysis.transcriber.infer import transcribe
from restyle.audio import Audio, resample
from restyle.dsp.pianoroll import Roll, notes_to_roll
from restyle.io.midi import read_midi, write_midi
from restyle.io.sound import read, write
from restyle.notes import Notes

PIECE, RATE = 10.0, 16000  # seconds, Hz
STEP = 2  # frames of the transcriber that are one of the warping
NEAR, LATER = 0.05, 0.25  # seconds: where an onset is heard; what chance is measured at
HEARD = 0.3  # probability of an onset
SMOOTHED = 4.0  # seconds over which the warping is made even


def features(roll: Roll) -> np.ndarray:
    """Onsets and frames by pitch, and frames by pitch class: ``[188, L]``, each frame of length 1."""
    frames, onsets = (x[: len(x) // STEP * STEP].reshape(-1, STEP, 88).max(axis=1) for x in (roll.frame, roll.onset))
    classes = np.stack([frames[:, (3 + c) % 12 :: 12].max(axis=1) for c in range(12)], axis=1)
    joined = np.concatenate([frames, 2 * onsets, classes], axis=1).astype(np.float32) + 1e-3
    return np.asarray((joined / np.linalg.norm(joined, axis=1, keepdims=True)).T)


def aligned(notes: Notes, heard: Roll) -> Notes:
    """Return the notes in the time of what is heard."""
    told = notes_to_roll(notes, int(notes.duration / heard.hop) + 1, heard.hop)
    _, path = librosa.sequence.dtw(features(told), features(heard), metric="cosine", backtrack=True)
    at = np.unique(path[:, 0])
    there = np.array([np.median(path[path[:, 0] == i, 1]) for i in at])
    seconds = STEP * heard.hop
    wide = max(1, round(SMOOTHED / seconds))
    shift = np.convolve(np.pad(there - at, wide // 2, mode="edge"), np.ones(wide) / wide, mode="same")
    shift = shift[wide // 2 :][: len(at)]  # both are played by machines: what they differ by changes slowly
    moved = [np.interp(x, at * seconds, (at + shift) * seconds) for x in (notes.onset, notes.offset)]
    return replace(notes, onset=moved[0], offset=np.maximum(moved[1], moved[0] + 0.03))


def confidence(notes: Notes, roll: Roll) -> float:
    """Return the part of the onsets that is heard where they lie, less that a quarter of a second later."""
    reach = round(NEAR / roll.hop)
    heard = np.stack([np.roll(roll.onset, k, axis=0) for k in range(-reach, reach + 1)]).max(axis=0) > HEARD

    def part(later: float) -> float:
        frames = np.clip(np.round((notes.onset + later) / roll.hop).astype(int), 0, len(heard) - 1)
        return float(heard[frames, np.clip(np.round(notes.pitch).astype(int) - roll.lowest, 0, 87)].mean())

    return part(0.0) - part(LATER)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--least", type=float, default=0.3)
    parser.add_argument("--leave-out", nargs="*", default=[])
    parser.add_argument("--copies", type=int, default=3)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    for midi in sorted(args.folder.glob("*.mid")):
        sound = next((path for path in sorted(args.folder.glob(f"{midi.stem}.*")) if path != midi), None)
        if sound is None or midi.stem in args.leave_out:
            continue
        audio, notes = read(sound), read_midi(midi)
        heard = transcribe(audio)
        there = aligned(notes, heard.roll)
        mono = resample(audio.mono(), audio.rate, RATE)
        values, kept = [], 0
        for i, start in enumerate(np.arange(0, len(mono) / RATE - PIECE / 2, PIECE)):
            own = there.between(start, start + PIECE)
            onsets = there.pitched().select((there.pitched().onset >= start) & (there.pitched().onset < start + PIECE))
            sure = confidence(onsets, heard.roll) if len(onsets) > 5 else 0.0
            values.append(sure)
            count = max(0, int(np.ceil((sure - args.least) / (1 - args.least) * args.copies)))
            for copy in range(count):
                path = args.output / f"{midi.stem}.{i:02d}.v{copy:02d}.flac"
                piece = mono[round(start * RATE) :][: round(PIECE * RATE)]
                write(path, Audio(0.7 * piece / (np.abs(piece).max() + 1e-6), RATE))
                write_midi(path.with_suffix(".mid"), own)
                kept += 1
        moved = there.onset - notes.onset
        print(f"{midi.stem}: moved by {moved.min():.2f} to {moved.max():.2f} s, confidence", end=" ")
        print(" ".join(f"{value:.2f}" for value in values), f"-> {kept} files")


if __name__ == "__main__":
    main()
