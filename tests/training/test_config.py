"""Configs: read, changed, refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from restyle.errors import RestyleError
from restyle.training import config

sys.path.insert(0, str(Path(__file__).parent))

TOY = {"model": {"class_path": "toys.Toy"}, "module": {"class_path": "toys.ToyTraining", "init_args": {"rate": 0.1}}}


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(TOY))
    return path


def test_defaults_and_changes(toy):
    read = config.read(toy)
    assert read["name"] == "toy" and read["data"] == config.DEFAULTS["data"]
    settings = ["module.init_args.rate=1e-3", "data.batch=8", "trainer={max_epochs: 3, patience: 2}", "name=x"]
    changed = config.read(toy, settings)
    assert changed["module"]["init_args"] == {"rate": 0.001}
    assert (changed["data"]["batch"], changed["data"]["frames"]) == (8, 257)
    assert (changed["trainer"]["max_epochs"], changed["trainer"]["patience"]) == (3, 2)
    assert changed["trainer"]["checkpoint_every"] == 200 and changed["name"] == "x"
    assert config.DEFAULTS["data"]["batch"] == 32  # they stay as they are


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("trainer.max_epoch=3", r"no setting 'trainer\.max_epoch'; choose one of max_epochs"),
        ("modul.x=3", r"no setting 'modul\.x'; choose one of .*module"),
        ("module.rate=3", r"no setting 'module\.rate'; choose one of class_path, init_args"),
        ("module.init_args.rat=3", r"no setting 'module\.init_args\.rat'; choose one of model, labels, rate"),
        ("representation.hops=3", r"no setting 'representation\.hops'"),
        ("seed.x=3", r"no setting 'seed\.x'"),
        ("data.batch", "write it as key=value"),
        ("data.batch=[", "is not a value"),
        ("data.batch=0", "data.batch must be a whole number of 1 or more, not 0"),
        ("data.batch=many", "data.batch must be a whole number"),
        ("data.validation=1", "data.validation must lie between 0 and 1"),
        ("data.offsets=some", "fixed or random"),
        ("model.class_path=toys.Joy", "no class toys.Joy"),
        ("model.class_path=nowhere.Toy", "no class nowhere.Toy"),
        ("model.class_path=Toy", "no class Toy"),
    ],
)
def test_what_is_refused(toy, setting, match):
    with pytest.raises(RestyleError, match=match) as told:
        config.read(toy, [setting])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: [", "is not a YAML file"),
        ("- 1", "holds no settings"),
        ("", "holds no settings"),
        ("model: {class_path: toys.Toy}", "names no module"),
        ("wheels: 4", "no setting 'wheels'"),
    ],
)
def test_broken_files(tmp_path, text, match):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(RestyleError, match=match) as told:
        config.read(path)
    assert "\n" not in str(told.value)


def test_no_such_config():
    with pytest.raises(RestyleError, match=r"no config 'jazz'; give the path of a YAML file or one of .*modern"):
        config.read("jazz")


@pytest.mark.parametrize("name", config.bundled())
def test_bundled_ones_are_in_order(name):
    assert config.read(name)["model"]["class_path"].startswith("restyle.models.")


def test_what_the_data_tell_fills_what_the_config_leaves_open():
    part = {"class_path": "toys.Toy", "init_args": {"width": 3}}
    made = config.built(part, {"classes": 4, "bins": 9, "width": 99, "frames": 257})
    assert made.settings() == {"classes": 4, "bins": 9, "width": 3}
    with pytest.raises(RestyleError, match=r"toys\.Toy does not take its init_args"):
        config.built({"class_path": "toys.Toy", "init_args": {"width": "wide"}}, {"classes": 4, "bins": 9})


def test_the_first_difference(toy):
    one, other = config.read(toy), config.read(toy, ["trainer.patience=3"])
    assert config.same(one, one) is None
    assert config.same(one, other) == "trainer.patience"
    assert config.same(one, config.read(toy, ["model.init_args.width=3"])) == "model.init_args.width"
