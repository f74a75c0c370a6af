"""`restyle train` on real stores and folders of sounds, with a small network and few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from restyle.commands import train
from restyle.commands.data import stems
from restyle.data.store import Store, StoreWriter
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.training import config as configs
from toy_sizes import toy

CONFIG = {
    "kind": "classifier",
    "model": {"init_args": {"widths": [4, 4, 8]}},
    "module": {"init_args": {"rate": 0.01}},
    "representation": {"kind": "stft", "rate": 8000, "n_fft": 128, "hop": 50},
    "data": {"frames": 40, "batch": 4, "validation": 0.25},
    "trainer": {"max_epochs": 2, "limit_train_batches": 2},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


def sounds(folder: Path, count: int = 4, seconds: float = 0.75) -> Path:
    """Low and high tones in a folder a class."""
    rng = np.random.default_rng(0)
    for label, f0 in (("low", 200), ("high", 2000)):
        (folder / label).mkdir(parents=True)
        for i in range(count):
            t = np.arange(round(8000 * seconds)) / 8000
            tone = 0.3 * np.sin(2 * np.pi * f0 * (1 + 0.05 * i) * t) + rng.normal(0, 0.01, len(t))
            soundfile.write(folder / label / f"{i}.wav", tone, 8000)
    return folder


def filled(folder: Path, *, hop: int = 50, classes: tuple[str, ...] = ("low", "high")) -> Path:
    """A store of noise."""
    rng = np.random.default_rng(0)
    with StoreWriter(folder, CONFIG["representation"] | {"hop": hop, "log1p": True}) as writer:
        for i in range(8):
            label = classes[i % len(classes)]
            writer.add(f"{label}/{i}.wav", (label,), f"{label}/{i}", "", rng.random((90, 65)) + i % 2)
    return folder


def test_a_store(config, tmp_path):
    lines: list[str] = []
    data, out = filled(tmp_path / "store"), tmp_path / "run"
    made = train.run(config, data=data, out=out, settings=["seed=3"], report=lines.append)
    arrays, settings = weights.load(made.weights)
    assert settings["labels"] == ["high", "low"] and settings["model"]["bins"] == 65
    assert settings["representation"]["hop"] == 50 and settings["training"]["seed"] == 3
    assert np.allclose(arrays["mean"][:, 0], Store.open(data).statistics["mean"])
    assert {"val_loss", "val_accuracy", "val_track_accuracy"} <= set(made.scores)
    assert len(lines) == 2 and (out / "report.html").is_file() and made.weights == out / "small.safetensors"
    assert train.run(config, data=data, out=out, settings=["seed=3"]).before


def beside_noise(rng, frames, form):
    """What a store may hold beside a spectrogram: twelve notes, how they sound, and noise."""
    seconds = frames * form.hop / form.rate
    onset = np.linspace(0.1, seconds - 0.5, 12)
    table = np.stack([onset, onset + 0.4, rng.integers(50, 80, 12), rng.random(12) + 0.1, np.zeros(12)], axis=1)
    rows = np.repeat(rng.normal(-40, 5, (12, 1, 201)), 3, axis=1)
    rows[..., 0], rows[..., 1], rows[..., 4] = table[:, None, 2], onset[:, None], 0.4
    rows[..., 2], rows[..., 7], rows[..., 8] = np.array([0.0, 0.1, 0.3]), table[:, None, 3], 0
    rows[..., 3], rows[..., 6], rows[..., 57:105] = rows[..., 2] - 0.4, 1, 1
    sound = rng.normal(0, 0.1, frames * form.hop)
    return {
        "notes": table.astype(np.float32),
        "bent": np.array([0]),
        "bends": np.zeros((1, frames), np.float16),
        "partials": rows.reshape(-1, 201).astype(np.float32),
        "sound": sound.astype(np.float16),
        "pitch": rng.random((frames, 176)).astype(np.float16),
    }


SCORES = {
    "arranger",
    "arranger_gpu",
    "symbolic_cyclegan",
    "symbolic_cyclegan_gpu",
    "symbolic_genre",
}  # which learn from scores


@pytest.mark.parametrize("name", sorted({*configs.bundled()} - SCORES))
def test_two_steps_of_every_config(name, tmp_path):
    read = configs.read(name)
    rng = np.random.default_rng(0)
    if read["kind"] == "separator":
        made = _separator(tmp_path)
        assert np.isfinite(made.scores["val_sdr"]) and made.weights.is_file()
        return
    form = LogSpectrogram.of(read["representation"])
    with StoreWriter(tmp_path / "store", form.settings()) as writer:
        for i in range(12):
            noise = rng.random((2 * read["data"]["frames"] + 5, form.bins))
            beside = beside_noise(rng, len(noise), form)
            writer.add(f"{i}.wav", ("ab"[i % 2],), f"s{i // 2}", "", noise + i % 2, beside=beside)
    settings = ["trainer.max_epochs=1", "trainer.limit_train_batches=2", "data.batch=4", "data.validation=0.34"]
    if name.endswith(("_gpu", "_original")):
        settings += toy(name)
        with torch.device("meta"):  # at full size the model is built only
            configs.built(read, "model", {"classes": 2, "bins": form.bins, "frames": read["data"]["frames"]})
    made = train.run(name, data=tmp_path / "store", out=tmp_path / "run", settings=settings)
    arrays, told = weights.load(made.weights)
    assert np.isfinite(made.scores["val_loss"]) and all(np.isfinite(array).all() for array in arrays.values())
    assert told["kind"] == read["kind"] and "class_path" not in told
    model = configs.built({"kind": told["kind"], "model": {"init_args": told["model"]}}, "model", {})
    model.load_state_dict({key: torch.from_numpy(arrays[key]) for key in model.state_dict()})
    assert (tmp_path / "run" / "report.html").read_text().count("data:image/webp") >= 1


def _separator(folder):
    """A separator of two steps, taught by songs of noise."""
    rng = np.random.default_rng(0)
    for i in range(6):
        (folder / "songs" / f"song{i}").mkdir(parents=True)
        for stem in ("vocals", "drums", "bass", "other"):
            soundfile.write(folder / "songs" / f"song{i}" / f"{stem}.wav", rng.normal(0, 0.1, (40 * 1024, 2)), 44100)
    stems(folder / "songs", folder / "store")
    small = {"channels": 4, "blocks": 2, "hidden": 8, "dilations": "[1]"}
    settings = [f"model.init_args.{name}={value}" for name, value in small.items()]
    settings += ["trainer.max_epochs=1", "trainer.limit_train_batches=2", "data.batch=2", "data.frames=16"]
    settings += ["data.validation=0.34"]
    return train.run("separator", data=folder / "store", out=folder / "run", settings=settings)


def test_folders_of_sounds(config, tmp_path):
    lines: list[str] = []
    data, test = sounds(tmp_path / "music"), sounds(tmp_path / "unseen", count=2)
    made = train.run(config, data=data, out=tmp_path / "run", test=test, report=lines.append)
    assert lines[0].startswith("making spectrograms of")
    store = Store.open(tmp_path / "run" / "store")
    assert [entry.labels for entry in store.entries] == [("high",)] * 4 + [("low",)] * 4
    assert store.settings["hop"] == 50 and store.read(0).shape[1] == 65
    settings = weights.load(made.weights)[1]
    assert settings["data"]["entries"] == 8 and {"test_loss", "test_track_accuracy"} <= set(settings["scores"])


def test_one_long_take_of_each_class(config, tmp_path):
    data = sounds(tmp_path / "music", count=1, seconds=6.0)
    made = train.run(config, data=data, out=tmp_path / "run")
    told = weights.load(made.weights)[1]["data"]
    assert (told["sources"], told["cut"], told["train"], told["validation"]) == (2, 2, 2, 2)
    assert made.scores["val_accuracy"] > 0.4 and "2 of them cut in time" in made.weights.with_suffix(".md").read_text()


def test_too_little_is_refused_before_any_work(config, tmp_path, monkeypatch):
    monkeypatch.setattr("restyle.commands.data.spectrograms", None)  # cannot be called
    data = sounds(tmp_path / "music", count=1, seconds=0.7)
    (data / "high" / "0.wav").unlink()
    with pytest.raises(RestyleError, match="only the class 'low'"):
        train.run(config, data=data, out=tmp_path / "run")
    for name in ("vae_gan", "note_synth"):
        settings = ["data.frames=100"]
        error = "only the class" if name == "vae_gan" else r"low/0\.wav is the only source to learn from, and too short"
        with pytest.raises(RestyleError, match=error):
            train.run(name, data=data, out=tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()


def test_what_is_refused(config, tmp_path):
    out, store = tmp_path / "run", filled(tmp_path / "store")
    with pytest.raises(RestyleError, match="nowhere: there is no such folder"):
        train.run(config, data=tmp_path / "nowhere", out=out)
    with pytest.raises(RestyleError, match="no config 'nothing'"):
        train.run("nothing", data=store, out=out)
    with pytest.raises(RestyleError, match=r"no setting 'trainer\.epochs'"):
        train.run(config, data=store, out=out, settings=["trainer.epochs=3"])
    with pytest.raises(RestyleError, match="nodes must be 1 or more"):
        train.run(config, data=store, out=out, nodes=0)
    with pytest.raises(RestyleError, match="cannot be set up so"):
        train.run(config, data=store, out=out, strategy="telepathy")
    with pytest.raises(RestyleError, match="hop 25 where the config wants 50"):
        train.run(config, data=filled(tmp_path / "other", hop=25), out=tmp_path / "run2")
    with pytest.raises(RestyleError, match="only the class 'low'"):
        train.run(config, data=filled(tmp_path / "one", classes=("low",)), out=tmp_path / "run3")
    with pytest.raises(RestyleError, match="make a store first"):
        train.run(config, data=sounds(tmp_path / "music"), out=tmp_path / "run4", nodes=2)
    (tmp_path / "file").write_text("")
    with pytest.raises(RestyleError, match="is a file"):
        train.run(config, data=store, out=tmp_path / "file")


def test_an_empty_folder(config, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RestyleError, match="holds no sounds"):
        train.run(config, data=tmp_path / "empty", out=tmp_path / "run")
