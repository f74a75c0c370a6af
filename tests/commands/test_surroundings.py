"""Odd names and odd surroundings: it works, or one sentence says what to do, before any work."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from commanded import FAST, chord

ODD = os.fsdecode(b"f\xfcr \xff")  # bytes that are no UTF-8
TOLD = "f\\udcfcr \\udcff"


@pytest.fixture
def odd(clips):
    """Content and style whose names are no UTF-8."""
    folder = clips[0].parent / f"folder {ODD}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    return [Path(shutil.move(clip, folder / f"{ODD} {clip.name}")) for clip in clips]


def run(*arguments, shell="", code="from restyle.cli import main; main()", **environment):
    """The command line as a process; ``shell`` says which streams are closed."""
    given = [sys.executable, "-c", code, *map(str, arguments)]
    surroundings = {**os.environ, **environment}
    if shell:
        given = ["sh", "-c", f'"$@" {shell}', "sh", *given]
    return subprocess.run(given, capture_output=True, check=False, env=surroundings, timeout=120)


def test_names_that_are_no_utf8(odd, restyle, tmp_path):
    content, style = odd
    out = tmp_path / f"out {ODD}.wav"
    done = restyle("transfer", content, style, "-o", out, "--midi", out.with_suffix(".mid"), *FAST)
    assert done.code == 0 and TOLD in done.out and out.exists() and out.with_suffix(".mid").exists()
    record = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert (record["content"], record["style"], record["out"]) == (str(content), [str(style)], str(out))
    assert "there already" in restyle("transfer", content, style, "-o", out, *FAST[:2]).err  # with tone: not the same
    again = restyle("transfer", content, style, "-o", out, "--midi", out.with_suffix(".mid"), *FAST)
    assert again.code == 0 and "there already" in again.out + again.err


def test_what_is_said_of_names_that_are_no_utf8(odd, restyle):
    content, _ = odd
    facts = json.loads(restyle("info", content, "--json").out)
    assert facts["file"] == str(content)
    missing = restyle("info", content.with_name(f"{ODD}.wav"))
    assert missing.code == 2 and TOLD in missing.err and missing.err.count("\n") == 1
    content.write_bytes(content.read_bytes()[:20000])
    assert TOLD in restyle("info", content).err  # a warning


def test_other_commands_take_names_that_are_no_utf8(odd, restyle, tmp_path):
    content, style = odd
    learnt = style.with_suffix(".style")
    assert restyle("learn", style, "-o", learnt, "--method", "spectral").code == 0
    assert TOLD in restyle("info", learnt).out
    content = content.rename(content.with_name(f"$a$ $ {content.name}"))  # nor a formula
    pictures = tmp_path / f"pictures {ODD}"
    told = restyle("classify", content, "--pictures", pictures, "--json")
    assert told.code == 0 and json.loads(told.out)["files"][0]["file"] == str(content)
    assert [path.suffix for path in pictures.iterdir()] == [".png"]
    made = restyle("batch", "--style", learnt, content, "-o", tmp_path / "results", *FAST, "-j", 1)
    assert made.code == 0 and len(list((tmp_path / "results").glob("*.wav"))) == 1


def test_a_comparison_of_names_that_are_no_utf8(odd, restyle, tmp_path):
    content, style = odd
    done = restyle("compare", content, "--style", style, "-o", tmp_path / "c", "--methods", "spectral", "-j", 1)
    assert done.code == 0, done.err
    assert TOLD in (tmp_path / "c/report.html").read_text(encoding="utf-8")
    with (tmp_path / "c/scores.csv").open(encoding="utf-8", newline="") as file:
        assert TOLD in next(csv.DictReader(file))["content"]
    pair = json.loads((tmp_path / "c/scores.json").read_text(encoding="utf-8"))["pairs"][0]
    assert pair["content"] == str(content)


@pytest.mark.parametrize("ending", [".m4a", ".mp3", ".ogg"])
def test_other_formats_of_names_that_are_no_utf8(ending, tmp_path):
    from restyle.io import sound

    made = sound.read(_encoded(tmp_path, ending))
    assert made.duration == pytest.approx(1, abs=0.2)


def _encoded(folder, ending):
    path = folder / f"{ODD}{ending}"
    if ending != ".m4a":
        soundfile.write(os.fsencode(path), chord(), 16000)
        return path
    import av

    with av.open(str(folder / "plain.m4a"), "w") as file:
        stream = file.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(chord().T.astype("float32"), format="fltp", layout="mono")
        frame.rate = 16000
        for packet in [*stream.encode(frame), *stream.encode()]:
            file.mux(packet)
    (folder / "plain.m4a").rename(path)
    return path


def test_a_terminal_that_knows_ascii_only(clips, tmp_path):
    name = shutil.copy(clips[0], tmp_path / "Für Élise 月.wav")
    done = run("info", name, "--json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and json.loads(done.stdout)["file"] == str(name)
    done = run("info", f"{name}x", PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and b"\\u6708.wavx: there is no such file" in done.stderr


@pytest.mark.parametrize("shell", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(shell, clips, tmp_path):
    done = run("transfer", *clips, "-o", tmp_path / "out.wav", *FAST, shell=shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert soundfile.info(tmp_path / "out.wav").frames == 16000
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["warnings"] == []


def test_a_mistake_with_closed_streams(tmp_path):
    assert run("info", tmp_path / "none.wav", shell=">&- 2>&-").returncode == 2


READ_ONLY = """
import os, sys, tempfile
def refused(path):
    return path is not None and ("site-packages" in str(path) or str(path).startswith(os.environ["HOME"]))
