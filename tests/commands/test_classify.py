import json

import pytest
import soundfile
import torch
from PIL import Image

from restyle.commands import classify
from restyle.errors import RestyleError
from restyle.files import weights
from restyle.models.classifier import Modern


@pytest.fixture
def network(tmp_path):
    torch.manual_seed(0)
    model = Modern(classes=3, widths=[4, 4])
    told = {"model": model.settings(), "class_path": "restyle.models.classifier.Modern", "data": {"frames": 20}}
    told |= {"labels": ["blues", "jazz", "rock"]}
    told |= {"representation": {"kind": "stft", "rate": 22050, "n_fft": 512, "hop": 256}}
    path = tmp_path / "net.safetensors"
    weights.save(path, {name: value.numpy() for name, value in model.state_dict().items()}, told)
    return path


def test_files_get_genres_and_pictures(clips, network, tmp_path):
    done = []
    told = classify.run(
        clips, weights=network, pictures=tmp_path / "pictures", report=lambda path, found: done.append((path, found))
    )
    assert [path for path, _ in done] == list(clips)
    assert json.loads(json.dumps(told)) == told
    for path, entry in zip(clips, told, strict=True):
        shares = entry["probabilities"]
        assert entry["file"] == str(path) and entry["genre"] == next(iter(shares))
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3) and sorted(shares) == ["blues", "jazz", "rock"]
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert {len(values) for values in entry["over_time"].values()} == {len(entry["times"])}
        with Image.open(entry["picture"]) as picture:
            assert picture.format == "PNG" and picture.width > 800
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["content.png", "style.png"]
    assert classify.summary(done[0][1]).count("%") == 3


def test_without_pictures_nothing_is_written(clips, network, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert "picture" not in classify.run(clips[:1], weights=network)[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_two_pictures_of_one_name_are_refused(clips, network, tmp_path):
    (tmp_path / "b").mkdir()
    soundfile.write(tmp_path / "b" / "content.wav", [0.1] * 8000, 16000)
    with pytest.raises(RestyleError, match=r"content\.png"):
        classify.run([clips[0], tmp_path / "b" / "content.wav"], weights=network, pictures=tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_mistakes_are_told_in_a_sentence(clips, network, tmp_path):
    with pytest.raises(RestyleError, match="give a recording"):
        classify.run([], weights=network)
    with pytest.raises(RestyleError, match="no model 'nothing'"):
        classify.run(clips, weights="nothing")
    with pytest.raises(RestyleError, match=r"none\.wav"):
        classify.run([tmp_path / "none.wav"], weights=network)
