"""What the command line itself does: help, errors, verbosity, exit codes."""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import restyle as package
from commanded import FAST
from restyle.cli import display
from restyle.cli.running import VERBS, app, load
from restyle.errors import RestyleError
from restyle.methods import METHODS

COMMANDS = ["transfer", "learn", "batch", "transcribe", "info", "methods", "demo"]
HEAVY = {"numpy", "torch", "librosa", "scipy", "matplotlib", "av", "soundfile", "rich.progress"}


def test_help_loads_nothing_heavy():
    code = (
        "import sys, restyle.cli\n"
        "sys.argv = ['restyle', '--help']\n"
        "try: restyle.cli.main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        f"print('loaded:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("loaded: []\n")
    assert all(command in shown.stdout for command in COMMANDS)


def test_a_command_loads_its_own_module_and_the_help_all():
    for arguments, modules in (
        ("-v info none.wav", ["info"]),
        ("--help", list(VERBS)),
        ("tranfer", list(VERBS)),
    ):
        code = (
            "import sys, restyle.cli\n"
            f"sys.argv = ['restyle', *{arguments!r}.split()]\n"
            "try: restyle.cli.main()\n"
            f"except SystemExit: print([n for n in {VERBS!r} if 'restyle.cli.' + n in sys.modules])"
        )
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert shown.stdout.endswith(f"{modules}\n")


def test_every_verb_is_in_the_table():
    from typer.main import get_command

    load([])
    assert set(get_command(app).commands) == set(VERBS)


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, restyle; print(sorted({HEAVY!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples(command, restyle):
    ran = restyle(command, "--help")
    assert ran.code == 0
    assert "Examples:\n" in ran.out and "    restyle " in ran.out.split("Examples:\n")[1]


def test_no_arguments_show_the_help(restyle):
    ran = restyle()
    assert ran.code == 0 and ran.out.startswith("Usage: restyle") and ran.err == ""


def test_version(restyle):
    assert restyle("--version").out == f"restyle {package.__version__}\n"


def test_methods(restyle):
    lines = restyle("methods").out.splitlines()
    assert [line.split()[0] for line in lines] == list(METHODS)


def test_quiet_unless_asked(restyle, clips, tmp_path):
    arguments = ("transfer", *clips, "-o", tmp_path / "out.wav", *FAST)
    assert restyle(*arguments).err == ""
    assert "applying the method 'spectral'" in restyle(*arguments, "--overwrite", "-v").err
    assert "applying the method 'spectral'" in restyle("-v", *arguments, "--overwrite").err


def test_debug_shows_the_traceback(restyle, tmp_path):
    ran = restyle("info", tmp_path / "none.wav", "--debug")
    assert ran.code == 2 and "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("restyle: ") and "no such file" in ran.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RestyleError("song.wav is a folder; give a file"), 2, "song.wav is a folder"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "memory"),
        (OSError(28, "No space left on device"), 2, "disk is full"),
        (ZeroDivisionError("division\nby zero"), 1, "ZeroDivisionError"),
        (SystemExit(143), 143, ""),
    ],
)
def test_errors_in_a_sentence(error, code, words, restyle, monkeypatch, tmp_path):
    from restyle.commands import info

    def fail(_):
        raise error

    monkeypatch.setattr(info, "run", fail)
    ran = restyle("info", tmp_path)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err and ran.err.count("\n") <= 1 and "Traceback" not in ran.err


def test_warnings_are_marked(restyle, monkeypatch, tmp_path):
    from restyle.commands import info

    monkeypatch.setattr(info, "run", lambda _: logging.getLogger("restyle").warning("mind the gap") or {"a": None})
    ran = restyle("info", tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, "a  -\n", "warning: mind the gap\n")


def test_a_bar_shows_on_a_terminal_only(monkeypatch, capsys):
    with display.bar("work") as progress:
        progress(0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with display.bar("[work]") as progress:
        progress(0.5)
    assert "[work]" in capsys.readouterr().err


def test_the_public_names():
    for name in package._PUBLIC:
        assert getattr(package, name).__name__ == name
        assert name in dir(package) and f"`{name}`" in (package.__doc__ or "")
    with pytest.raises(AttributeError, match="no attribute 'transform'"):
        package.transform  # noqa: B018


def test_three_lines(tmp_path):
    t = np.arange(16000) / 16000
    for name, hertz in (("content", 300), ("style", 500)):
        soundfile.write(tmp_path / f"{name}.wav", 0.3 * np.sin(2 * np.pi * hertz * t), 16000)
    content, style = package.read(tmp_path / "content.wav"), package.read(tmp_path / "style.wav")
    package.write(tmp_path / "out.wav", package.transfer(content, style, method="spectral"))
    assert soundfile.info(tmp_path / "out.wav").frames == 16000


def test_a_log_gets_lines_with_the_time_left(monkeypatch, capsys):
    clock = iter([0.0, 0.5, 10.0, 40.0, 50.0, 70.0])
    monkeypatch.setattr(display.time, "monotonic", lambda: next(clock))
    with display.bar("ten pairs") as progress:
        for fraction in (0.2, 0.3, 0.6, 0.7, 0.9):  # the first is what was there already
            progress(fraction)
    said = capsys.readouterr()
    assert said.err == "ten pairs: 60 %, about 40 s left\nten pairs: 90 %, about 10 s left\n" and not said.out
    display.say_done("a.wav", 1, 3)
    assert capsys.readouterr().err == "1/3 a.wav\n"


def test_a_bar_leaves_what_goes_to_a_file_alone(monkeypatch, tmp_path):
    """Rich has the bar's terminal show what is printed; it must not do so with a redirected stdout."""
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, file = Terminal(), io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", file)
    with display.bar("pairs") as progress:
        print("1/2 done")
        progress(0.5)
    assert file.getvalue() == "1/2 done\n" and "1/2" not in terminal.getvalue()
