"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from restyle.errors import RestyleError
from restyle.io.atomic import check_writable, writing


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with writing(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
        assert beside.parent == tmp_path and beside.suffix == ".txt"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError, RestyleError])
def test_a_failure_leaves_what_was_there(tmp_path: Path, raised: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(raised), writing(path) as beside:
        beside.write_text("half")
        raise raised
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_failure_before_the_first_byte(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="early"), writing(tmp_path / "a.txt"):
        raise ValueError("early")
    assert not list(tmp_path.iterdir())


def test_full_disk_is_one_sentence(tmp_path: Path) -> None:
    told = pytest.raises(RestyleError, match=r"a\.txt: could not be written \(No space left")
    with told as error, writing(tmp_path / "a.txt") as beside:
        beside.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_long_names_and_two_at_once(tmp_path: Path) -> None:
    name = "n" * 251 + ".txt"
    with writing(tmp_path / name) as one, writing(tmp_path / name) as two:
        one.write_text("one")
        two.write_text("two")
        assert one != two
    assert (tmp_path / name).read_text() == "one" and len(list(tmp_path.iterdir())) == 1


def test_refused_before_work(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    for path, why in ((tmp_path / "missing" / "a.wav", "no such folder"), (tmp_path / "folder.wav", "is a folder")):
        with pytest.raises(RestyleError, match=why):
            check_writable(path)
        with pytest.raises(RestyleError, match=why), writing(path):
            raise AssertionError("the work began")
    check_writable(tmp_path / "a.wav")


def test_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write anywhere
    with pytest.raises(RestyleError, match=r"read-only"):
        check_writable(tmp_path / "a.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_really_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RestyleError, match=r"read-only"):
        check_writable(tmp_path / "a.wav")
