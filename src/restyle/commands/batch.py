"""``restyle batch``: many transfers; a bad file does not stop the rest, a second run does what is left. Floor 6."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import active_children, get_context
from pathlib import Path

from restyle.commands import outputs, transfer
from restyle.commands.inputs import read_sound
from restyle.commands.learn import DEFAULT, SUFFIX, Style
from restyle.commands.settings import Settings
from restyle.errors import RestyleError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Pair:
    """One transfer to do."""

    content: Path
    style: Path
    out: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a pair: ``done``, ``skipped`` (it was there) or ``failed``; and why, or its warnings."""

    pair: Pair
    status: str
    reason: str = ""


def read_pairs(table: Path, folder: Path) -> list[Pair]:
    """Read a CSV file with the columns content, style and, if wanted, out.

    Args:
        table: the file; content and style are relative to its folder.
        folder: the results' folder, which out is relative to.

    Raises:
        RestyleError: if the file cannot be read, a column or value is missing, or two rows write the same file.
    """
    transfer.check_input(table)
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows = [
                (reader.line_num, {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)})
                for row in reader
            ]
            columns = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise RestyleError(f"{table} is not a CSV file in UTF-8; save it again as CSV") from error
    if not {"content", "style"} <= set(columns):
        raise RestyleError(f"{table} needs the columns content and style in its first line")
    for line, row in rows:
        if not row["content"] or not row["style"]:
            raise RestyleError(f"{table}, line {line}: content or style is missing; fill in both")
    pairs = [(table.parent / row["content"], table.parent / row["style"], row.get("out", "")) for _, row in rows]
    return _with_outputs(pairs, folder, str(table))


def make_pairs(style: Path, contents: Sequence[Path], folder: Path) -> list[Pair]:
    """Pair one style with many contents."""
    return _with_outputs([(content, style, "") for content in contents], folder, "the list")


def _with_outputs(rows: Sequence[tuple[Path, Path, str]], folder: Path, name: str) -> list[Pair]:
    """Name each result, by default 'content__style.wav', a number added where that is taken."""
    if not rows:
        raise RestyleError(f"{name} holds no pairs; give at least one content and style")
    pairs: list[Pair] = []
    taken: set[Path] = {folder / out for _, _, out in rows if out}
    for content, style, out in rows:
        made = folder / (out or f"{content.stem}__{style.stem}.wav")
        number = 2
        while not out and (made in taken):
            made, number = folder / f"{content.stem}__{style.stem}-{number}.wav", number + 1
        taken.add(made)
        pairs.append(Pair(content, style, made))
    records = [outputs.record_path(pair.out) for pair in pairs]
    for pair, record in zip(pairs, records, strict=True):
        if records.count(record) > 1:
            raise RestyleError(f"{name} has two results named {pair.out.stem}; give each an own name in the column out")
        if not pair.out.resolve().is_relative_to(folder.resolve()):
            raise RestyleError(f"{name}: {pair.out} lies outside {folder}; give names inside it in the column out")
    return pairs


