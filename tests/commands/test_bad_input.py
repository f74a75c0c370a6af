"""What a user can get wrong: one sentence, exit code 2, nothing written."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from commanded import FAST, Ran, chord

RATE = 16000


def everything(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def refuse(restyle: Callable[..., Ran], tmp_path: Path) -> Callable[..., str]:
    """Run a command that must be refused; return the sentence."""

    def run(*arguments: object) -> str:
        before = everything(tmp_path)
        ran = restyle(*arguments)
        assert ran.code == 2, ran.err
        assert ran.err.startswith("restyle: ") and ran.err.count("\n") == 1, ran.err
        assert ran.out == ""
        assert everything(tmp_path) == before
        return ran.err

    return run


def missing(path: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("these are words, not sound\n" * 100)


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1)), RATE)


def not_a_number(path: Path) -> None:
    sound = chord()
    sound[8000] = np.nan
    soundfile.write(path, sound, RATE, subtype="FLOAT")


def infinite(path: Path) -> None:
    sound = chord()
    sound[8000] = np.inf
    soundfile.write(path, sound, RATE, subtype="FLOAT")


def short(path: Path) -> None:
    soundfile.write(path, chord(0.4), RATE)


BAD = {
    missing: "no such file",
    folder: "is a folder",
    text: "",
    empty_file: "",
    no_samples: "no samples",
    not_a_number: "NaN",
    infinite: "infinite",
    short: "0.5 s",
}


@pytest.mark.parametrize("make", BAD)
@pytest.mark.parametrize("role", ["content", "style"])
def test_a_bad_recording_is_refused_by_name(make, role, clips, refuse, tmp_path):
    bad = tmp_path / "bad.wav"
    make(bad)
    pair = (bad, clips[1]) if role == "content" else (clips[0], bad)
    sentence = refuse("transfer", *pair, "-o", tmp_path / "out.wav", *FAST)
    assert "bad.wav" in sentence and BAD[make] in sentence


@pytest.mark.parametrize("make", BAD)
@pytest.mark.parametrize("command", ["learn", "transcribe", "info"])
def test_other_commands_refuse_it_too(make, command, refuse, tmp_path):
    bad = tmp_path / "bad.wav"
    make(bad)
    if command == "info" and make is short:
        return  # there is something to tell about a short recording
    out = {"learn": ("-o", tmp_path / "x.style"), "transcribe": ("-o", tmp_path / "x.mid"), "info": ()}[command]
    assert "bad.wav" in refuse(command, bad, *out)


def test_a_silent_style(clips, refuse, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    sentence = refuse("transfer", clips[0], tmp_path / "silent.wav", "-o", tmp_path / "out.wav", *FAST)
    assert "silent" in sentence
    assert "silent" in refuse("learn", tmp_path / "silent.wav", "-o", tmp_path / "s.style", "-m", "spectral")


def test_the_output_folder_is_missing(clips, refuse, tmp_path):
    assert "no such folder" in refuse("transfer", *clips, "-o", tmp_path / "no" / "out.wav", *FAST)


def test_the_output_is_a_folder(clips, refuse, tmp_path):
    (tmp_path / "out.wav").mkdir()
    assert "is a folder" in refuse("transfer", *clips, "-o", tmp_path / "out.wav", *FAST)


def test_the_output_folder_is_read_only(clips, refuse, tmp_path, monkeypatch):
    real = os.access  # root may write anywhere, so permissions alone would not show it
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and real(path, mode))
    assert "read-only" in refuse("transfer", *clips, "-o", tmp_path / "out.wav", *FAST)


@pytest.mark.parametrize("which", [0, 1])
def test_the_output_is_an_input(which, clips, refuse):
    assert "input" in refuse("transfer", *clips, "-o", clips[which], *FAST)


def test_the_output_is_a_link_to_an_input(clips, refuse, tmp_path):
    (tmp_path / "link.wav").symlink_to(clips[0])
    os.link(clips[1], tmp_path / "hard.wav")
    assert "input" in refuse("transfer", *clips, "-o", tmp_path / "link.wav", *FAST)
    assert "input" in refuse("transfer", *clips, "-o", tmp_path / "hard.wav", *FAST)


def test_the_record_would_replace_somebody_elses_file(clips, refuse, tmp_path):
    (tmp_path / "out.json").write_text('{"my": "data"}')
    assert "out.json" in refuse("transfer", *clips, "-o", tmp_path / "out.wav", *FAST)


def test_two_outputs_of_one_name(clips, refuse, tmp_path):
    mid = tmp_path / "content.mid"
    assert "extension" in refuse("transfer", *clips, "-o", tmp_path / "o.wav", "--midi", tmp_path / "o.wav", *FAST)
    mid.symlink_to(clips[0])
    assert "input" in refuse("transfer", *clips, "-o", tmp_path / "o.wav", "--midi", mid, *FAST)


def test_pictures_where_a_file_is(clips, refuse, tmp_path):
    sentence = refuse("transfer", *clips, "-o", tmp_path / "out.wav", "--pictures", clips[0], *FAST)
    assert "is a file" in sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "shuffle"], "no method 'shuffle'; choose one of notes"),
        (["--stength", "1"], "--stength"),
        (["--strength", "1.01"], "between 0 and 1"),
        (["--strength", "-0.1"], "between 0 and 1"),
        (["--strength", "nan"], "between 0 and 1"),
        (["--strength", "much"], "--strength"),
        (["--tempo", "fast"], "tempo"),
        (["--tempo", "nan"], "tempo"),
        (["--tempo", "4000"], "tempo"),
        (["--seed", "-1"], "seed"),
        (["--seed", "1.5"], "--seed"),
        (["--bits", "12"], "bits"),
        (["--start", "-1"], "start"),
        (["--start", "5"], "start"),
        (["--duration", "0"], "duration"),
        (["--duration", "nan"], "duration"),
    ],
)
def test_an_option_out_of_its_range(arguments, words, clips, refuse, tmp_path):
    assert words in refuse("transfer", *clips, "-o", tmp_path / "out.wav", *arguments)


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.mid", "out.m4a"])
def test_an_unknown_extension(name, clips, refuse, tmp_path):
    assert name in refuse("transfer", *clips, "-o", tmp_path / name, *FAST)


def test_bits_that_the_format_lacks(clips, refuse, tmp_path):
    assert "32f" in refuse("transfer", *clips, "-o", tmp_path / "out.flac", "--bits", "32f", *FAST)


@pytest.mark.parametrize("arguments", [[], ["content.wav"], ["content.wav", "style.wav"]])
def test_too_few_arguments(arguments, refuse):
    assert "missing" in refuse("transfer", *arguments)


def test_no_style_two_styles_and_an_unknown_genre(clips, refuse, tmp_path):
    content, style = clips
    out = ("-o", tmp_path / "out.wav")
    assert "no style" in refuse("transfer", content, *out)
    assert "two styles" in refuse("transfer", content, style, "--genre", "jazz", *out)
    assert "no genre 'polka'; choose one of" in refuse("transfer", content, "--genre", "polka", *out)
    assert "not 'notes'" in refuse("transfer", content, "--genre", "jazz", "--method", "notes", *out)


def test_an_unknown_command(refuse):
    assert "transmogrify" in refuse("transmogrify")


@pytest.mark.parametrize("damage", ["cut", "noise", "other"])
def test_a_damaged_profile(damage, clips, refuse, restyle, tmp_path):
    style = tmp_path / "s.style"
    assert restyle("learn", clips[1], "-o", style, "--method", "spectral").code == 0
    whole = style.read_bytes()
    style.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\xff" * 500, "other": clips[0].read_bytes()}[damage])
    assert "s.style is damaged" in refuse("transfer", clips[0], style, "-o", tmp_path / "out.wav")


def test_weights_that_are_no_profile(clips, refuse, tmp_path):
    from restyle.io import weights

    weights.save(tmp_path / "w.style", {"a": np.zeros(3, np.float32)}, {"model": {}})
    assert "w.style" in refuse("transfer", clips[0], tmp_path / "w.style", "-o", tmp_path / "out.wav")


def test_a_profile_of_another_method(clips, refuse, restyle, tmp_path):
    restyle("learn", clips[1], "-o", tmp_path / "s.style", "--method", "spectral")
    sentence = refuse("transfer", clips[0], tmp_path / "s.style", "-o", tmp_path / "out.wav", "--method", "notes")
    assert "'spectral'" in sentence and "'notes'" in sentence


def test_a_profile_beside_recordings(clips, refuse, restyle, tmp_path):
    restyle("learn", clips[1], "-o", tmp_path / "s.style", "--method", "spectral")
    assert "alone" in refuse("transfer", clips[0], tmp_path / "s.style", clips[1], "-o", tmp_path / "out.wav")


@pytest.mark.parametrize("content", [b"", b"MThd\x00\x00", b"RIFF and nothing else", b"MThd" + b"\xff" * 200])
def test_a_damaged_midi(content, clips, refuse, tmp_path):
    (tmp_path / "bad.mid").write_bytes(content)
    assert "bad.mid" in refuse("transfer", tmp_path / "bad.mid", clips[1], "-o", tmp_path / "out.wav")


def test_a_midi_without_notes(clips, refuse, tmp_path):
    from restyle import Notes, write_midi

    write_midi(tmp_path / "empty.mid", Notes.of([]))
    assert "no notes" in refuse("transfer", tmp_path / "empty.mid", clips[1], "-o", tmp_path / "out.wav")


def test_midi_for_a_method_that_needs_sound(clips, refuse, tmp_path):
    from restyle import Notes, write_midi

    write_midi(tmp_path / "a.mid", Notes.of([(0, 1, 60, 0.8, 0)]))
    assert "recording" in refuse("transfer", tmp_path / "a.mid", clips[1], "-o", tmp_path / "out.wav", *FAST)


@pytest.mark.parametrize("name", ["out.wav", "out.flac", "out.ogg", "out.mp3"])
def test_the_disk_is_full(name, clips, refuse, tmp_path):
    """No file may grow beyond 2 kB here: the system refuses the writes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        sentence = refuse("transfer", *clips, "-o", tmp_path / name, *FAST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"/{name}" in sentence and "space" in sentence


def test_an_older_result_survives_a_failure(clips, restyle, tmp_path, monkeypatch):
    assert restyle("transfer", *clips, "-o", tmp_path / "out.wav", *FAST).code == 0
    before = everything(tmp_path)
    monkeypatch.setattr("json.dumps", lambda *_, **__: 1 / 0)
    assert restyle("transfer", *clips, "-o", tmp_path / "out.wav", "--seed", "1", "--overwrite", *FAST).code == 1
    assert everything(tmp_path) == before
