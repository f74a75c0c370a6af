"""What tests of commands share: small recordings, and the command line run in this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch load: tests run side by side, one on a core
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # else each process that a test starts compiles PyTorch anew
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[1] / ".pytest_cache/bytecode")

import gc
import logging
import signal
from collections.abc import Callable, Iterator

import pytest
import soundfile

from commanded import Ran, chord

pytest_plugins = ["browsing", "miniatures"]


def pytest_collection_finish() -> None:
    """Spare the garbage collector what all tests import: it would go through PyTorch again and again."""
    gc.collect()
    gc.freeze()


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
