"""How much longer a transfer takes beside busy processes than alone: its threads must not wait by spinning.

    python benchmarks/busy.py [--method note_synth] [--busy 1 2 4] [--repeat 3]

Each row is the median of whole `restyle transfer` processes on 10 s of the demo's pieces. Beside N processes that
never rest a fair share of C cores is at best C / (C / 2 + N) of the time alone where N > C / 2.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import restyle
from restyle.commands import demo_pieces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="note_synth")
    parser.add_argument("--busy", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        content, style = Path(folder, "content.wav"), Path(folder, "style.wav")
        restyle.write(content, demo_pieces.ode_to_joy())
        restyle.write(style, demo_pieces.greensleeves())
        alone = 0.0
        for count in [0, *args.busy]:
            with spinning(count):
                times = [seconds(args.method, content, style, Path(folder, "out.wav")) for _ in range(args.repeat)]
            median = statistics.median(times)
            alone = alone or median
            print(
                f"beside {count} busy processes: {median:5.1f} s, {median / alone:.2f} times the time alone", flush=True
            )


def seconds(method: str, content: Path, style: Path, out: Path) -> float:
    out.unlink(missing_ok=True)
    out.with_suffix(".json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "restyle", "transfer", content, style, "-o", out, "--method", method]
    begun = time.monotonic()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


@contextmanager
def spinning(count: int) -> Iterator[None]:
    processes = [multiprocessing.Process(target=spin, args=(os.getpid(),), daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def spin(parent: int) -> None:
    while os.getppid() == parent:
        sum(range(100_000))


if __name__ == "__main__":
    main()
