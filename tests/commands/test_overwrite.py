"""What is there already: kept when it is the same, replaced only when that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from commanded import FAST, chord


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def kept() -> dict[str, bytes]:
    """The files of the first test's transfer: the others need not make them again."""
    return {}


@pytest.fixture
def made(restyle, clips, tmp_path, kept):
    """A transfer's arguments, and its files with the pictures."""
    arguments = ("transfer", *clips, "-o", tmp_path / "out.wav", *FAST, "--pictures", tmp_path / "p")
    if not kept:
        assert restyle(*arguments).code == 0
        kept.update(held(tmp_path))
    (tmp_path / "p").mkdir(exist_ok=True)
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    return arguments, held(tmp_path)


def test_the_same_again_is_kept(restyle, made, tmp_path):
    arguments, before = made
    ran = restyle(*arguments)
    assert (ran.code, ran.err) == (0, "") and "nothing to do" in ran.out
    assert held(tmp_path) == before


def test_the_same_files_elsewhere_are_the_same(restyle, made, clips, tmp_path):
    arguments, _ = made
    moved = clips[0].rename(tmp_path / "moved.wav")
    assert "nothing to do" in restyle(arguments[0], moved, *arguments[2:]).out


@pytest.mark.parametrize(
    ("change", "why"),
    [("settings", "other settings"), ("content", "other inputs"), ("version", "version"), ("record", "already;")],
)
def test_what_was_made_otherwise_is_not_replaced(change, why, restyle, made, clips, tmp_path, monkeypatch):
    arguments, _ = made
    if change == "settings":
        arguments += ("--seed", "1")
    elif change == "content":
        soundfile.write(clips[0], chord(root=250.0), 16000)
    elif change == "version":
        for module in ("restyle.commands.transfer", "restyle.pipeline"):
            monkeypatch.setattr(f"{module}.__version__", "0.0")
    else:
        (tmp_path / "out.json").unlink()
    before = held(tmp_path)
    ran = restyle(*arguments)
    assert ran.code == 2 and ran.err.count("\n") == 1 and "--overwrite" in ran.err and why in ran.err
    assert held(tmp_path) == before
    assert restyle(*arguments, "--overwrite").code == 0
    assert "nothing to do" in restyle(*arguments).out


def test_a_changed_result_is_not_replaced(restyle, made, tmp_path):
    arguments, _ = made
    soundfile.write(tmp_path / "out.wav", chord(0.5), 16000)
    edited = (tmp_path / "out.wav").read_bytes()
    ran = restyle(*arguments)
    assert ran.code == 2 and "was changed since" in ran.err
    assert (tmp_path / "out.wav").read_bytes() == edited


def test_a_damaged_result_is_made_again(restyle, made, tmp_path):
    arguments, before = made
    (tmp_path / "out.wav").write_bytes(before["out.wav"][:1000])
    ran = restyle(*arguments)
    assert ran.code == 0 and "made again" in ran.err
    assert (tmp_path / "out.wav").read_bytes() == before["out.wav"]
    assert any("made again" in warning for warning in json.loads((tmp_path / "out.json").read_text())["warnings"])


def test_two_results_do_not_share_a_record(restyle, made, clips, tmp_path):
    _, before = made
    ran = restyle("transfer", *clips, "-o", tmp_path / "out.flac", *FAST)
    assert ran.code == 2 and "out.json" in ran.err and "out.wav" in ran.err
    assert held(tmp_path) == before
    (tmp_path / "out.wav").unlink()
    assert restyle("transfer", *clips, "-o", tmp_path / "out.flac", *FAST).code == 0


@pytest.fixture
def others(tmp_path):
    """Commands that write one file each, and the file."""
    soundfile.write(tmp_path / "content.wav", chord(), 16000)
    content = tmp_path / "content.wav"
    return {
        "transcribe": (tmp_path / "a.mid", ("transcribe", content, "-o", tmp_path / "a.mid")),
        "learn": (tmp_path / "a.style", ("learn", content, "-m", "spectral", "-o", tmp_path / "a.style")),
        "midi": (
            tmp_path / "n.mid",
            ("transfer", content, content, "-o", tmp_path / "b.wav", "--midi", tmp_path / "n.mid", *FAST),
        ),
        "pictures": (
            tmp_path / "p" / "result.png",
            ("transfer", content, content, "-o", tmp_path / "b.wav", "--pictures", tmp_path / "p", *FAST),
        ),
        "demo": (tmp_path / "d" / "index.html", ("demo", "-o", tmp_path / "d")),
        "classify": (tmp_path / "p" / "content.png", ("classify", content, "--pictures", tmp_path / "p")),
    }


@pytest.mark.parametrize("command", ["transcribe", "learn", "midi", "pictures", "demo", "classify"])
def test_every_command_asks(command, others, restyle, tmp_path):
    path, arguments = others[command]
    path.parent.mkdir(exist_ok=True)
    path.write_text("precious")
    before = held(tmp_path)
    ran = restyle(*arguments)
    assert ran.code == 2 and "--overwrite" in ran.err and ran.err.count("\n") == 1
    assert held(tmp_path) == before
    if command in ("learn", "midi"):
        assert restyle(*arguments, "--overwrite").code == 0
        assert path.read_bytes() != b"precious"


def test_a_weights_file_among_the_settings_is_an_input(tmp_path):
    from restyle.commands import transfer
    from restyle.commands.shared.settings import Settings

    (tmp_path / "w.bin").write_bytes(b"1")
    settings = Settings(options={"weights": str(tmp_path / "w.bin"), "bands": "8"})
    named = transfer.input_files(Path("a.wav"), [Path("b.wav")], settings)
    assert named == [Path("a.wav"), Path("b.wav"), tmp_path / "w.bin"]
