"""A listening test made of a comparison's folder, and its ratings scored."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def compared(restyle, clips, tmp_path):
    folder = tmp_path / "made"
    arguments = ("--style", clips[1], "-o", folder, "--methods", "spectral,texture", "--no-tone", "--jobs", "1")
    assert restyle("compare", clips[0], *arguments).code == 0
    return folder


def test_a_page_of_a_comparison(restyle, compared, tmp_path):
    ran = restyle("listen", compared, "-o", tmp_path / "test.html", "--seed", "3")
    assert ran.code == 0 and "1 trials" in ran.out
    page = (tmp_path / "test.html").read_text(encoding="utf-8")
    assert "Is what is played kept?" in page and "spectral" not in page
    assert restyle("listen", "page", compared, "-o", tmp_path / "again.html", "--seed", "3").code == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_refusals(restyle, compared, tmp_path):
    (tmp_path / "kept.html").write_text("precious")
    assert "--overwrite" in restyle("listen", compared, "-o", tmp_path / "kept.html").err
    assert (tmp_path / "kept.html").read_text() == "precious"
    assert "holds no comparison" in restyle("listen", tmp_path, "-o", tmp_path / "t.html").err
    assert "extension" in restyle("listen", compared, "-o", tmp_path / "t.txt").err
    assert "seconds" in restyle("listen", compared, "-o", tmp_path / "t.html", "--seconds", "0").err
    (compared / "sounds" / "000" / "spectral.flac").unlink()
    ran = restyle("listen", compared, "-o", tmp_path / "t.html")
    assert ran.code == 2 and "no results to listen to" in ran.err and not (tmp_path / "t.html").exists()


def test_broken_ratings_are_refused_by_name_and_line(restyle, tmp_path):
    (tmp_path / "r.json").write_text(json.dumps({"kind": "restyle ratings"})[:-3] + "\n\n}")
    ran = restyle("listen", "score", tmp_path / "r.json")
    assert ran.code == 2 and "r.json" in ran.err and "line" in ran.err
    assert "no such file" in restyle("listen", "score", tmp_path / "none.json").err
