"""The options that verbs share, each written once, and how a function becomes a verb. Floor 7."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_origin

import typer
from typer import Option

from restyle import __version__
from restyle.errors import RestyleError

F = TypeVar("F", bound=Callable[..., None])

JOBS = "Processes at a time; by default one a core."
TEMPO = "content (as it is), style, or beats per minute; pitch is kept."
ARRANGE = "How far notes may change, 0 to 1: above 0 the drums are the style's, from 1/3 the chords, from 2/3 the bass."
ADD = "Let the style's drums or bass, or both, play along; auto: where the content has none."
PATTERN = "What a mix's drums play: the content's hits, or the style's own bars on the content's beats."
PARTS = "Take mixes apart (auto), all (on), none (off), or change these parts only: drums, bass, other."
METHOD = "A name of 'restyle methods'; note_synth, or what the style was learnt for."

KEYWORD = inspect.Parameter.KEYWORD_ONLY

log = logging.getLogger("restyle")


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


def _cores(jobs: int | None) -> int:
    return jobs or os.cpu_count() or 1


# the shared options: type, default, and how it is written and explained
SHARED: dict[str, tuple[Any, Any, Any]] = {
    "add": (str, "none", Option(metavar="none|auto|A,B", help=ADD)),
    "arrange": (float, 0.0, Option(metavar="A", help=ARRANGE)),
    "as_json": (bool, False, Option("--json", help="Print JSON.")),
    "bits": (str, "16", Option(metavar="16|24|32f", help="Sample format of a wav or flac.")),
    "cluster": (str | None, None, Option(metavar="ADDRESS", help="Of a Ray (ray://...) or Dask cluster.")),
    "drums_pattern": (str, "content", Option(metavar="content|style", help=PATTERN)),
    "duration": (float | None, None, Option(metavar="S", help="Seconds of the content to use.")),
    "fit": (int | None, None, Option(metavar="N", help="Steps of fitting note_synth to the style first (60).")),
    "genre": (str | None, None, Option(metavar="NAME", help="A genre as style, such as jazz or rock.")),
    "groove": (bool, False, Option("--groove", help="Move the content's beats onto the style's beat timing.")),
    "jobs": (int | None, None, Option("--jobs", "-j", callback=_cores, help=JOBS)),
    "method": (str | None, None, Option("--method", "-m", metavar="NAME", help=METHOD)),
    "methods": (str, "all", Option(metavar="all|A,B", help="Names of 'restyle methods', with commas between them.")),
    "option": (list[str] | None, None, Option("--set", metavar="NAME=VALUE", help="A setting of the method's own.")),
    "overwrite": (bool, False, Option("--overwrite", help="Replace files that are there.")),
    "seed": (int, 0, Option(help="The same seed gives the same samples.")),
    "start": (float, 0.0, Option(metavar="S", help="Seconds of the content to leave out at its beginning.")),
    "parts": (str, "auto", Option(metavar="auto|on|off|A,B", help=PARTS)),
    "strength": (
        str,
        "1",
        Option(metavar="S", help="0 gives the content back, 1 the full style; or drums=0.5,other=1."),
    ),
    "tempo": (str, "content", Option(metavar="T", help=TEMPO)),
    "tone": (bool, True, Option("--tone/--no-tone", help="Bring spectrum, loudness and width toward the style's.")),
    "vocals": (str, "keep", Option(metavar="keep|tone|play|drop", help="What becomes of a mix's voice.")),
    "verbose": (bool, False, Option("-v", "--verbose", callback=_set_verbose, help="Show what is being done.")),
    "debug": (bool, False, Option("--debug", help="Show the traceback of an error.")),  # main() looks for it
    "version": (bool, False, Option("--version", callback=_show_version, is_eager=True, help="Show the version.")),
}


def _signature(names: Sequence[str], own: Mapping[str, inspect.Parameter]) -> inspect.Signature:
    return inspect.Signature([(own.get(name) or _shared(name)).replace(kind=KEYWORD) for name in names])


def _shared(name: str) -> inspect.Parameter:
    kind, default, how = SHARED[name]
    return inspect.Parameter(name, KEYWORD, annotation=Annotated[kind, how], default=default)


def _app(**_: bool) -> None:
    pass


_app.__signature__ = _signature(["verbose", "debug", "version"], {})  # type: ignore[attr-defined]
app.callback()(_app)


def group(name: str, text: str, *lines: str, cls: type[typer.core.TyperGroup] | None = None) -> typer.Typer:
    """Add a verb that has sub-verbs."""
    verbs = typer.Typer(cls=cls or typer.core.TyperGroup, help=text, rich_markup_mode=None, epilog=examples(*lines))
    app.add_typer(verbs, name=name)
    return verbs


def output(metavar: str, text: str) -> Any:
    """Return the option for where the result goes."""
    return Option("-o", "--output", metavar=metavar, help=text)


def command(group: typer.Typer, *lines: str, options: str = "") -> Callable[[F], F]:
    """Make a function a verb of the group, with -v and --debug, which the function does not see.

    Args:
        group: the application, or the group of a sub-verb.
        lines: the examples in its help.
        options: names of ``SHARED`` options, which the function takes as keywords, in the order of the help. They
            follow the function's own (annotated) ones, except where those are named among them.
    """
    order = options.split()

    def register(function: F) -> F:
        every = inspect.signature(function, eval_str=True).parameters
        own = {name: p for name, p in every.items() if get_origin(p.annotation) is Annotated}

        @wraps(function)
        def call(*, verbose: bool, debug: bool, **given: Any) -> None:
            function(**given)

        names = [*(name for name in own if name not in order), *order, "verbose", "debug"]
        call.__signature__ = _signature(names, own)  # type: ignore[attr-defined]
        group.command(epilog=examples(*lines))(call)
        return function

    return register


def styles(style: Sequence[Path] | None, genre: str | None) -> list[Path]:
    """Return the recordings of the style that is given, or the file of a genre's style.

    Raises:
        RestyleError: unless there is one of the two.
    """
    from restyle.style import genre_file, named

    if genre and style:
        raise RestyleError(f"there are two styles, {style[0]} and the genre '{genre}'; give one of them")
    if not genre and not style:
        raise RestyleError("there is no style; give recordings, a .style file, or --genre")
    return [genre_file(genre)] if genre else [named(path) for path in style or []]
