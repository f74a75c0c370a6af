"""Whole trainings of a toy: what they leave, how they go on after being stopped, and what can go wrong."""

from __future__ import annotations

import csv
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from restyle.errors import RestyleError
from restyle.io import weights
from restyle.training import config as configs

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

TOY = {
    "kind": "toy",
    "representation": {"kind": "stft", "rate": 8000, "hop": 4},
    "data": {"frames": 8, "batch": 6, "validation": 0.25, "offsets": "random"},
    "trainer": {"max_epochs": 3, "checkpoint_every": 2, "average": 0.9},
}


class StoppedError(Exception):
    """In the middle of a run."""


@pytest.fixture
def toy(tmp_path: Path):
    """Train the toy with changed settings in a folder of the test."""
    from toys import FakeStore

    from restyle.pages.training import page
    from restyle.training.run import train

    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(TOY))

    def run(out: str, *settings: str, store: Any = None, **given: Any):
        config = configs.read(tmp_path / "toy.yaml", settings)
        return train(config, store or FakeStore(24), tmp_path / out, page=page, **given)

    return run


def stop_at(monkeypatch: pytest.MonkeyPatch, hook: str, step: int) -> None:
    """Let a hook of the toy raise at a step, once."""
    from toys import ToyTraining

    original = getattr(ToyTraining, hook)

    def stopping(self, *arguments):
        if self.global_step == step:
            raise StoppedError
        return original(self, *arguments)

    monkeypatch.setattr(ToyTraining, hook, stopping)


def metrics(out: Path) -> list[dict[str, str]]:
    """The rows of a run's table."""
    with (out / "metrics.csv").open() as table:
        return list(csv.DictReader(table))


def same_numbers(one: Path, other: Path) -> bool:
    """Whether two runs' metrics and curves are the same, but for the times."""
    rows = [[row | {"seconds": ""} for row in metrics(out)] for out in (one, other)]
    curves = [re.findall("<svg.*?</svg>", (out / "report.html").read_text(), re.DOTALL) for out in (one, other)]
    return rows[0] == rows[1] and curves[0] == curves[1]


def test_what_a_run_leaves(toy, tmp_path):
    lines: list[str] = []
    parts: list[float] = []
    made = toy("out", "name=hills", report=lines.append, progress=parts.append)
    arrays, settings = weights.load(made.weights)
    assert made.weights == tmp_path / "out" / "hills.safetensors" and not made.before
    assert set(arrays) == {"first.weight", "first.bias", "last.weight", "last.bias", "profile"}
    assert settings["model"] == {"classes": 2, "bins": 9, "width": 6} and settings["kind"] == "toy"
    assert settings["labels"] == ["high", "low"] and settings["note"] == "toy"
    assert settings["representation"]["n_fft"] == 16 and settings["data"]["sources"] == 12
    assert settings["scores"] == pytest.approx(made.scores) and made.scores["val_accuracy"] > 0.5
    assert [line.split(":")[0] for line in lines] == [f"epoch {i} of 3" for i in (1, 2, 3)]
    assert parts == sorted(parts) and parts[-1] == 1
    rows = metrics(tmp_path / "out")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    best = min(rows, key=lambda row: float(row["val_loss"]))
    assert int(best["epoch"]) == made.best_epoch
    assert float(best["val_loss"]) == pytest.approx(made.scores["val_loss"], rel=1e-5)
    card = (tmp_path / "out" / "hills.md").read_text()
    assert "Model card: hills" in card and f"best epoch was {made.best_epoch}" in card and "{" not in card
    assert list((tmp_path / "out" / "tensorboard").glob("events*"))


def test_no_private_path_is_written(toy, tmp_path, monkeypatch):
    given = [
        "/home/me/bin/restyle",
        "train",
        "../me/toy.yaml",
        "--data",
        "/home/me/My Music/songs",
        "--out=/home/me/run",
    ]
    given += [
        "--set",
        "start=/home/me/draw.safetensors",
        "--set",
        r"x=C:\Users\me\a.wav",
        "--weights",
        "hf:band/genres",
    ]
    monkeypatch.setattr(sys, "argv", given)
    toy("out")
    files = [tmp_path / "out" / name for name in ("toy.md", "toy.safetensors", "report.html")]
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        assert "hf:band/genres" in text and "a.wav" in text, path
        assert not any(part in text for part in ("/home", "My Music", "Users", str(tmp_path), "..")), path
    told = "restyle train toy.yaml --data songs --out=run --set start=draw.safetensors --set x=a.wav --weights hf:band/"
    assert told in files[0].read_text()


def test_the_page_is_whole(toy, tmp_path):
    toy("out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg") == 4 and "data:image/webp;base64" in page
    assert "&lt;first&gt;" in page and "<first>" not in page
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched
    assert "still improving" in page or "flat" in page or "overfitting" in page


