"""Run commands of restyle as after ``pip install .``: what only an extra installs cannot be found.

Reads a JSON list of argument lists from stdin; writes the list of [exit code, stdout, stderr].
"""

import io
import json
import re
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def normalised(requirement: str) -> str:
    """The name of a requirement's distribution."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def core() -> set[str]:
    """The core dependencies, with all that they need without extras."""
    waiting, known = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"], {"restyle"}
    while waiting:
        name = normalised(waiting.pop())
        if name in known:
            continue
        known.add(name)
        try:
            waiting += [needed for needed in requires(name) or [] if "extra ==" not in needed]
        except PackageNotFoundError:
            continue  # it is for another system or version of Python
    return known


class CoreOnly(PathFinder):
    """Finds the standard library and what the core dependencies install."""

    hidden: frozenset[str] = frozenset()

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        """Find nothing of a hidden distribution."""
        return None if fullname.partition(".")[0] in cls.hidden else PathFinder.find_spec(fullname, path, target)


def hide() -> None:
    """Hide every package but restyle's core dependencies."""
    allowed = core()
    CoreOnly.hidden = frozenset(
        name
        for name, distributions in packages_distributions().items()
        if not allowed & set(map(normalised, distributions))
    )
    sys.meta_path[sys.meta_path.index(PathFinder)] = CoreOnly


def run(arguments: list[str]) -> tuple[int | str | None, str, str]:
    """Run one command."""
    from restyle.cli import main

    sys.argv, out, err = ["restyle", *arguments], io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            return ended.code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    hide()
    json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
