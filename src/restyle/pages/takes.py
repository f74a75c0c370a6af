"""The page of an arrangement: hear and see content, style and takes, and choose, in one HTML file. Floor 6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from restyle.analysis.chord_names import parse_chord
from restyle.analysis.melody import melody_of
from restyle.arrangement import part_of
from restyle.audio import Audio
from restyle.dsp.preview import KICKS, SNARES, preview
from restyle.evaluation.symbolic import METRICS, evaluate
from restyle.io.mp3 import RATE, at_rate
from restyle.notes import DRUMS
from restyle.pages.media import matched, mp3, plain, plan
from restyle.pages.pictures import Box
from restyle.pages.plot import pitch_range
from restyle.pages.rendering import render
from restyle.pages.report import ACRONYMS, figure
from restyle.score import STEPS, Score

SECONDS, BARS = 30.0, 16  # of each piece, at most
LIMIT = 5_000_000  # bytes of a page
KBPS = 64  # of one channel
TUNE, DRUM_PART = "tune", "drums"
ROW = 2.0  # semitones of a row of drums, of which there are three below the notes
# What `restyle.analysis.harmony` calls a chord, as a lead sheet has it
SHORT = ((":maj7", "maj7"), (":maj", ""), (":min", "m"), (":hdim7", "m7b5"), (":", ""))


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """What is heard and seen.

    Args:
        name: as it is called on the page.
        score: its notes.
        sound: how it sounds, from 0 s of the score's times on; plain tones play the notes where None.
        facts: what is written beside it.
    """

    name: str
    score: Score
    sound: Audio | None = None
    facts: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A piece as the page shows it: base64 of an MP3 file, whether it begins again at its end, and notes to draw."""

    name: str
    facts: tuple[str, ...]
    mp3: str
    loop: bool
    boxes: tuple[Box, ...]


def page(
    content: Piece,
    style: Piece,
    takes: Sequence[Piece],
    *,
    tune: Score,
    chords: Sequence[str],
    title: str,
    warnings: Sequence[str] = (),
) -> str:
    """Return the page of an arrangement.

    Args:
        content: the piece that was arranged.
        style: how; its own bars and tempo are played, again and again where it is short.
        takes: the results, on the content's bars.
        tune: what is kept of the content.
        chords: the content's chord in each quarter note.
        title: heading of the page.
        warnings: what was done instead of what was asked for, a sentence each.

    Returns:
        One page of less than 5 MB, which needs no network: the first 16 bars of each, 30 s at most, equally loud.

    Example:
        >>> score = Score.of([(0, 48, 60, 0.8, 0, 0)], bars=[0, 48])
        >>> take = Piece(name="take 1", score=score)
        >>> html = page(take, take, [take], tune=score, chords=["C"] * 4, title="A tune")
        >>> html.startswith("<!doctype html>"), "A tune" in html
        (True, True)
    """
    bars = content.score.bars[: BARS + 1]
    most, _ = plan(len(takes) + 2, SECONDS, LIMIT)
    seconds = min(most, float(content.score.seconds(bars[-1])))
    pieces = [content, replace(style, score=_cut(style.score)), *takes]
    kept = set(zip(tune.start.tolist(), tune.pitch.tolist(), strict=True))
    low, high = pitch_range([piece.score.notes() for piece in pieces])
    return render(
        "takes.html",
        title=title,
        warnings=warnings,
        seconds=seconds,
        range=(low - 3 * ROW - 1, high),
        lanes=_lanes(pieces, kept, low, seconds),
        chords=_by_bar(content.score, bars, chords, seconds),
        names=[take.name for take in takes],
        figures=_figures(content.score, style.score, takes, chords),
    )


