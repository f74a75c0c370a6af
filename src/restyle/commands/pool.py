"""Many pieces of work, one after the other or in processes that stop at once. Floor 6."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import TypeVar

from restyle.errors import RestyleError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
KILLED = "its process was killed, perhaps for want of memory; try fewer --jobs"

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[tuple[T, R | None]]:
    """Do all tasks; yield each with its result as it is known.

    Args:
        work: a function of a module, which turns what can go wrong into a result.
        tasks: what it is called with; equal ones are done once each.
        jobs: processes at a time, which share the processor's cores; 1 works in this process.

    Yields:
        The task and its result; None when its process was killed twice, the second time alone.

    Raises:
        RestyleError: if ``jobs`` is less than 1.
    """
    if jobs < 1:
        raise RestyleError(f"jobs must be 1 or more, not {jobs}")
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield task, work(task)
        return
    torn: list[T] = []
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with _pool(min(jobs, len(tasks)), threads) as pool:
        futures = {pool.submit(_guarded, work, task): task for task in tasks}
        for future in as_completed(futures):
            result = _result(future)
            if result is None:
                torn.append(futures[future])
            else:
                yield futures[future], result
    for task in torn:
        with _pool(1, threads) as pool:
            result = _result(pool.submit(_guarded, work, task))
        yield task, result


def _result(future: Future[R | None]) -> R | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None


@contextmanager
def _pool(jobs: int, threads: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that stop at once when the work is given up; numeric libraries read their threads when they start."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update({name: str(threads) for name in THREADS})
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (threads,))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            if process.pid:
                os.kill(process.pid, signal.SIGINT)
        raise
    finally:
        pool.shutdown()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass
class _State:
    """Of a process of the pool: whether it is at a task, and what it was told meanwhile."""

    working: bool = False
    stopped: bool = False  # start no more tasks
    leaving: bool = False  # end the process, too


_state = _State()


def _begin(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)


def _interrupted(signum: int, _: object) -> None:
    """Give up the task at hand so that nothing is left of it; a second signal must not disturb the cleaning up."""
    _state.stopped = True
    _state.leaving |= signum == signal.SIGTERM
    if _state.working:
        _state.working = False
        raise KeyboardInterrupt
    if _state.leaving:
        os._exit(143)


def _guarded(work: Callable[[T], R], task: T) -> R | None:
    if _state.stopped:
        return None
    _state.working = True
    try:
        return work(task)
    except KeyboardInterrupt:
        if _state.leaving:
            os._exit(143)
        raise
    finally:
        _state.working = False
