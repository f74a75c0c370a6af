"""One method on one pair: transferred, measured, evaluated, and kept so that a second run need not. Floor 6."""

from __future__ import annotations

import gc
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from restyle import __version__
from restyle.audio import Audio
from restyle.commands import transfer
from restyle.commands.shared import outputs, pool
from restyle.commands.shared.comparisons import REPORT, assemble, check_folder, write
from restyle.commands.shared.inputs import check_input, read_sound
from restyle.commands.shared.settings import Settings
from restyle.commands.shared.tally import Report
from restyle.comparison.table import COPIES, Comparison, Pair, Result
from restyle.dsp.blocks import Progress, trim_memory
from restyle.errors import RestyleError, require
from restyle.evaluation import METRICS, evaluate
from restyle.io.atomic import writing
from restyle.io.text import write_text

SOUNDS = "sounds"  # the folder in a comparison's folder


@dataclass(frozen=True)
class Task:
    """One result to make.

    Args:
        pair: what it is made of, without results.
        method: a method's name, or one of the copies.
        folder: the comparison's.
        settings: of the transfer.
        metrics: full names.
        parts: whether the parts of a mix are kept beside the result.
    """

    pair: Pair
    method: str
    folder: Path
    settings: Settings
    metrics: tuple[str, ...] = tuple(METRICS)
    parts: bool = False

    @property
    def sound(self) -> Path:
        """Where the result lies, absolute for a copy, else relative to the folder."""
        copies = {"content": Path(self.pair.content), "style": Path(self.pair.style)}
        return copies.get(self.method, Path(SOUNDS) / self.pair.name / f"{self.method}.flac")

    @property
    def stems(self) -> Path:
        """The folder of the result's parts."""
        return (self.folder / self.sound).with_suffix("")

    @property
    def kept(self) -> Path:
        """Where its scores are kept for a second run."""
        return self.folder / SOUNDS / self.pair.name / f"{self.method}.scores.json"


def run(
    pairs: Sequence[Pair],
    methods: Sequence[str],
    folder: Path,
    *,
    settings: Settings | None = None,
    metrics: Sequence[str] = tuple(METRICS),
    jobs: int = 1,
    overwrite: bool = False,
    report: Report | None = None,
    progress: Progress | None = None,
    page: Callable[[Comparison, pool.Workers], str] | None = None,
) -> Comparison:
    """Transfer and evaluate all pairs by all methods, and write the scores; a second run does what is left.

    Args:
        pairs: contents and styles.
        methods: names of methods.
        folder: for sounds and scores; made if missing.
        settings: of the transfers; the method is set for each.
        metrics: full names.
        jobs: processes at a time; each works with one thread, so that results do not depend on their number.
        overwrite: whether results made of other files, or otherwise, may be replaced.
        report: called with each result's name (and what went wrong), how many are done, and of how many.
        progress: called with the fraction done, 0..1.
        page: makes the page that is written with the scores, with the same processes; for it, parts of mixes are kept.

    Raises:
        RestyleError: if the folder cannot be written to or holds other results; what is wrong with a pair is in the
            comparison.
    """
    settings = settings or Settings()
    with outputs.folder(folder):
        check_folder(folder, overwrite=overwrite)
        order = [*methods, *COPIES]  # what is done quickly comes last, so that no process waits long for another
        named, parts = tuple(metrics), page is not None
        tasks = [Task(pair, method, folder, settings, named, parts) for pair in pairs for method in order]
        if not overwrite:
            _check_free(tasks)
        done: dict[tuple[str, str], Result] = {}
        with pool.Workers(jobs, threads=1) as workers:
            for task, result in workers.each(_do, tasks):
                result = result or Result(method=task.method, error=pool.KILLED)
                done[task.pair.name, task.method] = result
                if report:
                    name = f"{task.pair.title}, {task.method}"
                    report(f"{name}: {result.error}" if result.error else name, len(done), len(tasks))
                if progress:
                    progress(len(done) / len(tasks))
            of_pair = {pair.name: [done[pair.name, method] for method in [*COPIES, *methods]] for pair in pairs}
            comparison = assemble([_with_results(pair, of_pair[pair.name]) for pair in pairs], methods, settings)
            texts = {REPORT: page(comparison, workers)} if page else {}
        write(comparison, folder, texts)
    return comparison


def _with_results(pair: Pair, results: Sequence[Result]) -> Pair:
    """A pair of which a file cannot be used has one error and no results."""
    errors = [result.error for result in results if result.error]
    if len(errors) == len(results):
        return replace(pair, error=errors[0])
    return replace(pair, results=tuple(results))


def _do(task: Task) -> Result:
    try:
        return _kept(task) or _compute(task)
    except RestyleError as error:
        return Result(method=task.method, error=str(error))
    except Exception as error:
        advice = "run this pair with restyle transfer --debug"
        return Result(method=task.method, error=f"{type(error).__name__}: {error}; {advice}")


