"""Old names of modules, which work for one version more and warn. Floor 1.

``moved.txt`` has a line for each: the old name, then the module (or two) that its names are in.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any


@cache
def table() -> dict[str, list[str]]:
    """Return where the names of each old module are."""
    lines = Path(__file__).with_name("moved.txt").read_text(encoding="utf-8").splitlines()
    return {old: new for old, *new in map(str.split, lines)}


def _warn(old: str, stacklevel: int) -> None:
    new = " and ".join(table()[old])
    warnings.warn(f"{old} is {new} now; the old name goes with the next version", DeprecationWarning, stacklevel)


class Finder:
    """Finds the old names: at the end of ``sys.meta_path``, where only what is not there arrives."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return what makes the module of an old name, or a package that old names were in."""
        if not name.startswith("restyle."):
            return None
        package = any(old.startswith(f"{name}.") for old in table())
        return ModuleSpec(name, Finder, is_package=package) if package or name in table() else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Fill the module."""
        name = module.__name__
        for new in reversed(table().get(name, [])):
            vars(module).update({key: value for key, value in vars(import_module(new)).items() if key[:2] != "__"})
        if name in table():
            _warn(name, 3)


def attributes(package: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that was a module: its names are in a module of the package now."""

    def get(name: str) -> Any:
        if name[:2] != "__" and find_spec(f"{package}.{name}") is None:
            for new in map(import_module, table()[package]):
                if hasattr(new, name):
                    _warn(package, 3)
                    return getattr(new, name)
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    return get