def refuse(real, name="dir"):
    def checked(*given, **named):
        if refused(named.get(name) if name else given[0]):
            raise OSError(30, "Read-only file system")
        return real(*given, **named)
    return checked
may = os.access
os.access = lambda path, mode, **named: not (mode & os.W_OK and refused(path)) and may(path, mode, **named)
tempfile.TemporaryFile = refuse(tempfile.TemporaryFile)
os.makedirs, os.mkdir = refuse(os.makedirs, ""), refuse(os.mkdir, "")
"""


DRAW = """
from restyle.cli import main
from restyle.pages import plot_genres
plot_genres.confusion(["a"], [[1]])
main()
"""


@pytest.mark.slow
def test_packages_and_home_that_are_read_only(clips, tmp_path):
    """Numba finds no place of its own for what it compiles, matplotlib none for its fonts."""
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    surroundings = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    surroundings |= {"XDG_CACHE_HOME": f"{tmp_path}/home/c", "XDG_CONFIG_HOME": f"{tmp_path}/home/f"}
    done = run("evaluate", clips[1], "--content", clips[0], code=f"{READ_ONLY}{DRAW}", **surroundings)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list((tmp_path / "tmp").glob("restyle-*/numba*"))
    assert not list((tmp_path / "home").iterdir())


LONG = "x" * 251


def test_names_as_long_as_can_be(clips, restyle, tmp_path):
    content = Path(shutil.copy(clips[0], tmp_path / f"{LONG}.wav"))
    out = tmp_path / f"{LONG[:-1]}.wav"  # the record's name is a letter longer
    assert restyle("transfer", content, clips[1], "-o", out, *FAST).code == 0
    assert out.exists() and out.with_suffix(".json").exists()
    assert restyle("batch", "--style", clips[1], content, "-o", tmp_path / "results", *FAST, "-j", 1).code == 0
    assert len(list((tmp_path / "results").glob("*.wav"))) == 1


@pytest.mark.parametrize("name", [f"{LONG}.wav", f"{LONG}x.wav", f"{125 * 'é'}xx.wav"])
def test_names_that_are_too_long(name, clips, restyle, tmp_path):
    before = set(tmp_path.iterdir())
    done = restyle("transfer", *clips, "-o", tmp_path / name, *FAST)
    assert done.code == 2 and "long a name" in done.err and done.err.count("\n") == 1
    assert restyle("info", tmp_path / f"{LONG}x.wav").code == 2
    assert set(tmp_path.iterdir()) == before


def test_a_link_stays_and_what_it_leads_to_is_replaced(clips, restyle, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far/real.wav").write_bytes(b"old")
    link = tmp_path / "link.wav"
    link.symlink_to("far/real.wav")
    done = restyle("transfer", *clips, "-o", link, *FAST, "--overwrite")
    assert done.code == 0 and link.is_symlink() and soundfile.info(tmp_path / "far/real.wav").frames == 16000
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["real.wav"]


def test_a_link_to_a_device_or_to_nowhere(clips, restyle, tmp_path):
    (tmp_path / "device.wav").symlink_to(os.devnull)
    (tmp_path / "nowhere.wav").symlink_to(tmp_path / "no folder" / "x.wav")
    (tmp_path / "circle.wav").symlink_to("circle.wav")
    for name in ("device.wav", "nowhere.wav", "circle.wav"):
        done = restyle("transfer", *clips, "-o", tmp_path / name, *FAST, "--overwrite")
        assert done.code == 2 and done.err.count("\n") == 1 and name != done.err, done.err
        assert (tmp_path / name).is_symlink()
    assert restyle("info", tmp_path / "circle.wav").code == 2
