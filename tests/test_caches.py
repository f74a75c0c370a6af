"""Places for what libraries compile: their own where they can be written, else one that is the user's alone."""

import os
import stat
from pathlib import Path

import pytest

from restyle import caches


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", "/dev/null")


def test_a_home_that_can_be_written_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "a home that is to be made"))
    caches.prepare()
    assert "NUMBA_CACHE_DIR" not in os.environ and "MPLCONFIGDIR" not in os.environ
    assert not list(tmp_path.iterdir())


def test_without_a_home_a_temporary_place_is_used(tmp_path):
    caches.prepare()
    places = [Path(os.environ[name]) for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR")]
    assert len({*places}) == 2 and {place.parent.parent for place in places} == {tmp_path}
    assert stat.S_IMODE(places[0].parent.stat().st_mode) == 0o700


def test_what_the_environment_says_goes_before(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "own")
    caches.prepare()
    assert os.environ["NUMBA_CACHE_DIR"] == "own"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")
@pytest.mark.parametrize("kind", ["open to all", "a link"])
def test_a_place_that_others_can_write_is_not_used(kind, tmp_path):
    place = tmp_path / f"restyle-{os.getuid()}"
    (tmp_path / "theirs").mkdir()
    if kind == "a link":
        place.symlink_to("theirs")
    else:
        place.mkdir()
        place.chmod(0o777)
    caches.prepare()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent != place


def test_a_full_or_missing_temporary_folder_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    caches.prepare()
    assert "NUMBA_CACHE_DIR" not in os.environ
