"""Stretches of MIDI tracks, and pairs of them that make a fair test of a style transfer. Floor 3."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from restyle.errors import RestyleError, warn
from restyle.io.midi import read_midi
from restyle.notes import Notes

FEWEST, MOST = 8, 50  # notes in a stretch; notes a second
SOUNDING = 0.5  # the part of a stretch that must sound
SHORTEST = 0.03  # seconds; less of a note is left out
MIDDLE = 59  # MIDI number; the median pitch of a high stretch is above
VOICES = 1.2  # notes that sound at a time, above which a stretch is polyphonic
TRIES = 64  # starts tried in a track
LATEST = 3600  # seconds; nothing is looked for behind
PATIENCE = 100  # files without a pair of a kind that is needed, after which any kind will do
ROUNDS = 8  # without a pair, after which no more are looked for
KEPT = 100  # files whose notes stay in memory for the next round
TRACKS = 2  # of one file in one round: more would make a few large files the whole test
# not timpani, orchestra hit, percussion and sound effects: they have no clear pitch to judge
PITCHED = frozenset(range(112)) - {47, 55}
Kind = tuple[bool, bool]  # polyphonic, high
KINDS: list[Kind] = [(polyphonic, high) for polyphonic in (False, True) for high in (False, True)]

# Lowest and highest pitch that instruments of General MIDI play, by the first programme they hold for.
# fmt: off
RANGES = {
    0: (21, 108), 6: (29, 89), 7: (36, 96),  # pianos, harpsichord, clavinet
    8: (60, 108), 10: (55, 96), 11: (53, 89), 12: (45, 96), 13: (65, 108), 14: (53, 84),  # bells and bars
    16: (36, 96), 21: (41, 96), 22: (55, 96), 23: (41, 96),  # organs, accordion, harmonica, bandoneon
    24: (40, 88), 32: (23, 67), 38: (21, 84),  # guitars, basses, synth basses
    40: (55, 103), 41: (48, 91), 42: (36, 84), 43: (28, 67), 44: (28, 96), 46: (23, 103),  # strings, harp
    48: (28, 96), 52: (40, 84),  # ensembles, voices
    56: (52, 94), 57: (34, 77), 58: (26, 65), 59: (52, 94), 60: (34, 77), 61: (34, 96),  # brass
    64: (54, 91), 65: (49, 86), 66: (42, 80), 67: (36, 74),  # saxophones
    68: (58, 93), 69: (52, 84), 70: (34, 75), 71: (50, 94),  # oboe, English horn, bassoon, clarinet
    72: (74, 108), 73: (60, 98), 76: (48, 96),  # piccolo, flutes, bottle and whistles
    80: (21, 108), 88: (28, 96),  # synthesisers
    104: (43, 88), 108: (48, 88), 109: (45, 84), 110: (55, 103), 111: (48, 86),  # sitar ... fiddle, shanai
}
# fmt: on


@dataclass(frozen=True)
class Stretch:
    """Some seconds of what one programme plays in a MIDI file; times count from ``start`` (s)."""

    file: Path
    start: int
    programme: int
    notes: Notes

    @property
    def kind(self) -> Kind:
        """Whether it is polyphonic, and whether it is high: a fair pair is alike in both."""
        durations = (self.notes.offset - self.notes.onset).sum()
        return bool(durations / sounding(self.notes) > VOICES), bool(np.median(self.notes.pitch) > MIDDLE)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest pitch of its instrument, or that it plays all the same."""
        low, high = playing_range(self.programme)
        return min(low, self.notes.pitch.min()), max(high, self.notes.pitch.max())


def playing_range(programme: int) -> tuple[int, int]:
    """Return the lowest and highest pitch of a General MIDI instrument.

    Example:
        >>> playing_range(40), playing_range(35)  # violin, fretless bass
        ((55, 103), (23, 67))
    """
    return RANGES[max(first for first in RANGES if first <= programme)]


def sounding(notes: Notes) -> float:
    """Return the seconds in which at least one note sounds.

    Example:
        >>> sounding(Notes.of([(0, 2, 60, 0.8, 0), (1, 3, 64, 0.8, 0), (5, 6, 60, 0.8, 0)]))
        4.0
    """
    if not len(notes):
        return 0.0
    ends = np.maximum.accumulate(notes.offset)
    gaps = np.maximum(0, notes.onset[1:] - ends[:-1]).sum()
    return float(ends[-1] - notes.onset[0] - gaps)


def pairs(
    files: Sequence[Path], seconds: float, *, seed: int, programmes: Collection[int], finder: Finder | None = None
) -> Iterator[tuple[Stretch, Stretch]]:
    """Yield contents and styles to test with, as many as the files are good for, no stretch twice.

    The two are alike in kind (see `Stretch.kind`; all four kinds come about equally often), of other families of
    instruments, from two files where there are two, and the content's notes lie where the style's instrument plays.

    Args:
        files: MIDI files; damaged ones are left out with a warning.
        seconds: how long each stretch is.
        seed: the same files and seed give the same pairs.
        programmes: what the SoundFont can play.
        finder: looks for the stretches, and can then say why there are so few.

    Source: the pairing follows Cífka et al. 2021, arXiv 2102.05749, section 4.3.
    """
    rng = np.random.default_rng(seed)
    finder = finder or Finder(seconds, programmes)
    waiting: dict[Kind, list[Stretch]] = {kind: [] for kind in KINDS}
    queue = _Queue()
    fruitless = 0
    while fruitless < ROUNDS and (not fruitless or len(finder.families) > 1):
        fruitless += 1
        for path in _mixed(files, rng):  # each round takes other stretches of every file
            for stretch in finder.stretches(path, rng):
                pair = _match(stretch, waiting[stretch.kind], len(files) > 1, rng)
                if pair:
                    queue.pairs.append(pair)
                    fruitless = 0
            yield from queue.due()
    yield from queue.pairs


