"""The command line: arguments to commands, errors to one sentence. Floor 7.

Heavy imports happen inside the functions, so that ``restyle --help`` answers at once.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from restyle import __version__
from restyle.errors import RestyleError


def _examples(*lines: str) -> str:
    """The end of a command's help; the backspace keeps its lines apart."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    name="restyle",
    help="Give a recording the style of another: keep what is played, change how it sounds.",
    epilog=_examples("restyle demo", "restyle transfer song.wav style.wav -o out.wav", "restyle transfer --help"),
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

log = logging.getLogger("restyle")


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
        "--method", "-m", metavar="NAME", help="A name of 'restyle methods'; notes, or what the style was learnt for."
    ),
]
Strength = Annotated[float, typer.Option(help="0 gives the content back, 1 the full style.")]
Tempo = Annotated[str, typer.Option(metavar="T", help="content (as it is), style, or beats per minute; pitch is kept.")]
Groove = Annotated[bool, typer.Option("--groove", help="Move the content's beats onto the style's beat timing.")]
Tone = Annotated[bool, typer.Option("--tone/--no-tone", help="Bring spectrum, loudness and width toward the style's.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same samples.")]
Start = Annotated[float, typer.Option(metavar="S", help="Seconds of the content to leave out at its beginning.")]
Duration = Annotated[float | None, typer.Option(metavar="S", help="Seconds of the content to use.")]
Bits = Annotated[str, typer.Option(metavar="16|24|32f", help="Sample format of a wav or flac.")]


@app.callback()
def _app(verbose: Verbose = False, debug: Debug = False, version: Version = False) -> None:
    pass


@app.command(
    epilog=_examples(
        "restyle transfer song.wav style.wav -o out.wav",
        "restyle transfer song.mid guitar1.wav guitar2.wav -o out.flac",
        "restyle transfer song.mp3 choir.style -o out.wav --strength 0.7 --tempo 120",
    )
)
def transfer(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="What is played: a recording or a .mid file.")],
    style: Annotated[list[Path], typer.Argument(metavar="STYLE", help="How it sounds: recordings, or a .style file.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Result: .wav .flac .ogg .opus or .mp3.")],
    method: MethodName = None,
    strength: Strength = 1.0,
    tempo: Tempo = "content",
    groove: Groove = False,
    tone: Tone = True,
    seed: Seed = 0,
    midi: Annotated[Path | None, typer.Option(metavar="OUT.mid", help="Also write the content's notes.")] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Also draw content, style and result.")] = None,
    start: Start = 0.0,
    duration: Duration = None,
    bits: Bits = "16",
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Play CONTENT with the sound of STYLE; a record of inputs and settings is written beside OUT as .json."""
    from restyle.commands import transfer as command
    from restyle.commands.settings import Settings

    settings = Settings(
        method=method,
        strength=strength,
        tempo=tempo,
        groove=groove,
        tone=tone,
        seed=seed,
        start=start,
        duration=duration,
        bits=bits,
    )
    with _bar(f"{content.name} in the style of {style[0].name}") as progress:
        record = command.run(content, style, out, settings=settings, midi=midi, pictures=pictures, progress=progress)
    length, name = record["length"] / record["rate"], record["settings"]["method"]
    print(f"{out}: {length:.1f} s by '{name}' in {record['seconds']:.1f} s")


@app.command(
    epilog=_examples(
        "restyle learn choir1.wav choir2.wav -o choir.style",
        "restyle transfer song.wav choir.style -o out.wav",
    )
)
def learn(
    style: Annotated[list[Path], typer.Argument(metavar="STYLE", help="One recording or several.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="NAME.style", help="Where to keep the style.")],
    method: MethodName = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Learn a style once, to use it wherever STYLE is asked for."""
    from restyle.commands import learn as command

    with _bar("learning"):
        learnt = command.run(style, out, method=method or command.DEFAULT)
    print(f"{out}: learnt from {len(style)} recording{'s' if len(style) > 1 else ''} for '{learnt.method}'")


@app.command(
    epilog=_examples(
        "restyle batch pairs.csv -o results --jobs 2      (columns content,style[,out])",
        "restyle batch --style choir.style a.wav b.wav -o results",
    )
)
def batch(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PAIRS.csv|CONTENT", help="A table, or contents for --style.")
    ],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the results; made if missing.")],
    style: Annotated[Path | None, typer.Option(metavar="STYLE", help="One style for all the contents.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Transfers at a time.")] = 1,
    method: MethodName = None,
    strength: Strength = 1.0,
    tempo: Tempo = "content",
    groove: Groove = False,
    tone: Tone = True,
    seed: Seed = 0,
    start: Start = 0.0,
    duration: Duration = None,
    bits: Bits = "16",
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Transfer many pairs; a bad file does not stop the rest, and a second run does only what is left.

    The exit code is 1 if a pair failed.
    """
    from restyle.commands import batch as command
    from restyle.commands.settings import Settings

    settings = Settings(
        method=method,
        strength=strength,
        tempo=tempo,
        groove=groove,
        tone=tone,
        seed=seed,
        start=start,
        duration=duration,
        bits=bits,
    )
    if style is None and len(inputs) != 1:
        raise RestyleError("give one table of pairs, or --style STYLE and any number of contents")
    pairs = command.make_pairs(style, inputs, out) if style else command.read_pairs(inputs[0], out)
    known: list[command.Outcome] = []
    with _bar(f"{len(pairs)} pairs") as progress:

        def report(outcome: command.Outcome) -> None:
            known.append(outcome)
            log.info("%s: %s", outcome.pair.out, outcome.status)
            if progress:
                progress(len(known) / len(pairs))

        outcomes = command.run(pairs, out, settings=settings, jobs=jobs, report=report)
    _table(["", "content", "style", "result"], [_row(outcome) for outcome in outcomes])
    for outcome in outcomes:
        if outcome.reason and outcome.status != "skipped":
            print(f"{outcome.pair.content} in the style of {outcome.pair.style}: {outcome.reason}")
    counts = {status: sum(o.status == status for o in outcomes) for status in ("done", "skipped", "failed")}
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    if counts["failed"]:
        raise typer.Exit(1)


@app.command(epilog=_examples("restyle transcribe song.wav -o song.mid"))
def transcribe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of any instruments.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.mid", help="The MIDI file to write.")],
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write the notes that a recording plays as a MIDI file."""
    from restyle.commands import transcribe as command

    with _bar(file.name) as progress:
        notes = command.run(file, out, progress=progress)
    print(f"{out}: {len(notes)} notes")


