"""Draws one note's partials, true and predicted, for an instrument that `note_synth` was not taught with.

    python benchmarks/note_synth.py --midi FILE --soundfont FILE --programme 24 --pitch 67 -o partials.png

The MIDI file's notes, played by the programme, are the style; its transcription is all that the methods are told. The
true note is the programme's own at another pitch, rendered alone. Prints the mean error of each method in dB.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import restyle
from restyle.analysis.partials import HOP, measure
from restyle.analysis.transcriber.infer import transcribe
from restyle.audio import Audio
from restyle.data.rendering import SoundFont
from restyle.methods.notewise.note_synth import NoteSynthMethod
from restyle.methods.notewise.notes import NotesMethod
from restyle.notes import Notes

RATE, SECONDS, PARTIALS = 44100, 8.0, 6
QUIETEST = -70.0  # dB below the note's loudest partial that still counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--midi", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, required=True, help="one that the network was not taught with")
    parser.add_argument("--programme", type=int, default=24)
    parser.add_argument("--pitch", type=int, default=67)
    parser.add_argument("--length", type=float, default=1.0, help="of the note, seconds")
    parser.add_argument("-o", "--output", type=Path, default=Path("partials.png"))
    args = parser.parse_args()
    font = SoundFont(args.soundfont, rate=RATE)
    played = restyle.read_midi(args.midi).pitched()
    first = float(played.onset.min())
    played = played.between(first, first + SECONDS)
    played = replace(played, programme=np.full(len(played), args.programme))
    style = Audio(font.render(played, duration=SECONDS).mono()[None], RATE)
    note = Notes.of([(0.1, 0.1 + args.length, args.pitch, float(np.median(played.velocity)), args.programme)])
    (true,) = measure(Audio(font.render(note, duration=args.length + 1).mono()[None], RATE), note)
    heard = transcribe(style).notes
    frames = round(args.length / HOP)
    truth = 20 * np.log10(true.amplitude[:PARTIALS, :frames] + 1e-7)
    truth -= truth.max()
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True, layout="constrained")
    methods = {"true": truth}
    for name, method in (("notes", NotesMethod()), ("note_synth", NoteSynthMethod())):
        tone = method.timbre(method.learn([style], [heard])).tone(args.pitch, frames, RATE)
        methods[name] = tone.amplitude[:PARTIALS] - tone.amplitude[:PARTIALS].max()
    for axis, (name, levels) in zip(axes, methods.items(), strict=True):
        for k, level in enumerate(levels):
            axis.plot(np.arange(frames) * HOP, level, label=f"partial {k + 1}", color=plt.cm.viridis(k / PARTIALS))
        clear = truth > QUIETEST
        error = np.abs(np.maximum(levels, QUIETEST) - truth)[clear].mean()
        axis.set(title=name if name == "true" else f"{name}: {error:.1f} dB off", xlabel="s", ylim=(-75, 3))
        print(f"{name}: {error:.2f} dB")
    axes[0].set_ylabel("dB")
    axes[-1].legend(fontsize=7, loc="lower left")
    figure.savefig(args.output, dpi=110)


if __name__ == "__main__":
    main()
