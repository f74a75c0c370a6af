"""Does a genre's style bring recordings nearer to the genre, and keep what they play?

    python benchmarks/named.py RECORDING... [--seconds 10] [--out DIR]

Each recording is given the style of one genre after the other (in turn, not the one it is taken for). The table has the
classifier's probability of that genre before and after, and the chroma distance of the result to the recording.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import restyle
from restyle.analysis.genre.infer import classify
from restyle.evaluation import content as judging
from restyle.style import genres


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each recording, from its middle")
    parser.add_argument("--out", type=Path, help="where to keep the results")
    args = parser.parse_args()
    names, rows = list(genres()), []
    print("| recording | genre | probability before | after | chroma |\n|---|---|---|---|---|")
    for number, path in enumerate(args.recordings):
        whole = restyle.read(path)
        start = max(0, round((whole.duration - args.seconds) / 2 * whole.rate))
        sound = whole.slice(start, min(whole.length, start + round(args.seconds * whole.rate)))
        found = classify(sound)
        wanted = next(name for name in names[number % len(names) :] + names if name != found.best)
        made = restyle.transfer(sound, restyle.genre(wanted))
        label = found.labels.index(wanted)
        before, after = found.mean[label], classify(made).mean[label]
        rows.append((after > before, before, after, judging.chroma(made, sound)))
        print(f"| {path.stem} | {wanted} | {before:.4f} | {after:.4f} | {rows[-1][-1]:.3f} |", flush=True)
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
            restyle.write(args.out / f"{number:02d}.{wanted}.wav", made)
    risen, before, after, chroma = np.array(rows, float).T
    print(f"\nrisen in {risen.sum():.0f} of {len(rows)}; {before.mean():.3f} to {after.mean():.3f}; ", end="")
    print(f"chroma {chroma.mean():.3f}, at most {chroma.max():.3f}")


if __name__ == "__main__":
    main()
