"""Arrangement: a tune accompanied in the manner of another piece. Floor 4."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from restyle.analysis.form import key_of
from restyle.analysis.harmony import chords_of
from restyle.analysis.melody import melody_of, melody_track
from restyle.arrangement import retrieval
from restyle.arrangement.harmony import Harmony
from restyle.errors import RestyleError
from restyle.notes import DRUMS
from restyle.score import COLUMNS, STEPS, Score, joined

MELODY, BASS, CHORDS, DRUM_PART = "melody", "bass", "chords", "drums"
PARTS = (MELODY, BASS, CHORDS, DRUM_PART)
BASSES = range(32, 40)  # programmes
LOW = 48  # median pitch below which a part is a bass


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What became of a piece.

    Args:
        score: the piece as it is arranged; what is kept of it has the first tracks.
        kept: numbers of the tracks that are the content's own.
        tune: of those that are its melody.
        chosen: which bar of the style accompanies each bar, counted from 0; -1 where none does. A network writes them
            anew.
        chords: the content's chord in each quarter note.
    """

    score: Score
    kept: tuple[int, ...]
    tune: tuple[int, ...]
    chosen: tuple[int, ...]
    chords: tuple[str, ...]

    def of(self, tracks: Collection[int], *, others: bool = False) -> Score:
        """Return the notes of some tracks, or of all the others."""
        return self.score.select(np.isin(self.score.track, list(tracks)) != others)


def arrange(
    content: Score,
    style: Score,
    *,
    chords: Sequence[str] | None = None,
    keep: Collection[str] = (MELODY,),
    density: float | None = None,
    seed: int = 0,
    weights: str | Path | None = None,
) -> Arrangement:
    """Accompany a tune in the manner of another piece.

    The tune, its chords, form, bars and tempo are the content's; what accompanies it is the style's: bars whose
    chords change alike, in the order in which they stand, every note moved to the content's chord.

    Args:
        content: a piece.
        style: a few bars of another, or all of it; its melody is left out where it has a track of its own.
        chords: of the content, a name for each quarter note as `parse_chord` reads it, from the start again where they
            end before it; found in its notes where None.
        keep: the parts of the content that stay, of `PARTS`.
        density: 0 for the style's bars with the fewest notes to 1 for those with the most; as it goes by default.
        seed: 0 for what fits best; other numbers give other takes.
        weights: of a network that ``restyle train arranger`` trained, which writes the bars anew as the style would
            play them; without, the style's own bars are taken.

    Raises:
        RestyleError: if the content has nothing to keep, the style no accompaniment, or a value is out of its range.

    Example:
        >>> tune = Score.of([(12 * k, 12, 72 + k, 0.8, 73, 0) for k in range(4)], bars=[0, 48])
        >>> band = Score.of([(12 * k, 6, p, 0.5, 0, 0) for k in range(8) for p in (60, 64, 67)], bars=[0, 48, 96])
        >>> made = arrange(tune, band)
        >>> len(made.score), made.chosen
        (16, (0,))
    """
    _check(keep, density, seed)
    known = _parts(content)
    own = [known[part] for part in PARTS if part in keep and len(known[part])]
    if not own and not len(content.pitched()):
        raise RestyleError("the content has no pitched notes to accompany; give a piece with a tune")
    band = _accompaniment(style, keep)
    if not len(band):
        raise RestyleError("the style has no part that is not kept of the content; give another, or keep less of it")
    labels = chords_of(content) if chords is None else _repeated(chords, content)
    harmony, other = _harmony(content, labels), _harmony(style, chords_of(style))
    piece = _regrouped(content, harmony, band)
    bars = retrieval.choose(harmony, piece, other, band, density=density, seed=seed)
    made = retrieval.laid(piece, harmony, band, other, bars)
    if weights is not None:
        from restyle.arrangement.seq2seq import write  # it loads torch

        made = write(piece, harmony, made, weights=weights, seed=seed)
    chosen = tuple(bars[piece.bar_of(content.bars[:-1])].tolist())
    score, tracks = _numbered([*own, replace(made, bars=content.bars)])
    kept = tuple(number for part in tracks[:-1] for number in part)
    return Arrangement(score, kept, tracks[0] if own and own[0] is known[MELODY] else (), chosen, labels)


