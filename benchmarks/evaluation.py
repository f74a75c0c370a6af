"""Seconds and memory of judging: `evaluate` of a long pair, and `compare` with one job and with one a core.

    python benchmarks/evaluation.py FOLDER [--minutes 3] [--pairs 4]

FOLDER holds NNN.content.* and NNN.style.*; the first are played over and over for `evaluate`, the first few compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

import restyle
from restyle.audio import Audio

RESTYLE = [sys.executable, "-c", "from restyle.cli import main; main()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--pairs", type=int, default=4)
    args = parser.parse_args()
    contents = sorted(args.folder.glob("*.content.*"))
    styles = sorted(args.folder.glob("*.style.*"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, source in {"output": contents[1], "content": contents[0], "style": styles[0]}.items():
            restyle.write(folder / f"{name}.wav", long(restyle.read(source), args.minutes))
        files = [folder / "output.wav", "--content", folder / "content.wav", "--style", folder / "style.wav"]
        seconds, peak = measure(["evaluate", *files, "--json"])
        print(
            f"evaluate, {args.minutes:g} minutes of 44.1 kHz stereo: {seconds:.1f} s, {peak / 1e6:.0f} MB", flush=True
        )
        rows = [f"{c.resolve()},{s.resolve()}" for c, s in zip(contents, styles, strict=True)][: args.pairs]
        (folder / "pairs.csv").write_text("\n".join(["content,style", *rows]))
        times = {}
        for jobs in (1, os.cpu_count() or 1):
            out = folder / f"jobs{jobs}"
            times[jobs], peak = measure(["compare", folder / "pairs.csv", "-o", out, "--jobs", jobs])
            size = (out / "report.html").stat().st_size
            print(
                f"compare, {jobs} jobs: {times[jobs]:.1f} s, {peak / 1e6:.0f} MB, report {size / 1e6:.1f} MB",
                flush=True,
            )
        print(f"speed-up {times[1] / times[max(times)]:.2f}")


def long(audio: Audio, minutes: float) -> Audio:
    """The sound over and over, in stereo at 44.1 kHz."""
    import soxr

    samples = soxr.resample(audio.samples.T, audio.rate, 44100).reshape(-1, audio.channels).T
    samples = np.tile(samples, (3 - len(samples), 1)) if len(samples) < 2 else samples[:2]
    return Audio(np.resize(samples.T, (round(minutes * 60 * 44100), 2)).T, 44100)


def measure(arguments: list[object]) -> tuple[float, float]:
    """Seconds of a whole process, and the largest resident size of it and its children together in bytes."""
    begun, peak = time.perf_counter(), 0.0
    process = psutil.Popen([*RESTYLE, *map(str, arguments)], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            peak = max(peak, float(sum(member.memory_info().rss for member in family)))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"restyle {arguments[0]} ended with {process.returncode}")
    return time.perf_counter() - begun, peak


if __name__ == "__main__":
    main()
