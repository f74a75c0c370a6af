"""Old names of modules work, and warn."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from restyle import moved

PAGE = (Path(__file__).parents[1] / "docs" / "moved.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| `([\w.]+)` \| (.*) \|", PAGE, re.MULTILINE)
ROWS = {old: re.findall(r"`(restyle[\w.]+)`", new) for old, new in LINES}


def test_the_table_is_that_of_the_page():
    assert len(ROWS) > 100 and moved.table() == ROWS


@pytest.mark.parametrize("old", ROWS)
def test_an_old_name_gives_what_is_there_now_and_warns(old, monkeypatch):
    new = import_module(ROWS[old][0])
    name = next(key for key, value in vars(new).items() if getattr(value, "__module__", "") == new.__name__)
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=ROWS[old][0]):
        assert getattr(import_module(old), name) is getattr(new, name)
    monkeypatch.delitem(sys.modules, old, raising=False)


@pytest.mark.parametrize(
    "line",
    [
        "from restyle.files import midi; midi.read_midi",
        "from restyle.methods.draw import DrawMethod",
        "from restyle.commands.inputs import check_input, check_sound",
        "from restyle import blocks; blocks.process",
    ],
)
def test_the_warning_is_of_the_line_that_imports(line):
    ran = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stderr.startswith("<string>:1: DeprecationWarning: restyle."), ran.stderr


def test_a_name_that_never_was():
    for name in ("restyle.nothing", "restyle.files.nothing"):
        with pytest.raises(ModuleNotFoundError):
            import_module(name)
    with pytest.raises(ImportError, match="nothing"):
        from restyle.methods.draw import nothing  # noqa: F401
