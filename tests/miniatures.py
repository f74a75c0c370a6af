"""What tests of data sets share: small sounds and MIDI files where a data set has its own, and a SoundFont."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.io.midi import write_midi
from restyle.notes import Notes


@pytest.fixture(scope="session")
def font() -> Path:
    """FluidR3_GM: its notes are known to decay."""
    pytest.importorskip("fluidsynth", reason="FluidSynth is not installed", exc_type=ImportError)
    path = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
    if not path.exists():
        pytest.skip("FluidR3_GM is not installed (Debian: fluid-soundfont-gm)")
    return path


@pytest.fixture
def sound() -> Callable[..., Path]:
    """Write a tone; folders are made."""

    def write(path: Path, seconds: float = 0.5, *, rate: int = 8000, pitch: float = 69, gain: float = 0.5) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        t = np.arange(round(seconds * rate)) / rate
        soundfile.write(path, gain * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t), rate)
        return path

    return write


@pytest.fixture
def midi() -> Callable[..., Path]:
    """Write notes of (onset s, offset s, pitch) as a MIDI file; folders are made."""

    def write(path: Path, *rows: tuple[float, float, float], programme: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_midi(path, Notes.of([(*row, 0.5, programme) for row in rows or [(0.0, 0.25, 69)]]))
        return path

    return write
