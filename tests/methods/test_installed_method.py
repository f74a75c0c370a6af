"""A method of another package: installed, listed, used and refused like our own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from restyle.errors import RestyleError
from restyle.methods import METHODS, Entry, load

EXAMPLE = Path(__file__).parents[2] / "examples" / "restyle-level"
USE = """
import numpy as np, restyle
from restyle.methods import METHODS
t = np.arange(32000) / 16000
content = restyle.Audio(np.sin(3000 * t) * (0.01 + (t > 1)) / 4, 16000)
result = restyle.transfer(content, restyle.Audio(np.sin(2000 * t) / 4, 16000), method="level", tone=False)
quiet, loud = (float(np.abs(part).max()) for part in (result.samples[0, 4000:12000], result.samples[0, 20000:28000]))
print(METHODS["level"].text, quiet > 0.5 * loud, "notes" in METHODS)
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling builds the example package")
def test_a_package_adds_a_method(tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path), str(EXAMPLE)], check=True, capture_output=True)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run([sys.executable, "-c", USE], env={**os.environ, "PYTHONPATH": path}, capture_output=True)
    assert done.stdout.decode().strip() == "of the package restyle-level True True", done.stderr.decode()


def test_a_method_whose_package_is_broken_is_named(monkeypatch):
    monkeypatch.setitem(METHODS, "lost", Entry("no_such_module:Method", "of the package lost"))
    with pytest.raises(RestyleError, match="'lost' of the package lost cannot be loaded"):
        load("lost")


def test_the_example_keeps_strength_zero():
    sys.path.insert(0, str(EXAMPLE))
    try:
        from restyle_level import LevelMethod
    finally:
        sys.path.remove(str(EXAMPLE))
    from restyle import Audio

    sound = Audio(np.random.default_rng(0).normal(0, 0.1, (2, 8000)), 8000)
    method = LevelMethod(smoothing="0.05")
    assert method.apply(sound, method.fit([sound]), strength=0) is sound
    same = method.apply(sound, method.fit([sound]))
    assert np.allclose(same.samples, sound.samples, atol=0.02)
