"""Files of format 1, kept as they were written, are read as before; newer ones and unknown kinds are refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save as pack

from restyle import style as styles
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.io import hub as registry
from restyle.io import kinds, weights
from restyle.io import networks as trained

sys.path.insert(0, str(Path(__file__).parent))
from formats import OUTPUTS

OLD = Path(__file__).parents[1] / "data" / "formats"
EXPECTED = np.load(OLD / "expected.npz")
NEWER = {"arranger", "drums", "separator", "symbolic_cyclegan", "symbolic_genre"}  # kinds: no file of format 1
SPECTROGRAM = {"cyclegan": "stft", "draw": "stft", "vae_gan": "stft", "transcriber": "cqt"}


def metadata(path: Path) -> dict:
    with safe_open(str(path), framework="numpy") as file:
        return json.loads(file.metadata()["settings"])


def network(kind: str, folder: Path = OLD) -> torch.nn.Module:
    spectrogram = SPECTROGRAM.get(kind, "stft" if kind.startswith("classifier") else "mel")
    return trained.network(folder / f"{kind}.safetensors", kind, spectrogram)[0]


def test_every_kind_has_an_old_file():
    assert set(OUTPUTS) == set(kinds.CLASS_PATHS.values()) == set(kinds.KINDS) - NEWER - {"toy"}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_old_weights_give_what_they_gave(kind, tmp_path):
    path = OLD / f"{kind}.safetensors"
    assert "format" not in metadata(path) and metadata(path)["class_path"].startswith("restyle.models.")
    with torch.inference_mode():
        assert np.allclose(OUTPUTS[kind](network(kind)).numpy(), EXPECTED[kind], atol=1e-5, rtol=1e-4)
    arrays, settings = weights.load(path)
    assert settings["kind"] == registry.header(path)["kind"] == kind and "class_path" not in settings
    weights.save(tmp_path / path.name, arrays, settings)
    again = metadata(tmp_path / path.name)
    assert again["format"] == 2 and again["kind"] == kind and "class_path" not in again
    with torch.inference_mode():
        assert np.allclose(OUTPUTS[kind](network(kind, tmp_path)).numpy(), EXPECTED[kind], atol=1e-5, rtol=1e-4)


def test_an_old_style(tmp_path):
    style = styles.load(OLD / "spectral.style")
    assert (style.method, style.files) == ("spectral", ("tone.wav",))
    expected = {name.removeprefix("style/"): EXPECTED[name] for name in EXPECTED.files if name.startswith("style/")}
    assert style.arrays.keys() == expected.keys() and expected
    assert all(np.array_equal(style.arrays[name], array) for name, array in expected.items())
    styles.save(tmp_path / "new.style", style)
    told = metadata(tmp_path / "new.style")
    assert (told["format"], told["kind"], told["method"]) == (2, "style", "spectral")
    assert styles.load(tmp_path / "new.style").files == style.files


def test_every_shipped_file_is_read():
    for path in weights.bundled("").glob("**/*.safetensors"):
        assert weights.header(path)["kind"] in kinds.KINDS
    assert styles.genre("jazz").method == "gatys"


def written(path: Path, **settings: object) -> Path:
    path.write_bytes(pack({"w": np.zeros(2)}, {"settings": json.dumps(settings)}))
    return path


@pytest.mark.parametrize("read", [weights.load, weights.header, styles.load])
def test_newer_formats_are_refused(tmp_path, read):
    path = written(tmp_path / "new.style", format=3, kind="style", method="notes")
    with pytest.raises(RestyleError, match=r"new\.style has format 3, which a newer restyle wrote; update") as told:
        read(path)
    assert "\n" not in str(told.value)
    with pytest.raises(RestyleError, match="damaged"):
        read(written(path, format="new", kind="style", method="notes"))


def test_nothing_that_a_file_names_is_imported(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "evil.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    for settings in ({"class_path": "models.evil.Net"}, {"format": 2, "kind": "models.evil:Net"}):
        told = {"model": {}, "representation": {"kind": "mel"}, **settings}
        with pytest.raises(RestyleError, match=r"evil\.safetensors names the kind of model 'models\.evil.Net', which"):
            trained.network(written(tmp_path / "evil.safetensors", **told), "timbre embedding", "mel")


def test_what_is_missing_or_extra_is_named(tmp_path):
    arrays, settings = weights.load(OLD / "timbre.safetensors")
    names = sorted(arrays)
    changed = {name: array for name, array in arrays.items() if name not in names[:4]} | {"more": np.zeros(1)}
    changed[names[5]] = np.zeros((7, 7), np.float32)
    weights.save(tmp_path / "part.safetensors", changed, settings)
    with pytest.raises(RestyleError) as told:
        trained.network(tmp_path / "part.safetensors", "timbre embedding", "mel")
    sentence = str(told.value)
    assert f"it lacks {names[0]}, {names[1]}, {names[2]} and 1 more, has besides more" in sentence
    assert f"has in other shapes {names[5]}" in sentence and "\n" not in sentence


def test_the_transcriber_takes_no_other_weights(tmp_path):
    from restyle.analysis.transcriber.infer import transcribe

    arrays, settings = weights.load(weights.bundled("transcriber.safetensors"))
    weights.save(tmp_path / "t.safetensors", {k: v for k, v in arrays.items() if k != "pitch"}, settings)
    with pytest.raises(RestyleError, match="it lacks pitch"):
        transcribe(Audio(np.zeros(16000), 16000), weights=tmp_path / "t.safetensors")
