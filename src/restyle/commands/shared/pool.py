"""Many pieces of work, one after the other or in processes that stop at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

from restyle.errors import RestyleError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
KILLED = "its process was killed, perhaps for want of memory; try fewer --jobs"

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[tuple[T, R | None]]:
    """Do all tasks; yield each with its result as it is known: `Workers.each` of workers for this alone."""
    with Workers(min(jobs, max(1, len(tasks)))) as workers:
        yield from workers.each(work, tasks)


class Workers:
    """Processes that do one kind of work after another.

    Args:
        jobs: processes at a time; 1 works in this process.
        threads: of each process; None shares the processor's cores among them.

    Raises:
        RestyleError: if ``jobs`` is less than 1.
    """

    def __init__(self, jobs: int, *, threads: int | None = None) -> None:
        if jobs < 1:
            raise RestyleError(f"jobs must be 1 or more, not {jobs}")
        self.jobs = jobs
        self.threads = threads or max(1, (os.cpu_count() or 1) // jobs)
        self._stack = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        self._stack.__enter__()
        if self.jobs == 1:
            self._stack.enter_context(_own_threads(self.threads))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def each(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | None]]:
        """Do all tasks; yield each with its result as it is known.

        Args:
            work: a function of a module, which turns what can go wrong into a result.
            tasks: what it is called with.

        Yields:
            The task and its result; None when its process was killed twice, the second time alone.
        """
        if self.jobs == 1:
            for task in tasks:
                yield task, work(task)
            return
        if self._pool is None:
            self._pool = self._stack.enter_context(_pool(self.jobs, self.threads))
        torn: list[T] = []
        futures = {self._pool.submit(_guarded, work, task): task for task in tasks}
        for future in as_completed(futures):
            result = _result(future)
            if result is None:
                torn.append(futures[future])
            else:
                yield futures[future], result
        if torn:
            self._pool = None  # the next work begins with new processes
        for task in torn:
            with _pool(1, self.threads) as pool:
                result = _result(pool.submit(_guarded, work, task))
            yield task, result


@contextmanager
def _own_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(min(before, threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
