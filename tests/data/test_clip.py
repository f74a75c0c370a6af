import logging

import pytest

from restyle.data.clip import Item, SoundFiles
from restyle.errors import RestyleError


@pytest.fixture
def data(tmp_path, sound):
    sound(tmp_path / "good.wav", 1.3)
    sound(tmp_path / "last.flac", 0.5)
    return SoundFiles("mine", tmp_path)


def items(data, *names):
    return [Item(data.root / name, (f"l{i}", "more"), name, "CC0") for i, name in enumerate(names)]


def test_files_that_are_missing_are_named_and_counted_once_and_never_fatal(data, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        for _ in range(2):
            data.items = data.present(items(data, "good.wav", "gone.wav", "last.flac"))
    assert [item.source for item in data.items] == ["good.wav", "last.flac"]
    assert data.skipped == [("gone.wav", "there is no such file")]
    assert caplog.messages == ["mine: gone.wav is skipped: there is no such file"]
    assert data.labels == ("l0", "l2"), "the classes are the first labels"


def test_what_a_data_set_is_known_to_lack_is_noted_without_a_warning(data, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        data.skip(data.root / "known.wav", "it is known to be damaged", expected=True)
    assert data.skipped == [("known.wav", "it is known to be damaged")] and caplog.messages == []


def test_none_of_its_files_is_an_error(data):
    with pytest.raises(RestyleError, match="holds none of the sound files of mine"):
        data.present(items(data, "a.wav", "b.wav"))
