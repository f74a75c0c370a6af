"""Work in this machine's processes or, where an address is given, on a Ray or Dask cluster (by joblib)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

from restyle.commands.shared import pool
from restyle.errors import RestyleError

BATCH = 256  # tasks given to Ray at once

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], tasks: Sequence[T], jobs: int, address: str | None) -> Iterator[tuple[T, R | None]]:
    """Do all tasks; yield each with its result as it is known.

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
    import joblib

    size = BATCH if address.startswith("ray://") else len(tasks)  # Ray's backend gives results only when all are known
    how = "list" if address.startswith("ray://") else "generator"
    with ExitStack() as stack:
        stack.enter_context(_backend(address, jobs, stack))
        for at in range(0, len(tasks), size):
            batch = tasks[at : at + size]
            yield from joblib.Parallel(return_as=how)(joblib.delayed(_named)(work, task) for task in batch)


def _named(work: Callable[[T], R], task: T) -> tuple[T, R]:
    return task, work(task)


def _backend(address: str, jobs: int, stack: ExitStack) -> AbstractContextManager[Any]:
    import joblib

    scheme = address.partition("://")[0] if "://" in address else ""
    try:
        if scheme == "ray":
            _start_ray(address)
            return joblib.parallel_config("ray", n_jobs=-1)
        if scheme in ("tcp", "tls", "ucx", "dask"):
            from dask.distributed import Client

            client = stack.enter_context(Client(address.replace("dask://", "tcp://"), timeout=10))
            return joblib.parallel_config("dask", client=client, n_jobs=-1)
        return joblib.parallel_config(address, n_jobs=jobs)
    except ImportError as error:
        raise RestyleError(f"{address} needs the package {error.name}; install restyle[{_extra(scheme)}]") from error
    except (OSError, ConnectionError, RuntimeError) as error:
        raise RestyleError(f"{address}: no cluster answers there ({error}); check the address") from error
    except ValueError as error:
        raise RestyleError(f"{address} is no address; give ray://HOST:PORT or tcp://HOST:PORT of Dask") from error


def _extra(scheme: str) -> str:
    return "ray" if scheme == "ray" else "dask"


def _start_ray(address: str) -> None:
    import ray
    from ray.util.joblib import register_ray

    if not ray.is_initialized():
        ray.init("auto" if address == "ray://auto" else address, log_to_driver=False)
    register_ray()