def _figures(
    content: Score, style: Score, takes: Sequence[Piece], chords: Sequence[str]
) -> list[tuple[str, str, list[str]]]:
    """What each metric is called and means, and its values for the takes, as ``restyle evaluate`` gives them."""
    named, melody = [parse_chord(chord) for chord in chords], melody_of(content)
    wanted = np.array([[(k - (root or 0)) % 12 in classes for k in range(12)] for root, classes, _ in named], bool)
    scores = [evaluate(take.score, content=content, style=style, melody=melody, chords=wanted) for take in takes]
    rows = []
    for name, metric in METRICS.items():
        key = name.partition(".")[2]
        values = [score[key] for score in scores]
        if any(value is not None for value in values):
            label = " ".join(ACRONYMS.get(word, word) for word in key.split("_"))
            rows.append((label, metric.text, [figure(value) for value in values]))
    return rows


def _cut(style: Score) -> Score:
    return style.between(0, min(BARS, style.bar_count))


def _lanes(pieces: Sequence[Piece], kept: set[tuple[int, int]], low: float, seconds: float) -> list[Lane]:
    own = [min(seconds, _length(piece)) if k == 1 else seconds for k, piece in enumerate(pieces)]
    sounds = {
        str(k): plain(at_rate(_sound(piece, length), RATE), length, KBPS)
        for k, (piece, length) in enumerate(zip(pieces, own, strict=True))
    }
    loud, _ = matched(sounds)
    return [
        Lane(
            name=piece.name,
            facts=tuple(piece.facts),
            mp3=mp3(loud[str(k)], KBPS),
            loop=length < seconds,
            boxes=tuple(_boxes(piece.score, set() if k == 1 else kept, low, length, seconds)),
        )
        for k, (piece, length) in enumerate(zip(pieces, own, strict=True))
    ]


def _length(piece: Piece) -> float:
    whole = float(piece.score.seconds(piece.score.bars[-1]))
    return whole if piece.sound is None else min(whole, piece.sound.duration)


def _sound(piece: Piece, seconds: float) -> Audio:
    if piece.sound is None:
        return preview(piece.score.notes(), seconds)
    return piece.sound.slice(0, min(piece.sound.length, round(seconds * piece.sound.rate)))


def _boxes(score: Score, kept: set[tuple[int, int]], low: float, own: float, seconds: float) -> list[Box]:
    """The notes of a piece that lasts ``own`` seconds and begins again until ``seconds``, by their parts."""
    parts = {track: part_of(score, track) for track in np.unique(score.track).tolist()}
    onset, offset = score.seconds(score.start), score.seconds(score.end)
    boxes = []
    for k in np.flatnonzero(onset < own).tolist():
        pitch, drum = int(score.pitch[k]), score.programme[k] == DRUMS
        kind = TUNE if (int(score.start[k]), pitch) in kept and not drum else parts[int(score.track[k])]
        place = low - ROW * (3 if pitch in KICKS else 2 if pitch in SNARES else 1) if drum else pitch
        for begin in np.arange(0, seconds, own).tolist():
            length = min(float(offset[k] - onset[k]), 0.05 if drum else own, seconds - begin - float(onset[k]))
            if length > 0:
                boxes.append(
                    Box(
                        onset=begin + float(onset[k]),
                        length=length,
                        pitch=float(place),
                        velocity=float(score.velocity[k]),
                        kind=kind,
                    )
                )
    return boxes


def _by_bar(
    score: Score, bars: np.ndarray, chords: Sequence[str], seconds: float
) -> list[tuple[float, float, int, str]]:
    """The place and width of each bar in percent, its number, and the chords in it."""
    edges = np.minimum(score.seconds(bars), seconds) / seconds * 100
    rows = []
    for k in np.flatnonzero(np.diff(edges) > 0).tolist():
        beats = range(int(bars[k]) // STEPS, -(-int(bars[k + 1]) // STEPS))
        names = [_short(chords[min(beat, len(chords) - 1)]) for beat in beats]
        changed = [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
        rows.append((float(edges[k]), float(edges[k + 1] - edges[k]), k + 1, " ".join(changed)))
    return rows


def _short(chord: str) -> str:
    for long, short in SHORT:
        chord = chord.replace(long, short)
    return chord
