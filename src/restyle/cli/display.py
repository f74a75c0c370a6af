"""What the verbs print: a bar of progress, lines, tables, scores. Floor 7."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from restyle.cli.options import log
from restyle.io.text import spell

EVERY = 30.0  # seconds between lines of progress in a log


@contextmanager
def bar(text: str) -> Iterator[Callable[[float], None]]:
    """A progress bar while stderr is a terminal, else a line with the time left every so often."""
    if not sys.stderr.isatty():
        yield _Lines(text)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    own = sys.stdout.isatty()  # what goes to a file is no business of the bar's
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=own) as shown:
        task = shown.add_task(text, total=1.0)
        yield lambda fraction: shown.update(task, completed=fraction)


class _Lines:
    """Lines of progress for a log; what is done in the first second was there before and tells nothing of the speed."""

    def __init__(self, text: str) -> None:
        self.text, self.began, self.first = text, time.monotonic(), 0.0
        self.said = self.began

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self.began < 1:
            self.first = fraction
        elif now - self.said >= EVERY and fraction > self.first:
            self.said = now
            left = (now - self.began) * (1 - fraction) / (fraction - self.first)
            say(f"{self.text}: {100 * fraction:.0f} %, about {spell(left)} left")


def say(line: str) -> None:
    """Write a line to stderr at once."""
    print(line, file=sys.stderr, flush=True)


def say_done(name: str, done: int, of: int) -> None:
    """Write a line for a piece of work that is done; a terminal has the bar instead."""
    if not sys.stderr.isatty():
        say(f"{done}/{of} {name}")


@contextmanager
def counting(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar, or lines, of pieces of work that are done one by one."""
    with bar(what) as progress:

        def report(name: str, done: int, of: int) -> None:
            say_done(name, done, of)
            progress(done / max(1, of))

        yield report


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose cells are plain text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = 240  # a file has no width
    console.print(table)


def fields(values: Mapping[str, Any]) -> None:
    """Print names and values below each other."""
    width = max(map(len, values))
    for name, value in values.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else value
        print(f"{name:{width}}  {shown}")


def heading(metric: str) -> str:
    """Return a metric's name and unit."""
    from restyle.evaluation import METRICS

    return f"{metric.partition('.')[2]} {METRICS[metric].unit}".rstrip()


def interval(values: tuple[float, float, float]) -> str:
    """Return a mean and its interval as text."""
    mean, low, high = values
    return "-" if mean != mean else f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def finish(comparison: Any) -> None:
    """Name what failed; the exit code says it, too."""
    failed = [(pair.title, pair.error) for pair in comparison.pairs if pair.error]
    failed += [(f"{pair.title}, {r.method}", r.error) for pair in comparison.pairs for r in pair.results if r.error]
    for title, reason in failed:
        print(f"{title}: {reason}")
    if failed:
        raise typer.Exit(1)
    log.info("all done")
