import json
import pickle

import numpy as np
import pytest

from restyle.data.store import INDEX, Store, StoreWriter
from restyle.errors import RestyleError, collect_warnings
from restyle.io import weights

SETTINGS = {"kind": "stft", "rate": 22050, "n_fft": 8, "hop": 4, "log1p": True}


def arrays(count=5, bins=5, seed=0):
    rng = np.random.default_rng(seed)
    return {f"{'ab'[i % 2]}/{i}.wav": rng.random((7 + 3 * i, bins)).astype(np.float16) for i in range(count)}


def fill(folder, given, **options):
    with StoreWriter(folder, SETTINGS, **options) as writer:
        for name, array in given.items():
            writer.add(name, (name[0],), name[:-4], "", array, stamp="1")
    return Store.open(folder)


@pytest.mark.parametrize("size", [1, 200, 2**20])  # a shard each, some, one
def test_what_is_written_is_read(tmp_path, size):
    given = arrays()
    store = fill(tmp_path, dict(reversed(given.items())), size=size)
    assert [entry.name for entry in store.entries] == sorted(given) and store.settings == SETTINGS
    for i, entry in enumerate(store.entries):
        array = given[entry.name]
        assert (entry.labels, entry.source, entry.split, entry.frames) == (
            (entry.name[0],),
            entry.name[:-4],
            "",
            len(array),
        )
        assert np.array_equal(store.read(i), array) and store.read(i).dtype == np.float16
        assert np.array_equal(store.read(i, 2), array[2:])
        assert np.array_equal(store.read(i, 2, 4), array[2:6])
        assert np.array_equal(store.read(i, len(array) - 1, 4), array[-1:])


def test_what_lies_beside_is_kept(tmp_path):
    notes, sound = np.arange(10, dtype=np.float32).reshape(2, 5), np.arange(40, dtype=np.float16)
    with StoreWriter(tmp_path, SETTINGS) as writer:
        writer.add("a.wav", (), "a", "", np.ones((7, 5)), beside={"notes": notes, "sound": sound})
        writer.add("b.wav", (), "b", "", np.ones((7, 5)))
    store = Store.open(tmp_path)
    assert store.entries[0].beside == ("notes", "sound") and store.entries[1].beside == ()
    assert np.array_equal(store.beside(0, "notes"), notes)
    assert np.array_equal(store.beside(0, "sound", 3, 9), sound[3:9])
    assert StoreWriter(tmp_path, SETTINGS).done.keys() == {"a.wav", "b.wav"}
    with pytest.raises(RestyleError, match=r"b\.wav has no notes .* MIDI files"):
        store.beside(1, "notes")


