"""How many threads compute: one for each piece of arithmetic, so that results do not depend on the machine. Floor 1.

PyTorch splits sums among its threads, and another split rounds otherwise: fitting a network turns that into another
sound. So all that makes or evaluates sound runs on one thread of PyTorch's (`single`). What is independent (blocks,
notes) runs side by side (`mapped`), on as many threads as the caller lets PyTorch have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Lock, Thread
from typing import TypeVar

MOST = 4  # pieces side by side; each needs the memory of a block

Item = TypeVar("Item")
Value = TypeVar("Value")

_beside: ContextVar[int] = ContextVar("beside", default=0)  # how many pieces may run side by side; 0 where not decided
_lock = Lock()


@contextmanager
def single() -> Iterator[None]:
    """Compute with one thread of PyTorch's inside, and with as many as before afterwards; also a decorator.

    Uses may be nested, and may overlap in several threads of Python's: each has a number of its own.

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

    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    token = _beside.set(_beside.get() or before)
    _limit(1)
    try:
        yield
    finally:
        _limit(before)
        _beside.reset(token)


def mapped(function: Callable[[Item], Value], items: Iterable[Item], *, ahead: int = 0) -> Iterator[Value]:
    """Return a function's values in the order of the items, computed side by side, each on one thread.

    As many run at once as PyTorch had threads outside of all `single`, 4 at most; inside one of them, one.

    Args:
        function: of one item, independent of the others.
        items: taken as they are needed.
        ahead: how many values may wait beside the one that is taken next; by default as many as run at once.

    Example:
        >>> list(mapped(lambda x: 2 * x, range(3)))
        [0, 2, 4]
    """
    import torch

    width = min(MOST, _beside.get() or torch.get_num_threads())
    if width == 1:
        alone = single()(function)
        for item in items:
            yield alone(item)
        return
    pool, waiting = ThreadPoolExecutor(width, "restyle", _limit, (1,)), deque[Future[Value]]()
    try:
        for item in items:
            context = copy_context()
            context.run(_beside.set, 1)
            waiting.append(pool.submit(context.run, function, item))
            if len(waiting) > (ahead or width - 1):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _limit(count: int) -> None:
    """Set PyTorch's threads for this thread of Python's only, not for those that begin later."""
    import torch

    with _lock:
        torch.get_num_threads()  # a thread takes the common number at its first work: now, not over what is set here
        common: list[int] = []
        _elsewhere(lambda: common.append(torch.get_num_threads()))
        torch.set_num_threads(count)  # also sets the common number
        _elsewhere(lambda: torch.set_num_threads(common[0]))


def _elsewhere(work: Callable[[], object]) -> None:
    thread = Thread(target=work)
    thread.start()
    thread.join()
