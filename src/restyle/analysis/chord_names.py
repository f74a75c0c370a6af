"""What the name of a chord means, as Harte et al. write it or as on a lead sheet. Floor 3."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from restyle.errors import RestyleError

NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
DEGREES = (0, 2, 4, 5, 7, 9, 11)  # semitones of the degrees of a major scale
NO_CHORD = frozenset({"", "n", "x", "z", "nc", "n.c."})
NAME = re.compile(r"(?P<root>[A-G][b#]*)(?P<kind>[^/]*?)(?:/(?P<bass>[A-G][b#]*|[b#]*\d+))?")
PART = re.compile(
    r"(?P<half>hdim|[øh])|(?P<dim>dim|[o°])|(?P<minor>min|mi|m(?!aj?))|(?P<triangle>[Δ^])|(?P<major>maj|ma|M)"
    r"|(?P<augmented>aug|\+(?!\d))|(?P<second>sus2)|(?P<fourth>sus4?)|(?P<add>add)|(?P<without>no|omit|\*)|(?P<alt>alt)"
    r"|(?P<degree>[b#+-]*(?:69|1[0-3]|[1-9]))|(?P<open>\()|(?P<close>[\s,)]+)"
)
STACKS = {"6": (9,), "69": (9, 2), "7": (), "9": (2,), "11": (2, 5), "13": (2, 9)}  # above the triad and the seventh
CHANGES: dict[str, dict[str, int | bool | None]] = {
    "half": {"third": 3, "fifth": 6},
    "dim": {"third": 3, "fifth": 6, "seventh": 9},
    "minor": {"third": 3},
    "triangle": {"seventh": 11, "numbered": True},
    "major": {"seventh": 11},
    "augmented": {"fifth": 8},
    "second": {"third": 2},
    "fourth": {"third": 5},
    "add": {"numbered": True},
    "without": {"numbered": True, "removing": True},
    "alt": {"fifth": 8},
    "open": {"numbered": True},
}
ALTERED = frozenset({0, 4, 8, 10, 1, 3})


def parse_chord(text: str) -> tuple[int | None, frozenset[int], int | None]:
    """Read the name of a chord.

    Args:
        text: as ``D:min7``, ``Bb:maj/3``, ``G:sus4(b7)``, or as ``Dm7``, ``FM7``, ``Bb13``, ``F#m7b5``, ``C/E``,
            ``G+``; ``N``, ``X``, ``z`` or nothing for no chord.

    Returns:
        The root 0..11 (C is 0), or None; the pitch classes of the chord, counted from the root; the pitch class
        0..11 after a slash, or None.

    Raises:
        RestyleError: if it is no name of a chord.

    Example:
        >>> root, classes, bass = parse_chord("F#m7b5/A")
        >>> root, sorted(classes), bass
        (6, [0, 3, 6, 10], 9)
        >>> parse_chord("Bb:maj7/3")[2], sorted(parse_chord("G7b9")[1])
        (2, [0, 1, 4, 7, 10])

    Source: Harte, Sandler, Abdallah, Gómez, "Symbolic representation of musical chords", ISMIR 2005.
    """
    name = text.strip().replace("6/9", "69")
    if name.lower() in NO_CHORD:
        return None, frozenset(), None
    found = NAME.fullmatch(name)
    if not found:
        raise _unknown(text)
    root, bass = _pitch_class(found["root"]), found["bass"]
    if bass:
        low = _pitch_class(bass) if bass[0] in NATURALS else (root + _degree(bass)) % 12
    return root, _Kind(text).read(found["kind"]), low if bass else None


def _unknown(text: str) -> RestyleError:
    return RestyleError(f"{text!r} is no name of a chord; write it as Dm7 or as D:min7")


def _pitch_class(name: str) -> int:
    return (NATURALS[name[0]] + name.count("#") - name.count("b")) % 12


def _degree(name: str) -> int:
    """Semitones above the root of a degree like ``b7`` or ``#11``, within an octave."""
    number = int(name.lstrip("b#+-"))
    shift = name.count("#") + name.count("+") - name.count("b") - name.count("-")
    return (DEGREES[(number - 1) % 7] + shift) % 12


@dataclass
class _Kind:
    """The part of a name after its root, as far as it is read: semitones above the root."""

    text: str
    third: int | None = 4
    fifth: int | None = 7
    seventh: int = 10
    more: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    numbered: bool = False  # whether a further number is a note of its own, none of the kind
    removing: bool = False

    def read(self, kind: str) -> frozenset[int]:
        """Return the pitch classes."""
        if kind.startswith(":("):  # a list of degrees alone
            self.third = self.fifth = None
        kind = re.sub(r"^\+", "aug", re.sub(r"^-", "min", kind.removeprefix(":")))
        at = 0
        while at < len(kind):
            part = PART.match(kind, at)
            if not part:
                raise _unknown(self.text)
            self._take(part.lastgroup or "", part[0])
            at = part.end()
        return frozenset({0, self.third, self.fifth, *self.more} - {None} - self.removed)  # type: ignore[arg-type]

    def _take(self, group: str, part: str) -> None:
        if group in CHANGES:
            for name, value in CHANGES[group].items():
                setattr(self, name, value)
        if group in ("half", "triangle"):
            self.more.add(self.seventh)
        elif group == "alt":
            self.more |= ALTERED
        elif group == "degree":
            self._number(part)

    def _number(self, part: str) -> None:
        if part in STACKS and not self.numbered:
            self.more |= {*STACKS[part], *([self.seventh] if part not in ("6", "69") else [])}
        elif part == "5" and not self.numbered:
            self.third = None
        elif part == "1" and not self.numbered:
            self.third = self.fifth = None
        elif self.removing:
            self.removed.add(_degree(part))
        elif int(part.lstrip("b#+-")) == 5:
            self.fifth = _degree(part)
        else:
            self.more.add(_degree(part))
        self.numbered, self.removing = True, False
