"""The documents agree with the code: command lines, names, paths and links in every Markdown file."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from restyle.cli.running import app, load

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src" / "restyle" / "weights").glob("*.md")),
]
MOVED = ROOT / "docs" / "moved.md"
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(text: str) -> list[str]:
    """The code of a page, fenced or indented."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return fenced + re.findall(r"(?:^    .*\n?)+", text, flags=re.MULTILINE)


def prose(text: str) -> str:
    """A page without its blocks of code."""
    for block in blocks(text):
        text = text.replace(block, "")
    return text


def lines(text: str) -> list[str]:
    """Whole command lines in the blocks of code."""
    joined = (re.sub(r"\\\n\s*", " ", block) for block in blocks(text))
    return [line.strip() for block in joined for line in block.splitlines() if line.strip().startswith("restyle ")]


def mentions(text: str) -> list[str]:
    """Commands in a paragraph, which may leave out what they need."""
    return [" ".join(span.split()) for span in re.findall(r"`(restyle [^`]+)`", prose(text))]


@cache
def root() -> Any:
    load([])
    return typer.main.get_command(app)


def parse(line: str, *, whole: bool = True) -> None:
    """Read a command line as the program does, without running it."""
    rest = shlex.split(re.sub(r"\$\([^)]*\)", "OUTPUT", line), comments=True)[1:]
    command = root()
    name, above = "restyle", None
    while True:
        if not whole and not hasattr(command, "resolve_command"):  # click overlooks options where it overlooks gaps
            known = {"-h", "--help"}.union(*({*param.opts, *param.secondary_opts} for param in command.params))
            unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word not in known]
            assert not unknown, f"no such option: {unknown}"
        context = command.make_context(name, rest, parent=above, resilient_parsing=not whole)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "resolve_command"):
            assert not rest, f"unexpected {rest}"
            return
        if not rest and not whole:
            return
        name, command, rest = command.resolve_command(context, rest)
        above = context


def faults(commands: list[str], *, whole: bool) -> Iterator[str]:
    for line in commands:
        try:
            parse(line, whole=whole)
        except typer.Exit:  # of --help and --version
            pass
        except Exception as error:
            yield f"{line}: {getattr(error, 'message', error)}"


def epilogs(command: Any) -> Iterator[str]:
    """The examples in the help of a command and those below it."""
    for line in (command.epilog or "").splitlines():
        if line.strip().startswith("restyle "):
            yield re.split(r"\s{4,}", line.strip())[0]
    for below in getattr(command, "commands", {}).values():
        yield from epilogs(below)


def names(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w/.-])restyle(?:\.[A-Za-z_]\w*)+", text))


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or a value that a module or a class holds."""
    parent, _, last = name.rpartition(".")
    if not parent:
        return find_spec(name) is not None
    if not exists(parent):
        return False
    try:
        if find_spec(name) is not None:
            return True
    except ModuleNotFoundError:  # the parent is no package
        pass
    return hasattr(value(parent), last)


def value(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(value(parent), last)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, with those of the files that it includes."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    own = {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
    return own.union(*(anchors(ROOT / file) for file in re.findall(r'^--8<-- "([^":]+\.md)"$', text, re.MULTILINE)))


def test_the_pages_have_commands_names_and_links():
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert sum(len(lines(text)) for text in texts) > 60
    assert sum(len(mentions(text)) for text in texts) > 30
    assert sum(len(names(text)) for text in texts) > 60


@pytest.mark.parametrize(
    "line",
    [
        "restyle transmogrify song.wav",
        "restyle transfer song.wav style.wav",  # -o is missing
        "restyle transfer song.wav style.wav -o out.wav --loudness 3",
        "restyle data bake songs",
        "restyle transcribe a.wav b.wav -o song.mid",
    ],
)
def test_a_wrong_command_line_is_found(line: str):
    assert list(faults([line], whole=True))


@pytest.mark.parametrize("line", ["restyle bake", "restyle data bake", "restyle data render --loudness"])
def test_a_wrong_mention_is_found(line: str):
    assert list(faults([line], whole=False))


def test_names_that_are_not_there_are_found():
    text = "`restyle.transfer`, `restyle.dsp.phase.griffin_lim`, `restyle.nowhere`, `restyle.dsp.phase.nothing`"
    assert {name for name in names(text) if not exists(name)} == {"restyle.nowhere", "restyle.dsp.phase.nothing"}


@each_page
def test_command_lines_can_be_given(page: Path):
    text = page.read_text(encoding="utf-8")
    assert [*faults(lines(text), whole=True), *faults(mentions(text), whole=False)] == []


def test_examples_in_the_help_can_be_given():
    examples = list(epilogs(root()))
    assert len(examples) > 20
    assert list(faults(examples, whole=True)) == []


@each_page
def test_names_are_there(page: Path):
    text = page.read_text(encoding="utf-8")
    old = set(re.findall(r"^\| `([\w.]+)` \|", text, flags=re.MULTILINE)) if page == MOVED else set()
    assert [name for name in sorted(names(text) - old) if not exists(name)] == []


@each_page
def test_files_of_the_project_are_there(page: Path):
    found = re.findall(
        r"(?<![\w/.<])((?:benchmarks|docs|examples|src|tests)/[a-z_0-9/.-]*[a-z_0-9/])(?!\w)", page.read_text("utf-8")
    )
    assert [path for path in found if not (ROOT / path).exists()] == []


@each_page
def test_links_lead_somewhere(page: Path):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.slow
def test_the_site_builds_and_fetches_nothing(tmp_path: Path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 20
    fetched = (
        r'<(?:script|img|iframe)[^>]+src="https?:|<link[^>]+rel="(?:stylesheet|preconnect|icon)"[^>]+href="https?:'
    )
    assert [page.name for page in pages if re.search(fetched, page.read_text(encoding="utf-8"))] == []
