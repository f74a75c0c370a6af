"""An hour of content in bounded memory, from file to file."""

import subprocess
import sys

import numpy as np
import pytest

import restyle
from restyle.audio import Audio
from restyle.dsp import blocks

RATE, SECONDS = 8000, 3600
PAUSE = 600 * RATE  # samples from one tune to the next
TRANSFER = """
import sys
from pathlib import Path
from restyle.cli import main
try:
    main()
finally:
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(line for line in lines if line.startswith("VmHWM")).split()[1], file=sys.stderr)
"""


def melody(pitches, weight):
    """Notes of half a second with eight partials, [T]."""
    time = np.arange(RATE // 2) / RATE
    f0 = 440 * 2 ** ((np.array(pitches)[:, None] - 69) / 12)
    waves = sum(weight(k) * np.sin(2 * np.pi * k * f0 * time) for k in range(1, 9))
    return 0.1 * (waves * np.minimum(1, time / 0.005) * np.minimum(1, (0.5 - time) / 0.02)).ravel()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("style", ["style.wav", "draw_piano"])
def test_an_hour_needs_little_more_memory_than_minutes(style, tmp_path):
    """A tune every ten minutes for an hour: the last one is played as the first, in a gigabyte."""
    played = melody([60, 64, 67, 72, 67, 64, 60, 55], lambda k: 1 / k**2)
    samples = blocks.empty(1, SECONDS * RATE)
    for start in range(0, samples.shape[1], PAUSE):
        samples[0, start : start + len(played)] = played
        blocks.release(samples)
    restyle.write(tmp_path / "long.wav", Audio(samples, RATE))
    restyle.write(tmp_path / "style.wav", Audio(melody([57, 62, 65, 69, 74], lambda k: 1 / k)[None], RATE))
    command = [sys.executable, "-c", TRANSFER, "transfer", "long.wav", style, "-o", "out.wav"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stderr.split()[-1]) < 1e6  # kB
    result = restyle.read(tmp_path / "out.wav")
    assert result.length == samples.shape[1]
    first, last = (
        np.square(result.samples[0, at : at + 5 * RATE]).reshape(-1, RATE // 10).mean(1)
        for at in (PAUSE, samples.shape[1] - PAUSE)
    )
    assert first[:40].min() > 10 * first[44:].max()
    assert last == pytest.approx(first, rel=0.2, abs=1e-2 * float(first.max()))
