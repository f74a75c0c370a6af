"""Running the command line: exit codes, errors in one sentence, quiet libraries. Floor 7."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

from restyle.cli.options import app, log
from restyle.errors import RestyleError
from restyle.io.text import ESCAPED

# a module each, in the order of the help
VERBS = (
    *("transfer", "learn", "batch", "evaluate", "compare", "benchmark", "listen", "data", "train", "models"),
    *("transcribe", "separate", "arrange", "info", "classify", "methods", "demo"),
)

ARENA_MAX = -8  # glibc's number of that parameter of malloc


def main() -> NoReturn:
    """Run the command line and exit: 0 all well, 1 something failed, 2 a mistake in what was given, 130 interrupted."""
    debug = "--debug" in sys.argv[1:]
    _prepare_streams()
    _prepare(debug)
    with _quiet_libraries(debug):
        sys.exit(_code(debug))


def _code(debug: bool) -> int:
    try:
        load(sys.argv[1:])
        code = app(sys.argv[1:] or ["--help"], prog_name="restyle", standalone_mode=False)
        if code == 130:  # typer makes this of Ctrl-C
            raise KeyboardInterrupt
    except BaseException as error:
        if debug and not isinstance(error, SystemExit):
            import traceback

            traceback.print_exc()
        code = _explain(error)
    return code if isinstance(code, int) else 0


def _prepare_streams() -> None:
    """Give closed streams a place to write to, and let all write names that their encoding lacks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the free number: else the next file that is opened would
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 (for the whole run)
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ESCAPED)


def load(arguments: list[str]) -> None:
    """Import the module of the verb that is called; all of them for the help, or a name that is none."""
    verb = next((argument for argument in arguments if not argument.startswith("-")), None)
    for module in [verb] if verb in VERBS else VERBS:
        import_module(f"restyle.cli.{module}")


def _prepare(debug: bool) -> None:
    if not debug:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for the processes of a batch
    _one_heap()
    if not any(isinstance(handler, _Stderr) for handler in log.handlers):
        log.addHandler(_Stderr())
    log.setLevel(logging.WARNING)
    log.propagate = False
    signal.signal(signal.SIGTERM, _terminated)  # so that what is half written is removed


def _one_heap() -> None:
    """Let all threads share a heap, where glibc would give each its own, and each keep what others need.

    A three-minute transfer then takes a quarter less memory, and no more time.
    """
    import ctypes

    os.environ.setdefault("MALLOC_ARENA_MAX", "1")  # for the processes of a batch
    try:
        ctypes.CDLL("libc.so.6").mallopt(ARENA_MAX, 1)
    except (OSError, AttributeError):  # another C library
        return


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
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=before.encoding, errors=ESCAPED)
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
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return _say(f"{error.filename}: no file can have so long a name; give a shorter one", 2)
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
