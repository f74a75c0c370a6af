import logging
from collections import Counter

import pytest

from restyle.data.gtzan import DAMAGED, GENRES, Gtzan
from restyle.errors import RestyleError


@pytest.fixture
def copy(tmp_path, sound):
    """Ten excerpts a genre as mirdata unpacks them, and the damaged one."""
    root = tmp_path / "gtzan"
    genres = root / "gtzan_genre" / "genres"
    for k, genre in enumerate(GENRES):
        for i in range(10):
            sound(genres / genre / f"{genre}.{i:05d}.wav", 0.1, rate=22050, pitch=50 + k)
    (genres / "jazz" / f"{DAMAGED}.wav").write_bytes(b"noise" * 100)
    (genres / "bextract_single.mf").write_text("what the archive holds beside the genres")
    return root


def lists(folder, **names):
    for name, lines in names.items():
        (folder / f"{name}_filtered.txt").write_text("\n".join(lines) + "\n")
    return {name: folder / f"{name}_filtered.txt" for name in names}


def test_excerpts_of_all_genres_but_the_damaged_one(copy, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        data = Gtzan(copy)
    assert data.labels == GENRES and set(Counter(item.labels for item in data.items).values()) == {10}
    assert data.skipped == [("gtzan_genre/genres/jazz/jazz.00054.wav", "it is known to be damaged")]
    assert "jazz.00054" in caplog.text
    assert len(data.items) == 100 and all(item.path.is_file() for item in data.items)
    item = data.items[25]
    assert (item.labels, item.source, item.notes) == (("country",), "country.00005", None)


@pytest.mark.parametrize("inside", ["", "genres", "genres_original", "Data/genres_original"])
def test_other_copies_of_it(tmp_path, sound, inside):
    for name in ("rock/rock.00001.au", "pop/pop.00000.au"):
        sound(tmp_path / inside / name, 0.1, rate=22050)
    assert [item.source for item in Gtzan(tmp_path).items] == ["pop.00000", "rock.00001"]


def test_the_random_split_is_80_to_20_in_each_genre_and_seeded(copy):
    data = Gtzan(copy)
    sides = data.split(seed=5)
    assert set(Counter(item.labels[0] for item in sides["train"]).values()) == {8}
    assert set(Counter(item.labels[0] for item in sides["test"]).values()) == {2}
    assert sides == Gtzan(copy).split(seed=5) and sides != data.split(seed=6)


def test_a_split_given_as_lists(copy, tmp_path, caplog):
    train = ["blues/blues.00003.wav", "rock/rock.00001.au", "# a remark", "", "jazz/jazz.00054.wav"]
    given = lists(tmp_path, train=train, valid=["/media/x/pop/pop.00004.wav\tpop"], test=["disco\\disco.00009.wav"])
    with caplog.at_level(logging.WARNING, "restyle"):
        data = Gtzan(copy, lists=given)
    assert {item.source: item.split for item in data.items} == {
        "blues.00003": "train",
        "rock.00001": "train",
        "pop.00004": "valid",
        "disco.00009": "test",
    }
    sides = {name: [item.source for item in side] for name, side in data.split().items()}
    assert sides == {"train": ["blues.00003", "rock.00001"], "valid": ["pop.00004"], "test": ["disco.00009"]}
    assert len(data.skipped) == 1


def test_lists_of_numbers_count_the_excerpts_from_one(copy, tmp_path):
    data = Gtzan(copy, lists=lists(tmp_path, train=["          1", "10", "101"], test=["910"]))
    assert {item.source: item.split for item in data.items} == {
        "blues.00000": "train",
        "blues.00009": "train",
        "classical.00000": "train",
        "rock.00009": "test",
    }


def test_what_a_list_names_and_the_folder_lacks_is_skipped_by_name(copy, tmp_path):
    data = Gtzan(copy, lists=lists(tmp_path, train=["blues/blues.00003.wav", "blues/blues.00099.wav"]))
    assert [item.source for item in data.items] == ["blues.00003"]
    assert data.skipped[1:] == [("blues.00099", "it is in a list, but not in the folder")]


def test_what_is_wrong_is_said(copy, tmp_path):
    with pytest.raises(RestyleError, match="does not hold GTZAN's folders"):
        Gtzan(tmp_path)
    with pytest.raises(RestyleError, match="there is no such folder"):
        Gtzan(tmp_path / "nowhere")
    with pytest.raises(RestyleError, match=r"lists blues\.00003, which 'train' holds too"):
        Gtzan(copy, lists=lists(tmp_path, train=["blues/blues.00003.wav"], test=["blues.00003.au"]))
    with pytest.raises(RestyleError, match=r"has the line 'polka/polka\.00001\.wav'"):
        Gtzan(copy, lists=lists(tmp_path, train=["polka/polka.00001.wav"]))
    with pytest.raises(RestyleError, match="lists no files"):
        Gtzan(copy, lists=lists(tmp_path, train=["# nothing"]))
    with pytest.raises(RestyleError, match=r"gone\.txt cannot be read"):
        Gtzan(copy, lists={"train": tmp_path / "gone.txt"})
    (tmp_path / "bare" / "blues").mkdir(parents=True)
    with pytest.raises(RestyleError, match="holds none of GTZAN's excerpts"):
        Gtzan(tmp_path / "bare")
