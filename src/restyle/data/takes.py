"""One long take for two sides: cut in time, with a gap between what is learnt from and what validates. Floor 3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from restyle.data.store import Entry, Store
from restyle.errors import RestyleError, warn

PARTS = 3  # chunks that a take must have at least: to learn from, as a gap, to validate
NAMED = 3  # labels in a warning


@dataclass(frozen=True)
class Span:
    """Where an entry of `Takes` lies in the store that was cut.

    Args:
        number: of the whole entry.
        first: its first frame there.
        side: ``train`` or ``validation``; empty for an entry that is not cut.
    """

    number: int
    first: int = 0
    side: str = ""


class Takes(Store):
    """A store some of whose entries are cut in two; see `cut`.

    Attributes:
        spans: of each entry.
    """

    def __init__(self, store: Store, entries: list[Entry], spans: list[Span]) -> None:
        self.store, self.settings, self.statistics = store, store.settings, store.statistics
        self.entries, self.spans = entries, spans

    def read(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Return frames of entry ``i``; see `Store.read`."""
        left = max(0, self.entries[i].frames - start)
        frames = left if frames is None else min(frames, left)
        return self.store.read(self.spans[i].number, self.spans[i].first + start, frames)

    def beside(self, i: int, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return what lies beside entry ``i``, with times from its start; see `Store.beside`."""
        span, frames = self.spans[i], self.entries[i].frames
        if not span.side or name == "bent":
            return self.store.beside(span.number, name, start, stop)
        hop = self.settings["hop"]
        if name in ("sound", "pitch"):
            unit = hop if name == "sound" else 1
            first, last = span.first * unit, (span.first + frames) * unit
            return self.store.beside(
                span.number, name, first + start, last if stop is None else min(last, first + stop)
            )
        array = self.store.beside(span.number, name)
        if name == "bends":
            return array[:, span.first : span.first + frames][start:stop]
        begin, end = (x * hop / self.settings["rate"] for x in (span.first, span.first + frames))
        if name == "partials":
            own = array[(array[:, 1] >= begin) & (array[:, 1] < end)]
            own[:, 1] -= begin
        else:  # notes
            own = array[(array[:, 1] > begin) & (array[:, 0] < end)]
            own[:, :2] -= begin
        return own[start:stop]


def cut(store: Store, validation: float, chunk: int) -> Store:
    """Cut the recordings of every label that has but one source in two, so that both sides know the label.

    The end of each, after a gap of one chunk, is for validation. Those that are shorter than three chunks stay whole,
    and so do those whose side their data set tells.

    Args:
        store: the spectrograms.
        validation: part of each that validates, 0..1; a chunk at least.
        chunk: frames of a chunk.

    Returns:
        `Takes`, or the store itself where there is nothing to cut.

    Raises:
        RestyleError: if there is but one source, and it is too short.
    """
    second = store.settings.get("hop", 1) / store.settings.get("rate", 1)
    check(store.entries, [entry.frames for entry in store.entries], chunk, second)
    chosen = {i for group in _lone(store.entries) for i in group if _whole(store.entries, group, chunk)}
    if not chosen:
        return store
    entries, spans = [], []
    for i, entry in enumerate(store.entries):
        if i not in chosen:
            entries.append(entry)
            spans.append(Span(i))
            continue
        last = min(max(chunk, round(validation * entry.frames)), entry.frames - 2 * chunk)
        first = entry.frames - last
        entries += [replace(entry, frames=first - chunk), replace(entry, frames=last)]
        spans += [Span(i, 0, "train"), Span(i, first, "validation")]
    _report([store.entries[i] for i in sorted(chosen)], chunk * second)
    return Takes(store, entries, spans)


def check(entries: Sequence[Entry], frames: Sequence[int], chunk: int, second: float) -> None:
    """Refuse data with one source that is too short to be cut.

    Args:
        entries: what the data hold.
        frames: of each.
        chunk: frames of a chunk.
        second: seconds of a frame.

    Raises:
        RestyleError: if it is so.
    """
    own = [i for i, entry in enumerate(entries) if entry.split != "test"]
    if len({entries[i].source for i in own}) == 1 and min(frames[i] for i in own) < PARTS * chunk:
        needed, there = PARTS * chunk * second, min(frames[i] for i in own) * second
        name = entries[own[0]].name
        raise RestyleError(
            f"{name} is the only source to learn from, and too short to be cut in time ({there:.1f} s of the "
            f"{needed:.1f} s that three chunks need); give a longer recording, or more of them"
        )


def _lone(entries: Sequence[Entry]) -> list[list[int]]:
    """The entries of each label that has one source, where no data set tells their sides."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if entry.split != "test":
            groups[entry.labels[0] if entry.labels else ""].append(i)
    sources = [{entries[i].source for i in group} for group in groups.values()]
    several = set().union(*(own for own in sources if len(own) > 1))  # what is cut must not be whole under other labels
    one = [group for group, own in zip(groups.values(), sources, strict=True) if len(own) == 1 and not own & several]
    return [group for group in one if not any(entries[i].split for i in group)]


def _whole(entries: Sequence[Entry], group: Sequence[int], chunk: int) -> bool:
    return min(entries[i].frames for i in group) >= PARTS * chunk


def _report(entries: Sequence[Entry], gap: float) -> None:
    names = sorted({entry.labels[0] if entry.labels else entry.name for entry in entries})
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    source = f"only one source of {', '.join(names[:NAMED])}{rest}"
    warn(f"{source}: cut in time, its end validates, after a gap of {gap:.1f} s; give more for a test")