@pytest.mark.parametrize("setting", ["trainer.average=null", "trainer.average=0.9", "trainer.max_steps=27"])
@pytest.mark.parametrize("step", [0, 1, 2, 5, 8, 9, 10, 13, 26])  # 9 steps an epoch, a checkpoint every 2
def test_stopped_in_a_step(toy, tmp_path, monkeypatch, step, setting):
    toy("whole", setting)
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_at(patch, "training_step", step)
        toy("parts", setting)
    made = toy("parts", setting)
    assert made.epochs == 3
    for name in ("toy", "best"):
        one, other = (weights.load(tmp_path / out / f"{name}.safetensors")[0] for out in ("whole", "parts"))
        assert all((one[key] == other[key]).all() for key in one)
    assert same_numbers(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize(("hook", "step"), [("validation_step", 18), ("exports", 0), ("examples", 9)])
def test_stopped_elsewhere(toy, tmp_path, monkeypatch, hook, step):
    toy("whole")
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_at(patch, hook, step)
        toy("parts")
    toy("parts")
    one, other = (weights.load(tmp_path / out / "toy.safetensors")[0] for out in ("whole", "parts"))
    assert all((one[key] == other[key]).all() for key in one)
    assert same_numbers(tmp_path / "whole", tmp_path / "parts")


def test_stopped_twice_with_gradients_that_add_up(toy, tmp_path, monkeypatch):
    setting = "trainer.accumulate_grad_batches=2"
    toy("whole", setting)
    for step in (3, 8):
        with monkeypatch.context() as patch, pytest.raises(StoppedError):
            stop_at(patch, "training_step", step)
            toy("parts", setting)
    toy("parts", setting)
    one, other = (weights.load(tmp_path / out / "toy.safetensors")[0] for out in ("whole", "parts"))
    assert all((one[key] == other[key]).all() for key in one)


def test_another_seed_is_another_run(toy, tmp_path):
    toy("one")
    toy("other", "seed=1")
    one, other = (weights.load(tmp_path / out / "toy.safetensors")[0] for out in ("one", "other"))
    assert (one["first.weight"] != other["first.weight"]).any()


def test_a_finished_run_says_so(toy, tmp_path):
    first = toy("out")
    written = (tmp_path / "out" / "toy.safetensors").stat().st_mtime_ns
    again = toy("out")
    assert again.before and again.scores == first.scores and again.epochs == 3
    assert (tmp_path / "out" / "toy.safetensors").stat().st_mtime_ns == written


def test_another_config_or_other_data_are_refused(toy):
    from toys import FakeStore

    toy("out")
    with pytest.raises(RestyleError, match=r"another module\.init_args\.rate"):
        toy("out", "module.init_args.rate=0.5")
    with pytest.raises(RestyleError, match="other data"):
        toy("out", store=FakeStore(26))


def test_patience(toy):
    made = toy("out", "trainer.max_epochs=30", "trainer.patience=2", "module.init_args.rate=3.0")
    assert made.best_epoch < made.epochs < 30 and made.epochs == made.best_epoch + 2


def test_nan_ends_the_run_and_keeps_it(toy, tmp_path):
    with pytest.raises(RestyleError, match=r"no number any more at step 1\d; .*smaller learning rate"):
        toy("out", "module.init_args.spoil=12")
    kept = weights.load(tmp_path / "out" / "best.safetensors")[0]
    assert all(np.isfinite(value).all() for value in kept.values())
    import torch

    state = torch.load(tmp_path / "out" / "last.ckpt", weights_only=True)
    assert state["global_step"] in range(9, 13)
    assert all(value.isfinite().all() for value in state["state_dict"].values())


def test_a_full_disk_ends_the_run_and_keeps_it(toy, tmp_path, monkeypatch):
    import torch

    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_at(patch, "training_step", 5)
        toy("out")
    before = (tmp_path / "out" / "last.ckpt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 1000, limits[1]))  # a checkpoint no longer fits
    try:
        with pytest.raises(RestyleError, match=r"could not be written \(.*\); free some space"):
            toy("out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "out" / "last.ckpt").read_bytes() == before
    assert torch.load(tmp_path / "out" / "last.ckpt", weights_only=True)["global_step"] == 4
    assert not list((tmp_path / "out").glob(".restyle*"))
    assert toy("out").epochs == 3


def test_a_damaged_checkpoint(toy, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_at(patch, "training_step", 5)
        toy("out")
    (tmp_path / "out" / "last.ckpt").write_bytes(b"PK rubbish")
    with pytest.raises(RestyleError, match=r"last\.ckpt is damaged"):
        toy("out")


def test_a_checkpoint_of_an_earlier_version(toy, tmp_path, monkeypatch):
    import torch

    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_at(patch, "training_step", 5)
        toy("out")
    path = tmp_path / "out" / "last.ckpt"
    state = torch.load(path, weights_only=True)
    state["callbacks"] = {"Checkpoints": {"epoch": 0, "done": 4}}
    torch.save(state, path)
    with pytest.raises(RestyleError, match=r"last\.ckpt is of an earlier version; remove it to begin again"):
        toy("out")


def test_ctrl_c(toy, monkeypatch):
    from toys import ToyTraining

    handler = signal.getsignal(signal.SIGINT)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ToyTraining, "validation_step", interrupted)
        toy("out")
    assert signal.getsignal(signal.SIGINT) is handler
    assert toy("out").epochs == 3


def test_data_that_teach_nothing(toy):
    from toys import FakeStore

    with pytest.raises(RestyleError, match="only the class 'low'"):
        toy("one", store=FakeStore(8, classes=("low",)))
    empty = FakeStore(8)
    empty.entries = []
    with pytest.raises(RestyleError, match="no spectrograms"):
        toy("none", store=empty)
    with pytest.raises(RestyleError, match="low/0 is the only source to learn from, and too short to be cut in time"):
        toy("few", store=FakeStore(2, frames=20))
    assert toy("enough", store=FakeStore(2)).epochs == 3


def test_wrong_settings_for_the_data(toy):
    with pytest.raises(RestyleError, match="hop 4 where the config wants 8"):
        toy("out", "representation.hop=8")
    with pytest.raises(RestyleError, match="3 classes, the data 2"):
        toy("out2", "model.init_args.classes=3")
    with pytest.raises(RestyleError, match="needs a GPU"):
        import torch

        from restyle.training.run import Machine

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
        toy("out3", machine=Machine(precision="16-mixed"))
    with pytest.raises(RestyleError, match=r"no 'val_f1'.*val_accuracy, val_loss"):
        toy("out4", "trainer.monitor=val_f1")


def test_a_mistake_before_the_first_step_can_be_corrected(toy):
    with pytest.raises(RestyleError, match="hop 4 where"):
        toy("out", "representation.hop=8")
    assert toy("out").epochs == 3


def test_the_test_side_is_left_alone_until_the_end(toy):
    from toys import FakeStore

    store = FakeStore(24, test=6)
    read: list[int] = []
    original = store.read

    def reading(i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        read.append(i)
        return original(i, start, frames)

    store.read = reading
    made = toy("out", store=store)
    first = next(at for at, i in enumerate(read) if i < 6)
    assert {"test_accuracy", "test_loss"} <= set(made.scores)
    assert all(i < 6 for i in read[first:]) and set(read[first:]) == set(range(6))


def test_another_test_set(toy):
    from toys import FakeStore

    made = toy("out", test=FakeStore(6))
    assert made.scores["test_accuracy"] >= 0.5


SCRIPT = """
import sys, yaml, os, signal
sys.path.insert(0, {here!r})
from pathlib import Path
import torch
torch.set_num_threads(1)
from toys import FakeStore, ToyTraining
from restyle.pages.training import page
from restyle.training import config
from restyle.training.run import Machine, train

if __name__ == "__main__":
    kill = {kill}
    step = ToyTraining.training_step
    def killing(self, batch, batch_idx):
        if self.global_step == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, batch, batch_idx)
    ToyTraining.training_step = killing
    train(config.read({config!r}, {settings!r}), FakeStore(24), Path({out!r}), Machine({machine}), page=page)
"""


def in_process(tmp_path: Path, out: str, *settings: str, machine: str = "", kill: int = -1) -> subprocess.Popen:
    script = tmp_path / f"{out}-{time.time_ns()}.py"
    given = {"here": str(HERE), "kill": kill, "config": str(tmp_path / "toy.yaml"), "out": str(tmp_path / out)}
    script.write_text(SCRIPT.format(**given, machine=machine, settings=list(settings)))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, script], env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed(toy, tmp_path):
    runs = [("whole", -1, 0), ("parts", 14, -signal.SIGKILL), ("parts", -1, 0)]
    for out, kill, code in runs:
        process = in_process(tmp_path, out, kill=kill)
        assert process.wait(120) == code, process.stderr.read()
    one, other = ((tmp_path / out / "best.safetensors").read_bytes() for out in ("whole", "parts"))
    assert one == other and same_numbers(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.slow
def test_two_processes_see_what_one_sees(toy, tmp_path):
    quiet = ("module.init_args.noise=0", "model.init_args.dropout=0")  # each process draws its own
    for out, machine in (("one", ""), ("two", "devices=2, strategy='ddp'")):
        process = in_process(tmp_path, out, *quiet, machine=machine)
        assert process.wait(240) == 0, process.stderr.read()
    for a, b in zip(metrics(tmp_path / "one"), metrics(tmp_path / "two"), strict=True):
        assert a["step"] == b["step"]
        assert float(b["train_loss"]) == pytest.approx(float(a["train_loss"]), rel=1e-3)
        assert float(b["val_loss"]) == pytest.approx(float(a["val_loss"]), rel=1e-3)
