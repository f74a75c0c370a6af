"""What works after ``pip install .`` alone, and how a command says which extra it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from commanded import Ran, chord
from restyle.io.midi import write_midi
from restyle.notes import Notes

SCRIPT = Path(__file__).with_name("core_only.py")
METHODS = ("note_synth", "mosaic", "spectral")
HIDDEN = ("av", "fluidsynth", "joblib", "lightning", "librosa", "matplotlib", "mir_eval", "mirdata", "PIL", "psutil")

WORKS = {
    "help": ("--help",),
    **{f"wav by {name}": ("transfer", "content.wav", "style.wav", "-o", f"{name}.wav", "-m", name) for name in METHODS},
    "MIDI by note_synth": ("transfer", "content.mid", "note_synth.style", "-o", "note_synth-midi.wav"),
    "MIDI by notes": ("transfer", "content.mid", "style.wav", "-o", "notes-midi.wav", "-m", "notes"),
    **{f"learn for {name}": ("learn", "style.wav", "-o", f"{name}.style", "-m", name) for name in METHODS},
    "flac to mp3": ("transfer", "content.flac", "style.wav", "-o", "out.mp3", "-m", "spectral"),
    "mp3 to flac": ("transfer", "content.mp3", "style.wav", "-o", "again.flac", "-m", "spectral"),
    "a genre": ("transfer", "content.wav", "--genre", "jazz", "-o", "jazz.wav"),
    "a trained model": ("transfer", "content.wav", "draw_strings", "-o", "strings.wav"),
    "info of sound": ("info", "content.wav"),
    "info of notes": ("info", "content.mid"),
    "info of a style": ("info", "mosaic.style"),
    "transcribe": ("transcribe", "content.wav", "-o", "transcribed.mid"),
    "methods": ("methods",),
    "models": ("models",),
}
NEEDS = {
    "another format": ("av", "media", ("info", "song.m4a")),
    "evaluate": (
        "librosa",
        "evaluate",
        ("evaluate", "content.wav", "--content", "content.wav", "--style", "style.wav"),
    ),
    "compare": ("matplotlib", "evaluate", ("compare", "content.wav", "--style", "style.wav", "-o", "compared")),
    "pictures": ("matplotlib", "evaluate", ("transfer", "content.wav", "style.wav", "-o", "a.wav", "--pictures", "a")),
    "pictures of genres": ("matplotlib", "evaluate", ("classify", "content.wav", "--pictures", "a")),
    "demo": ("matplotlib", "evaluate", ("demo", "-o", "demo")),
    "listen": ("matplotlib", "evaluate", ("listen", "page", "compared", "-o", "page.html")),
    "train": ("lightning", "train", ("train", "draw", "--data", "sounds", "-o", "run")),
    "render": ("fluidsynth", "render", ("data", "render", "midi", "--soundfont", "content.wav", "-o", "songs")),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Contents in several formats, a style, and a file that only FFmpeg could read."""
    made = tmp_path_factory.mktemp("core")
    for name in ("content.wav", "content.flac", "content.mp3"):
        soundfile.write(made / name, chord(2.0), 16000)
    soundfile.write(made / "style.wav", chord(2.0, root=330.0), 16000)
    (made / "midi").mkdir()
    for name in ("content.mid", "midi/song.mid"):
        write_midi(made / name, Notes.of([(0.0, 0.5, 60, 0.7, 0), (0.5, 1.0, 64, 0.7, 0)]))
    (made / "song.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(100))
    return made


@pytest.fixture(scope="module")
def ran(folder):
    """How each command ended, all run in one process; those that need an extra first."""
    commands = {name: arguments for name, (_, _, arguments) in NEEDS.items()} | dict(sorted(WORKS.items(), key=order))
    given = json.dumps(list(commands.values()))
    shown = subprocess.run(
        [sys.executable, SCRIPT], cwd=folder, input=given, capture_output=True, text=True, check=True
    )
    return {name: Ran(*ended) for name, ended in zip(commands, json.loads(shown.stdout), strict=True)}


def order(item):
    """A style is learnt before it is used."""
    return not item[0].startswith("learn")


def test_what_extras_install_cannot_be_found():
    code = f"import core_only, importlib.util as u; core_only.hide(); print([n for n in {HIDDEN!r} if u.find_spec(n)])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=SCRIPT.parent, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_works_with_the_core_dependencies(name, ran, folder):
    assert ran[name].code == 0 and ran[name].out, ran[name].err
    if "-o" in WORKS[name]:
        assert (folder / WORKS[name][WORKS[name].index("-o") + 1]).stat().st_size > 40


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS)
def test_says_which_extra_is_needed(name, ran, folder):
    package, extra, arguments = NEEDS[name]
    assert ran[name].code == 2
    assert ran[name].err.startswith("restyle: ") and ran[name].err.count("\n") == 1
    assert f"needs {package}; " in ran[name].err and f'pip install ".[{extra}]"' in ran[name].err
    if "-o" in arguments:
        assert not (folder / arguments[arguments.index("-o") + 1]).exists()
