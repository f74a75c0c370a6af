"""Chord charts: one bar a line, one cell a beat; chord names as MMA takes them. Floor 3."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from restyle.errors import RestyleError

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
NAME = re.compile(r"([A-G][#b]?)([^/]*)(?:/([A-G][#b]?))?")
HOLD = "/"  # a cell in which the chord before sounds on
WALTZ = 3  # beats of a bar

# Semitones above the root of each quality, as MMA plays it: its "dim" is a seventh chord, its 13 has no ninth.
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7), "M": (0, 4, 7), "m": (0, 3, 7), "+": (0, 4, 8), "aug": (0, 4, 8), "mb5": (0, 3, 6),
    "sus4": (0, 5, 7), "sus": (0, 5, 7), "sus2": (0, 2, 7), "add9": (0, 4, 7, 2), "m(add9)": (0, 3, 7, 2),
    "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "69": (0, 4, 7, 2, 9), "m69": (0, 3, 7, 2, 9),
    "7": (0, 4, 7, 10), "M7": (0, 4, 7, 11), "maj7": (0, 4, 7, 11), "m7": (0, 3, 7, 10), "mM7": (0, 3, 7, 11),
    "m7b5": (0, 3, 6, 10), "dim": (0, 3, 6, 9), "dim7": (0, 3, 6, 9), "aug7": (0, 4, 8, 10), "M7#5": (0, 4, 8, 11),
    "7sus4": (0, 5, 7, 10), "7sus": (0, 5, 7, 10), "9sus4": (0, 5, 7, 10, 2), "13sus4": (0, 5, 7, 10, 2, 9),
    "7b5": (0, 4, 6, 10), "7#5": (0, 4, 8, 10), "7b9": (0, 4, 7, 10, 1), "7#9": (0, 4, 7, 10, 3),
    "7#11": (0, 4, 7, 10, 6), "7b13": (0, 4, 7, 10, 8), "7b5b9": (0, 4, 6, 10, 1), "7alt": (0, 4, 6, 10, 1),
    "7#5b9": (0, 4, 8, 10, 1), "7#5#9": (0, 4, 8, 10, 3), "M7b5": (0, 4, 6, 11), "M7#11": (0, 4, 7, 11, 6),
    "9": (0, 4, 7, 10, 2), "M9": (0, 4, 7, 11, 2), "maj9": (0, 4, 7, 11, 2), "m9": (0, 3, 7, 10, 2),
    "9b5": (0, 4, 6, 10, 2), "9#5": (0, 4, 8, 10, 2), "9#11": (0, 4, 7, 10, 2, 6), "m11": (0, 3, 7, 10, 2, 5),
    "13": (0, 4, 7, 10, 9), "M13": (0, 4, 7, 11, 9), "m13": (0, 3, 7, 10, 9), "13b9": (0, 4, 7, 10, 1, 9),
    "13#11": (0, 4, 7, 10, 6, 9),
}  # fmt: skip


@dataclass(frozen=True)
class Chord:
    """A chord by pitch classes, C is 0.

    Args:
        root: of the chord.
        bass: its lowest note: the root, or what follows a slash.
        classes: what sounds, the root first.
        quality: what follows the root in its name.
    """

    root: int
    bass: int
    classes: tuple[int, ...]
    quality: str


@lru_cache(maxsize=4096)
def mma_chord(name: str) -> Chord:
    """Read the name of a chord as MMA plays it; any names as they are meant are read by `analysis.chord_names`.

    Args:
        name: root, quality and perhaps a bass, as ``F#m7b5`` or ``C/E``; capitals count (``CM7``, ``Cm7``).

    Raises:
        RestyleError: if it is no name of a chord, or its quality is none of `QUALITIES`.

    Example:
        >>> mma_chord("Bb7").classes
        (10, 2, 5, 8)
    """
    found = NAME.fullmatch(name)
    if not found or found[2] not in QUALITIES:
        raise RestyleError(f"the chord '{name}' is unknown; write it as MMA does, as Bb, Am7, F#m7b5 or CM7")
    root = _pitch_class(found[1])
    bass = _pitch_class(found[3]) if found[3] else root
    classes = tuple((root + semitones) % 12 for semitones in QUALITIES[found[2]])
    return Chord(root, bass, classes if bass in classes else (*classes, bass), found[2])


def transposed(name: str, semitones: int) -> str:
    """Return the name of a chord so many semitones higher.

    Example:
        >>> transposed("F#m7b5", 3), transposed("C/E", -2)
        ('Am7b5', 'Bb/D')
    """
    chord = mma_chord(name)
    bass = f"/{ROOTS[(chord.bass + semitones) % 12]}" if HOLD in name else ""
    return f"{ROOTS[(chord.root + semitones) % 12]}{chord.quality}{bass}"


@dataclass(frozen=True)
class Chart:
    """The chords of a tune.

    Args:
        name: of its file, without the ending.
        bars: the name of the chord of each beat of each bar; all bars have as many beats.
    """

    name: str
    bars: tuple[tuple[str, ...], ...]

    @property
    def beats(self) -> int:
        """How many beats a bar has."""
        return len(self.bars[0])

    @property
    def progression(self) -> str:
        """Its chords counted from its first root: equal for copies of a tune, in whatever key."""
        chords = [mma_chord(name) for bar in self.bars for name in bar]
        return " ".join(f"{(chord.root - chords[0].root) % 12}:{chord.quality}" for chord in chords)

    def waltz(self) -> Chart:
        """Return it with the first three beats of each bar alone."""
        return Chart(self.name, tuple(bar[:WALTZ] for bar in self.bars))

    def window(self, first: int, count: int, semitones: int) -> tuple[tuple[str, ...], ...]:
        """Return bars from ``first`` on, transposed; after the last comes the first again, as when a tune is played."""
        chosen = [self.bars[(first + k) % len(self.bars)] for k in range(count)]
        return tuple(tuple(transposed(name, semitones) for name in bar) for bar in chosen)


def parse_chart(name: str, text: str) -> Chart:
    r"""Read a chart: a line a bar, a cell a beat, ``/`` where the chord before sounds on; empty lines do not count.

    Raises:
        RestyleError: if it has no bars, a chord is unknown, the first cell holds, or bars differ in their beats.

    Example:
        >>> parse_chart("tune", "Dm7 / G7 /\n\nCM7 / / /").bars[1]
        ('CM7', 'CM7', 'CM7', 'CM7')
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        raise RestyleError("the chart is empty; write a bar a line")
    if len({len(line) for line in lines}) > 1:
        raise RestyleError("bars have different numbers of beats; write a cell a beat")
    if lines[0][0] == HOLD:
        raise RestyleError(f"the chart begins with {HOLD}; write its first chord")
    bars, now = [], ""
    for line in lines:
        bar = []
        for cell in line:
            now = now if cell == HOLD else cell
            bar.append(now)
        bars.append(tuple(bar))
    for chord in dict.fromkeys(chord for bar in bars for chord in bar):
        mma_chord(chord)
    return Chart(name, tuple(bars))


