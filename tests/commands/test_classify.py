import json
import logging

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from restyle.analysis.genre.model import Modern
from restyle.commands import classify
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.io.scores import write_score
from restyle.score import Score


@pytest.fixture
def network(tmp_path):
    torch.manual_seed(0)
    model = Modern(classes=3, widths=[4, 4])
    plain = {"model": model.settings(), "kind": "classifier", "data": {"frames": 20}}
    plain |= {"labels": ["blues", "jazz", "rock"]}
    plain |= {"representation": {"kind": "stft", "rate": 22050, "n_fft": 512, "hop": 256}}
    path = tmp_path / "net.safetensors"
    weights.save(path, {name: value.numpy() for name, value in model.state_dict().items()}, plain)
    return path


def test_files_get_genres_and_pictures(clips, network, tmp_path):
    done = []
    found = classify.run(
        clips, weights=network, pictures=tmp_path / "pictures", report=lambda path, found: done.append((path, found))
    )
    plain = found.plain()
    assert found.accuracy is None and list(plain) == ["files"]
    assert [path for path, _ in done] == list(clips)
    assert json.loads(json.dumps(plain)) == plain
    for path, entry in zip(clips, plain["files"], strict=True):
        shares = entry["probabilities"]
        assert entry["file"] == str(path) and entry["genre"] == next(iter(shares))
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3) and sorted(shares) == ["blues", "jazz", "rock"]
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert {len(values) for values in entry["over_time"].values()} == {len(entry["times"])}
        with Image.open(entry["picture"]) as picture:
            assert picture.format == "PNG" and picture.width > 800
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["content.png", "style.png"]
    assert classify.summary(done[0][1]).count("%") == 3


def test_a_folder_of_genres_is_judged(network, tmp_path, caplog):
    noise = np.random.default_rng(0).normal(0, 0.1, 30000)
    for name in ("jazz/one.wav", "jazz/two.wav", "rock/one.wav", "unknown/one.wav", "loose.wav"):
        (tmp_path / "music" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "music" / name, noise, 22050)
    (tmp_path / "music/jazz/bad.wav").write_bytes(b"no sound")
    with caplog.at_level(logging.WARNING, "restyle"):
        found = classify.run([tmp_path / "music"], weights=network, pictures=tmp_path / "pictures")
    assert any("bad.wav" in message for message in caplog.messages)
    said = found.files[0]["genre"]  # all are the same noise
    assert found.accuracy.tracks == 3
    assert found.accuracy.track.mean == {"jazz": 2 / 3, "rock": 1 / 3}.get(said, 0)
    assert sorted(row.get("label", "") for row in found.files) == ["", "jazz", "jazz", "rock", "unknown"]
    plain = found.plain()
    assert np.sum(plain["confusion"]) == 3 and plain["track_accuracy"][0] == found.accuracy.track.mean
    drawn = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert drawn == ["confusion.png", "jazz-one.png", "jazz-two.png", "loose.png", "rock-one.png", "unknown-one.png"]
    assert sorted(map(str, found.pictures)) == sorted(str(tmp_path / "pictures" / name) for name in drawn)


def test_without_pictures_nothing_is_written(clips, network, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert "picture" not in classify.run(clips[:1], weights=network).files[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_two_pictures_of_one_name_are_refused(clips, network, tmp_path):
    (tmp_path / "b").mkdir()
    soundfile.write(tmp_path / "b" / "content.wav", [0.1] * 8000, 16000)
    with pytest.raises(RestyleError, match=r"content\.png"):
        classify.run([clips[0], tmp_path / "b" / "content.wav"], weights=network, pictures=tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_mistakes_are_plain_in_a_sentence(clips, network, tmp_path):
    with pytest.raises(RestyleError, match="give a recording"):
        classify.run([], weights=network)
    with pytest.raises(RestyleError, match="no model 'nothing'"):
        classify.run(clips, weights="nothing")
    with pytest.raises(RestyleError, match=r"none\.wav"):
        classify.run([tmp_path / "none.wav"], weights=network)


def test_on_the_command_line(clips, network, restyle, tmp_path):
    ran = restyle("classify", *clips, "--weights", network)
    assert ran.code == 0 and [line.count("%") for line in ran.out.splitlines()] == [3, 3] and not ran.err
    plain = restyle("classify", clips[0], "--weights", network, "--pictures", tmp_path / "drawn", "--json")
    assert json.loads(plain.out)["files"][0]["file"] == str(clips[0])  # nothing but JSON
    assert (tmp_path / "drawn" / "content.png").is_file()
    wrong = restyle("classify", tmp_path / "none.wav")
    assert wrong.code == 2 and "none.wav" in wrong.err and not wrong.out


def test_the_shipped_classifier_tells_hiss_from_a_bowed_melody(tmp_path):
    """Its own words: one of its genres each, and not the same."""
    rate = 22050
    t = np.arange(6 * rate) / rate
    pitch = 440 * 2 ** (np.floor(t * 4) % 5 / 6) * (1 + 0.004 * np.sin(2 * np.pi * 6 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    bowed = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.6 - 0.4 * (t * 4 % 1))
    beat = np.random.default_rng(0).normal(0, 1, len(t)) * np.exp(-20 * (t * 4 % 1))
    for name, sound in (("bowed", bowed), ("beat", beat)):
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * sound, rate)
    found = classify.run([tmp_path / "bowed.wav", tmp_path / "beat.wav"])
    shares = [row["probabilities"] for row in found.files]
    assert shares[0]["celtic"] > shares[1]["celtic"]
    assert found.files[0]["genre"] != found.files[1]["genre"]


def walking(path, tempo=120):
    rows = [(12 * k, 12, 36 + 2 * (k % 4), 0.8, 32, 0) for k in range(64)]
    rows += [(12 * k + at, 2, 51, 0.8, 128, 1) for k in range(64) for at in ((0,), (0, 8))[k % 2]]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_score(path, Score.of(rows, bars=range(0, 769, 48), tempo=tempo))


def test_midi_files_are_classified_by_notes(restyle, tmp_path):
    walking(tmp_path / "set" / "swing" / "a.mid")
    walking(tmp_path / "set" / "rock" / "b.mid")
    walking(tmp_path / "set" / "loose.mid", tempo=60)
    (tmp_path / "set" / "swing" / "bad.mid").write_bytes(b"none")
    found = classify.run([tmp_path / "set"], pictures=tmp_path / "drawn")
    assert [row["genre"] for row in found.files] == 3 * ["swing"] and found.accuracy.track.mean == 0.5
    assert [row["times"][0] for row in found.files] == [16, 8, 8]  # the middle of eight bars
    assert {path.name for path in found.pictures} == {"loose.png", "swing-a.png", "rock-b.png", "confusion.png"}
    ran = restyle("classify", tmp_path / "set" / "loose.mid")
    assert ran.code == 0 and "swing" in ran.out


def test_recordings_and_midi_files_are_not_mixed(clips, tmp_path):
    walking(tmp_path / "a.mid")
    with pytest.raises(RestyleError, match="a classifier each"):
        classify.run([clips[0], tmp_path / "a.mid"])
    write_score(tmp_path / "silent.mid", Score.of([], bars=[0, 48]))
    with pytest.raises(RestyleError, match=r"silent\.mid has no notes"):
        classify.run([tmp_path / "silent.mid"])
