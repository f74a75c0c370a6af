"""Every file says on which floor of CONTRIBUTING.md's table it stands."""

import ast
import re
from pathlib import Path

import pytest

import restyle

ROOT = Path(restyle.__file__).parent
GUIDE = Path(__file__).parents[1] / "CONTRIBUTING.md"
FILES = [path for path in sorted(ROOT.rglob("*.py")) if path.parent != ROOT or not path.name.startswith("__")]


def floors() -> dict[str, int]:
    """The floor of each room, and of each file beside them, by the table."""
    rows = re.findall(r"^\| (\d) \| (.*?) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: int(floor) for floor, names in rows for name in re.findall(r"`([\w.]+)/?`", names)}


def test_the_table_names_all_rooms():
    rooms = {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT}
    assert rooms <= floors().keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_first_line_says_the_floor(path):
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    assert first.endswith(f" Floor {floors().get(path.relative_to(ROOT).parts[0], 1)}.")
