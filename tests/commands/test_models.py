"""The list of models."""

from __future__ import annotations

import numpy as np

from restyle.commands import models
from restyle.io import hub, weights


def test_the_list(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTYLE_MODELS", str(tmp_path))
    weights.save(tmp_path / "mine.safetensors", {"w": np.zeros(250_000, np.float32)}, {"kind": "timbre"})
    rows = models.rows(models.run())
    assert rows[-1] == ["mine", "local", "timbre", "1.0 MB", "-"]
    assert ["transcriber", "bundled", "transcriber", "1.0 MB", "Apache-2.0, like the package"] in rows
    assert hub.find("mine") == tmp_path / "mine.safetensors"


def test_a_model_is_described_with_the_names_of_its_styles(restyle):
    for name, names in (("vae_gan", 231), ("cyclegan", 2), ("classifier", 12), ("timbre", 0)):
        path = weights.bundled(f"{name}.safetensors")
        told = models.describe(name)
        listed = [value for value in told.values() if isinstance(value, list)]
        assert (told["file"], told["kind"], told["card"]) == (str(path), name, str(path.with_suffix(".md")))
        assert listed == ([weights.header(path)["labels"]] if names else []) and sum(map(len, listed)) == names
        ran = restyle("models", name)
        assert ran.code == 0 and all(label in ran.out for label in (listed or [[]])[0])


def test_an_unknown_style_says_where_they_are_listed(restyle, clips, tmp_path):
    content, _ = clips
    for more in (("--set", "named=gm000"), ()):
        ran = restyle("transfer", content, "vae_gan", "-o", tmp_path / "out.wav", *more)
        assert ran.code == 2 and "'restyle models vae_gan' lists all 231" in ran.err