def read_charts(folder: Path) -> tuple[list[Chart], Counter[str]]:
    """Read the charts (``.txt``) of a folder, in the order of their names.

    Returns:
        The charts, and how many are left out for what reason.

    Raises:
        RestyleError: if the folder is missing or holds no chart that can be read.
    """
    if not folder.is_dir():
        raise RestyleError(f"{folder}: there is no such folder; check the name")
    charts, left = [], Counter[str]()
    for path in sorted(folder.glob("*.txt")):
        try:
            charts.append(parse_chart(path.stem, path.read_text(encoding="utf-8", errors="replace")))
        except RestyleError as error:
            left[str(error).partition(";")[0]] += 1
    if not charts:
        why = f" ({_most(left)})" if left else ""
        raise RestyleError(f"{folder} holds no chord charts that can be read{why}; give .txt files with a bar a line")
    return charts, left


def held(bar: Sequence[str]) -> str:
    """Return a bar as a line of a chart.

    Example:
        >>> held(("Dm7", "Dm7", "G7", "G7"))
        'Dm7 / G7 /'
    """
    return " ".join(HOLD if k and name == bar[k - 1] else name for k, name in enumerate(bar))


def _pitch_class(name: str) -> int:
    return (LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


def _most(left: Counter[str]) -> str:
    return left.most_common(1)[0][0]
