import logging

import numpy as np
import pytest
import soundfile

from restyle.data.clip import Item, SoundFiles
from restyle.errors import RestyleError


@pytest.fixture
def data(tmp_path, sound, midi):
    """Two good sounds, the first with notes, among three that cannot be used."""
    sound(tmp_path / "good.wav", 1.3)
    midi(tmp_path / "good.mid", (0.0, 0.25, 60), (0.4, 0.7, 62), (1.1, 1.2, 64))
    (tmp_path / "damaged.wav").write_bytes(b"RIFF, but no sound" * 20)
    soundfile.write(tmp_path / "silent.wav", np.full(8000, 0.25), 8000)
    sound(tmp_path / "last.flac", 0.5)
    files = SoundFiles("mine", tmp_path)
    names = ("good.wav", "damaged.wav", "silent.wav", "gone.wav", "last.flac")
    files.items = [Item(tmp_path / name, (f"l{i}", "more"), name, "CC0") for i, name in enumerate(names)]
    files.items[0] = Item(tmp_path / "good.wav", ("l0", "more"), "good.wav", "CC0", tmp_path / "good.mid")
    return files


def test_bad_files_are_named_and_counted_once_and_never_fatal(data, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        clips = list(data.clips())
    assert [clip.source for clip in clips] == ["good.wav", "last.flac"]
    assert [name for name, _ in data.skipped] == ["damaged.wav", "silent.wav", "gone.wav"]
    for name, reason in data.skipped:
        assert sum(f"mine: {name} is skipped: {reason}" in line for line in caplog.messages) == 1
    assert "silent" in data.skipped[1][1] and "no such file" in data.skipped[2][1]
    assert len(list(data.clips())) == 2 and len(data.skipped) == 3, "a second epoch counts nothing twice"


def test_clips_carry_what_the_items_say(data):
    clip = next(data.clips())
    assert (clip.labels, clip.source, clip.licence) == (("l0", "more"), "good.wav", "CC0")
    assert (clip.audio.rate, clip.audio.length, clip.audio.channels) == (8000, 10400, 1)
    assert clip.notes.pitch.tolist() == [60, 62, 64]
    assert data.labels == ("l0", "l1", "l2", "l3", "l4"), "the classes are the first labels"


def test_clips_of_some_seconds_are_the_sound_in_order_with_its_notes(data):
    whole = next(data.clips())
    parts = list(data.clips(data.items[:1], seconds=0.5))
    assert [part.audio.length for part in parts] == [4000, 4000], "the rest of 0.3 s is left out"
    joined = np.concatenate([part.audio.samples for part in parts], axis=1)
    np.testing.assert_array_equal(joined, whole.audio.samples[:, :8000])
    assert [part.notes.pitch.tolist() for part in parts] == [[60, 62], [62]]
    np.testing.assert_allclose(parts[0].notes.offset, [0.25, 0.5], atol=0.01)
    np.testing.assert_allclose(parts[1].notes.offset, [0.2], atol=0.01)
    assert {part.source for part in parts} == {"good.wav"}


def test_a_sound_shorter_than_a_clip_is_skipped_by_name(data):
    clips = list(data.clips([data.items[0], data.items[4]], seconds=0.75))
    assert [clip.source for clip in clips] == ["good.wav"]
    assert data.skipped == [("last.flac", "it lasts only 0.5 s, less than the 0.75 s of a clip")]


def test_a_damaged_midi_file_costs_the_notes_only(data):
    (data.root / "good.mid").write_bytes(b"MThd nothing")
    (clip,) = data.clips(data.items[:1])
    assert clip.notes is None and clip.audio.length == 10400
    assert [name for name, _ in data.skipped] == ["good.mid"]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_clip_must_last(data, seconds):
    with pytest.raises(RestyleError, match="a clip cannot last"):
        data.clips(seconds=seconds)