def test_statistics_are_those_of_all_frames(tmp_path):
    given = arrays()
    store = fill(tmp_path, given, size=100)
    whole = np.concatenate(list(given.values())).astype(np.float64)
    assert store.statistics["mean"].dtype == np.float32
    np.testing.assert_allclose(store.statistics["mean"], whole.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(store.statistics["std"], whole.std(axis=0), rtol=1e-4)


def test_a_read_is_a_copy_of_a_part(tmp_path):
    store = fill(tmp_path, arrays())
    store.read(0)[:] = 9
    assert store.read(0).max() <= 1
    again = pickle.loads(pickle.dumps(store))
    assert np.array_equal(again.read(1, 3, 2), store.read(1, 3, 2))


def test_shards_are_safetensors(tmp_path):
    given = arrays()
    store = fill(tmp_path, given)
    (shard,) = tmp_path.glob("*.safetensors")
    loaded, settings = weights.load(shard)
    assert settings["spectrograms"] == SETTINGS
    for entry in store.entries:
        assert np.array_equal(loaded[entry.key], given[entry.name])


def test_an_unfinished_store_goes_on_where_it_was(tmp_path):
    given = arrays()
    first = StoreWriter(tmp_path, SETTINGS, size=1)
    for name in list(given)[:3]:
        first.add(name, ("x",), name, "", given[name], stamp="s")
    with pytest.raises(RestyleError, match="unfinished"):
        Store.open(tmp_path)
    second = StoreWriter(tmp_path, SETTINGS)
    assert second.done == dict.fromkeys(list(given)[:3], "s")
    for name in list(given)[3:]:
        second.add(name, ("x",), name, "", given[name])
    second.close()
    store = Store.open(tmp_path)
    assert all(np.array_equal(store.read(i), given[entry.name]) for i, entry in enumerate(store.entries))
    assert len(store.entries) == 5


def test_a_later_entry_takes_the_place_of_an_earlier_one(tmp_path):
    given = arrays()
    fill(tmp_path, given)
    name = sorted(given)[0]
    with StoreWriter(tmp_path, SETTINGS) as writer:
        writer.add(name, ("new",), "new", "test", np.full((3, 5), 2.0))
    store = Store.open(tmp_path)
    assert len(store.entries) == 5 and store.entries[0].labels == ("new",) and store.entries[0].split == "test"
    assert np.array_equal(store.read(0), np.full((3, 5), 2))
    whole = np.concatenate([store.read(i) for i in range(5)]).astype(float)
    np.testing.assert_allclose(store.statistics["mean"], whole.mean(axis=0), rtol=1e-5)


def test_only_what_is_kept_is_in_the_index(tmp_path):
    given = arrays()
    writer = StoreWriter(tmp_path, SETTINGS)
    for name, array in given.items():
        writer.add(name, (), name, "", array)
    writer.close(keep=sorted(given)[:2])
    assert [entry.name for entry in Store.open(tmp_path).entries] == sorted(given)[:2]


def test_other_settings_are_refused(tmp_path):
    fill(tmp_path, arrays())
    with pytest.raises(RestyleError, match="hop"):
        _ = StoreWriter(tmp_path, SETTINGS | {"hop": 2}).done


def test_values_that_a_store_cannot_hold_are_refused(tmp_path):
    writer = StoreWriter(tmp_path, SETTINGS)
    for wrong in (np.full((3, 4), np.nan), np.zeros((0, 4)), np.zeros(4)):
        with pytest.raises(RestyleError, match=r"song\.wav"):
            writer.add("song.wav", (), "", "", wrong)
    with pytest.raises(RestyleError, match="no spectrograms"):
        writer.close()


def test_what_is_no_store_or_damaged_is_refused(tmp_path):
    with pytest.raises(RestyleError, match="no store"):
        Store.open(tmp_path)
    fill(tmp_path, arrays(), size=1)
    shard = sorted(tmp_path.glob("*.safetensors"))[0]
    held = shard.read_bytes()
    shard.unlink()
    with pytest.raises(RestyleError, match=shard.name):
        Store.open(tmp_path)
    shard.with_name("shard-0.safetensors").write_bytes(held[:-3])
    assert len(StoreWriter(tmp_path, SETTINGS).done) == 4  # the one that is cut off does not count
    index = json.loads((tmp_path / INDEX).read_text())
    del index["statistics"]
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(RestyleError, match="damaged"):
        Store.open(tmp_path)


def test_a_failure_leaves_no_index(tmp_path):
    with pytest.raises(ZeroDivisionError), StoreWriter(tmp_path, SETTINGS) as writer:
        writer.add("a", (), "", "", np.ones((2, 2)))
        raise ZeroDivisionError
    assert not (tmp_path / INDEX).exists()


def test_a_store_of_earlier_versions_says_that_onsets_are_rough(tmp_path):
    rows = np.zeros((2, 201), np.float16)
    rows[:, 1] = 100.02
    with StoreWriter(tmp_path, {"kind": "mel"}) as writer:
        for name in ("a", "b"):
            writer.add(name, (), name, "", np.ones((4, 3)), beside={"partials": rows})
    store = Store.open(tmp_path)
    with collect_warnings() as told:
        found = [store.beside(i, "partials") for i in (0, 1)]
    assert len(told) == 1 and "keeps onsets in 16 bits, up to 31 ms off" in told[0] and str(tmp_path) in told[0]
    assert all(part.dtype == np.float32 and part.shape == (2, 201) for part in found)
