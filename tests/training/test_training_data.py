"""Sides, chunks and the order of batches."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from restyle.errors import RestyleError
from restyle.training.data import Batches, Chunks, check_classes, labels, sides

sys.path.insert(0, str(Path(__file__).parent))
from toys import BINS, FakeStore

CLASSES = ["high", "low"]


def numbered(*lengths: int) -> FakeStore:
    """A store whose values tell entry and frame: 100 entry + frame."""
    store = FakeStore(len(lengths))
    values = [np.repeat(100 * i + np.arange(n), BINS).reshape(n, BINS) for i, n in enumerate(lengths)]
    store.arrays = [value.astype(np.float16) for value in values]
    store.entries = [replace(entry, frames=n) for entry, n in zip(store.entries, lengths, strict=True)]
    return store


def test_no_source_is_on_two_sides():
    store = FakeStore(40)
    for seed in range(5):
        found = sides(store, 0.25, seed=seed)
        assert sorted(found.train + found.validation) == list(range(40)) and not found.test
        source = [{store.entries[i].source for i in side} for side in (found.train, found.validation)]
        assert not source[0] & source[1] and len(found.validation) == pytest.approx(10, abs=2)
    assert sides(store, 0.25, seed=1) == sides(store, 0.25, seed=1) != sides(store, 0.25, seed=2)


def test_a_data_sets_own_test_side_is_on_no_other():
    found = sides(FakeStore(40, test=10), 0.25)
    assert found.test == list(range(10))
    assert sorted(found.train + found.validation) == list(range(10, 40))


def test_labels_and_classes():
    store = FakeStore(12, classes=("c", "a", "b"))
    assert labels(store, range(12)) == ["a", "b", "c"]
    assert [int(label) for label in Chunks(store, [0, 1, 2], 8, ["a", "b", "c"]).labels] == [2, 0, 1]
    with pytest.raises(RestyleError, match="only the class 'a'"):
        one = FakeStore(6, classes=("a",))
        check_classes(one, sides(one, 0.4))


def test_fixed_chunks_lie_one_after_the_other():
    chunks = Chunks(numbered(17, 5, 24), [0, 1, 2], 8, CLASSES)
    spectra, told, sources = chunks.batch(np.arange(len(chunks)), epoch=3, wants=("sources",))
    assert spectra.shape == (6, BINS, 8) and spectra.dtype == torch.float32
    assert spectra[:, 0, 0].tolist() == [0, 8, 100, 200, 208, 216]
    assert spectra[1, 3].tolist() == list(range(8, 16))
    assert spectra[2, 2].tolist() == [100, 101, 102, 103, 104, 0, 0, 0]  # a short one is followed by silence
    assert told.tolist() == [1, 1, 0, 1, 1, 1] and told.dtype == torch.int64
    assert sources.tolist() == [0, 0, 0, 1, 1, 1]


def test_notes_bends_partials_and_sound_come_with_their_chunk():
    store = numbered(20, 16)
    store.settings |= {"hop": 2, "rate": 4}  # half a second a frame
    store.entries = [replace(entry, beside=("notes", "bent", "bends", "partials", "sound")) for entry in store.entries]
    table = np.array([[1, 3, 60, 0.5, 7], [4.5, 5, 62, 1, 8], [6, 7, 64, 1, 9]], np.float32)
    rows = np.zeros((3, 201), np.float32)
    rows[:, 1] = [0.5, 4.5, 9]
    kept = {"notes": table, "bent": np.array([8]), "bends": np.arange(20, dtype=np.float16)[None] / 10}
    kept |= {"partials": rows, "sound": np.arange(40, dtype=np.float16)}
    store.beside = lambda i, name, start=0, stop=None: kept[name][start:stop]
    chunks = Chunks(store, [0], 8, CLASSES)
    _, _, notes, bends, partials, sound = chunks.batch(
        np.array([0, 1]), 0, wants=("notes", "bends", "partials", "sound")
    )
    assert notes.shape == (2, 1, 5) or notes.shape == (2, 2, 5)
    assert notes[0, 0].tolist() == [1, 3, 60, 0.5, 7]  # frames 0 to 7 are the first four seconds
    assert notes[1, :, 0].tolist() == [0.5, 2.0] and notes[1, :, 2].tolist() == [62, 64]
    assert bool(notes[0, 1:].isnan().all())
    assert bends.shape == (2, notes.shape[1], 8) and not bends[0].any() and not bends[1, 1].any()
    assert bends[1, 0].tolist() == pytest.approx([x / 10 for x in range(8, 16)], abs=1e-3)
    assert partials.shape == (2, 1, 201) and partials[:, 0, 1].tolist() == [0.5, 0.5]
    assert sound[0].tolist() == list(range(16)) and sound[1].tolist() == list(range(16, 32))


def test_random_chunks_follow_from_seed_and_epoch():
    store = numbered(400, 5)
    chunks = Chunks(store, [0, 1], 8, CLASSES, random=True, seed=4)
    starts = [[chunks.start(i, epoch) for i in range(50)] for epoch in range(3)]
    assert starts[0] != starts[1] and len(set(starts[0])) > 30
    assert min(map(min, starts)) >= 0 and max(map(max, starts)) <= 392
    assert [Chunks(store, [0, 1], 8, CLASSES, random=True, seed=4).start(i, 1) for i in range(50)] == starts[1]
    assert [Chunks(store, [0, 1], 8, CLASSES, random=True, seed=5).start(i, 1) for i in range(50)] != starts[1]
    assert chunks.start(50, 2) == 0
    spectra = chunks.batch(np.arange(3), epoch=1)[0]
    assert spectra[:, 0, 0].tolist() == starts[1][:3]


def batches(**given) -> Batches:
    chunks = Chunks(numbered(*[24] * 8), range(8), 8, CLASSES)
    return Batches(chunks, 6, **({"shuffle": True} | given))


def firsts(made) -> list[list[float]]:
    return [batch[0][:, 0, 0].tolist() for batch in made]


def test_an_epoch_sees_every_chunk_once_in_an_order_of_its_own():
    made = batches(seed=3)
    assert len(made) == 4
    orders = []
    for epoch in range(2):
        made.begin(epoch)
        orders.append(list(chain(*firsts(made))))
        assert sorted(orders[-1]) == sorted(100 * i + 8 * j for i in range(8) for j in range(3))
    assert orders[0] != orders[1] and orders[0] != sorted(orders[0])


def test_it_can_begin_anywhere():
    made = batches(seed=3)
    made.begin(5)
    whole = firsts(made)
    for first in range(5):
        made.begin(5, first)
        assert firsts(made) == whole[first:]
        assert len(made) == 4  # the length is the epoch's


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_each_batch(world):
    alone = firsts(batches(seed=3))
    parts = [firsts(batches(seed=3, rank=rank, world=world)) for rank in range(world)]
    for step, batch in enumerate(alone):
        together = [value for rank in range(world) for value in parts[rank][step]]
        assert sorted(together) == sorted(batch)
        assert {len(parts[rank][step]) for rank in range(world)} == {6 // world}


def test_validation_is_in_order_and_whole():
    chunks = Chunks(numbered(17, 5, 24, 9), range(4), 8, CLASSES)
    seen = list(chain(*firsts(Batches(chunks, 3, shuffle=False))))
    assert seen == [0, 8, 100, 200, 208, 216, 300]
    one, two = (list(chain(*firsts(Batches(chunks, 3, shuffle=False, rank=rank, world=2)))) for rank in (0, 1))
    assert one == [0, 8, 200, 208, 216] and two == [100, 300]  # each entry with one process


def test_few_chunks_are_one_batch():
    chunks = Chunks(numbered(8, 8, 8), range(3), 8, CLASSES)
    made = Batches(chunks, 32, shuffle=True)
    assert len(made) == 1 and made.read(0, 0)[0].shape[0] == 3
    with pytest.raises(RestyleError, match="3 chunks are too few for 4 devices"):
        Batches(chunks, 32, shuffle=True, world=4)
    with pytest.raises(RestyleError, match="a batch of 32 cannot be shared by 3"):
        Batches(chunks, 32, shuffle=True, world=3)


def test_an_error_while_reading_ahead_arrives_and_leaves_no_thread():
    chunks = Chunks(numbered(*[24] * 8), range(8), 8, CLASSES)

    def broken(*_):
        raise RestyleError("shard-0 is damaged")

    chunks.store.read = broken
    before = threading.active_count()
    with pytest.raises(RestyleError, match="shard-0"):
        list(Batches(chunks, 6, shuffle=True))
    assert threading.active_count() == before


def test_giving_up_an_epoch_leaves_no_thread():
    before = threading.active_count()
    made = iter(batches())
    next(made)
    made.close()
    assert threading.active_count() == before
