"""How many threads compute: one for each piece of arithmetic, so that results do not depend on the machine.

PyTorch splits sums among its threads, and another split rounds otherwise: fitting a network turns that into another
sound. So all that makes or judges sound runs on one thread of PyTorch's; what is independent (blocks, notes) may run
side by side in a `pool`.
"""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock, local
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

_lock, _users, _before = Lock(), 0, 1  # how many threads of Python's are inside, and PyTorch's threads outside
_own = local()  # depth: how often this thread of Python's is inside


@contextmanager
def single() -> Iterator[None]:
    """Compute with one thread of PyTorch's inside, and with as many as before afterwards; also a decorator.

    Uses may be nested, and may overlap in several threads of Python's.

    Example:
        >>> import torch
        >>> before = torch.get_num_threads()
        >>> with single():
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    import torch

    global _users, _before
    if getattr(_own, "depth", 0):
        yield
        return
    with _lock:
        if _users == 0:
            _before = torch.get_num_threads()
        _users += 1
        torch.set_num_threads(1)
        torch.get_num_threads()  # a new thread takes its number at its first work: now, not what others set later
    _own.depth = 1
    try:
        yield
    finally:
        _own.depth = 0
        with _lock:
            _users -= 1
            torch.set_num_threads(_before)


def mapped(function: Callable[[Item], Value], items: Iterable[Item], *, ahead: int = 0) -> Iterator[Value]:
    """Return a function's values in the order of the items, computed side by side, each on one thread.

    Args:
        function: of one item, independent of the others.
        items: taken as they are needed.
        ahead: how many items may be begun beside the one whose value is taken next; by default all cores are busy.
    """
    cores = os.cpu_count() or 1
    alone = single()(function)
    with ThreadPoolExecutor(min(4, cores)) as pool:
        waiting = []
        for item in items:
            waiting.append(pool.submit(contextvars.copy_context().run, alone, item))
            if len(waiting) > (ahead or cores - 1):
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
