"""The benchmark's recordings, where there are any: $RESTYLE_BENCHMARK, else ../shared/bench beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.audio import Audio

FOLDER = Path(os.environ.get("RESTYLE_BENCHMARK", Path(__file__).parents[3] / "shared" / "bench"))

needed = pytest.mark.skipif(not (FOLDER / "triplets").is_dir(), reason=f"the benchmark is not in {FOLDER}")


def read(kind: str, name: str) -> Audio:
    """Read a recording by folder and name, as ``triplets`` and ``000.content``."""
    path = next((FOLDER / kind).glob(f"{name}.[fo][lg]*"))  # flac or ogg
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Audio(np.ascontiguousarray(samples.T), rate)
