"""Known data sets, from the folder they were unpacked to, to a store."""

import csv

import pytest

from restyle.commands.dataset import use
from restyle.commands.shared.spectrograms import spectrograms
from restyle.data.manifest import MANIFEST, Songs
from restyle.data.store import Store
from restyle.errors import RestyleError

SMALL = {"kind": "mel", "rate": 8000, "n_fft": 256, "hop": 128, "bins": 16}


@pytest.fixture
def gtzan(tmp_path, sound):
    for genre in ("blues", "jazz"):
        for i in range(3):
            sound(tmp_path / "gtzan" / "genres" / genre / f"{genre}.{i:05d}.wav", 1.0)
    return tmp_path / "gtzan"


@pytest.fixture
def maestro(tmp_path, sound, midi):
    root = tmp_path / "maestro" / "maestro-v3.0.0"
    fields = ("canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration")
    sound(root / "2004" / "a.wav", 1.0)
    midi(root / "2004" / "a.midi", (0.1, 0.6, 69))
    with (root / "maestro-v3.0.0.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerows([fields, ("A. Composer", "Piece", "train", "2004", "2004/a.midi", "2004/a.wav", "1.0")])
    return tmp_path / "maestro"


def test_a_data_set_becomes_songs_and_a_store(restyle, gtzan, tmp_path):
    ran = restyle("data", "use", "gtzan", gtzan, "-o", tmp_path / "songs")
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'songs'}: 6 sounds of 2 labels, 0 skipped\n")
    made = spectrograms(tmp_path / "songs", tmp_path / "store", SMALL)
    assert (made.new, made.skipped) == (6, [])
    store = Store.open(tmp_path / "store")
    assert sorted({entry.labels[0] for entry in store.entries}) == ["blues", "jazz"]
    again = spectrograms(tmp_path / "songs", tmp_path / "store", SMALL)
    assert (again.new, again.kept) == (0, 6)


def test_notes_and_sides_go_along(maestro, tmp_path):
    use("maestro", maestro, tmp_path / "songs")
    (item,) = Songs(tmp_path / "songs").items
    assert item.split == "train" and item.notes is not None and item.notes.is_file()
    spectrograms(tmp_path / "songs", tmp_path / "store", SMALL)
    (entry,) = Store.open(tmp_path / "store").entries
    assert entry.split == "train"


def test_lists_of_a_split(restyle, gtzan, tmp_path):
    (tmp_path / "train.txt").write_text("blues/blues.00000.wav\njazz/jazz.00001.wav\n")
    (tmp_path / "test.txt").write_text("jazz/jazz.00002.wav\n")
    sides = ("--list", f"train={tmp_path / 'train.txt'}", "--list", f"test={tmp_path / 'test.txt'}")
    assert restyle("data", "use", "gtzan", gtzan, "-o", tmp_path / "songs", *sides).code == 0
    assert sorted(item.split for item in Songs(tmp_path / "songs").items) == ["test", "train", "train"]
    assert restyle("data", "use", "gtzan", gtzan, "-o", tmp_path / "songs", "--list", "train").code == 2


def test_refusals(gtzan, tmp_path):
    with pytest.raises(RestyleError, match="choose one of gtzan, groove, maestro, nsynth"):
        use("fma", gtzan, tmp_path / "songs")
    with pytest.raises(RestyleError, match="cannot be downloaded"):
        use("nsynth", gtzan, tmp_path / "songs", download=True)
    with pytest.raises(RestyleError, match="split of its own"):
        use("maestro", gtzan, tmp_path / "songs", lists={"train": gtzan})
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "mine.txt").write_text("mine")
    with pytest.raises(RestyleError, match="holds something else"):
        use("gtzan", gtzan, tmp_path / "songs")
    assert not (tmp_path / "songs" / MANIFEST).exists()
