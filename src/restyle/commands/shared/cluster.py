"""Work in this machine's processes or, where an address is given, on a Ray or Dask cluster. Floor 6."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from restyle.commands.shared import pool
from restyle.errors import RestyleError, missing, warn

AHEAD = 1024  # tasks that a cluster holds at a time

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], tasks: Sequence[T], jobs: int, address: str | None) -> Iterator[tuple[T, R | None]]:
    """Do all tasks; yield each with its result as it is known: None where its process was killed twice.

    Args:
        work: a function of a module, which turns what can go wrong into a result.
        tasks: what it is called with.
        jobs: processes at a time on this machine; a cluster takes as many as it has.
        address: None for this machine; ``ray://host:port`` (or ``ray://auto``: the running one) for Ray,
            ``tcp://host:port`` for a Dask scheduler; or the name of a joblib backend (``threading``, ``loky``).

    Raises:
        RestyleError: if ``jobs`` is less than 1, the cluster's package is not installed, or it cannot be reached.

    Example:
        >>> list(each(abs, [-1, -2], 1, "threading"))
        [(-1, 1), (-2, 2)]
    """
    if jobs < 1:
        raise RestyleError(f"jobs must be 1 or more, not {jobs}")
    if address is None:
        yield from pool.each(work, tasks, jobs)
        return
    with ExitStack() as stack:
        backend = _backend(address, jobs, stack)
        if isinstance(backend, _Cluster):
            yield from _retried(backend, work, tasks)
            return
        import joblib

        with backend:
            yield from joblib.Parallel(return_as="generator")(joblib.delayed(_named)(work, task) for task in tasks)


@dataclass(frozen=True)
class _Cluster:
    """What is needed of a cluster.

    Args:
        submit: takes a function and a task, and returns a future.
        first: returns one of some futures that is done.
        result: returns a future's result, or raises.
        is_killed: whether an exception says that the process was killed.
    """

    submit: Callable[[Callable[[Any], Any], Any], Any]
    first: Callable[[list[Any]], Any]
    result: Callable[[Any], Any]
    is_killed: Callable[[Exception], bool]


def _retried(cluster: _Cluster, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | None]]:
    """Do the task of a killed process once more, as `pool.Workers.each` does."""
    left, killed, futures = deque(range(len(tasks))), set[int](), dict[Any, int]()
    while left or futures:
        while left and len(futures) < AHEAD:
            number = left.popleft()
            futures[cluster.submit(work, tasks[number])] = number
        future = cluster.first(list(futures))
        number = futures.pop(future)
        try:
            result = cluster.result(future)
        except Exception as error:
            if not cluster.is_killed(error):
                raise
            warn(f"a process of the cluster was killed ({type(error).__name__}), perhaps for want of memory")
            if number not in killed:
                killed.add(number)
                left.append(number)
                continue
            result = None
        yield tasks[number], result


def _named(work: Callable[[T], R], task: T) -> tuple[T, R]:
    return task, work(task)


def _backend(address: str, jobs: int, stack: ExitStack) -> Any:
    """A cluster, or joblib's context of another backend."""
    scheme = address.partition("://")[0] if "://" in address else ""
    try:
        if scheme == "ray":
            return _ray(address)
        if scheme in ("tcp", "tls", "ucx", "dask"):
            return _dask(address.replace("dask://", "tcp://"), stack)
        import joblib

        return joblib.parallel_config(address, n_jobs=jobs)
    except ImportError as error:
        raise missing(error.name or scheme, "ray" if scheme == "ray" else "dask", address) from error
    except (OSError, ConnectionError, RuntimeError) as error:
        raise RestyleError(f"{address}: no cluster answers there ({error}); check the address") from error
    except ValueError as error:
        raise RestyleError(f"{address} is no address; give ray://HOST:PORT or tcp://HOST:PORT of Dask") from error


def _ray(address: str) -> _Cluster:
    import ray
    from ray.exceptions import RayError, RayTaskError

    if not ray.is_initialized():
        ray.init("auto" if address == "ray://auto" else address, log_to_driver=False)
    return _Cluster(
        submit=lambda work, task: ray.remote(max_retries=0)(work).remote(task),
        first=lambda futures: ray.wait(futures, num_returns=1)[0][0],
        result=ray.get,
        is_killed=lambda error: isinstance(error, RayError) and not isinstance(error, RayTaskError),
    )


def _dask(address: str, stack: ExitStack) -> _Cluster:
    from dask.distributed import Client, KilledWorker, wait

    client = stack.enter_context(Client(address, timeout=10))
    return _Cluster(
        submit=lambda work, task: client.submit(work, task, pure=False),
        first=lambda futures: next(iter(wait(futures, return_when="FIRST_COMPLETED").done)),
        result=lambda future: future.result(),
        is_killed=lambda error: isinstance(error, KilledWorker),
    )
