"""Seconds and peak memory of whole `restyle transfer` processes, a method a row.

    python benchmarks/speed.py [CONTENT STYLE] [--minutes 3] [--methods notes,mosaic,spectral,texture,gatys]

Without files it plays the demo's two pieces over and over. CONTENT is repeated to the length asked for; of STYLE the
first 10 s are taken.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

import restyle
from restyle.commands import demo_pieces
from restyle.dsp import blocks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="CONTENT STYLE")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--methods", default="notes,mosaic,spectral,texture,gatys")
    args = parser.parse_args()
    table = Table("method", "seconds", "peak MB", title=f"{args.minutes:g} minutes of content, 10 s of style")
    with tempfile.TemporaryDirectory() as folder:
        content, style = Path(folder, "content.wav"), Path(folder, "style.wav")
        prepare(args.files, args.minutes, content, style)
        for method in args.methods.split(","):
            seconds, peak = measure(method, content, style, Path(folder, "out.wav"))
            table.add_row(method, f"{seconds:.1f}", f"{peak / 2**20:.0f}")
    Console().print(table)


def prepare(files: list[Path], minutes: float, content: Path, style: Path) -> None:
    if files:
        first, second = restyle.read(files[0]), restyle.read(files[1], duration=10.0)
    else:
        first, second = demo_pieces.ode_to_joy(), demo_pieces.greensleeves()
    length = round(minutes * 60 * first.rate)
    samples = blocks.empty(first.channels, length)
    for start in range(0, length, first.length):
        part = first.samples[:, : length - start]
        samples[:, start : start + part.shape[1]] = part
        blocks.release(samples)
    restyle.write(content, restyle.Audio(samples, first.rate))
    restyle.write(style, second.slice(0, 10 * second.rate))


def measure(method: str, content: Path, style: Path, out: Path) -> tuple[float, float]:
    """Run one transfer; return its seconds and its largest resident memory in bytes."""
    started, peaks = time.perf_counter(), [0]
    program = [sys.executable, "-c", "from restyle.cli import main; main()"]
    command = [*program, "transfer", content, style, "-o", out, "--method", method]
    with psutil.Popen([str(part) for part in command], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                peaks.append(process.memory_info().rss)
            except psutil.Error:
                break
            time.sleep(0.05)
        code = process.wait()
    if code:
        raise SystemExit(f"{method} failed")
    for path in out.parent.glob("out.*"):
        path.unlink()
    return time.perf_counter() - started, float(np.max(peaks))


if __name__ == "__main__":
    main()
