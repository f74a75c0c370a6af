"""How many modules of restyle a default transfer loads, and how long `restyle --help` takes.

Usage: python benchmarks/loaded.py
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

LOADED = """
import sys
from restyle.cli import main
try:
    main()
finally:
    print(*sorted(name for name in sys.modules if name.partition(".")[0] == "restyle"), sep="\\n")
"""
RATE = 16000


def loaded(folder: Path) -> list[str]:
    """The modules after a transfer of two seconds with the default options."""
    notes = np.arange(2 * RATE) / RATE
    for name, f0 in (("content", 220.0), ("style", 330.0)):
        sound = sum(np.sin(2 * np.pi * f0 * k * notes) / k for k in range(1, 6)) * np.exp(-4 * (notes % 0.5))
        soundfile.write(folder / f"{name}.wav", 0.1 * sound, RATE)
    command = [sys.executable, "-c", LOADED, "transfer", "content.wav", "style.wav", "-o", "out.wav"]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return [line for line in printed.splitlines() if line.partition(".")[0] == "restyle"]


def seconds_of_help() -> float:
    """The best of five runs."""
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "restyle", "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        modules = loaded(Path(folder))
    print(*modules, sep="\n")
    print(f"{len(modules)} modules of restyle; restyle --help in {seconds_of_help():.2f} s")
