"""Notes moved from chord to chord: each keeps what it is in its chord. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from restyle.analysis.chord_names import parse_chord
from restyle.score import STEPS

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
STEPS_OF_SCALE = (0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6)  # degree of a scale, counted from 0, of semitones above a root
ALONE = frozenset({0, 7})  # what sounds over a root alone


@dataclass(frozen=True)
class Harmony:
    """The chord of each quarter note of a piece.

    Args:
        roots: pitch class of each chord's root, 0..11; where there is none, that of the chord before it. ``[B]``
        classes: the pitch classes of each chord, counted from its root.
        scale: the pitch classes of the key.
    """

    roots: np.ndarray
    classes: tuple[frozenset[int], ...]
    scale: frozenset[int]

    @classmethod
    def of(cls, labels: Sequence[str], tonic: int, mode: str) -> Harmony:
        """Read the labels of the chords of each quarter note; ``N`` goes on with the chord before.

        Example:
            >>> harmony = Harmony.of(["N", "A:min", "N", "G:7"], 0, "major")
            >>> harmony.roots.tolist(), sorted(harmony.classes[3])
            ([9, 9, 9, 7], [0, 4, 7, 10])
        """
        found = [parse_chord(label)[:2] for label in labels]
        known = [chord for chord in found if chord[0] is not None] or [(tonic, frozenset({0, 4, 7}))]
        last, roots, classes = known[0], [], []
        for chord in found:
            last = chord if chord[0] is not None else last
            roots.append(last[0])
            classes.append(frozenset(last[1]) or ALONE)
        scale = frozenset((tonic + step) % 12 for step in SCALES[mode])
        return cls(np.array(roots, dtype=int), tuple(classes), scale)

    def at(self, step: int) -> int:
        """Return the number of the quarter note in which a step lies; steps after the end lie in the last."""
        return min(max(0, step // STEPS), len(self.roots) - 1)

    def fits(self, pitch: int, beat: int, before: int) -> bool:
        """Return whether a note that sounds over one chord may go on over another: it is the same, or has its pitch."""
        same = self.roots[beat] == self.roots[before] and self.classes[beat] == self.classes[before]
        return bool(same or (pitch - self.roots[beat]) % 12 in self.classes[beat])

    def nearest(self, pitch: int, beat: int) -> int:
        """Return the pitch of a chord that is nearest to another, the lower of two."""
        above = (pitch - int(self.roots[beat])) % 12
        return pitch + min(
            (d for d in range(-6, 7) if (above + d) % 12 in self.classes[beat]), key=lambda d: (abs(d), d)
        )


def moved(pitch: int, old: Harmony, before: int, new: Harmony, after: int) -> int:
    """Return the pitch that is to a new chord what another is to its own, a tritone away from it at most.

    A note of the chord stays its third, its fifth and so on; another becomes the same degree of the new chord's scale.

    Args:
        pitch: MIDI number.
        old: the chords over which it is played.
        before: the quarter note in which it begins there.
        new: the chords over which it is to be played.
        after: the quarter note in which it begins there.

    Example:
        >>> old, new = Harmony.of(["C:maj"], 0, "major"), Harmony.of(["A:min"], 0, "major")
        >>> [moved(pitch, old, 0, new, 0) for pitch in (60, 64, 67)]
        [57, 60, 64]
    """
    root, target = int(old.roots[before]), int(new.roots[after])
    interval = (pitch - root) % 12
    scales = [{(tone - base) % 12 for tone in key} for key, base in ((old.scale, root), (new.scale, target))]
    wanted = _degree(interval, old.classes[before], new.classes[after], *scales)
    shift = (target - root + 6) % 12 - 6
    return pitch - interval + wanted + shift


def _degree(interval: int, own: frozenset[int], other: frozenset[int], own_scale: set[int], scale: set[int]) -> int:
    """The semitones above the root of another chord that are what an interval is in its own."""
    degree = STEPS_OF_SCALE[interval]
    tones = {STEPS_OF_SCALE[tone]: tone for tone in sorted(other)}
    if interval in own:
        third = next((d for d in (2, 1, 3) if d in tones), None)
        if degree in (1, 2, 3) and third is not None and not {3, 4} & own - {interval}:
            return tones[third]  # what stands for the third, too
        if degree in tones:
            return tones[degree]
        if degree in (5, 6):  # a triad has neither sixth nor seventh: its root or its fifth
            return 12 if degree == 6 else tones.get(4, 7)
    if interval in other or interval in scale or interval not in own | own_scale:  # what is chromatic stays so
        return interval
    return next((tone for tone in (interval - 1, interval + 1) if tone % 12 in scale), interval)
