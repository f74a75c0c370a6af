"""Songs whose stems are known, as MUSDB18-HQ has them."""

import json

import numpy as np
import pytest
import soundfile

from restyle.audio import Audio
from restyle.data.stems import STEMS, aligned, frames, read_stems, stem_songs
from restyle.data.store import Store
from restyle.errors import RestyleError, collect_warnings

RATE = 22050


def write(path, seconds=1.0, rate=RATE, channels=2, level=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((round(seconds * rate), channels), level), rate)


@pytest.fixture
def songs(tmp_path):
    for song in ("b song", "a song"):
        for stem in ("vocals", "drums", "bass"):
            write(tmp_path / "set" / song / f"{stem}.wav")
    write(tmp_path / "set" / "c" / "tune.drums.flac")
    write(tmp_path / "set" / "c" / "tune.other.flac")
    write(tmp_path / "set" / "c" / "mixture.wav")  # no stem
    return tmp_path / "set"


def test_songs_are_found_in_both_layouts(songs):
    found = stem_songs(songs)
    assert [song.name for song in found] == ["a song", "b song", "c/tune"]
    assert list(found[0].files) == ["bass", "drums", "vocals"] and list(found[2].files) == ["drums", "other"]
    [alone] = stem_songs(songs / "a song")
    assert alone.name == "a song"


def test_a_folder_without_stems_is_refused(tmp_path):
    write(tmp_path / "song.wav")
    with pytest.raises(RestyleError, match=r"holds no stems; name them vocals.wav, drums.wav"):
        stem_songs(tmp_path)
    with pytest.raises(RestyleError, match="no such folder"):
        stem_songs(tmp_path / "missing")


def test_unequal_lengths_rates_and_channels_are_brought_together(tmp_path):
    write(tmp_path / "vocals.wav", 2.0, 16000, 1, 0.2)
    write(tmp_path / "drums.wav", 1.0, RATE, 2, 0.1)
    with collect_warnings() as warnings:
        stems = read_stems({name: tmp_path / f"{name}.wav" for name in ("vocals", "drums")})
    assert ["differ in length: drums has 1.00 of 2.00 s" in warning for warning in warnings] == [True]
    assert {stem.samples.shape for stem in stems.values()} == {(2, 2 * RATE)}
    assert stems["vocals"].samples[:, 1000:-1000] == pytest.approx(np.full((2, 2 * RATE - 2000), 0.2), abs=1e-3)
    assert not stems["drums"].samples[:, RATE + 10 :].any()


def test_nothing_is_resampled_without_need():
    samples = np.random.default_rng(0).normal(0, 0.1, (2, 500)).astype(np.float32)
    made = aligned({"drums": Audio(samples, RATE), "bass": Audio(samples[:, :400], RATE)}, RATE)
    assert made["drums"].samples is not None and np.array_equal(made["drums"].samples, samples)
    assert np.array_equal(made["bass"].samples[:, :400], samples[:, :400])


def test_frames_hold_all_stems_in_their_order():
    stems = {name: Audio(np.full((2, 40), i + 1.0), RATE) for i, name in enumerate(STEMS) if name != "bass"}
    made = frames(stems, 16)
    assert made.shape == (2, 4 * 2 * 16) and made.dtype == np.float16
    assert made.reshape(2, 4, 32).mean(axis=(0, 2)).tolist() == [1, 2, 0, 4]


def test_a_store_of_stems_goes_on_where_it_was(songs, tmp_path, restyle):
    ran = restyle("data", "stems", songs, "-o", tmp_path / "store", "--rate", str(RATE), "-j", "1")
    assert ran.code == 0, ran.err
    assert "3 new, 0 kept" in ran.out
    store = Store.open(tmp_path / "store")
    assert store.settings["kind"] == "stems" and [entry.name for entry in store.entries] == [
        "a song",
        "b song",
        "c/tune",
    ]
    values = store.read(0).reshape(-1, 4, 2048).astype(float)
    assert values.mean(axis=(0, 2)) == pytest.approx([0.1, 0.1, 0.1, 0.0], abs=1e-3)
    assert json.loads((tmp_path / "store" / "index.json").read_text())["settings"]["rate"] == RATE
    write(songs / "a song" / "other.wav")
    again = restyle("data", "stems", songs, "-o", tmp_path / "store", "--rate", str(RATE), "-j", "1")
    assert again.code == 0 and "1 new, 2 kept" in again.out


def test_pieces_of_a_song_are_one_source(tmp_path, restyle):
    for piece in ("song-00", "song-01", "another"):
        write(tmp_path / "set" / piece / "drums.wav")
    assert restyle("data", "stems", tmp_path / "set", "-o", tmp_path / "store", "-j", "1").code == 0
    sources = [entry.source for entry in Store.open(tmp_path / "store").entries]
    assert sources == ["another", "song", "song"]
