"""Many pieces of work, one after the other or in processes that stop at once. Floor 6."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from restyle.errors import RestyleError, warn

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
KILLED = "its process was killed twice, perhaps for want of memory; try fewer --jobs"
PATIENCE = 10.0  # seconds that a process gets to clean up when the work is given up
WATCH = 0.5  # seconds between looks at whether the parent is alive

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
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, int]] = {}  # with the number of its task

    def __enter__(self) -> Workers:
        self._stack.__enter__()
        if self.jobs == 1:
            self._stack.enter_context(_own_threads(self.threads))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop()
        _end(self._idle)
        self._idle.clear()
        self._stack.__exit__(*error)

    def each(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | None]]:
        """Do all tasks; yield each with its result as it is known.

        A process that is killed is replaced, with a warning, and its task is done once more, after the others.

        Args:
            work: a function of a module, which turns what can go wrong into a result.
            tasks: what it is called with.

        Yields:
            The task and its result; None when its process was killed twice.
        """
        if self.jobs == 1:
            for task in tasks:
                yield task, work(task)
            return
        left, killed = deque(range(len(tasks))), set[int]()
        try:
            while left or self._busy:
                while left and len(self._busy) < self.jobs:
                    worker, number = self._idle.pop() if self._idle else _Worker(self.threads), left.popleft()
                    self._busy[worker.pipe] = worker, number
                    worker.give(work, tasks[number])
                for number, result in self._results():
                    if result is None and number not in killed:
                        killed.add(number)
                        left.append(number)
                    else:
                        yield tasks[number], result.value if result else None
        finally:
            self._stop()

    def _results(self) -> Iterator[tuple[int, _Result | None]]:
        """Wait for one result or more, each with its task's number; None is of a process that was killed."""
        for pipe in wait(list(self._busy)):
            worker, number = self._busy.pop(pipe)  # type: ignore[call-overload]
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                _end([worker])
                warn(f"a process {worker.cause()}, perhaps for want of memory, and is replaced; try fewer --jobs")
                yield number, None
            else:
                self._idle.append(worker)
                if result.error:
                    raise result.error
                yield number, result

    def _stop(self) -> None:
        """End the processes that are at work; they remove what is half written."""
        busy = [worker for worker, _ in self._busy.values()]
        self._busy.clear()
        for worker in busy:
            if worker.process.pid:
                with suppress(OSError):
                    os.kill(worker.process.pid, signal.SIGINT)
        _end(busy)


@dataclass(frozen=True)
class _Result:
    """What a process sends back: what its work returned, or the exception."""

    value: Any = None
    error: Exception | None = None


class _Worker:
    """A process at the other end of a pipe."""

    def __init__(self, threads: int) -> None:
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        main = threading.current_thread() is threading.main_thread()
        self.process = context.Process(target=_serve, args=(other, threads, os.getpid(), main), daemon=True)
        with _environment(threads):
            self.process.start()
        other.close()

    def give(self, work: Callable[[T], R], task: T) -> None:
        with suppress(OSError):  # that it is dead already is seen when its result is waited for
            self.pipe.send((work, task))

    def cause(self) -> str:
        """Return what ended it, in words."""
        code = self.process.exitcode or 0
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended by itself with exit code {code}"


def _end(workers: Sequence[_Worker]) -> None:
    """End processes, by force where they do not end by themselves when there is no more work."""
    for worker in workers:
        worker.pipe.close()
    for worker in workers:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


@contextmanager
def _own_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(min(before, threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Numeric libraries read their threads when they start."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update({name: str(threads) for name in THREADS})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass
class _State:
    """Of a process of the pool: whether it is at a task, and the exit code that a signal demands meanwhile."""

    working: bool = False
    leaving: int = 0


_state = _State()


def _serve(pipe: Connection, threads: int, parent: int, main: bool) -> None:
    """Do tasks until the pipe is closed."""
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)
    _die_with(parent, main)
    import torch

    torch.set_num_threads(threads)
    with suppress(EOFError, OSError):
        while True:
            work, task = pipe.recv()
            pipe.send_bytes(_packed(_guarded(work, task)))


def _packed(result: _Result) -> bytes:
    """The bytes of a result, or of an error that says why it has none that can be read again."""
    try:
        packed = pickle.dumps(result)
        if result.error:
            pickle.loads(packed)  # an exception may be written, but not read
        return packed
    except Exception as error:
        what = f"{type(result.error).__name__}: {result.error}" if result.error else type(result.value).__name__
        return pickle.dumps(_Result(error=RuntimeError(f"{what} cannot be sent to another process ({error})")))


def _guarded(work: Callable[[T], R], task: T) -> _Result:
    _state.working = True
    try:
        return _Result(work(task))
    except Exception as error:
        return _Result(error=error)
    finally:
        _state.working = False
        if _state.leaving:
            os._exit(_state.leaving)


def _interrupted(signum: int, _: object) -> None:
    """Give up the task at hand so that nothing is left of it; a second signal must not disturb the cleaning up."""
    again, _state.leaving = _state.leaving, 128 + signum
    if not _state.working:
        os._exit(_state.leaving)
    if not again:
        raise KeyboardInterrupt


def _die_with(parent: int, main: bool) -> None:
    """End this process when its parent is gone, however that ended.

    Linux tells it at once, but when the thread is gone that started the process; so only where that was the main one.
    """
    if main:
        with suppress(OSError, AttributeError, TypeError):
            import ctypes

            ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(128 + signal.SIGTERM)
