"""Methods on folders of triplets and pairs."""

from __future__ import annotations

import json

import pytest
import soundfile

from commanded import chord

QUICK = ("--methods", "spectral", "--no-tone", "--jobs", "1")


@pytest.fixture
def folder(tmp_path):
    """Two triplets whose target is the content."""
    made = tmp_path / "triplets"
    made.mkdir()
    for number, root in enumerate((220.0, 262.0)):
        for role, pitch in {"content": root, "style": 1.5 * root, "target": root}.items():
            soundfile.write(made / f"{number:03d}.{role}.flac", chord(2, root=pitch), 16000)
    return made


def test_triplets(restyle, folder, tmp_path):
    ran = restyle("benchmark", "run", folder, "-o", tmp_path / "out", *QUICK, "--json")
    assert ran.code == 0, ran.err
    table = json.loads(ran.out)
    assert table["metrics"] == ["quality.lsd", "style.mfcc", "content.pitch"]
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["copy of the content"]["values"] == [[0, 0], [pytest.approx(0, abs=1e-6)] * 2, [0, 0]]
    assert rows["spectral"]["seconds"] > 0 and rows["spectral"]["values"][0][0] > 0
    assert rows["VQ-VAE, published"]["values"][0] == [12.16, None]


def test_pairs_without_targets(restyle, folder, tmp_path):
    for path in folder.glob("*.target.*"):
        path.unlink()
    ran = restyle("benchmark", "run", folder, "-o", tmp_path / "out", *QUICK)
    assert ran.code == 0 and "chroma" in ran.out and "published" not in ran.out
    assert "copy of the style" in ran.out and (tmp_path / "out" / "scores.csv").exists()


def test_a_damaged_triplet_is_named(restyle, folder, tmp_path):
    (folder / "001.content.flac").write_text("words")
    ran = restyle("benchmark", "run", folder, "-o", tmp_path / "out", *QUICK)
    assert ran.code == 1 and "001.content.flac" in ran.out


def test_refusals(restyle, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert restyle("benchmark", "run", tmp_path / "empty", "-o", tmp_path / "out", *QUICK).code == 2
    midi = ("benchmark", "make", "--soundfont", tmp_path / "x.sf2", "-o", tmp_path / "made", "--midi")
    assert "no MIDI files" in restyle(*midi, tmp_path / "empty").err
    assert "no folder" in restyle(*midi, tmp_path / "none").err
    assert "count" in restyle(*midi, tmp_path / "empty", "--count", "0").err
    assert not (tmp_path / "made").exists()


def test_scores_of_somebody_else_are_not_written_over(restyle, folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scores.json").write_text("[1]")
    ran = restyle("benchmark", "run", folder, "-o", tmp_path / "out", *QUICK)
    assert ran.code == 2 and "not a comparison" in ran.err
    assert (tmp_path / "out" / "scores.json").read_text() == "[1]"
