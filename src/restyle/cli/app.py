"""The application that the commands hang on, and what they share: options, help, tables, a bar. Floor 7."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from restyle import __version__

log = logging.getLogger("restyle")

EVERY = 30.0  # seconds between lines of progress in a log


def examples(*lines: str) -> str:
    """The end of a command's help; the backspace keeps its lines apart."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    name="restyle",
    help="Give a recording the style of another: keep what is played, change how it sounds.",
    epilog=examples("restyle demo", "restyle transfer song.wav style.wav -o out.wav", "restyle transfer --help"),
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _set_verbose(value: bool) -> None:
    if value:
        log.setLevel(logging.INFO)


def _show_version(value: bool) -> None:
    if value:
        print(f"restyle {__version__}")
        raise typer.Exit


Verbose = Annotated[bool, typer.Option("-v", "--verbose", callback=_set_verbose, help="Show what is being done.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]  # main() looks for it
Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]

MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        metavar="NAME",
        help="A name of 'restyle methods'; note_synth, or what the style was learnt for.",
    ),
]
Genre = Annotated[str | None, typer.Option(metavar="NAME", help="A genre as style, such as jazz or rock.")]
Strength = Annotated[float, typer.Option(help="0 gives the content back, 1 the full style.")]
Tempo = Annotated[str, typer.Option(metavar="T", help="content (as it is), style, or beats per minute; pitch is kept.")]
Groove = Annotated[bool, typer.Option("--groove", help="Move the content's beats onto the style's beat timing.")]
Tone = Annotated[bool, typer.Option("--tone/--no-tone", help="Bring spectrum, loudness and width toward the style's.")]
Fit = Annotated[int | None, typer.Option(metavar="N", help="Steps of fitting note_synth to the style first (60).")]
Option = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the method's own.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same samples.")]
Start = Annotated[float, typer.Option(metavar="S", help="Seconds of the content to leave out at its beginning.")]
Duration = Annotated[float | None, typer.Option(metavar="S", help="Seconds of the content to use.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", help="Processes at a time; by default one a core.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")]
Bits = Annotated[str, typer.Option(metavar="16|24|32f", help="Sample format of a wav or flac.")]


@app.callback()
def _app(verbose: Verbose = False, debug: Debug = False, version: Version = False) -> None:
    pass


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
            say(f"{self.text}: {100 * fraction:.0f} %, about {_duration(left)} left")


def _duration(seconds: float) -> str:
    """As people say it.

    Example:
        >>> _duration(40), _duration(400), _duration(9000)
        ('40 s', '7 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def say(line: str) -> None:
    """Write a line to stderr at once."""
    print(line, file=sys.stderr, flush=True)


def say_done(name: str, done: int, of: int) -> None:
    """Write a line for a piece of work that is done; a terminal has the bar instead."""
    if not sys.stderr.isatty():
        say(f"{done}/{of} {name}")


def table(titles: list[str], rows: list[list[str]]) -> None:
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


def cores() -> int:
    """Return how many jobs there are by default."""
    return os.cpu_count() or 1
