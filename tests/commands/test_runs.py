"""Trained models as styles, by the command line."""

import json

import numpy as np
import pytest
import soundfile

from commanded import chord
from restyle.io import weights
from restyle.methods import method

DRAWN = weights.bundled("draw_piano.safetensors")


@pytest.fixture
def content(tmp_path):
    path = tmp_path / "content.wav"
    soundfile.write(path, chord(2.0, 22050, 2), 22050)
    return path


@pytest.fixture
def run(tmp_path):
    """A finished run's folder."""
    folder = tmp_path / "my_run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"config": {"name": "draw"}}))
    (folder / "finished.json").write_text("{}")
    (folder / "draw.safetensors").write_bytes(DRAWN.read_bytes())
    return folder


def test_a_run_a_file_and_a_name_are_one_style(restyle, content, run, tmp_path):
    sounds = []
    for style in (run, run / "draw.safetensors", "draw_piano"):
        ran = restyle("transfer", content, style, "-o", tmp_path / "out.wav", "--overwrite")
        assert ran.code == 0, ran.err
        assert "by 'draw'" in ran.out
        sounds.append(soundfile.read(tmp_path / "out.wav")[0])
        (tmp_path / "out.json").unlink()
    assert sounds[0].shape == (44100, 2) and np.abs(sounds[0]).max() > 0.01
    assert np.array_equal(sounds[0], sounds[1]) and np.array_equal(sounds[0], sounds[2])


@pytest.fixture
def classifier(tmp_path):
    """A finished run of a classifier's."""
    folder = tmp_path / "classes"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"config": {"name": "own"}}))
    (folder / "finished.json").write_text("{}")
    (folder / "own.safetensors").write_bytes(weights.bundled("classifier.safetensors").read_bytes())
    return folder


def test_a_run_is_taken_wherever_weights_are(restyle, content, run, classifier, tmp_path):
    told = [
        restyle("classify", content, "--weights", given, "--json")
        for given in (classifier, classifier / "own.safetensors", "classifier")
    ]
    assert [one.code for one in told] == [0, 0, 0], told[0].err
    assert told[0].out == told[1].out == told[2].out
    assert restyle("models", classifier).out.splitlines()[0].split()[-1] == str(classifier / "own.safetensors")
    kept = [method("draw", weights=given, fit=0) for given in (run, run / "draw.safetensors", "draw_piano")]
    assert len({str(one.network.state_dict()) for one in kept}) == 1
    setting = ("--method", "vae_gan", "--set", f"weights={classifier}")
    ran = restyle("transfer", content, content, "-o", tmp_path / "out.wav", *setting)
    assert ran.code == 2 and "own.safetensors" in ran.err  # found, and no VAE-GAN
    (classifier / "finished.json").unlink()
    for command in (("classify", content, "--weights", classifier), ("models", classifier)):
        ran = restyle(*command)
        assert ran.code == 2 and "is not finished" in ran.err


def test_a_batch_takes_a_run_and_knows_when_it_is_done(restyle, content, run, tmp_path):
    command = ("batch", "--style", run, content, "-o", tmp_path / "results")
    assert restyle(*command).code == 0
    assert list((tmp_path / "results").glob("*.wav"))
    again = restyle(*command)
    assert again.code == 0 and "skipped" in again.out + again.err


def test_the_record_names_the_run_and_its_method(restyle, content, run, tmp_path):
    assert restyle("transfer", content, run, "-o", tmp_path / "out.wav", "--strength", "0.5", "--overwrite").code == 0
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["style"] == [str(run)] and record["settings"]["method"] == "draw"


def test_mistakes_end_in_one_sentence(restyle, content, run, tmp_path):
    (run / "finished.json").unlink()
    empty = tmp_path / "empty"
    empty.mkdir()
    for style, told in (
        (run, "is not finished"),
        (empty, "no run of restyle train"),
        (tmp_path / "gone.safetensors", "no such file"),
        ("transcriber", "which is no style"),
        ("draw_harp", "no such file"),
    ):
        ran = restyle("transfer", content, style, "-o", tmp_path / "out.wav", "--overwrite")
        assert ran.code == 2 and told in ran.err and ran.err.count("\n") == 1, ran.err
        assert not (tmp_path / "out.wav").exists()


def test_a_run_stands_alone_and_has_one_method(restyle, content, run, tmp_path):
    two = restyle("transfer", content, run, content, "-o", tmp_path / "out.wav")
    assert two.code == 2 and "stands alone" in two.err
    other = restyle("transfer", content, run, "-o", tmp_path / "out.wav", "--method", "notes")
    assert other.code == 2 and "'draw'" in other.err
    tempo = restyle("transfer", content, run, "-o", tmp_path / "out.wav", "--tempo", "style")
    assert tempo.code == 2 and "tempo" in tempo.err
