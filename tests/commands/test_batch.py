"""Many transfers: one bad file does not stop the rest, a second run does what is left."""

from __future__ import annotations

import json
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
from restyle.commands.shared.settings import Settings


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


@pytest.mark.parametrize("change", ["settings", "input", "result", "cut"])
def test_what_changed_is_done_again_if_nothing_is_lost(change, clips, tmp_path):
    settings = Settings(method="spectral", tone=False)
    [pair] = batch.make_pairs([clips[1]], [clips[0]], tmp_path / "r")

    def status(settings=settings, **more):
        return [o.status for o in batch.run([pair], tmp_path / "r", settings=settings, **more)]

    assert status() == ["done"] and status() == ["skipped"]
    if change == "settings":
        settings = Settings(method="spectral", tone=False, seed=1)
        assert status(settings) == ["failed"]
    elif change == "input":
        soundfile.write(clips[0], chord(root=250.0), 16000)
        assert status() == ["failed"]
    elif change == "cut":
        pair.out.write_bytes(pair.out.read_bytes()[:1000])
    elif change == "result":
        pair.out.unlink()
    assert status(settings, overwrite=change in ("settings", "input")) == ["done"]
    assert status(settings) == ["skipped"] and soundfile.info(pair.out).frames == 16000


def test_a_time_alone_changes_nothing(clips, tmp_path):
    pairs = batch.make_pairs([clips[1]], [clips[0]], tmp_path / "r")
    settings = Settings(method="spectral", tone=False)
    batch.run(pairs, tmp_path / "r", settings=settings)
    os.utime(clips[0], (time.time() + 10, time.time() + 10))
    assert [o.status for o in batch.run(pairs, tmp_path / "r", settings=settings)] == ["skipped"]


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


def test_contents_of_one_name_keep_their_results(restyle, clips, tmp_path):
    """Whichever of them are in a call, and in whatever order."""
    songs = [tmp_path / folder / "song.wav" for folder in ("x", "y")]
    for song, root in zip(songs, (220.0, 250.0), strict=True):
        song.parent.mkdir()
        soundfile.write(song, chord(root=root), 16000)
    arguments = ("batch", "--style", clips[1], "-o", tmp_path / "r", *FAST)
    assert restyle(*arguments, songs[0]).code == 0
    first = (tmp_path / "r" / "song__style.wav").read_bytes()
    assert "1 done" in restyle(*arguments, songs[1]).out
    assert "2 skipped" in restyle(*arguments, songs[1], songs[0]).out
    assert "1 skipped" in restyle(*arguments, songs[1]).out
    assert names(tmp_path / "r") == {f"song__style{n}.{kind}" for n in ("", "-2") for kind in ("wav", "json")}
    assert (tmp_path / "r" / "song__style.wav").read_bytes() == first
    (tmp_path / "r" / "song__style.wav").unlink()
    assert "1 done, 1 skipped" in restyle(*arguments, songs[1], songs[0]).out
    assert (tmp_path / "r" / "song__style.wav").read_bytes() == first