def run(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    settings: Settings | None = None,
    jobs: int = 1,
    report: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Do the pairs that are not done yet.

    Args:
        pairs: what to do.
        folder: the results' folder; made if missing.
        settings: the options, the same for all pairs.
        jobs: processes at a time, which share the processor's cores.
        report: called with each outcome as it is known.

    Returns:
        The outcomes in the order of ``pairs``.

    Raises:
        RestyleError: if the folder cannot be made or ``jobs`` is less than 1; what is wrong with a pair is in its
            outcome.
    """
    if jobs < 1:
        raise RestyleError(f"jobs must be 1 or more, not {jobs}")
    settings, known = settings or Settings(), {}
    with outputs.folder(folder):
        todo = []
        for pair in pairs:
            if is_done(pair, settings):
                known[pair] = Outcome(pair, "skipped", "it is there already")
                if report:
                    report(known[pair])
            else:
                pair.out.parent.mkdir(parents=True, exist_ok=True)
                todo.append(pair)
        for outcome in _in_turn(todo, settings) if jobs == 1 or len(todo) < 2 else _in_parallel(todo, settings, jobs):
            known[outcome.pair] = outcome
            if report:
                report(outcome)
    return [known[pair] for pair in pairs]


def is_done(pair: Pair, settings: Settings) -> bool:
    """Return whether the result is there, made of these files, unchanged since, with these settings and version."""
    place = outputs.record_path(pair.out)
    record = outputs.read_record(place)
    if record is None or not pair.out.is_file():
        return False
    if settings.method is None:
        made_by = record.get("settings", {}).get("method") if pair.style.suffix == SUFFIX else DEFAULT
        settings = replace(settings, method=made_by)
    wanted = transfer.make_record(pair.content, [pair.style], pair.out, settings)
    if any(record.get(key) != value for key, value in wanted.items()):
        return False
    return all(path.exists() and path.stat().st_mtime <= place.stat().st_mtime for path in (pair.content, pair.style))


def _in_turn(pairs: Sequence[Pair], settings: Settings) -> Iterator[Outcome]:
    for pair in pairs:
        yield _do(pair, settings)


def _in_parallel(pairs: Sequence[Pair], settings: Settings, jobs: int) -> Iterator[Outcome]:
    """Run pairs in processes; when one is killed (no memory, say), what it tore down is done one at a time."""
    torn: list[Pair] = []
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with _pool(min(jobs, len(pairs)), threads) as pool:
        futures = {pool.submit(_do, pair, settings): pair for pair in pairs}
        for future in as_completed(futures):
            outcome = _outcome(future, futures[future])
            if outcome.status == "torn":
                torn.append(outcome.pair)
            else:
                yield outcome
    for pair in torn:
        with _pool(1, threads) as pool:
            outcome = _outcome(pool.submit(_do, pair, settings), pair)
        yield replace(outcome, status="failed") if outcome.status == "torn" else outcome


def _outcome(future: Future[Outcome], pair: Pair) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(pair, "torn", "its process was killed, perhaps for want of memory; try fewer --jobs")


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
    """Of a process of the pool: whether it is at a pair, and what it was told meanwhile."""

    working: bool = False
    stopped: bool = False  # start no more pairs
    leaving: bool = False  # end the process, too


_state = _State()


def _begin(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)


def _interrupted(signum: int, _: object) -> None:
    """Give up the pair at hand so that nothing is left of it; a second signal must not disturb the cleaning up."""
    _state.stopped = True
    _state.leaving |= signum == signal.SIGTERM
    if _state.working:
        _state.working = False
        raise KeyboardInterrupt
    if _state.leaving:
        os._exit(143)


def _do(pair: Pair, settings: Settings) -> Outcome:
    if _state.stopped:
        return Outcome(pair, "failed", "interrupted")
    _state.working = True
    try:
        for path in (pair.content, pair.style):
            transfer.check_input(path)
        learnt = _learnt(pair.style, pair.style.stat().st_mtime_ns, settings)
        record = transfer.run(pair.content, [pair.style], pair.out, settings=settings, learnt=learnt)
    except RestyleError as error:
        return Outcome(pair, "failed", str(error))
    except Exception as error:
        return Outcome(pair, "failed", f"{type(error).__name__}: {error}; run this pair with restyle transfer --debug")
    except KeyboardInterrupt:
        if _state.leaving:
            os._exit(143)
        raise
    finally:
        _state.working = False
    return Outcome(pair, "done", "; ".join(record["warnings"]))


@lru_cache(maxsize=2)
def _learnt(style: Path, _changed: int, settings: Settings) -> Style:
    """Learn a style once for all the contents that want it."""
    clips = [] if style.suffix == SUFFIX else [read_sound(style)]
    return transfer.read_style([style], clips, settings)
