"""What tests of commands share: small recordings, and the command line run in this process."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

FAST = ("--method", "spectral", "--no-tone")


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def chord(seconds: float = 1.0, rate: int = 16000, channels: int = 1, root: float = 220.0) -> np.ndarray:
    """Two struck chords with a little noise, [T, C], a little different in each channel."""
    t = np.arange(round(seconds * rate)) / rate
    struck = np.exp(-4 * (t % (seconds / 2)))
    tone = sum(np.sin(2 * np.pi * root * k * t) / k for k in (1, 1.25, 1.5, 2, 3) if root * k < rate / 2)
    noise = np.random.default_rng(0).normal(0, 0.01, len(t))
    sound = 0.15 * struck * tone + noise
    return np.stack([sound * (1 - 0.05 * c) for c in range(channels)], axis=1)


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Path, Path]:
    """content.wav and style.wav in the test's folder."""
    soundfile.write(tmp_path / "content.wav", chord(), 16000)
    soundfile.write(tmp_path / "style.wav", chord(root=330.0), 16000)
    return tmp_path / "content.wav", tmp_path / "style.wav"


@pytest.fixture
def restyle(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """Run the command line with arguments; return exit code and output, that of C libraries too."""
    from restyle.cli import main

    log = logging.getLogger("restyle")
    before = log.handlers[:], log.level, log.propagate
    terminate = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["restyle", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return Ran(ended.value.code, said.out, said.err)

    yield run
    log.handlers[:], log.level, log.propagate = before
    signal.signal(signal.SIGTERM, terminate)
