"""The list of models."""

from __future__ import annotations

import numpy as np

from restyle.commands import models
from restyle.io import weights


def test_the_list(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTYLE_MODELS", str(tmp_path))
    weights.save(tmp_path / "mine.safetensors", {"w": np.zeros(250_000, np.float32)}, {"kind": "timbre"})
    rows = models.rows(models.run())
    assert rows[-1] == ["mine", "local", "timbre", "1.0 MB", "-"]
    assert ["transcriber", "bundled", "transcriber", "1.8 MB", "Apache-2.0, like the package"] in rows
    assert models.fetch("mine") == tmp_path / "mine.safetensors"
