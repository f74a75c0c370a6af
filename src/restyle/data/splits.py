"""Items parted into training and test sides so that no source is on two. Floor 3."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from restyle.data.clip import Item
from restyle.errors import RestyleError, warn


def split(
    items: Sequence[Item], fractions: dict[str, float], *, seed: int = 0, own: bool = True
) -> dict[str, list[Item]]:
    """Part items by source: all items of a source are on one side, and every item is on exactly one.

    The first labels are spread over the sides as evenly as the sources allow. Where every item says which side of its
    data set's own split it is on (`Item.split`), that is kept: what it calls by a name that is not asked for joins the
    first side, and a side that it lacks is cut from the first side by source. Some data sets' own splits put one source
    on two sides (NSynth's instruments, Groove's drummers); a warning says how many.

    Args:
        items: at least one source a side.
        fractions: side -> its part of the items, 0..1, 1 together.
        seed: the same seed and items give the same sides.
        own: keep the data set's own split; False parts by source in any case.

    Returns:
        Side -> its items, in the order they were given.

    Raises:
        RestyleError: if the fractions do not add up, or there are fewer sources than sides.

    Example:
        >>> from pathlib import Path
        >>> items = [Item(Path(f"{i}.wav"), ("ab"[i % 2],), source=str(i)) for i in range(10)]
        >>> sides = split(items, {"train": 0.8, "test": 0.2})
        >>> {side: sorted(item.labels[0] for item in own) for side, own in sides.items()}
        {'train': ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'], 'test': ['a', 'b']}
    """
    if not fractions or min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        parts = ", ".join(f"{side} {fraction:g}" for side, fraction in fractions.items())
        raise RestyleError(f"the parts of a split ({parts}) must be above 0 and add up to 1; change them")
    named = {item.split for item in items}
    if own and len(named) > 1 and "" not in named:
        return _own(items, fractions, seed)
    return _by_source(items, fractions, seed)


def _own(items: Sequence[Item], fractions: dict[str, float], seed: int) -> dict[str, list[Item]]:
    first = next(iter(fractions))
    sides: dict[str, list[Item]] = {side: [] for side in fractions}
    for item in items:
        sides[item.split if item.split in sides else first].append(item)
    if not sides[first]:
        raise RestyleError(f"the data set's own split has no '{first}'; ask for one of its own names first")
    missing = [side for side, own in sides.items() if not own and side != first]
    if missing:
        together = sum(fractions[side] for side in (first, *missing))
        sides |= _by_source(sides[first], {side: fractions[side] / together for side in (first, *missing)}, seed)
    on_two = sum(count > 1 for count in Counter(source for own in sides.values() for source in _sources(own)).values())
    if on_two:
        warn(f"the data set's own split has {on_two} of {len(_sources(items))} sources on two sides")
    return sides


def _by_source(items: Sequence[Item], fractions: dict[str, float], seed: int) -> dict[str, list[Item]]:
    """Give source after source, large ones first, to the side that lacks its labels most.

    A side lacks most where the chi-square distance between its labels and the targets falls most; the number of all
    items counts as one more label.
    """
    sources = _sources(items)
    if len(sources) < len(fractions):
        few = f"{len(sources)} source{'' if len(sources) == 1 else 's'} cannot be split into {', '.join(fractions)}"
        raise RestyleError(f"{few}; give at least one file, piece or instrument a side")
    labels = {label: i for i, label in enumerate(sorted({_label(item) for item in items}))}
    counts = np.zeros((len(sources), len(labels) + 1))
    for i, own in enumerate(sources.values()):
        for item in own:
            counts[i, labels[_label(item)]] += 1
    counts[:, -1] = counts.sum(axis=1)
    target = np.array(list(fractions.values()))[:, None] * counts.sum(axis=0)
    chosen = _fill(counts, target, np.random.default_rng(seed))
    side_of = {source: list(fractions)[side] for source, side in zip(sources, chosen, strict=True)}
    parted: dict[str, list[Item]] = {side: [] for side in fractions}
    for item in items:
        parted[side_of[item.source]].append(item)
    return parted


def _fill(counts: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the side of each source from its label counts ``[S, labels]`` and the targets ``[sides, labels]``."""
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    have, chosen = np.zeros_like(target), np.zeros(len(counts), int)
    for done, source in enumerate(order):
        there = counts[source] > 0
        gap, more = (have - target)[:, there], counts[source, there]
        growth = (((gap + more) ** 2 - gap**2) / target[:, there]).sum(axis=1)
        empty = have[:, -1] == 0
        if empty.sum() >= len(order) - done:  # the last sources go where nothing is yet
            growth[~empty] = np.inf
        chosen[source] = np.argmin(growth)
        have[chosen[source]] += counts[source]
    return chosen


def _sources(items: Sequence[Item]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.source].append(item)
    return groups


def _label(item: Item) -> str:
    return item.labels[0] if item.labels else ""
