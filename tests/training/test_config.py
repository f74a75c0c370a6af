"""Configs: read, changed, refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from restyle.errors import RestyleError
from restyle.training import config

sys.path.insert(0, str(Path(__file__).parent))

import toys  # noqa: F401  (adds a kind)

TOY = {"kind": "toy", "module": {"init_args": {"rate": 0.1}}}


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
        ("module.rate=3", r"no setting 'module\.rate'; choose one of init_args"),
        ("module.init_args.rat=3", r"toy\.yaml: module\.init_args has no setting 'rat'; choose one of labels, .*rate"),
        ("module.init_args.model=3", r"module\.init_args has no setting 'model'"),
        ("module.init_args=3", r"module\.init_args must be settings and their values, not 3"),
        ("model.init_args.width=wide", r"model\.init_args\.width must be a whole number, not 'wide'"),
        ("model.init_args.width=true", r"model\.init_args\.width must be a whole number, not True"),
        ("module.init_args.rate=[1]", r"module\.init_args\.rate must be a number or null, not \[1\]"),
        ("module.init_args.labels=[a, 1]", r"module\.init_args\.labels must be a list, each text, not \['a', 1\]"),
        ("representation.hops=3", r"no setting 'representation\.hops'"),
        ("seed.x=3", r"no setting 'seed\.x'"),
        ("data.batch", "write it as key=value"),
        ("data.batch=[", "is not a value"),
        ("data.batch=0", "data.batch must be a whole number of 1 or more, not 0"),
        ("data.batch=many", "data.batch must be a whole number"),
        ("data.validation=1", "data.validation must lie between 0 and 1"),
        ("data.offsets=some", "fixed or random"),
        ("bits=4", "bits must be one of 8, 16, 32, not 4"),
        ("model.class_path=os.mkdir", r"no setting 'model\.class_path'"),
        ("kind=joy", "names the kind of model 'joy', which this version does not have; choose one of .*draw.*toy"),
        ("kind=os.mkdir", "names the kind of model 'os.mkdir'"),
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
        ("module: {init_args: {rate: 0.1}}", r"no kind of model; add kind: with one of arranger, .*toy"),
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
    read = config.read(name)
    assert read["kind"] == name.removesuffix("_original").removesuffix("_gpu") or read["kind"] in {
        "classifier",
        "timbre_mfcc",
    }
    assert read["model"].keys() | read["module"].keys() <= {"init_args"}


@pytest.mark.parametrize("head", ["model", "module"])
def test_nothing_that_a_file_names_is_called(tmp_path, monkeypatch, head):
    """A config is data: a class path of earlier versions is looked up, never imported."""
    monkeypatch.chdir(tmp_path)
    given = {"model": {"class_path": "restyle.models.draw.Draw"}, "module": {"class_path": "x.DrawTraining"}}
    given[head] = {"class_path": "os.mkdir", "init_args": {"path": "made"}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(given))
    with pytest.raises(RestyleError, match=r"c\.yaml.*os\.mkdir"):
        config.read(tmp_path / "c.yaml")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"kind": "os.mkdir", head: {"init_args": {"path": "made"}}}))
    with pytest.raises(RestyleError, match=r"c\.yaml.*os\.mkdir"):
        config.read(tmp_path / "c.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_class_paths_of_earlier_versions_stand_for_kinds(tmp_path):
    old = {
        "model": {"class_path": "restyle.models.draw.Draw", "init_args": {"frames": 64}},
        "module": {"class_path": "restyle.training.draw.DrawTraining"},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(old))
    read = config.read(tmp_path / "c.yaml")
    assert (read["kind"], read["model"], read["module"]) == ("draw", {"init_args": {"frames": 64}}, {})


@pytest.mark.parametrize(("half", "bits"), [(True, 16), (False, 32)])
def test_half_of_earlier_versions_is_sixteen_bits(tmp_path, half, bits):
    (tmp_path / "old.yaml").write_text(yaml.safe_dump({**TOY, "half": half}))
    made = config.read(tmp_path / "old.yaml")
    assert made["bits"] == bits and "half" not in made
    assert config.modern({**TOY, "half": half}, tmp_path) == {**TOY, "bits": bits}  # as a run wrote it down


def test_what_the_data_tell_fills_what_the_config_leaves_open():
    part = {"kind": "toy", "model": {"init_args": {"width": 3}}}
    made = config.built(part, "model", {"classes": 4, "bins": 9, "width": 99, "frames": 257})
    assert made.settings() == {"classes": 4, "bins": 9, "width": 3}
    with pytest.raises(RestyleError, match=r"model\.init_args do not suit the kind toy"):
        config.built(part, "model", {"classes": 4})


def test_the_first_difference(toy):
    one, other = config.read(toy), config.read(toy, ["trainer.patience=3"])
    assert config.same(one, one) is None
    assert config.same(one, other) == "trainer.patience"
    assert config.same(one, config.read(toy, ["model.init_args.width=3"])) == "model.init_args.width"
