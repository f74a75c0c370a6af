"""Grooves of MMA as styles: found by their name or a part of it, and played. Floor 6."""

from __future__ import annotations

import re
from difflib import get_close_matches

from restyle.data import mma
from restyle.data.mma import Groove
from restyle.errors import RestyleError
from restyle.score import Score

DRUMS_ALONE = "zoom/"  # patterns of a drum machine: there is nothing in them to move to chords
FIRST = "stdlib/"  # the library that is meant where several have a name, as MMA takes it
FEW = 5  # names in a sentence
NEAR = 0.6  # likeness of a name that may have been meant
LIST = "'restyle arrange --list-grooves' has them all"

# What a groove plays: common chords of a bar, and of half a bar. They have sevenths, since over a triad a seventh is
# easily left out, but what is played over a triad has none that could go to a seventh.
BARS = (
    *("Dm7", "G7", "CM7", "A7", "Dm7", "G7", "CM7", "CM7"),
    *("Dm7 G7", "CM7 A7", "Bm7b5 E7", "Am7", "Dm7 G7", "Em7 A7", "Dm7 G7", "CM7"),
)


def library() -> dict[str, list[str]]:
    """Return the names of MMA's grooves by the library file that has them; those of drums alone are left out.

    Raises:
        RestyleError: if ``mma`` is not installed.
    """
    try:
        families = [family for family in mma.families() if not family.startswith(DRUMS_ALONE)]
    except RestyleError as error:
        raise RestyleError(f"{error}, or give a file as the style") from error
    return {family: names for family in families if (names := mma.defined(family))}


def find(name: str) -> Groove:
    """Return the groove that a name means: of a groove or a library file, its beginning, or another part of it.

    Args:
        name: as ``bossa``, ``SwingWalk``, ``stdlib/bossanova`` or ``stdlib/swing:SwingWalk``; capitals, spaces and
            hyphens do not count.

    Raises:
        RestyleError: if there is none, or several of other libraries than MMA's own, or it plays no pitches.
    """
    wanted, known = _plain(name), library()
    pairs = [(family, groove) for family, grooves in known.items() for groove in grooves]
    for fits in (str.__eq__, str.startswith, str.__contains__):
        found = [pair for pair in pairs if any(fits(key, wanted) for key in _keys(*pair))] if wanted else []
        found = [pair for pair in found if _is_first(pair[0])] or found
        if len({family for family, _ in found}) == 1:
            return _playable(*min(found, key=lambda pair: _plain(pair[1]) != wanted))
        if found:
            few = list(dict.fromkeys(family for family, _ in found))
            raise RestyleError(f"'{name}' may be {_listed(few)}; give more of the name, {LIST}")
    names = {_plain(family.partition("/")[2]): family for family in sorted(known, key=_is_first)}
    near = [names[key] for key in get_close_matches(wanted, names, FEW, NEAR)]
    raise RestyleError(f"MMA has no groove '{name}'{f', but {_listed(near)}' if near else ''}; {LIST}")


def played(groove: Groove) -> Score:
    """Return what a groove plays over common chords, 16 bars at 120 beats a minute: the same each time.

    Raises:
        RestyleError: if MMA cannot play it.
    """
    return mma.play(groove, [_beats(bar.split(), groove.beats) for bar in BARS], seed=0).score


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.lower())


def _is_first(family: str) -> bool:
    return family.startswith(FIRST)


def _keys(family: str, groove: str) -> list[str]:
    """What a groove may be called by."""
    return [_plain(key) for key in (family, family.partition("/")[2], groove, f"{family}:{groove}")]


def _playable(family: str, name: str) -> Groove:
    for groove in mma.grooves(family):
        if groove.name == name:
            return groove
    raise RestyleError(f"the groove {family}:{name} plays no chords or bass; give another, {LIST}")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def _beats(chords: list[str], beats: int) -> tuple[str, ...]:
    """The chord of each beat of a bar; of two the first has the longer half."""
    first = -(-beats // len(chords))
    return (chords[0],) * first + (chords[-1],) * (beats - first)
