"""Songs in several styles at once: the same bars of a chord chart, played by MMA in several of its grooves. Floor 3."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from restyle.data.charts import WALTZ, Chart, mma_chord
from restyle.data.melodies import melody
from restyle.data.mma import Groove, play
from restyle.errors import RestyleError
from restyle.io.atomic import writing
from restyle.io.midi import MIDI
from restyle.io.scores import write_score
from restyle.io.text import write_text

VERSION = 1  # of the way songs are made: another one makes them anew
SIDES = {"train": 0.85, "validation": 0.05, "test": 0.1}  # parts of the charts, of the families and of the songs
FOLDER, CHORDS, MELODY = "songs", "chords.tsv", "melody.mid"
LONGEST = 400  # bars of a song; MMA takes 500
FEWEST = 2  # grooves of a song: it teaches what differs between two
PHRASE = 4  # bars: where a window begins and how long it is, as far as its bounds allow
WALTZES = 0.12  # part of the songs that are waltzes of charts in four: there are hardly any in three


@dataclass(frozen=True)
class Arrangement:
    """A song to make.

    Args:
        number: of the song, 0 and up; it and the seed decide on all the rest.
        chart: the name of its chart.
        side: ``train``, ``validation`` or ``test``, of the chart and of all its grooves.
        first: bar of the chart with which it begins, counted from 0.
        transposition: semitones from the chart's key to its own, -5..6.
        bars: the names of the chords of each beat of each bar, in its own key.
        grooves: that play it, of its metre.
        seed: of the set.
    """

    number: int
    chart: str
    side: str
    first: int
    transposition: int
    bars: tuple[tuple[str, ...], ...]
    grooves: tuple[Groove, ...]
    seed: int

    @property
    def file(self) -> str:
        """Its folder in the set."""
        return f"{FOLDER}/{self.number:06d}"

    @cached_property
    def digest(self) -> str:
        """What tells whether a song that is there is this one."""
        facts = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def files(self) -> list[str]:
        """The names of what its folder holds."""
        return [CHORDS, MELODY, *(f"{groove.stem}{MIDI[0]}" for groove in self.grooves)]


def side_of(name: str) -> str:
    """Return the side on which something is, by its name alone: it stays there when others join.

    Example:
        >>> [side_of(name) for name in ("stdlib/swing", "stdlib/bossanova", "stdlib/polka")]
        ['train', 'train', 'train']
    """
    place = int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) / 16**12
    below = np.cumsum(list(SIDES.values()))
    return list(SIDES)[min(int(np.searchsorted(below, place, side="right")), len(SIDES) - 1)]


def arrangements(
    charts: Sequence[Chart],
    grooves: Sequence[Groove],
    songs: int,
    *,
    count: int = 4,
    length: tuple[int, int] = (8, 32),
    seed: int = 0,
) -> Iterator[Arrangement]:
    """Draw songs; each has a chart and grooves of one side, so that whole charts and whole families are kept for tests.

    Args:
        charts: the side of each is that of its chords, so that copies of a tune are on one; some are made waltzes.
        grooves: the side of each is that of its family; a song has as many families as there are.
        songs: how many; more begin with the same ones.
        count: grooves of a song, at most, 2 and up.
        length: bars of a song, at least and at most; a chart that is shorter begins again.
        seed: 0 and up.

    Raises:
        RestyleError: if a number is out of range, or no side has a chart with two grooves of its metre.
    """
    if songs < 1 or count < FEWEST or seed < 0:
        raise RestyleError(
            f"{songs} songs of {count} grooves and the seed {seed} cannot be; give 1 song, {FEWEST} grooves, 0 or more"
        )
    if not 1 <= length[0] <= length[1] <= LONGEST:
        raise RestyleError(f"songs cannot have {length[0]} to {length[1]} bars; give two numbers of 1..{LONGEST}")
    sides = {side: found for side in SIDES if (found := _Side.of(side, charts, grooves)).charts}
    if not sides:
        raise RestyleError(
            f"none of the charts has {FEWEST} grooves of its metre on its side of the split; give more of them"
        )
    weights = np.array([SIDES[side] for side in sides])
    for number in range(songs):
        rng = np.random.default_rng([seed, number])
        side = list(sides)[int(rng.choice(len(sides), p=weights / weights.sum()))]
        chart = sides[side].charts[int(rng.integers(len(sides[side].charts)))]
        waltzes = chart.beats > WALTZ and WALTZ in sides[side].grooves
        if waltzes and np.random.default_rng([seed, number, 2]).random() < WALTZES:
            chart = chart.waltz()
        bars = _length(*length, rng)
        first = PHRASE * int(rng.integers(-(-len(chart.bars) // PHRASE)))
        shift = int(rng.integers(-5, 7))
        chosen = _spread(sides[side].grooves[chart.beats], count, rng)
        yield Arrangement(number, chart.name, side, first, shift, chart.window(first, bars, shift), chosen, seed)


@dataclass(frozen=True)
class _Side:
    """The charts of a side that can be played, and its grooves by metre."""

    charts: list[Chart]
    grooves: dict[int, list[Groove]]

    @classmethod
    def of(cls, side: str, charts: Sequence[Chart], grooves: Sequence[Groove]) -> _Side:
        own = [groove for groove in sorted(grooves) if side_of(groove.family) == side]
        metres = {beats: [groove for groove in own if groove.beats == beats] for beats in {g.beats for g in own}}
        played = {beats: found for beats, found in metres.items() if len(found) >= FEWEST}
        return cls([c for c in charts if c.beats in played and side_of(c.progression) == side], played)


def _length(least: int, most: int, rng: np.random.Generator) -> int:
    whole = [bars for bars in range(least, most + 1) if bars % PHRASE == 0] or range(least, most + 1)
    return int(rng.choice(whole))


def _spread(grooves: Sequence[Groove], count: int, rng: np.random.Generator) -> tuple[Groove, ...]:
    """So many grooves, of as many families as there are; each family is as likely, however many grooves it has."""
    families: dict[str, list[Groove]] = {}
    for k in rng.permutation(len(grooves)).tolist():
        families.setdefault(grooves[k].family, []).append(grooves[k])
    chosen: list[Groove] = []
    while len(chosen) < min(count, len(grooves)):
        left = sorted(family for family, of in families.items() if of)
        chosen += [families[left[k]].pop() for k in rng.permutation(len(left))[: count - len(chosen)].tolist()]
    return tuple(chosen)


def make(song: Arrangement, out: Path) -> dict[str, Any]:
    """Make a song: its chords, its melody, and a MIDI file for each groove, bar for bar the same.

    Args:
        song: what to make.
        out: the folder of the set; ``songs/NNNNNN`` in it gets the files.

    Returns:
        The manifest's row.

    Raises:
        RestyleError: if MMA is not installed or cannot play it, or a file cannot be written.
    """
    folder = out / song.file
    folder.mkdir(parents=True, exist_ok=True)
    for path in set(folder.iterdir()) - {folder / name for name in song.files()}:
        path.unlink()
    with writing(folder / CHORDS) as beside:
        write_text(beside, chord_table(song.bars))
    seeds = np.random.default_rng([song.seed, song.number, 1]).integers(2**31, size=1 + len(song.grooves)).tolist()
    write_score(folder / MELODY, melody(song.bars, seed=seeds[0]))
    tracks = {}
    for groove, seed in zip(song.grooves, seeds[1:], strict=True):
        played = play(groove, song.bars, seed=seed)
        write_score(folder / f"{groove.stem}{MIDI[0]}", played.score)
        tracks[groove.stem] = {"groove": groove.address, "family": groove.family, "tracks": list(played.tracks)}
    return {
        "file": song.file,
        "chart": song.chart,
        "first": song.first,
        "bars": len(song.bars),
        "beats": len(song.bars[0]),
        "transposition": song.transposition,
        "grooves": tracks,
        "split": song.side,
        "seed": song.seed,
        "digest": song.digest,
    }


def chord_table(bars: Sequence[Sequence[str]]) -> str:
    r"""Return the chords as a table: when each begins and how long it lasts in beats, its name and pitch classes.

    Example:
        >>> for line in chord_table([("Dm7", "Dm7", "G7", "G7")]).splitlines():
        ...     print(line.split("\t"))
        ['beat', 'beats', 'chord', 'root', 'bass', 'classes']
        ['0', '2', 'Dm7', '2', '2', '2 5 9 0']
        ['2', '2', 'G7', '7', '7', '7 11 2 5']
    """
    names = [name for bar in bars for name in bar]
    starts = [k for k in range(len(names)) if k == 0 or names[k] != names[k - 1]]
    lines = ["beat\tbeats\tchord\troot\tbass\tclasses"]
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        chord = mma_chord(names[start])
        classes = " ".join(map(str, chord.classes))
        lines.append(f"{start}\t{end - start}\t{names[start]}\t{chord.root}\t{chord.bass}\t{classes}")
    return "\n".join(lines) + "\n"
