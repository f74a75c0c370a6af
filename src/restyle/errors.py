"""What goes wrong: the one exception for what a user can mend, and warnings of what was done instead. Floor 1."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

log = logging.getLogger("restyle")

_collectors: ContextVar[tuple[list[str], ...]] = ContextVar("collectors", default=())


class RestyleError(Exception):
    """A mistake in input, options or surroundings, told in one sentence: what, where, what to do.

    The command line prints the sentence and exits with code 2; the Python API raises it.

    Example:
        >>> raise RestyleError("song.wav holds no samples: choose another file")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: song.wav holds no samples: choose another file
    """


def warn(sentence: str) -> None:
    """Say what was done instead of what was asked for: to the log, and to every `collect_warnings` around the call.

    Args:
        sentence: what happened, and what follows from it.
    """
    for collected in _collectors.get():
        collected.append(sentence)
    log.warning("%s", sentence)


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect the warnings of the work inside, and only its own: other threads have other collectors.

    A thread started inside begins without collectors; run its work in ``contextvars.copy_context()`` to keep them.

    Example:
        >>> with collect_warnings() as warnings:
        ...     warn("the file is cut off: 2.0 s of it could be read")
        >>> warnings
        ['the file is cut off: 2.0 s of it could be read']
    """
    collected: list[str] = []
    token = _collectors.set((*_collectors.get(), collected))
    try:
        yield collected
    finally:
        _collectors.reset(token)
