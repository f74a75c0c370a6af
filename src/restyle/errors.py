"""What goes wrong or otherwise than asked: the one exception, warnings, and facts for the record. Floor 1."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

log = logging.getLogger("restyle")


class RestyleError(Exception):
    """A mistake in input, options or surroundings, told in one sentence: what, where, what to do.

    The command line prints the sentence and exits with code 2; the Python API raises it.

    Example:
        >>> raise RestyleError("song.wav holds no samples: choose another file")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: song.wav holds no samples: choose another file
    """


def missing(package: str, extra: str, what: str = "this") -> RestyleError:
    """Return the error that a package of an extra is not installed.

    Args:
        package: the name that is imported.
        extra: the extra of pyproject.toml that has the package; restyle itself lies in a folder, on no index.
        what: what needs it.

    Example:
        >>> print(missing("av", "media", "reading song.m4a"))
        reading song.m4a needs av; install it with pip install ".[media]" in restyle's folder
    """
    return RestyleError(f'{what} needs {package}; install it with pip install ".[{extra}]" in restyle\'s folder')


def require(extra: str, *packages: str, what: str = "this") -> None:
    """Check that the packages of an extra are installed, without importing them.

    Args:
        extra: the extra of pyproject.toml that has them.
        packages: the names that are imported.
        what: what needs them.

    Raises:
        RestyleError: if one of them is not installed.

    Example:
        >>> require("media", "not_installed", what="reading song.m4a")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: reading song.m4a needs not_installed; install it with ...
    """
    for package in packages:
        if find_spec(package) is None:
            raise missing(package, extra, what)


@dataclass(frozen=True)
class Collected:
    """Warnings and facts of some work, in the order in which they came."""

    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


_collectors: ContextVar[tuple[Collected, ...]] = ContextVar("collectors", default=())


def warn(sentence: str, *, repeated: bool = False) -> None:
    """Say what was done instead of what was asked for: to the log, and to every `collect` around the call.

    Args:
        sentence: what happened, and what follows from it.
        repeated: whether it has been logged before; then only those who do not have it yet collect it.
    """
    for collected in _collectors.get():
        if not (repeated and sentence in collected.warnings):
            collected.warnings.append(sentence)
    if not repeated:
        log.warning("%s", sentence)


def record_fact(name: str, value: Any) -> None:
    """Keep what was found out or decided for the record of the work around the call.

    Args:
        name: of the fact, as ``doubt``.
        value: plain JSON: a number, text, a list or dictionary of them.
    """
    for collected in _collectors.get():
        collected.facts[name] = value


@contextmanager
def collect() -> Iterator[Collected]:
    """Collect warnings and facts of the work inside, and only its own: other threads have other collectors.

    A thread started inside begins without collectors; run its work in ``contextvars.copy_context()`` to keep them.

    Example:
        >>> with collect() as collected:
        ...     warn("the file is cut off: 2.0 s of it could be read")
        ...     record_fact("seconds", 2.0)
        >>> collected
        Collected(warnings=['the file is cut off: 2.0 s of it could be read'], facts={'seconds': 2.0})
    """
    collected = Collected()
    token = _collectors.set((*_collectors.get(), collected))
    try:
        yield collected
    finally:
        _collectors.reset(token)


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect the warnings of the work inside; see `collect`."""
    with collect() as collected:
        yield collected.warnings
