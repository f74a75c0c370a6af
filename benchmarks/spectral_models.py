"""How near `draw`, `cyclegan` and `vae_gan` come to what they were taught.

    python benchmarks/spectral_models.py draw MIDI SOUNDFONT --programme 0 [--start piano | --weights FILE]
    python benchmarks/spectral_models.py cyclegan CONTENTS --to trance [--weights FILE]
    python benchmarks/spectral_models.py reconstruction CLIPS --method draw [--start piano | --weights FILE]

draw: contents of MIDI files that were not learnt from, by any other family of instruments; the truth is the same notes
by the style's programme of the SoundFont. cyclegan: a folder of recordings of one kind; what the genre classifier calls
them, and what is made of them. reconstruction: clips of the style that were not learnt from, given back by the network
(which is their own style), beside what is lost on the way from a spectrogram or a mel spectrogram to sound.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

import restyle
from restyle.analysis.genre.infer import classify
from restyle.audio import Audio
from restyle.data.pairing import PITCHED, pairs
from restyle.data.rendering import SoundFont
from restyle.dsp.mel import Mel
from restyle.dsp.phase import griffin_lim
from restyle.dsp.spectral_loss import multi_scale_spectral_loss
from restyle.dsp.stft import Stft
from restyle.evaluation import content as kept
from restyle.evaluation import quality, style
from restyle.methods import method
from restyle.notes import Notes

RATE, SECONDS, PEAK, QUIETEST = 16000, 8.0, 0.7, 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("draw", "cyclegan", "reconstruction"))
    parser.add_argument("folder", type=Path, metavar="MIDI|CONTENTS|CLIPS")
    parser.add_argument("soundfont", type=Path, nargs="?")
    parser.add_argument("--programme", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--method", default="draw")
    parser.add_argument("--weights", default="")
    parser.add_argument("--start", default="piano")
    parser.add_argument("--to", default="")
    parser.add_argument("--out", type=Path, help="folder for the sounds")
    args = parser.parse_args()
    {"draw": draw, "cyclegan": cyclegan, "reconstruction": reconstruction}[args.what](args)


def draw(args: argparse.Namespace) -> None:
    used = method("draw", **_settings(args, "draw"))
    copies, results = [], []
    for number, (content, truth) in enumerate(_tests(args)):
        result = used.apply(content, used.taught())  # type: ignore[attr-defined]
        copies.append(_scores(content, truth))
        results.append(_scores(result, truth))
        _keep(args.out, f"{number:03d}", content=content, truth=truth, result=result)
    _tell(["lsd, dB", "mfcc", "pitch"], {"copy of the content": copies, "draw": results})


def cyclegan(args: argparse.Namespace) -> None:
    used = method("cyclegan", to=args.to, weights=args.weights)
    rows, hits = [], 0
    for path in sorted(path for path in args.folder.rglob("*") if path.suffix in (".flac", ".wav"))[: args.count]:
        content = restyle.read(path)
        result = used.apply(content, used.taught())  # type: ignore[attr-defined]
        before, after = classify(content), classify(result)
        place = after.labels.index(args.to)
        hits += after.best == args.to
        rows.append([before.mean[place], after.mean[place], kept.chroma(result, content)])
        _keep(args.out, path.stem, content=content, result=result)
    print(f"called {args.to}: {hits} of {len(rows)}")
    _tell([f"probability of {args.to} before", "after", "chroma distance"], {"cyclegan": rows})


def reconstruction(args: argparse.Namespace) -> None:
    used = method(args.method, **_settings(args, args.method))
    stft, mel = Stft(1024, 256), Mel(RATE, 1024, 128)

    def through(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Audio], Audio]:
        def sound(clip: Audio) -> Audio:
            magnitude = change(stft(torch.from_numpy(clip.mono())).abs())
            return Audio(griffin_lim(magnitude, stft, clip.length, iterations=64).numpy(), RATE)

        return sound

    ways: dict[str, Callable[[Audio], Audio]] = {
        "magnitudes to sound": through(lambda magnitude: magnitude),
        "128 mel bands to sound": through(lambda magnitude: mel.inverse(mel(magnitude.square())).sqrt()),
        args.method: lambda clip: used.apply(clip, _own(used, clip)),
    }
    rows: dict[str, list[list[float]]] = {name: [] for name in ways}
    for path in sorted(path for path in args.folder.rglob("*") if path.suffix == ".flac")[: args.count]:
        clip = restyle.read(path)
        clip = Audio(soxr.resample(clip.mono(), clip.rate, RATE), RATE)
        for name, way in ways.items():
            made = way(clip)
            pair = (torch.from_numpy(sound.mono().copy()) for sound in (made, clip))
            rows[name].append([quality.lsd(made, clip), float(multi_scale_spectral_loss(*pair))])
    _tell(["lsd, dB", "multi-scale STFT distance"], rows)


def _own(used: Any, clip: Audio) -> dict[str, np.ndarray]:
    """The clip's own style for a network of many, else that of the network."""
    return used.fit([clip]) if used.name == "vae_gan" else used.taught()


def _settings(args: argparse.Namespace, name: str) -> dict[str, str]:
    return {"weights": args.weights} if args.weights else {"start": args.start} if name == "draw" else {}


def _tests(args: argparse.Namespace) -> list[tuple[Audio, Audio]]:
    """Contents and what they should become."""
    files = sorted(path for path in args.folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    made: list[tuple[Audio, Audio]] = []
    for content, _ in pairs(files, SECONDS, seed=args.seed, programmes=PITCHED):
        if content.programme // 8 == args.programme // 8:
            continue
        both = [_played(args.soundfont, content.notes, programme) for programme in (content.programme, args.programme)]
        if all(np.sqrt(np.mean(np.square(sound.samples))) > QUIETEST for sound in both):
            made.append((both[0], both[1]))
        if len(made) == args.count:
            break
    return made


def _played(soundfont: Path, notes: Notes, programme: int) -> Audio:
    font = SoundFont(soundfont, rate=44100)
    sound = font.render(replace(notes, programme=np.full(len(notes), programme)), duration=SECONDS).mono()
    font.close()
    sound = soxr.resample(sound, 44100, RATE)[: round(SECONDS * RATE)]
    return Audio(sound * (PEAK / max(1e-4, float(np.abs(sound).max()))), RATE)


def _scores(result: Audio, truth: Audio) -> list[float]:
    return [quality.lsd(result, truth), style.mfcc(result, truth), kept.pitch(result, truth)]


def _keep(folder: Path | None, name: str, **sounds: Audio) -> None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for role, sound in sounds.items():
            restyle.write(folder / f"{name}.{role}.wav", sound)


def _tell(names: list[str], rows: dict[str, list[list[float]]]) -> None:
    for name, values in rows.items():
        table = np.array(values)
        means, errors = table.mean(0), table.std(0, ddof=1) / len(table) ** 0.5
        told = ", ".join(f"{n} {m:.4g} ± {e:.2g}" for n, m, e in zip(names, means, errors, strict=True))
        print(f"{name} ({len(table)}): {told}")


if __name__ == "__main__":
    main()
