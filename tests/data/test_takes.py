"""Long takes that are cut in time: nothing is on both sides, and what lies beside moves along."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.data.store import Store, StoreWriter
from restyle.data.takes import Takes, cut
from restyle.errors import RestyleError, collect_warnings
from restyle.training.data import Chunks, check_classes, sides

CHUNK = 10
BESIDE = ("notes", "bends", "partials", "pitch", "sound")
FORM = {"kind": "stft", "rate": 100, "hop": 10}  # a tenth of a second a frame


def store(folder, *entries, beside=False) -> Store:
    """Entries of (name, labels, source, frames), whose values are their frames' numbers."""
    with StoreWriter(folder, FORM) as writer:
        for name, labels, source, frames in entries:
            values = np.repeat(np.arange(frames)[:, None], 4, axis=1)
            writer.add(name, labels, source, "", values, beside=around(frames) if beside else {})
    return Store.open(folder)


def around(frames):
    """A note a second, half a second long, and all else that a store may hold."""
    onset = np.arange(0, frames / 10, dtype=np.float32)
    rows = np.zeros((len(onset), 201), np.float32)
    rows[:, 1] = onset
    zeros = np.zeros_like(onset)
    return {
        "notes": np.stack([onset, onset + 0.5, zeros + 60, zeros + 0.5, zeros], axis=1),
        "bent": np.array([0]),
        "bends": np.arange(frames, dtype=np.float16)[None],
        "partials": rows,
        "pitch": np.repeat(np.arange(frames, dtype=np.float16)[:, None], 176, axis=1),
        "sound": np.repeat(np.arange(frames), 10).astype(np.float16),
    }


def test_one_take_is_on_both_sides_with_a_gap(tmp_path):
    whole = store(tmp_path, ("take.wav", (), "take", 200))
    with collect_warnings() as told:
        parted = cut(whole, 0.2, CHUNK)
    assert any("only one source of take.wav: cut in time" in text and "gap of 1.0 s" in text for text in told)
    found = sides(parted, 0.2)
    assert isinstance(parted, Takes) and (found.train, found.validation, found.test) == ([0], [1], [])
    learnt, held_out = (parted.read(i)[:, 0] for i in (0, 1))
    assert learnt.tolist() == list(range(150)) and held_out.tolist() == list(range(160, 200))
    assert parted.read(1, 35, 10)[:, 0].tolist() == list(range(195, 200))
    assert parted.read(0, 145, 10)[:, 0].tolist() == list(range(145, 150))  # nothing of the gap


@pytest.mark.parametrize("random", [False, True])
def test_what_lies_beside_moves_along(tmp_path, random):
    parted = cut(store(tmp_path, ("take.wav", (), "take", 200), beside=True), 0.2, CHUNK)
    found, seen = sides(parted, 0.2), {}
    for side in ("train", "validation"):
        chunks = Chunks(parted, getattr(found, side), CHUNK, [], random=random)
        batch = chunks.batch(np.arange(len(chunks)), 0, wants=BESIDE)
        spectra, told = batch[0][:, 0], dict(zip(("labels", *BESIDE), batch[1:], strict=True))
        first = spectra[:, 0]
        assert np.array_equal(told["pitch"][:, 0].numpy(), spectra.numpy())
        assert np.array_equal(told["sound"][:, ::10].numpy(), spectra.numpy())
        for name in ("notes", "partials"):
            onset = told[name][..., 0 if name == "notes" else 1] + first[:, None] / 10
            onset = onset[~onset.isnan()]
            assert len(onset) and np.allclose(onset, onset.round(), atol=1e-5), name  # a note a second
        bends = told["bends"][:, 0]
        assert np.array_equal(bends.numpy(), spectra.numpy())
        seen[side] = set(spectra.flatten().tolist())
    assert max(seen["train"]) < 150 and min(seen["validation"]) >= 160


def test_a_class_of_one_take_is_on_both_sides(tmp_path):
    many = [(f"jazz/{i}.wav", ("jazz",), f"jazz/{i}", 30) for i in range(8)]
    parted = cut(store(tmp_path, *many, ("rock/one.wav", ("rock",), "rock/one", 200)), 0.25, CHUNK)
    found = sides(parted, 0.25)
    check_classes(parted, found)
    for side in (found.train, found.validation):
        assert {parted.entries[i].labels[0] for i in side} == {"jazz", "rock"}
    assert sorted(found.train + found.validation) == list(range(10))


def test_what_is_not_cut(tmp_path):
    whole = store(tmp_path / "two", ("a.wav", (), "a", 200), ("b.wav", (), "b", 200))
    assert cut(whole, 0.2, CHUNK) is whole
    whole = store(tmp_path / "short", ("x/a.wav", ("x",), "a", 29), ("y/b.wav", ("y",), "b", 29))
    assert cut(whole, 0.2, CHUNK) is whole
    # the same piece is whole under another label: cut, its end would be on both sides
    same = [("x/a.wav", ("x",), "a", 200), ("y/a.wav", ("y",), "a", 200), ("y/b.wav", ("y",), "b", 200)]
    whole = store(tmp_path / "same", *same)
    assert cut(whole, 0.2, CHUNK) is whole


def test_too_short_a_take_is_refused(tmp_path):
    with pytest.raises(RestyleError, match=r"take\.wav is the only source .*2\.9 s of the 3\.0 s") as told:
        cut(store(tmp_path, ("take.wav", (), "take", 29)), 0.2, CHUNK)
    assert "\n" not in str(told.value)
    parted = cut(store(tmp_path / "more", ("take.wav", (), "take", 30)), 0.9, CHUNK)
    assert [entry.frames for entry in parted.entries] == [10, 10]
