"""Musical MIDI Accompaniment (the program ``mma``): the grooves of its library, and chords played in them. Floor 3.

Source: van der Poel, MMA - Musical MIDI Accompaniment, https://www.mellowood.ca/mma.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from restyle.data.charts import held
from restyle.data.mma_reading import TEMPO, Played, read_onsets, read_played
from restyle.errors import RestyleError

PROGRAM = "mma"
TIMEOUT = 120.0  # s; a song takes a fifth of one
ENDING = ".mma"
DEFINITION = re.compile(r"^\s*DefGroove\s+(\S+)", re.IGNORECASE | re.MULTILINE)
# Of a groove's variants, those that play a few bars between others: introductions, fills, endings, held chords.
PASSING = re.compile(r"(?i:intro|fill|sus|break|end(ing)?[a-z]?\d*$)|[a-z0-9](E|FA|FB)$")
TRIAL = ("C", "C", "F", "G7")  # bars in which it shows what a groove plays
TOLD = "@@"  # before what our scripts print
# Timing stays as written: no chance in it, and the notes of a chord begin at once (plectra have no such setting).
ON_TIME = ("AllTracks RTime 0", "AllTracks Bass Chord Arpeggio Scale Walk Strum 0", f"Tempo {TEMPO}")


@dataclass(frozen=True, order=True)
class Groove:
    """A groove of MMA's library.

    Args:
        family: the library file that defines it, as ``stdlib/swing``.
        name: as ``SwingWalk``; several families may have grooves of one name.
        beats: quarter notes of a bar.
    """

    family: str
    name: str
    beats: int

    @property
    def address(self) -> str:
        """By which MMA finds it."""
        return f"{self.family}:{self.name}"

    @property
    def stem(self) -> str:
        """A file's name for it."""
        return f"{self.family}-{self.name}".replace("/", "-")


def families() -> list[str]:
    """Return the names of MMA's library files, sorted.

    Raises:
        RestyleError: if ``mma`` is not installed or has no library.
    """
    found = [path.relative_to(_library()).with_suffix("").as_posix() for path in _library().rglob(f"*{ENDING}")]
    if not found:
        raise RestyleError(f"{_library()} holds no grooves; install Debian's package mma again")
    return sorted(found)


def defined(family: str) -> list[str]:
    """Return the names of the grooves that a library file defines, but those for a few bars alone."""
    text = (_library() / f"{family}{ENDING}").read_text(encoding="latin-1")
    names = {name.upper(): name for name in DEFINITION.findall(text)}
    return [name for name in names.values() if not PASSING.search(name)]


def grooves(family: str) -> list[Groove]:
    """Return the grooves of a library file that play pitches, with their metres.

    Raises:
        RestyleError: if MMA cannot play them.
    """
    names = defined(family)
    lines = []
    for name in names:
        lines += [f"Groove {family}:{name}", f"Print {TOLD} $_Time", *ON_TIME, *_numbered([(c,) for c in TRIAL])]
    if not names:
        return []
    with TemporaryDirectory() as folder:
        said = _run(lines, Path(folder))
        if not _midi(Path(folder)).is_file():  # a library file that is silent
            return []
        onsets = read_onsets(_midi(Path(folder)))
    lengths = [float(line.split()[-1]) for line in said.splitlines() if line.startswith(TOLD)]
    edges = np.concatenate([[0.0], np.cumsum(lengths)]) * len(TRIAL)
    sounding, _ = np.histogram(onsets, edges)
    return [
        Groove(family, name, int(beats))
        for name, beats, count in zip(names, lengths, sounding, strict=True)
        if count and beats == int(beats)
    ]


def play(groove: Groove, bars: Sequence[Sequence[str]], *, seed: int) -> Played:
    """Play chords in a groove at 120 beats a minute, on the grid of a `Score`.

    Chance in velocities and in which notes play is the groove's own, and of the seed; there is none in timing.

    Args:
        groove: of as many beats as the bars.
        bars: the names of the chords of each beat of each bar.
        seed: 0 and up.

    Returns:
        All that begins within the bars.

    Raises:
        RestyleError: if ``mma`` is not installed, or cannot play the chords in this groove.

    Example:
        >>> play(Groove("stdlib/swing", "Swing", 4), [("C",) * 4], seed=0).tracks  # doctest: +SKIP
        ('Drum', 'Chord-Guitar', 'Chord', 'Bass')
    """
    with TemporaryDirectory() as folder:
        lines = [f"RndSeed {seed}", f"Groove {groove.address}", *ON_TIME, *_numbered(bars)]
        _run(lines, Path(folder))
        if not _midi(Path(folder)).is_file():
            raise RestyleError(f"MMA plays no notes in the groove {groove.address}; leave it out")
        return read_played(_midi(Path(folder)), len(bars), groove.beats)


def _numbered(bars: Sequence[Sequence[str]]) -> list[str]:
    return [f"{number} {held(bar)}" for number, bar in enumerate(bars, 1)]


def _midi(folder: Path) -> Path:
    return folder / "out.mid"


@lru_cache(maxsize=1)
def _library() -> Path:
    with TemporaryDirectory() as folder:
        said = _run([f"Print {TOLD} $_MMAPath"], Path(folder))
    return Path(said.partition(TOLD)[2].splitlines()[0].strip()) / "lib"


def _run(lines: Sequence[str], folder: Path) -> str:
    """What MMA says to a script; what it plays lies in the folder."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise RestyleError("the program mma is not installed; install Debian's package mma")
    script = folder / f"script{ENDING}"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [program, "-w", "-i", os.devnull, "-f", str(_midi(folder)), str(script)]
    surroundings = os.environ | {"PYTHONHASHSEED": "0"}  # no order of a set may change what is played
    try:
        done = subprocess.run(
            command, capture_output=True, cwd=folder, env=surroundings, timeout=TIMEOUT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise RestyleError(f"MMA took more than {TIMEOUT:g} s; leave out the groove or chart") from error
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode and "No data created" not in said:
        reason = " ".join(said.partition("Error:")[2].split()) or done.stderr.decode("utf-8", "replace").strip()
        raise RestyleError(f"MMA cannot play this: {reason[-300:]}; leave out the groove or chart")
    return said