def _kept(task: Task) -> Result | None:
    """The result of an earlier run with the same files, settings and version, if there is one."""
    try:
        kept = json.loads(task.kept.read_text(encoding="utf-8"))
        if kept["made"] != _origin(task) or kept["sound"] != outputs.fingerprint(task.folder / task.sound):
            return None
        result = Result.of(kept["result"])
        return result if all((task.folder / file).is_file() for file in result.parts.values()) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_free(tasks: Sequence[Task]) -> None:
    """Refuse to replace what another comparison made in this folder."""
    for task in tasks:
        try:
            known, now = json.loads(task.kept.read_text(encoding="utf-8"))["made"], _origin(task)
        except (OSError, ValueError, KeyError, TypeError):  # nothing is kept; a missing file is reported later
            continue
        differing = [name for name in ("files", "settings", "version") if known.get(name) != now[name]]
        if differing:
            raise RestyleError(
                f"{task.kept.parent} holds results made with other {differing[0]}; "
                "give --overwrite to replace them, or choose another folder"
            )


def _origin(task: Task) -> dict[str, Any]:
    names = [task.pair.content, task.pair.style, *([task.pair.target] if task.pair.target else [])]
    files = [_fingerprint(name, _stamp(name)) for name in names]
    settings = asdict(replace(task.settings, method=task.method if task.method not in COPIES else None))
    origin = {"files": files, "settings": settings, "metrics": task.metrics, "version": __version__}
    return dict(json.loads(json.dumps(origin)))  # as it will be read


def _compute(task: Task) -> Result:
    content, style, target, settings = task.pair.content, task.pair.style, task.pair.target, task.settings
    for name in (content, style, *([target] if target else [])):
        check_input(Path(name))
    task.kept.parent.mkdir(parents=True, exist_ok=True)
    origin = _origin(task)
    played = _sound(Path(content), settings.start, settings.duration, _stamp(content))
    styled = _sound(Path(style), 0.0, None, _stamp(style))
    result = Result(method=task.method, sound=task.sound.as_posix())
    if task.method not in COPIES:
        out, chosen = task.folder / task.sound, replace(settings, method=task.method, bits="24")
        stems = task.stems if task.parts else None
        shutil.rmtree(task.stems, ignore_errors=True)  # parts of a result that is replaced
        with measured() as cost:
            record = transfer.run(
                Path(content), [Path(style)], out, settings=chosen, stems=stems, stems_optional=True, overwrite=True
            )
        parts = {name: Path(file).relative_to(task.folder).as_posix() for name, file in record["stems"].items()}
        if stems and not parts:
            stems.rmdir()
        warnings = tuple(record["warnings"])
        result = replace(result, parts=parts, seconds=round(cost.seconds, 3), memory=cost.memory, warnings=warnings)
    output = {"content": played, "style": styled}.get(task.method) or read_sound(task.folder / task.sound)
    truth = None if target is None else _sound(Path(target), settings.start, settings.duration, _stamp(target))
    scores = evaluate(output, content=played, style=styled, target=truth, only=task.metrics)
    result = replace(result, scores=scores)
    written = outputs.fingerprint(task.folder / task.sound)
    with writing(task.kept) as beside:
        write_text(beside, json.dumps({"made": origin, "sound": written, "result": asdict(result)}))
    return result


def _stamp(name: str) -> int:
    return Path(name).stat().st_mtime_ns


@lru_cache(maxsize=1024)
def _fingerprint(name: str, _changed: int) -> dict[str, Any]:
    return outputs.fingerprint(Path(name))


@lru_cache(maxsize=3)
def _sound(path: Path, start: float, duration: float | None, _changed: int) -> Audio:
    """Content, style and target stay in memory from one method to the next, and with them what was found in them."""
    return read_sound(path, start=start, duration=duration)


@dataclass
class Measure:
    """Wall-clock time in s, and the largest resident size of this process meanwhile in bytes, of every 20 ms."""

    seconds: float = 0.0
    memory: float = 0.0


@contextmanager
def measured() -> Iterator[Measure]:
    """Measure what is done inside.

    Example:
        >>> with measured() as cost:
        ...     work = bytearray(10**6)
        >>> cost.seconds > 0 and cost.memory > 10**6
        True
    """
    require("evaluate", "psutil", what="measuring memory")
    import psutil

    gc.collect()
    trim_memory()
    process, done, measure = psutil.Process(), threading.Event(), Measure()

    def watch() -> None:
        while True:
            measure.memory = max(measure.memory, float(process.memory_info().rss))
            if done.wait(0.02):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begun = time.perf_counter()
    try:
        yield measure
    finally:
        measure.seconds = time.perf_counter() - begun
        done.set()
        watcher.join()
