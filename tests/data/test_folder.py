import shutil

import pytest

from restyle.data.folder import Folder
from restyle.data.splits import split
from restyle.errors import RestyleError
from restyle.io.midi import read_midi


@pytest.fixture
def music(tmp_path, sound, midi):
    """Two labels, nested, in several formats, with strangers among them."""
    root = tmp_path / "music"
    sound(root / "jazz" / "a.wav")
    sound(root / "jazz" / "live" / "1999" / "b.FLAC")
    sound(root / "rock" / "c.ogg", rate=16000)
    sound(root / "rock" / "c.mp3", rate=16000)
    sound(root / "rock" / "d.aiff")
    midi(root / "jazz" / "live" / "1999" / "b.MID", (0.1, 0.3, 64))
    (root / "rock" / "cover.jpg").write_bytes(b"no sound")
    (root / "rock" / "._d.aiff").write_bytes(b"what a Mac leaves")
    sound(root / ".trash" / "old.wav")
    return root


def test_sub_folders_are_the_labels(music):
    data = Folder(music, labels=2, licence="CC0")
    found = {item.path.relative_to(music).as_posix(): (*item.labels, item.source, item.licence) for item in data.items}
    assert found == {
        "jazz/a.wav": ("jazz", "jazz/a", "CC0"),
        "jazz/live/1999/b.FLAC": ("jazz", "jazz/live/1999/b", "CC0"),
        "rock/c.mp3": ("rock", "rock/c", "CC0"),
        "rock/c.ogg": ("rock", "rock/c", "CC0"),
        "rock/d.aiff": ("rock", "rock/d", "CC0"),
    }
    assert data.labels == ("jazz", "rock") and data.skipped == []


def test_midi_beside_a_sound_gives_its_notes(music):
    notes = {item.source: item.notes for item in Folder(music).items}
    assert notes["jazz/live/1999/b"] is not None and read_midi(notes["jazz/live/1999/b"]).pitch.tolist() == [64]
    assert notes["jazz/a"] is None


def test_one_piece_in_two_formats_stays_on_one_side(music):
    for seed in range(8):
        for side in split(Folder(music).items, {"train": 0.5, "test": 0.5}, seed=seed).values():
            assert sum(item.source == "rock/c" for item in side) in (0, 2)


def test_links_to_folders_are_followed_but_not_in_circles(music, tmp_path, sound):
    elsewhere = sound(tmp_path / "elsewhere" / "e.wav").parent
    (music / "folk").symlink_to(elsewhere, target_is_directory=True)
    (music / "jazz" / "again").symlink_to(music, target_is_directory=True)
    data = Folder(music, labels=3)
    assert data.labels == ("folk", "jazz", "rock") and len(data.items) == 6


def test_sounds_without_a_label(music, sound):
    sound(music / "loose.wav")
    data = Folder(music, labels=2)
    assert data.labels == ("jazz", "rock") and data.skipped == [
        ("loose.wav", "it lies in no sub-folder, so it has no label")
    ]
    assert [item.labels for item in Folder(music).items if item.source == "loose"] == [()]


def test_what_is_wrong_with_a_folder_is_said(music, tmp_path):
    with pytest.raises(RestyleError, match="nowhere: there is no such folder"):
        Folder(tmp_path / "nowhere")
    with pytest.raises(RestyleError, match="there is no such folder"):
        Folder(music / "jazz" / "a.wav")
    (tmp_path / "empty" / "jazz").mkdir(parents=True)
    with pytest.raises(RestyleError, match="empty holds no sounds"):
        Folder(tmp_path / "empty")
    with pytest.raises(RestyleError, match="holds 2 labels where 3 labels are needed"):
        Folder(music, labels=3)
    shutil.rmtree(music / "rock")
    with pytest.raises(RestyleError, match="holds only 'jazz' where 2 labels are needed"):
        Folder(music, labels=2)
    with pytest.raises(RestyleError, match="holds no labels where 2 labels are needed"):
        Folder(music / "jazz" / "live" / "1999", labels=2)
