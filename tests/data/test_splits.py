import logging
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restyle.data.clip import Item
from restyle.data.splits import split
from restyle.errors import RestyleError

SIDES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def items(*rows):
    """Items of (label, source) or (label, source, split)."""
    return [Item(Path(f"{i}.wav"), (row[0],), row[1], split="".join(row[2:])) for i, row in enumerate(rows)]


def labels(side):
    return Counter(item.labels[0] for item in side)


rows = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12).map(str)), min_size=1, max_size=60)
parts = st.sampled_from(
    [{"train": 0.8, "test": 0.2}, SIDES, {"all": 1.0}, {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}]
)


@settings(deadline=None)
@given(rows=rows, fractions=parts, seed=st.integers(0, 5))
def test_no_source_is_on_two_sides_and_nothing_is_lost(rows, fractions, seed):
    all_items = items(*rows)
    if len({item.source for item in all_items}) < len(fractions):
        with pytest.raises(RestyleError, match="cannot be split"):
            split(all_items, fractions, seed=seed)
        return
    sides = split(all_items, fractions, seed=seed)
    assert list(sides) == list(fractions)
    assert all(sides.values()), "no side is empty"
    assert sorted(item.path.name for side in sides.values() for item in side) == sorted(i.path.name for i in all_items)
    assert all(side == [item for item in all_items if item in side] for side in sides.values()), "the order is kept"
    sources = [{item.source for item in side} for side in sides.values()]
    assert sum(map(len, sources)) == len(set.union(*sources))


@settings(deadline=None)
@given(seed=st.integers(0, 50), counts=st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_labels_are_spread_as_evenly_as_whole_files_allow(seed, counts):
    all_items = items(*[(f"l{k}", f"{k}/{i}") for k, count in enumerate(counts) for i in range(count)])
    if len(all_items) < 2:
        return
    sides = split(all_items, {"train": 0.8, "test": 0.2}, seed=seed)
    for k, count in enumerate(counts):
        assert abs(labels(sides["test"])[f"l{k}"] - 0.2 * count) < 1.6
    assert abs(len(sides["test"]) - 0.2 * len(all_items)) <= max(1.0, 0.5 * len(counts))


def test_a_balanced_set_is_split_exactly():
    all_items = items(*[(genre, f"{genre}.{i}") for genre in "abcdefghij" for i in range(100)])
    sides = split(all_items, SIDES, seed=3)
    assert {name: set(labels(side).values()) for name, side in sides.items()} == {
        "train": {80},
        "validation": {10},
        "test": {10},
    }


def test_the_seed_decides():
    all_items = items(*[("a", str(i)) for i in range(50)])
    first = split(all_items, SIDES, seed=1)
    assert split(all_items, SIDES, seed=1) == first
    assert split(all_items, SIDES, seed=2) != first


def test_sources_of_very_different_size_come_near_the_fractions():
    sizes = [40, 25, 10, 5, 5, 5, 4, 3, 2, 1]
    all_items = items(*[("a", str(k)) for k, size in enumerate(sizes) for _ in range(size)])
    sides = split(all_items, {"train": 0.7, "test": 0.3})
    assert len(sides["test"]) == pytest.approx(30, abs=5)


def test_the_own_split_is_kept():
    all_items = items(("a", "1", "train"), ("b", "2", "test"), ("a", "3", "validation"), ("b", "4", "train"))
    sides = split(all_items, {"train": 0.5, "test": 0.25, "validation": 0.25})
    assert {name: [item.source for item in side] for name, side in sides.items()} == {
        "train": ["1", "4"],
        "test": ["2"],
        "validation": ["3"],
    }


def test_own_names_that_are_not_asked_for_join_the_first_side():
    all_items = items(("a", "1", "train"), ("b", "2", "test"), ("a", "3", "validation"))
    sides = split(all_items, {"train": 0.8, "test": 0.2})
    assert [item.source for item in sides["train"]] == ["1", "3"]
    assert [item.source for item in sides["test"]] == ["2"]


def test_a_side_that_the_own_split_lacks_is_cut_from_the_first():
    all_items = items(*[("a", str(i), "train" if i < 90 else "test") for i in range(100)])
    sides = split(all_items, SIDES)
    assert [int(item.source) for item in sides["test"]] == list(range(90, 100))
    assert (len(sides["train"]), len(sides["validation"])) == (80, 10)


@pytest.mark.parametrize("names", [["train", "train"], ["train", ""]])
def test_one_name_or_one_gap_is_no_own_split(names):
    all_items = items(*[("a", str(i), names[i % 2]) for i in range(20)])
    assert len(split(all_items, {"train": 0.5, "test": 0.5})["test"]) == 10


def test_an_own_split_with_a_source_on_two_sides_is_told_and_can_be_refused(caplog):
    all_items = items(*[("a", str(i // 4), "train" if i % 4 else "test") for i in range(20)])
    with caplog.at_level(logging.WARNING, "restyle"):
        split(all_items, {"train": 0.8, "test": 0.2})
    assert caplog.messages == ["the data set's own split has 5 of 5 sources on two sides"]
    sides = split(all_items, {"train": 0.8, "test": 0.2}, own=False)
    assert len({i.source for i in sides["train"]} & {i.source for i in sides["test"]}) == 0
    assert len(sides["test"]) == 4


@pytest.mark.parametrize("fractions", [{}, {"train": 0.8}, {"train": 1.2, "test": -0.2}, {"train": 1.0, "test": 0.0}])
def test_fractions_must_add_up(fractions):
    with pytest.raises(RestyleError, match="must be above 0 and add up to 1"):
        split(items(("a", "1"), ("a", "2")), fractions)


def test_too_few_sources_are_told():
    with pytest.raises(RestyleError, match="1 source cannot be split into train, test"):
        split(items(("a", "1"), ("b", "1")), {"train": 0.5, "test": 0.5})
    with pytest.raises(RestyleError, match="0 sources"):
        split([], {"train": 0.5, "test": 0.5})
    with pytest.raises(RestyleError, match="has no 'teach'"):
        split(items(("a", "1", "train"), ("a", "2", "test")), {"teach": 0.5, "train": 0.25, "test": 0.25})
