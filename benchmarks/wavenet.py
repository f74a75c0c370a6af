"""How fast the WaveNets make sound: sample by sample with and without a cache, and all samples at once.

    python benchmarks/wavenet.py [--threads 2] [--seconds 4]

The networks have the sizes of the configs that come with the package; their weights do not matter for speed. Times real
time: seconds of sound a second.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from restyle.methods.wavenet.autoregressive import SILENCE, WaveNet
from restyle.methods.wavenet.generation import Generator
from restyle.methods.wavenet.parallel import ParallelWaveNet
from restyle.training import config as configs

NAIVE = 8  # samples of the naive generation that are timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="of the parallel networks; the cached loop takes one")
    parser.add_argument("--seconds", type=float, default=4.0, help="of sound that are made")
    args = parser.parse_args()
    serial, parallel = network("wavenet_autoregressive"), network("wavenet_parallel")
    table = Table("generation", "threads", "samples a second", "times real time", title="WaveNets at 16 kHz")

    def add(name: str, threads: int, rate: float) -> None:
        table.add_row(name, str(threads), f"{rate:,.0f}", f"{rate / 16000:.3g}")

    with torch.inference_mode():
        torch.set_num_threads(1)
        rates = cached(serial, args.seconds), naive(serial)
        add("autoregressive, cached", 1, rates[0])
        add("autoregressive, naive", 1, rates[1])
        for threads in sorted({1, args.threads}):
            torch.set_num_threads(threads)
            add("parallel", threads, at_once(parallel, args.seconds))
    Console().print(table)
    Console().print(f"cached over naive: {rates[0] / rates[1]:.0f} times")


def network(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    made: torch.nn.Module = configs.built(configs.read(name)["model"], {"bins": 80})
    return made.eval()


def timed(function: Callable[[], object], repeat: int = 3) -> float:
    """The shortest of a few times in seconds, after a first one that compiles."""
    function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def cached(made: WaveNet, seconds: float) -> float:
    told = torch.randn(1, made.condition, round(seconds * made.rate / made.hop))
    tuned = torch.randn(1, made.channels, told.shape[-1] * made.hop)
    generator = Generator(made)
    return told.shape[-1] * made.hop / timed(lambda: generator.classes(told, tuned))


def naive(made: WaveNet) -> float:
    """One pass over all that a sample depends on, for every sample."""
    frames = -(-(made.stack.reach + 1) // made.hop)
    told, classes = torch.randn(1, made.condition, frames), torch.full((1, frames * made.hop), SILENCE)

    def some() -> None:
        for _ in range(NAIVE):
            made(classes, told)[0, :, -1].argmax()

    return NAIVE / timed(some)


def at_once(made: ParallelWaveNet, seconds: float) -> float:
    """Three notes at a time, two a second each."""
    onset = torch.arange(0, seconds, 0.5).repeat(3)
    pitch = torch.tensor([48.0, 60, 67]).repeat_interleave(len(onset) // 3)
    rest = [torch.full_like(onset, 0.8), torch.zeros_like(onset)]
    notes = torch.stack([onset, onset + 0.45, pitch, *rest], dim=1)[None].double()
    reference, frames = made.reference(torch.rand(1, 80, 300)), round(seconds * made.rate / made.hop)
    return frames * made.hop / timed(lambda: made(notes, reference, frames))


if __name__ == "__main__":
    main()