def test_a_name_given_for_another_source_is_refused(restyle, clips, tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("content,style,out\ncontent.wav,style.wav,a.wav\n")
    assert restyle("batch", table, "-o", tmp_path / "r", *FAST).code == 0
    before = (tmp_path / "r" / "a.wav").read_bytes()
    table.write_text("content,style,out\nstyle.wav,style.wav,a.wav\n")
    ran = restyle("batch", table, "-o", tmp_path / "r", *FAST)
    assert ran.code == 1 and "other inputs" in ran.out and (tmp_path / "r" / "a.wav").read_bytes() == before
    assert restyle("batch", table, "-o", tmp_path / "r", "--overwrite", *FAST).code == 0
    assert (tmp_path / "r" / "a.wav").read_bytes() != before


def test_several_styles_are_recordings_of_one(restyle, clips, tmp_path):
    soundfile.write(tmp_path / "more.wav", chord(root=900.0), 16000)
    styles = (clips[1], tmp_path / "more.wav")
    ran = restyle("batch", clips[0], "--style", styles[0], "--style", styles[1], "-o", tmp_path / "r", *FAST)
    assert ran.code == 0, ran.err
    restyle("transfer", clips[0], *styles, "-o", tmp_path / "both.wav", *FAST)
    assert (tmp_path / "r" / "content__style+1.wav").read_bytes() == (tmp_path / "both.wav").read_bytes()
    run = tmp_path / "s.style"
    restyle("learn", clips[1], "-o", run, "-m", "spectral")
    ran = restyle("batch", clips[0], "--style", run, "--style", styles[1], "-o", tmp_path / "r")
    assert ran.code == 1 and "stands alone" in ran.out


@pytest.mark.parametrize(
    "text",
    [
        "Content;Style\ncontent.wav;style.wav\n",
        " CONTENT \tstyle\tOut\r\ncontent.wav\tstyle.wav\t\r\n\t\t\r\n",
        '\ufeff"content" ; "style"\n"content.wav" ; "style.wav"\n;\n',
        "nr|Content|Style\n1|content.wav|style.wav",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_tables_as_spreadsheets_write_them(text, encoding, tmp_path):
    (tmp_path / "p.csv").write_bytes(text.encode(encoding))
    assert batch.read_pairs(tmp_path / "p.csv", tmp_path / "r") == [
        batch.Pair(tmp_path / "content.wav", (tmp_path / "style.wav",), tmp_path / "r" / "content__style.wav")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("content,genre\na,b\n", "columns content, genre, but no style"),
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
    pairs = batch.make_pairs([clips[1]], [clips[0]], tmp_path)
    with pytest.raises(RestyleError, match="jobs"):
        batch.run(pairs, tmp_path, jobs=0)


def test_warnings_of_learning_are_in_the_record_of_each_pair(clips, tmp_path):
    soundfile.write(tmp_path / "whole.wav", chord(3, root=330.0), 16000)
    whole = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "again.wav").write_bytes(clips[1].read_bytes())
    pairs = batch.make_pairs([tmp_path / "cut.wav"], [clips[0], tmp_path / "again.wav"], tmp_path / "r")
    batch._learnt.cache_clear()
    batch.run(pairs, tmp_path / "r", settings=Settings(method="spectral", tone=False))
    for pair in pairs:
        record = json.loads(pair.out.with_suffix(".json").read_text())
        assert sum("cut.wav" in sentence for sentence in record["warnings"]) == 1


@pytest.mark.slow
def test_processes_do_the_same(restyle, table, tmp_path):
    ran = restyle("batch", table, "-o", tmp_path / "two", "--jobs", "2", *FAST)
    assert ran.code == 1 and "2 done, 0 skipped, 1 failed" in ran.out, ran.err
    restyle("batch", table, "-o", tmp_path / "one", *FAST)
    assert names(tmp_path / "two") == GOOD
    for name in ("content__style.wav", "sub/o.flac"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def dying(task: tuple[batch.Pair, Settings, bool]) -> batch.Outcome:
    """Stands for a pair whose process the system kills."""
    pair = task[0]
    if pair.content.name == "killed":
        os._exit(1)
    return batch.Outcome(pair, "done")


@pytest.mark.slow
def test_a_killed_process_fails_its_own_pair_only(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_do", dying)
    contents = [tmp_path / name for name in ("a", "killed", "b", "c")]
    for path in contents:
        path.write_text("")
    outcomes = batch.run(batch.make_pairs(contents[:1], contents, tmp_path / "r"), tmp_path / "r", jobs=2)
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
    ]
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from restyle.cli import main; main()"
    )
    run = subprocess.Popen([sys.executable, "-c", code, *command], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if "done: r/short__style.wav" in line:
            run.send_signal(signal.SIGINT)
    assert run.wait(timeout=300) == 130
    assert names(tmp_path / "r") == {"short__style.wav", "short__style.json"}


def test_an_unusable_style_fails_its_own_pair_only(restyle, clips, tmp_path):
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "p.csv").write_text("content,style\ncontent.wav,unfinished\ncontent.wav,style.wav\n")
    ran = restyle("batch", tmp_path / "p.csv", "-o", tmp_path / "r", *FAST)
    assert ran.code == 1 and "1 done, 0 skipped, 1 failed" in ran.out and "no run of restyle train" in ran.out
