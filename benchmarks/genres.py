"""Picks MIDI files for a set of genres: files to teach with and others to test with.

    python benchmarks/genres.py MIDI DIR [--files 60] [--test 15]
    restyle data render DIR/train -o songs-train --soundfont FluidR3_GM.sf2 --notes NOTES --variations 2 --seconds 15
    restyle data render DIR/test -o songs-test --soundfont TimGM6mb.sf2 --plain --seconds 30
    restyle data spectrograms songs-train -o store-train-256           # and with --hop 429 -o store-train-429
    restyle data spectrograms songs-test -o store-test-256             # and with --hop 429 -o store-test-429

MIDI has a folder for every source of `GENRES`, and MANIFEST.csv with the columns file and licence. Files named
chartNNN_STYLE.mid are one chart in several styles: a chart is on one side only. DIR gets links and manifest.csv.
"""

from __future__ import annotations

import argparse
import csv
import random
from pathlib import Path

STYLES = ("bluegrass", "blues", "bossa", "funk", "rock", "salsa", "trance")
GENRES = {name: f"synthetic_parallel/{name}" for name in STYLES} | {
    "jazz": "synthetic_parallel/jazz_swing",
    "celtic": "fiddle",
    "chorale": "chorale",
    "piano": "pop_piano",
    "renaissance": "renaissance",
}


def charts(folder: Path) -> dict[str, Path]:
    """What is played -> the file that plays it."""
    named = {path.stem.split("_")[0] if path.stem.startswith("chart") else path.stem: path for path in folder.glob("*")}
    return {chart: path for chart, path in sorted(named.items()) if path.suffix == ".mid"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("midi", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=60, help="of a genre, both sides together")
    parser.add_argument("--test", type=int, default=15)
    args = parser.parse_args()
    with (args.midi / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        licences = {row["file"].removeprefix("midi/"): row["licence"] for row in csv.DictReader(file)}
    rows: dict[str, list[tuple[str, str, str]]] = {"train": [], "test": []}
    for genre, place in GENRES.items():
        found = charts(args.midi / place)
        # the same seed for every genre parts charts that several share in one way
        order = random.Random(0).sample(sorted(found), len(found))[: args.files]
        for number, chart in enumerate(order):
            side, path = "test" if number < args.test else "train", found[chart]
            target = args.folder / side / genre / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(path.resolve())
            licence = licences.get(path.relative_to(args.midi).as_posix(), "")
            rows[side].append((f"{genre}/{path.name}", licence, chart if chart.startswith("chart") else ""))
    for side, told in rows.items():
        with (args.folder / side / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "licence", "chart"), *told])
        print(f"{side}: {len(told)} files, {len(GENRES)} genres")


if __name__ == "__main__":
    main()
