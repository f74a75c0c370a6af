"""Many transfers: one bad file does not stop the rest, a second run does what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from commanded import FAST, chord
from restyle import RestyleError
from restyle.commands import batch
from restyle.commands.settings import Settings


@pytest.fixture
def table(clips, tmp_path):
    """A table with two good pairs and a bad one between them, beside the recordings."""
    soundfile.write(tmp_path / "other one.wav", chord(root=500.0), 16000)
    (tmp_path / "bad.wav").write_text("words")
    rows = [
        "content, style, out",
        "content.wav,style.wav,",
        "bad.wav,style.wav,",
        '"other one.wav",style.wav,sub/o.flac',
    ]
    (tmp_path / "pairs.csv").write_text("\ufeff" + "\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "pairs.csv"


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


GOOD = {"content__style.wav", "content__style.json", "sub/o.flac", "sub/o.json"}


def test_a_bad_pair_does_not_stop_the_rest(restyle, table, tmp_path):
    ran = restyle("batch", table, "-o", tmp_path / "results", *FAST)
    assert ran.code == 1
    assert "2 done, 0 skipped, 1 failed" in ran.out and "bad.wav" in ran.out
    assert names(tmp_path / "results") == GOOD


def test_a_second_run_does_only_what_is_left(restyle, table, tmp_path):
    out = tmp_path / "results"
    restyle("batch", table, "-o", out, *FAST)
    times = {name: (out / name).stat().st_mtime_ns for name in GOOD}
    (tmp_path / "bad.wav").write_bytes((tmp_path / "style.wav").read_bytes())
    ran = restyle("batch", table, "-o", out, *FAST)
    assert ran.code == 0 and "1 done, 2 skipped, 0 failed" in ran.out
    assert {name: (out / name).stat().st_mtime_ns for name in GOOD} == times
    assert names(out) == GOOD | {"bad__style.wav", "bad__style.json"}


@pytest.mark.parametrize("change", ["settings", "input", "result", "record"])
def test_what_changed_is_done_again(change, clips, tmp_path):
    settings = Settings(method="spectral", tone=False)
    [pair] = batch.make_pairs(clips[1], [clips[0]], tmp_path / "r")
    assert [o.status for o in batch.run([pair], tmp_path / "r", settings=settings)] == ["done"]
    assert batch.is_done(pair, settings)
    if change == "settings":
        assert not batch.is_done(pair, Settings(method="spectral", tone=False, seed=1))
        return
    if change == "input":
        os.utime(clips[0], (time.time() + 10, time.time() + 10))
    elif change == "result":
        pair.out.unlink()
    else:
        pair.out.with_suffix(".json").write_text("{")
    assert not batch.is_done(pair, settings)


def test_one_style_for_many(restyle, clips, tmp_path):
    (tmp_path / "deep").mkdir()
    again = tmp_path / "deep" / "content.wav"  # two contents of one name
    again.write_bytes(clips[0].read_bytes())
    ran = restyle("batch", "--style", clips[1], clips[0], again, "-o", tmp_path / "r", *FAST)
    assert ran.code == 0, ran.err
    assert {"content__style.wav", "content__style-2.wav"} < names(tmp_path / "r")


def test_a_learnt_style_resumes_without_its_method_named(restyle, clips, tmp_path):
    restyle("learn", clips[1], "-o", tmp_path / "s.style", "-m", "spectral")
    for counts in ("1 done, 0 skipped", "0 done, 1 skipped"):
        assert counts in restyle("batch", "--style", tmp_path / "s.style", clips[0], "-o", tmp_path / "r").out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns"),
        ("content,genre\na,b\n", "columns"),
        ("content,style\n", "no pairs"),
        ("content,style\na.wav,\n", "line 2"),
        ("content,style,out\na.wav,b.wav,x.wav\nc.wav,b.wav,x.wav\n", "two results"),
        ("content,style,out\na.wav,b.wav,../x.wav\n", "outside"),
        ("content,style\n\xff\xfe", "UTF-8"),
    ],
)
def test_a_bad_table(text, words, restyle, tmp_path):
    (tmp_path / "p.csv").write_bytes(text.encode("latin-1"))
    ran = restyle("batch", tmp_path / "p.csv", "-o", tmp_path / "r")
    assert ran.code == 2 and words in ran.err and ran.err.count("\n") == 1
    assert not (tmp_path / "r").exists()


def test_contents_without_a_style(restyle, clips, tmp_path):
    ran = restyle("batch", *clips, "-o", tmp_path / "r")
    assert ran.code == 2 and "--style" in ran.err


def test_jobs_must_be_positive(clips, tmp_path):
    pairs = batch.make_pairs(clips[1], [clips[0]], tmp_path)
    with pytest.raises(RestyleError, match="jobs"):
        batch.run(pairs, tmp_path, jobs=0)


@pytest.mark.slow
def test_processes_do_the_same(restyle, table, tmp_path):
    ran = restyle("batch", table, "-o", tmp_path / "two", "--jobs", "2", *FAST)
    assert ran.code == 1 and "2 done, 0 skipped, 1 failed" in ran.out, ran.err
    restyle("batch", table, "-o", tmp_path / "one", *FAST)
    assert names(tmp_path / "two") == GOOD
    for name in ("content__style.wav", "sub/o.flac"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def dying(task: tuple[batch.Pair, Settings]) -> batch.Outcome:
    """Stands for a pair whose process the system kills."""
    pair, _ = task
    if pair.content.name == "killed":
        os._exit(1)
    return batch.Outcome(pair, "done")


@pytest.mark.slow
def test_a_killed_process_fails_its_own_pair_only(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_do", dying)
    contents = [Path(name) for name in ("a", "killed", "b", "c")]
    outcomes = batch.run(batch.make_pairs(Path("s"), contents, tmp_path), tmp_path, jobs=2)
    assert [o.status for o in outcomes] == ["done", "failed", "done", "done"]
    assert "killed" in outcomes[1].reason


@pytest.mark.slow
def test_an_interrupted_batch_ends_and_leaves_whole_results_only(tmp_path):
    soundfile.write(tmp_path / "long.wav", chord(120, 44100), 44100)
    soundfile.write(tmp_path / "short.wav", chord(), 16000)
    soundfile.write(tmp_path / "style.wav", chord(root=330.0), 16000)
    command = [
        "batch",
        "--style",
        "style.wav",
        "short.wav",
        "long.wav",
        "-o",
        "r",
        "--jobs",
        "2",
        "--method",
        "mosaic",
        "--no-tone",
        "-v",
    ]
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from restyle.cli import main; main()"
    )
    run = subprocess.Popen([sys.executable, "-c", code, *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    for line in run.stderr:
        if "short__style.wav: done" in line:
            run.send_signal(signal.SIGINT)
    assert run.wait(timeout=300) == 130
    assert names(tmp_path / "r") == {"short__style.wav", "short__style.json"}
