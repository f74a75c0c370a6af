"""Transfers every pair of a folder, for a scorer to judge: NNN.content.* and NNN.style.* to OUT/NNN.wav.

python benchmarks/pairs.py FOLDER OUT [--method notes] [--no-tone]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import restyle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--method", default="notes")
    parser.add_argument("--no-tone", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    contents = sorted(args.folder.glob("*.content.*"))
    started, longest = time.perf_counter(), 0.0
    for content in contents:
        begun = time.perf_counter()
        name = content.name.split(".")[0]
        style = next(args.folder.glob(f"{name}.style.*"))
        result = restyle.transfer(restyle.read(content), restyle.read(style), method=args.method, tone=not args.no_tone)
        restyle.write(args.out / f"{name}.wav", result)
        longest = max(longest, time.perf_counter() - begun)
    mean = (time.perf_counter() - started) / len(contents)
    print(f"{args.method}: {len(contents)} pairs, {mean:.2f} s a pair, {longest:.2f} s at most")


if __name__ == "__main__":
    main()