@app.command(epilog=_examples("restyle info song.wav", "restyle info song.mid", "restyle info choir.style --json"))
def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, a .mid file or a .style file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Show format, length, peak, loudness and tempo."""
    from restyle.commands import info as command

    facts = command.run(file)
    if as_json:
        import json

        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else value
        print(f"{name.replace('_', ' '):{width}}  {shown}")


@app.command(epilog=_examples("restyle transfer song.wav style.wav -o out.wav --method mosaic"))
def methods(verbose: Verbose = False, debug: Debug = False) -> None:
    """List the methods."""
    from restyle.methods import METHODS

    width = max(map(len, METHODS))
    for name, (_, _, text) in METHODS.items():
        print(f"{name:{width}}  {text}")


@app.command(epilog=_examples("restyle demo -o restyle-demo"))
def demo(
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder; made if missing.")] = Path(
        "restyle-demo"
    ),
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Play two short pieces, and transfer one to the sound of the other with each method; nothing is downloaded."""
    from restyle.commands import demo as command

    made = command.run(out, report=lambda text, path: print(f"{text:35} {path}", flush=True))
    print(f"\nListen to {made[0]} (content), {made[1]} (style), then to the others;")
    print(f"look at the pictures beside them, or open {out / 'index.html'} in a browser for all of it.")


def main() -> NoReturn:
    """Run the command line and exit: 0 all well, 1 something failed, 2 a mistake in what was given, 130 interrupted."""
    debug = "--debug" in sys.argv[1:]
    _prepare(debug)
    with _quiet_libraries(debug):
        sys.exit(_code(debug))


def _code(debug: bool) -> int:
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="restyle", standalone_mode=False)
        if code == 130:  # typer makes this of Ctrl-C
            raise KeyboardInterrupt
    except BaseException as error:
        if debug and not isinstance(error, SystemExit):
            import traceback

            traceback.print_exc()
        code = _explain(error)
    return code if isinstance(code, int) else 0


def _prepare(debug: bool) -> None:
    if not debug:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for the processes of a batch
    if not any(isinstance(handler, _Stderr) for handler in log.handlers):
        log.addHandler(_Stderr())
    log.setLevel(logging.WARNING)
    log.propagate = False
    signal.signal(signal.SIGTERM, _terminated)  # so that what is half written is removed


@contextmanager
def _quiet_libraries(debug: bool) -> Iterator[None]:
    """Silence what C libraries print to stderr on their own account, as mpg123 of a cut file; ours goes round it."""
    try:
        own = sys.stderr.fileno()
    except (OSError, ValueError):
        own = None
    if debug or own is None:
        yield
        return
    before, kept, nowhere = sys.stderr, os.dup(2), os.open(os.devnull, os.O_WRONLY)
    if own == 2:
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=before.encoding, errors="backslashreplace")
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        sys.stderr = before


def _terminated(*_: object) -> None:
    sys.exit(143)


class _Stderr(logging.Handler):
    """Warnings as 'warning: ...' and steps as they are, to what stderr is at the moment (a progress bar stands in)."""

    def emit(self, record: logging.LogRecord) -> None:
        mark = "warning: " if record.levelno >= logging.WARNING else ""
        print(mark + record.getMessage(), file=sys.stderr, flush=True)


def _explain(error: BaseException) -> int:
    """Say in one sentence what went wrong; return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt):
        return _say("interrupted; nothing unfinished was left behind", 130)
    if isinstance(error, RestyleError):
        return _say(str(error), 2)
    if hasattr(error, "format_message"):  # what typer says of wrong arguments
        return _say_usage(error)
    if isinstance(error, BrokenPipeError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 (so that the exit does not try to flush it)
        return 1
    if isinstance(error, MemoryError):
        return _say("there is not enough memory; use a part of the content with --duration, or a shorter style", 1)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _say("the disk is full; free some space", 2)
    return _say(
        f"an unexpected {type(error).__name__} ({error}); run it again with --debug and report what it shows", 1
    )


def _say_usage(error: Any) -> int:
    message = " ".join(str(error.format_message()).split()).rstrip(".")
    where = getattr(getattr(error, "ctx", None), "command_path", "restyle")
    return _say(f"{message[:1].lower()}{message[1:]}; see {where} --help", 2)


def _say(sentence: str, code: int) -> int:
    print(f"restyle: {' '.join(sentence.split())}", file=sys.stderr)
    return code


@contextmanager
def _bar(text: str) -> Iterator[Callable[[float], None] | None]:
    """A progress bar while stderr is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(text, total=1.0)
        yield lambda fraction: shown.update(task, completed=fraction)


def _row(outcome: Any) -> list[str]:
    pair = outcome.pair
    return [outcome.status, pair.content.name, pair.style.name, pair.out.name]


def _table(titles: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
