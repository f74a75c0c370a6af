"""Processes at work: what happens when they, or their parent, are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from restyle.commands.shared import cluster, pool
from restyle.errors import RestyleError, collect_warnings

Task = tuple[Path, str]


def work(task: Task) -> tuple[str, int]:
    """Note the attempt, then do as the task's name says."""
    folder, name = task
    attempt = len(list(folder.glob(f"{name}-*")))
    (folder / f"{name}-{attempt}").write_text(str(os.getpid()))
    if name == "killed" or (name == "once" and not attempt):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "wrong":
        raise FileNotFoundError("wrong")
    if name == "slow":
        time.sleep(600)
    return name, os.getpid()


def tasks(folder: Path, *names: str) -> list[Task]:
    folder.mkdir(exist_ok=True)
    return [(folder, name) for name in names]


@pytest.mark.slow
def test_only_the_task_that_kills_twice_is_dropped(tmp_path):
    given = tasks(tmp_path, "killed", "a", "once", "b", "c", "d")
    with collect_warnings() as warnings, pool.Workers(2) as workers:
        done = {name: result for (_, name), result in workers.each(work, given)}
        assert {name for name, result in done.items() if result} == {"a", "b", "c", "d", "once"}
        assert done["killed"] is None
        assert len(warnings) == 3 and all("killed by SIGKILL" in warning for warning in warnings)
        assert len(list(tmp_path.iterdir())) == 8, "no task is done again for another's fault"
        assert len(dict(workers.each(work, tasks(tmp_path / "more", "a", "b")))) == 2, "the pool still works"


@pytest.mark.slow
def test_what_goes_wrong_in_a_task_is_raised_and_the_others_are_stopped(tmp_path):
    with pytest.raises(FileNotFoundError, match="wrong"):
        list(pool.each(work, tasks(tmp_path, "slow", "wrong"), 2))
    for path in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


class OddError(Exception):
    """One that can be sent, but not read again."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} {why}")


def unsendable(name: str) -> object:
    """Return, or raise, what no pipe can carry."""
    if name == "odd error":
        raise OddError("odd", "error")
    return lambda: name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["result", "odd error"])
def test_what_cannot_be_sent_is_not_taken_for_a_killed_process(name):
    with collect_warnings() as warnings, pytest.raises(RuntimeError, match="cannot be sent"):
        list(pool.each(unsendable, [name, name], 2))
    assert not warnings


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def told(task: tuple[Path, int]) -> None:
    """Write the process's number and wait; the first way to end with the parent may be turned off."""
    folder, _ = task
    (folder / f".{os.getpid()}").touch()
    (folder / f".{os.getpid()}").rename(folder / str(os.getpid()))
    time.sleep(600)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("main", [True, False], ids=["by the system", "by watching"])
def test_children_die_with_their_parent(main, tmp_path):
    code = f"""
import sys, threading
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from restyle.commands.shared import pool
from test_pool import told
run = lambda: list(pool.each(told, [(Path({str(tmp_path)!r}), i) for i in range(2)], 2))
if __name__ == "__main__":
    {"run()" if main else "threading.Thread(target=run).start()"}
"""
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "parent.py").write_text(code)
    search = os.pathsep.join(path for path in sys.path if path)
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "script" / "parent.py"], env=os.environ | {"PYTHONPATH": search}
    )
    pids: list[int] = []
    while len(pids) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
        pids = [int(path.name) for path in tmp_path.iterdir() if path.name.isdecimal()]
    assert all(map(alive, pids))
    parent.kill()
    parent.wait()
    for _ in range(600):
        if not any(map(alive, pids)):
            break
        time.sleep(0.05)
    assert not any(map(alive, pids))


def test_jobs_must_be_positive():
    with pytest.raises(RestyleError, match="jobs"):
        pool.Workers(0)


class KilledError(Exception):
    """Stands for what Ray raises when a process is gone."""


class WrongError(KilledError):
    """Stands for what Ray raises when a task went wrong."""


@pytest.fixture
def ray(monkeypatch):
    """A stand-in for Ray that does each task when its result is asked for, and kills some."""
    lives = {"killed": 2, "once": 1}

    def get(future):
        function, name = future
        if lives.get(name):
            lives[name] -= 1
            raise KilledError(name)
        return function(name)

    module = types.ModuleType("ray")
    module.is_initialized = lambda: True
    module.remote = lambda **_: lambda function: types.SimpleNamespace(remote=lambda task: (function, task))
    module.wait = lambda futures, num_returns: (futures[:num_returns], futures[num_returns:])
    module.get = get
    errors = types.ModuleType("ray.exceptions")
    errors.RayError, errors.RayTaskError = KilledError, WrongError
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setitem(sys.modules, "ray.exceptions", errors)


def raising(name):
    raise WrongError(name)


def test_a_killed_process_of_ray_does_not_stop_the_rest(ray, monkeypatch):
    monkeypatch.setattr(cluster, "AHEAD", 2)
    with collect_warnings() as warnings:
        done = dict(cluster.each(str.upper, ["killed", "a", "once", "b"], 1, "ray://auto"))
    assert done == {"a": "A", "b": "B", "once": "ONCE", "killed": None}
    assert len(warnings) == 3
    with pytest.raises(WrongError):
        list(cluster.each(raising, ["a"], 1, "ray://auto"))