def part_of(score: Score, track: int) -> str:
    """Return which part a track plays that is no melody: ``bass``, ``chords`` or ``drums``.

    Example:
        >>> part_of(Score.of([(0, 12, 40, 0.8, 33, 0)], bars=[0, 48]), 0)
        'bass'
    """
    own = score.track == track
    if score.programme[own][0] == DRUMS:
        return DRUM_PART
    low = float(np.median(score.pitch[own])) < LOW
    return BASS if score.programme[own][0] in BASSES or low else CHORDS


def _check(keep: Collection[str], density: float | None, seed: int) -> None:
    unknown = sorted(set(keep) - set(PARTS))
    if unknown:
        raise RestyleError(f"what is kept must be of {', '.join(PARTS)}, not {', '.join(unknown)}")
    if density is not None and not 0 <= density <= 1:
        raise RestyleError(f"the density must be 0 to 1, not {density:g}")
    if seed < 0:
        raise RestyleError(f"the seed must be a whole number from 0 up, not {seed}")


def _parts(score: Score) -> dict[str, Score]:
    """The melody, and what else the tracks play by parts."""
    melody = melody_of(score)
    codes = [(128 * part.track + part.pitch) * (int(score.bars[-1]) + 1) + part.start for part in (score, melody)]
    rest = score.select(~np.isin(*codes))
    tracks = {track: part_of(rest, track) for track in np.unique(rest.track).tolist()}
    others = {
        part: rest.select(np.isin(rest.track, [track for track, own in tracks.items() if own == part]))
        for part in PARTS[1:]
    }
    return {MELODY: melody, **others}


def _accompaniment(style: Score, keep: Collection[str]) -> Score:
    """The style without its melody, where that has a track of its own beside others, and what the content keeps."""
    tracks = np.unique(style.track).tolist()
    tune = melody_track(style, sure=True) if len(tracks) > 1 else None
    left = [t for t in tracks if t != tune and part_of(style, t) not in keep]
    return style.select(np.isin(style.track, left))


def _harmony(score: Score, labels: tuple[str, ...]) -> Harmony:
    key = key_of(score)
    return Harmony.of(labels, key.tonic, key.mode)


def _repeated(chords: Sequence[str], content: Score) -> tuple[str, ...]:
    if not chords:
        raise RestyleError("there are no chords; give some, or leave them to be found")
    return tuple(chords[beat % len(chords)] for beat in range(-(-int(content.bars[-1]) // STEPS)))


def _regrouped(content: Score, harmony: Harmony, style: Score) -> Score:
    """The content with as many of its bars in one as a bar of the style is long, where that is a whole number.

    They are counted from where chords change most.
    """
    usual, other = (int(np.median(np.diff(score.bars))) for score in (content, style))
    count = other // usual
    if count < 2 or other % usual or content.bar_count <= count:
        return content
    begun = np.array([harmony.at(int(bar)) for bar in content.bars[:-1]])
    changed = harmony.roots[begun] != harmony.roots[np.maximum(begun - 1, 0)]
    first = max(range(count), key=lambda k: (changed[k or count :: count].mean(), -k))
    kept = np.unique([0, *range(first, content.bar_count, count), content.bar_count])
    return replace(content, bars=content.bars[kept])


def _numbered(parts: list[Score]) -> tuple[Score, list[tuple[int, ...]]]:
    """The parts as one score, their tracks numbered one after the other; and the numbers of each one's tracks."""
    numbered: list[Score] = []
    numbers: list[tuple[int, ...]] = []
    first = 0
    for part in parts:
        tracks, number = np.unique(part.track, return_inverse=True)
        columns = {name: getattr(part, name) for name in COLUMNS[:-1]}
        numbered.append(replace(part, **columns, track=first + number))
        numbers.append(tuple(range(first, first + len(tracks))))
        first += len(tracks)
    return joined(numbered), numbers
