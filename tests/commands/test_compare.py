"""Every method on every pair: results, tables, the page, a second run, bad files."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile

from commanded import chord
from restyle import RestyleError
from restyle.commands import compare
from restyle.commands.shared import comparisons, outputs, results
from restyle.commands.shared.settings import Settings
from restyle.comparison.table import Comparison
from restyle.pages import media

QUICK = ("--methods", "spectral", "--no-tone", "--jobs", "1")


@pytest.fixture
def compared(restyle, clips, tmp_path):
    ran = restyle("compare", clips[0], "--style", clips[1], "-o", tmp_path / "made", *QUICK)
    assert ran.code == 0, ran.err
    return tmp_path / "made", ran


def test_report_tables_and_sounds(compared):
    folder, ran = compared
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "content.wav in the style of style.wav" in page and "spectral" in page
    assert str(folder / "report.html") in ran.out
    rows = list(csv.DictReader((folder / "scores.csv").open(encoding="utf-8")))
    assert [row["method"] for row in rows] == ["content", "style", "spectral"]
    assert float(rows[0]["content.pitch"]) == 0 and float(rows[1]["style.mfcc"]) == pytest.approx(0, abs=1e-6)
    assert float(rows[2]["seconds"]) > 0 and float(rows[2]["memory"]) > 1e7
    made = soundfile.info(folder / rows[2]["sound"])
    assert (made.frames, made.samplerate) == (16000, 16000)


def test_json_reads_back(compared):
    folder, _ = compared
    text = (folder / "scores.json").read_text(encoding="utf-8")
    comparison = comparisons.load(folder)
    assert json.loads(comparison.to_json()) == json.loads(text)
    assert comparison.methods == ("spectral",) and comparison.pairs[0].result("spectral").score("style.mfcc") > 0


def test_a_second_run_does_only_what_is_left(compared, restyle, clips, tmp_path):
    folder, _ = compared
    sound = folder / "sounds" / "000" / "spectral.flac"
    before = sound.stat().st_mtime_ns
    more = ("--methods", "spectral,texture", "--no-tone", "--jobs", "1")
    assert restyle("compare", clips[0], "--style", clips[1], "-o", folder, *more).code == 0
    assert sound.stat().st_mtime_ns == before
    assert comparisons.load(folder).methods == ("spectral", "texture")


@pytest.mark.parametrize("change", ["file", "settings", "pair"])
def test_results_made_otherwise_are_not_replaced(change, compared, restyle, clips, tmp_path):
    folder, _ = compared
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    style, more = clips[1], ()
    if change == "file":
        soundfile.write(style, chord(root=500.0), 16000)
    elif change == "settings":
        more = ("--seed", "1")
    else:
        style = tmp_path / "other.wav"
        soundfile.write(style, chord(root=500.0), 16000)
    arguments = ("compare", clips[0], "--style", style, "-o", folder, *QUICK, *more)
    ran = restyle(*arguments)
    assert ran.code == 2 and "--overwrite" in ran.err and ran.err.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert restyle(*arguments, "--overwrite").code == 0
    assert restyle(*arguments).code == 0


def test_a_cut_sound_is_made_again(compared, restyle, clips):
    folder, _ = compared
    sound = folder / "sounds" / "000" / "spectral.flac"
    whole = sound.read_bytes()
    sound.write_bytes(whole[:1000])
    assert restyle("compare", clips[0], "--style", clips[1], "-o", folder, *QUICK).code == 0
    assert sound.read_bytes() == whole


def test_parts_of_results_are_kept_and_shown(restyle, clips, tmp_path):
    folder = tmp_path / "made"
    arguments = ("compare", clips[0], "--style", clips[1], "-o", folder, "--methods", "drums", *QUICK[2:])
    assert restyle(*arguments, "--parts", "on").code == 0
    made = comparisons.load(folder).pairs[0].result("drums")
    assert made.parts == {name: f"sounds/000/drums/{name}.flac" for name in ("drums", "other")}
    whole, *parts = (soundfile.read(folder / file)[0] for file in (made.sound, *made.parts.values()))
    assert np.abs(sum(parts) - whole).max() < 1e-5
    record = json.loads((folder / "sounds/000/drums.json").read_text())
    assert record["outputs"]["drums.flac"] == outputs.fingerprint(folder / made.sound)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Parts of drums" in page and page.count('class="track"') == 2
    part = folder / made.parts["other"]
    before = part.read_bytes()
    part.unlink()
    assert restyle(*arguments, "--parts", "on").code == 0
    assert part.read_bytes() == before
    assert restyle(*arguments, "--parts", "off", "--overwrite").code == 0
    assert not part.parent.exists() and comparisons.load(folder).pairs[0].result("drums").parts == {}


def test_where_there_is_no_page_no_parts_are_kept(clips, tmp_path):
    pairs = compare.make_pairs([clips[0]], [clips[1]])
    settings = Settings(parts="on", tone=False)
    made = results.run(pairs, ["spectral"], tmp_path / "made", settings=settings, metrics=("style.mfcc",))
    assert made.pairs[0].result("spectral").parts == {}
    assert not [path for path in (tmp_path / "made" / "sounds" / "000").iterdir() if path.is_dir()]


def test_a_result_that_was_not_taken_apart_has_no_parts_and_no_warning(compared):
    folder, _ = compared
    made = comparisons.load(folder).pairs[0].result("spectral")
    assert made.parts == {} and made.warnings == ()
    assert not (folder / "sounds" / "000" / "spectral").exists()


def test_parts_are_left_out_before_sounds(restyle, clips, tmp_path, monkeypatch):
    sounds = []

    def plan(count, seconds):
        sounds.append(count)
        return (seconds, 64) if count <= 3 else (0.0, 64)

    monkeypatch.setattr(media, "plan", plan)
    arguments = ("--methods", "drums", *QUICK[2:], "--parts", "on")
    assert restyle("compare", clips[0], "--style", clips[1], "-o", tmp_path / "made", *arguments).code == 0
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert sounds == [5, 3] and 'data-sound="drums"' in page and 'class="track"' not in page


def test_a_report_of_somebody_else_is_not_replaced(restyle, clips, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "report.html").write_text("precious")
    ran = restyle("compare", clips[0], "--style", clips[1], "-o", tmp_path / "made", *QUICK)
    assert ran.code == 2 and "report.html" in ran.err and "--overwrite" in ran.err
    assert (tmp_path / "made" / "report.html").read_text() == "precious"


def test_bad_files_are_named_and_do_not_stop_the_rest(restyle, clips, tmp_path):
    (tmp_path / "bad.wav").write_text("words")
    lines = ["content,style", "content.wav,style.wav", "bad.wav,style.wav", "content.wav,missing.wav"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    ran = restyle("compare", tmp_path / "pairs.csv", "-o", tmp_path / "made", *QUICK)
    assert ran.code == 1 and "bad.wav" in ran.out and "missing.wav" in ran.out
    comparison = comparisons.load(tmp_path / "made")
    assert [bool(pair.error) for pair in comparison.pairs] == [False, True, True]
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert "bad.wav" in page and "no such file" in page
    assert comparison.pairs[0].result("spectral")


def test_a_target_is_judged_against(restyle, clips, tmp_path):
    soundfile.write(tmp_path / "target.wav", chord(root=220.0) * 0.5, 16000)
    (tmp_path / "pairs.csv").write_text("content,style,target\ncontent.wav,style.wav,target.wav\n", encoding="utf-8")
    assert restyle("compare", tmp_path / "pairs.csv", "-o", tmp_path / "made", *QUICK).code == 0
    pair = comparisons.load(tmp_path / "made").pairs[0]
    assert pair.result("content").score("quality.lsd") < pair.result("style").score("quality.lsd")


def test_every_content_with_every_style(tmp_path):
    contents, styles = [tmp_path / n for n in ("a.wav", "b.wav")], [tmp_path / n for n in ("s.wav", "t.wav", "u.wav")]
    pairs = compare.make_pairs(contents, styles)
    assert len({(pair.content, pair.style) for pair in pairs}) == 6
    assert [pair.name for pair in pairs] == [f"{n:03d}" for n in range(6)]


def test_refusals(restyle, clips, tmp_path):
    out = tmp_path / "made"
    assert "no method 'waves'" in restyle("compare", clips[0], "--style", clips[1], "-o", out, "--methods", "waves").err
    assert "names no method" in restyle("compare", clips[0], "--style", clips[1], "-o", out, "--methods", ",").err
    assert "--style" in restyle("compare", clips[0], "-o", out).err
    assert not out.exists()
    out.mkdir()
    (out / "scores.json").write_text("[1]")
    ran = restyle("compare", clips[0], "--style", clips[1], "-o", out, *QUICK)
    assert ran.code == 2 and "not a comparison" in ran.err and (out / "scores.json").read_text() == "[1]"


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "other"}', '{"kind": "comparison", "pairs": [{}]}'])
def test_what_is_no_comparison_is_refused(text):
    with pytest.raises(RestyleError, match=r"x\.json is no comparison"):
        Comparison.from_json(text, "x.json")
