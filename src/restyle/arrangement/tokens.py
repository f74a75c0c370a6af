"""Bars of a score as events, and back: what the network reads and writes. Floor 4.

A bar is a row BAR, then for each instrument that plays in it a row INSTRUMENT and a row each note, by onset and pitch.
Instruments are drums and the sixteen families of General MIDI; drums come first, the others by rising mean pitch. A row
is a move, which for notes is the step of the bar at which they begin, and a pitch and duration, 0 where there is none.

Sources: the order by instrument, Ou et al., "Unifying symbolic music arrangement: track-aware reconstruction and
structured tokenization", arXiv 2408.15176; several fields in one position, Hsiao et al., "Compound word transformer",
AAAI 2021.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from restyle.arrangement.harmony import Harmony
from restyle.notes import DRUMS
from restyle.score import STEPS, Score

PLACES = 96  # steps of a bar in which notes may begin
FAMILIES = 17  # drums are 0
BAR, INSTRUMENT, ONSET = 0, 1, 1 + FAMILIES  # the first of each kind of move
MOVES = ONSET + PLACES
PITCHED = 12  # the pitch that a root 0..11 has itself; a pitch counts from the root of the chord at its onset
DRUM = PITCHED + 128  # the pitch of drums' key 0
PITCHES = DRUM + 128
LENGTHS = np.array([*range(1, 15), 16, 18, 20, 24, 30, 36, 48, 60, 72, 96, 144, 192])
DURATIONS = len(LENGTHS) + 1
LIMIT = 96  # notes of an instrument in a bar

MOVE, PITCH, DURATION, FAMILY, OF_BAR = range(5)  # columns of events; the family is 0 for BAR, and counts from 1

ROOT, CHORD, TUNE = 0, slice(1, 13), slice(13, 25)  # columns of beats: chord and melody count from the root
STRUCK, NEXT, BEAT, PHRASE, BEAT_BAR = range(25, 30)
WIDTH = 30
MOST_STRUCK, MOST_BEATS, PHRASE_BARS = 4, 8, 4


def beats(bars: np.ndarray, harmony: Harmony, melody: Score) -> np.ndarray:
    """Return what the network is told of each beat of a piece.

    Args:
        bars: steps at which bars begin and the last one ends, ``[M + 1]``; of a bar, `PLACES` steps count.
        harmony: the chords.
        melody: the tune on these bars.

    Returns:
        A row each quarter note of each bar, int64 ``[L, 30]``: root 0..11, the chord's pitch classes and those that
        the melody sounds, from the root, as twelve flags each; its onsets, 4 at most; semitones 0..11 to the next
        root; number of the beat in its bar, 0..7, of the bar in four, and of the bar.

    Example:
        >>> tune = Score.of([(0, 12, 64, 0.8, 0, 0)], bars=[0, 24])
        >>> table = beats(tune.bars, Harmony.of(["C:maj", "G:maj"], 0, "major"), tune)
        >>> table[:, ROOT].tolist(), np.flatnonzero(table[0, TUNE]).tolist(), table[:, NEXT].tolist()
        ([0, 7], [4], [7, 0])
    """
    lengths = np.minimum(np.diff(bars), PLACES)
    counts = -(-lengths // STEPS)
    bar = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(bar)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = bars[bar] + STEPS * place
    end = np.minimum(start + STEPS, bars[bar + 1])
    at = np.array([harmony.at(int(step)) for step in start])
    table = np.zeros((len(bar), WIDTH), np.int64)
    table[:, ROOT] = roots = harmony.roots[at]
    for row, k in zip(table[:, CHORD], at, strict=True):
        row[list(harmony.classes[k])] = 1
    beat, note = np.nonzero((melody.start < end[:, None]) & (melody.end > start[:, None]))
    table[beat, TUNE.start + (melody.pitch[note] - roots[beat]) % 12] = 1
    begun = melody.start[note] >= start[beat]
    table[:, STRUCK] = np.minimum(np.bincount(beat[begun], minlength=len(bar)), MOST_STRUCK)
    table[:-1, NEXT] = (roots[1:] - roots[:-1]) % 12
    table[:, BEAT], table[:, BEAT_BAR] = place, bar
    table[:, PHRASE] = (bar - pickup(bars)) % PHRASE_BARS
    return table


def pickup(bars: np.ndarray) -> int:
    """Return how many bars of a piece are a pickup: 1 where the first is half as long as the second at most, else 0."""
    return int(len(bars) > 2 and 2 * (bars[1] - bars[0]) <= bars[2] - bars[1])


def beat_of(table: np.ndarray, bar: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the rows of `beats` in which steps of bars lie."""
    first = np.searchsorted(table[:, BEAT_BAR], bar)
    return np.asarray(first + place // STEPS)


def families(score: Score) -> np.ndarray:
    """Return the family of each note's instrument: 0 for drums, 1..16 for those of General MIDI, ``[N]``."""
    return np.where(score.programme == DRUMS, 0, 1 + score.programme // 8)


def events_of(score: Score, table: np.ndarray) -> np.ndarray:
    """Write a score as events.

    Of notes of one family that begin on one step of a key, the longest counts; durations are rounded to `LENGTHS`.

    Args:
        score: the accompaniment; notes that begin later in a bar than `PLACES` steps are left out.
        table: of its bars, as `beats` returns it.

    Returns:
        Rows of move, pitch, duration, family and number of the bar, int64 ``[N, 5]``.

    Example:
        >>> band = Score.of([(0, 12, 43, 0.8, 33, 0), (0, 1, 36, 0.8, 128, 1)], bars=[0, 48])
        >>> table = beats(band.bars, Harmony.of(["G:7"] * 4, 0, "major"), band.select([]))
        >>> events_of(band, table)[:, :4].tolist()
        [[0, 0, 0, 0], [1, 0, 0, 1], [18, 176, 1, 1], [6, 0, 0, 6], [18, 48, 12, 6]]
    """
    bar, family = score.bar_of(score.start), families(score)
    place = score.start - score.bars[bar]
    heard = place < PLACES
    root = table[beat_of(table, bar, np.where(heard, place, 0)), ROOT]
    pitch = np.where(family == 0, DRUM + score.pitch, PITCHED + score.pitch - root)
    duration = 1 + np.abs(score.length[:, None] - LENGTHS).argmin(axis=1)
    rows: list[tuple[int, ...]] = []
    for number in range(score.bar_count):
        rows.append((BAR, 0, 0, 0, number))
        own = np.flatnonzero((bar == number) & heard)
        for name in _order(family[own], score.pitch[own]):
            notes = own[family[own] == name]
            longest: dict[tuple[int, int], int] = {}
            for key in zip(place[notes].tolist(), pitch[notes].tolist(), duration[notes].tolist(), strict=True):
                longest[key[:2]] = max(longest.get(key[:2], 0), key[2])
            rows.append((INSTRUMENT + name, 0, 0, 1 + name, number))
            rows += [(ONSET + at, tone, longest[at, tone], 1 + name, number) for at, tone in sorted(longest)[:LIMIT]]
    return np.array(rows, np.int64)


def _order(family: np.ndarray, pitch: np.ndarray) -> list[int]:
    """The families of a bar's notes: drums, then by rising mean pitch."""
    return sorted(np.unique(family).tolist(), key=lambda name: (name != 0, float(pitch[family == name].mean())))


def notes_of(events: np.ndarray, table: np.ndarray, bars: np.ndarray) -> np.ndarray:
    """Read the notes of events.

    Args:
        events: as `events_of` returns them.
        table: of the bars, as `beats` returns it.
        bars: steps at which they begin and the last one ends.

    Returns:
        Start, length, pitch and family (0 for drums) of each note, int64 ``[N, 4]``. What rings on ends with the piece.

    Example:
        >>> band = Score.of([(0, 12, 43, 0.8, 33, 0)], bars=[0, 48])
        >>> table = beats(band.bars, Harmony.of(["G:7"] * 4, 0, "major"), band.select([]))
        >>> notes_of(events_of(band, table), table, band.bars).tolist()
        [[0, 12, 43, 5]]
    """
    notes = events[events[:, MOVE] >= ONSET]
    place, family = notes[:, MOVE] - ONSET, notes[:, FAMILY] - 1
    root = table[beat_of(table, notes[:, OF_BAR], place), ROOT]
    pitch = np.where(family == 0, notes[:, PITCH] - DRUM, notes[:, PITCH] - PITCHED + root)
    start = bars[notes[:, OF_BAR]] + place
    length = np.minimum(LENGTHS[notes[:, DURATION] - 1], bars[-1] - start)
    return np.stack([start, length, pitch, family], axis=1)


class Grammar:
    """What may come next in a bar, so that it is well-formed whatever is chosen, and ends.

    Args:
        length: steps of the bar.
        roots: of the chords at its beats.
        allowed: families of the instruments that may play.

    Example:
        >>> grammar = Grammar(48, [0, 0, 0, 0], {0, 5})
        >>> np.flatnonzero(grammar.moves()).tolist()
        [0, 1, 6]
        >>> grammar.take(INSTRUMENT + 5)
        >>> np.flatnonzero(grammar.moves()).tolist() == list(range(ONSET, ONSET + 48))
        True
    """

    def __init__(self, length: int, roots: Collection[int], allowed: Collection[int]) -> None:
        self.places, self.roots, self.left = min(length, PLACES), list(roots), set(allowed)
        self.family, self.count, self.last, self.pitch = -1, 0, 0, -1

    def moves(self) -> np.ndarray:
        """Return which moves may come, ``[MOVES]``: BAR where the bar may end."""
        mask = np.zeros(MOVES, bool)
        if self.family < 0 or self.count:
            mask[BAR] = True
            mask[[INSTRUMENT + name for name in self.left if name or self.family < 0]] = True
        if self.family >= 0 and self.count < LIMIT:
            mask[ONSET + self.last : ONSET + self.places] = True
            mask[ONSET + self.last] = self.pitches(ONSET + self.last).any()
        return mask

    def pitches(self, move: int) -> np.ndarray:
        """Return which pitches a note may have after its move, ``[PITCHES]``: higher ones than the last at one step."""
        mask, place = np.zeros(PITCHES, bool), move - ONSET
        first = DRUM if self.family == 0 else PITCHED - self.roots[place // STEPS]
        mask[first : first + 128] = True
        if self.count and place == self.last:
            mask[: self.pitch + 1] = False
        return mask

    def take(self, move: int, pitch: int = 0) -> None:
        """Go on with what was chosen."""
        if move >= ONSET:
            self.count, self.last, self.pitch = self.count + 1, move - ONSET, pitch
        elif move >= INSTRUMENT:
            self.family, self.count, self.last = move - INSTRUMENT, 0, 0
            self.left.discard(self.family)