class _Queue:
    """Gives pairs of all kinds equally often, but does not wait for ever for a kind that is rare."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Stretch, Stretch]] = []
        self._given: Counter[Kind] = Counter()
        self._idle = 0

    def due(self) -> Iterator[tuple[Stretch, Stretch]]:
        self._idle += 1
        while self.pairs:
            fewest = min(self._given[kind] for kind in KINDS)
            rarest = [pair for pair in self.pairs if self._given[pair[0].kind] == fewest]
            if rarest:
                self._idle = 0
            elif self._idle <= PATIENCE:
                return
            pair = rarest[0] if rarest else self.pairs[0]
            self.pairs = [p for p in self.pairs if p is not pair]
            self._given[pair[0].kind] += 1
            yield pair


def _match(
    new: Stretch, waiting: list[Stretch], apart: bool, rng: np.random.Generator
) -> tuple[Stretch, Stretch] | None:
    """Pair a stretch with one that waits, or let it wait."""
    found = [
        (content, style)
        for other in waiting
        if other.programme // 8 != new.programme // 8 and not (apart and other.file == new.file)
        for content, style in ((new, other), (other, new))
        if style.range[0] <= content.notes.pitch.min() and content.notes.pitch.max() <= style.range[1]
    ]
    if not found:
        waiting.append(new)
        return None
    content, style = found[rng.integers(len(found))]
    waiting[:] = [s for s in waiting if s is not content and s is not style]
    return content, style


class Finder:
    """Finds stretches with enough to hear, one a track and two a call, none that overlaps an earlier one by half."""

    def __init__(self, seconds: float, programmes: Collection[int]) -> None:
        self.seconds, self.programmes = seconds, sorted(PITCHED.intersection(programmes))
        self.damaged: set[Path] = set()
        self.families: set[int] = set()
        self._taken: dict[tuple[Path, int], list[int]] = defaultdict(list)
        self._notes: dict[Path, Notes] = {}

    def shortage(self) -> str:
        """Return why there were no more pairs, as the end of a sentence."""
        families = {programme // 8 for (_, programme), starts in self._taken.items() if starts}
        if not families and self.damaged and not self.families:
            return f"{len(self.damaged)} of them cannot be read and the others hold no pitched instruments"
        if not families:
            return f"none of their tracks plays {FEWEST} notes in {self.seconds:g} s on an instrument with a pitch"
        if len(families) == 1:
            return "all tracks that play enough are of one family of instruments, and a pair takes two"
        return "no more of their tracks are alike in register and voices and of different families of instruments"

    def stretches(self, path: Path, rng: np.random.Generator) -> Iterator[Stretch]:
        """Yield stretches of a file that were not yielded before."""
        notes = self._read(path)
        programmes = np.intersect1d(notes.programme, self.programmes).tolist()
        self.families.update(programme // 8 for programme in programmes)
        found = 0
        for programme in sorted(rng.permutation(programmes).tolist(), key=lambda p: len(self._taken[path, int(p)])):
            stretch = self._stretch(path, notes.select(notes.programme == programme), rng)
            if stretch:
                self._taken[path, stretch.programme].append(stretch.start)
                found += 1
                yield stretch
            if found == TRACKS:
                return

    def _read(self, path: Path) -> Notes:
        if path in self._notes:
            return self._notes[path]
        try:
            notes = read_midi(path)
        except RestyleError as error:
            warn(f"a MIDI file is left out: {error}")
            self.damaged.add(path)
            notes = self._notes[path] = Notes.of([])
        if len(self._notes) < KEPT:
            self._notes[path] = notes
        return notes

    def _stretch(self, path: Path, track: Notes, rng: np.random.Generator) -> Stretch | None:
        programme = int(track.programme[0])
        last = min(LATEST, int(max(0, track.duration - self.seconds)))
        for start in rng.permutation(last + 1)[:TRIES].tolist():
            if any(abs(start - taken) < self.seconds / 2 for taken in self._taken[path, programme]):
                continue
            notes = _untangled(track.between(start, start + self.seconds))
            enough = FEWEST <= len(notes) <= MOST * self.seconds
            if enough and sounding(notes) >= SOUNDING * self.seconds:
                return Stretch(path, start, programme, notes)
        return None


def _untangled(notes: Notes) -> Notes:
    """End a note where its pitch is struck again, as it sounds, and drop what is left of too short ones."""
    order = np.lexsort((notes.offset, notes.onset, notes.pitch))
    notes_end = notes.offset.copy()
    same = notes.pitch[order][1:] == notes.pitch[order][:-1]
    again = np.where(same, notes.onset[order][1:], np.inf)
    notes_end[order[:-1]] = np.minimum(notes.offset[order[:-1]], again)
    long = notes_end - notes.onset > SHORTEST
    return replace(notes.select(long), offset=notes_end[long])


def _mixed(files: Sequence[Path], rng: np.random.Generator) -> list[Path]:
    """Shuffle the files so that those of small folders do not drown among those of large ones."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        folders[path.parent].append(path)
    keyed = []
    for folder, own in enumerate(folders.values()):
        for turn, i in enumerate(rng.permutation(len(own)).tolist()):
            keyed.append((turn, folder, own[i]))
    order = rng.permutation(len(folders))
    return [path for _, _, path in sorted(keyed, key=lambda k: (k[0], order[k[1]]))]
