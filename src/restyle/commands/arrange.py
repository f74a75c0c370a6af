"""``restyle arrange``: a tune accompanied in the manner of another piece, as MIDI or as the style plays it. Floor 6."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restyle import __version__, pipeline
from restyle.analysis.chord_names import parse_chord
from restyle.arrangement import MELODY, Arrangement, arrange
from restyle.audio import Audio
from restyle.commands.shared import outputs
from restyle.commands.shared.inputs import check_input, read_sound
from restyle.data.charts import HOLD
from restyle.errors import RestyleError, collect, warn
from restyle.io.midi import MIDI, MIDI_READ
from restyle.io.scores import read_score, write_score
from restyle.io.sound import WRITABLE, write
from restyle.io.text import write_text
from restyle.score import Score

MOST_TAKES = 16


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a piece is to be arranged; see `restyle.arrangement.arrange`.

    Args:
        keep: parts of the content that stay.
        chords: a file of the chords of these bars, a cell a beat, ``/`` where a chord goes on; found in the notes where
            None.
        bars: the first and the last bar of the content, counted from 1; all by default.
        density: of the style's bars, 0 to 1.
        seed: of the first take; the next ones have the next numbers.
        takes: how many are made.
        weights: of a network that writes new bars: a run's folder, a name or a path; the style's own bars are taken
            where None.
    """

    keep: tuple[str, ...] = (MELODY,)
    chords: Path | None = None
    bars: tuple[int, int] | None = None
    density: float | None = None
    seed: int = 0
    takes: int = 1
    weights: str | None = None


def run(
    content: Path,
    style: Path,
    out: Path,
    asked: Asked | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> list[dict[str, Any]]:
    """Arrange a piece; write each take and its record ``.json``, all of them or nothing.

    Args:
        content: a MIDI file, or a recording whose notes are found.
        style: likewise.
        out: the ``.mid`` file to write; or a sound file, if the style is a recording, whose instruments play it then.
        asked: how.
        overwrite: whether files that are there may be replaced.
        progress: called with the fraction done, 0..1.

    Returns:
        The record of each take.

    Raises:
        RestyleError: if an input cannot be used, an option is out of its range, or an output cannot be written.
    """
    asked, report = asked or Asked(), progress or (lambda _: None)
    if not 1 <= asked.takes <= MOST_TAKES:
        raise RestyleError(f"there can be 1 to {MOST_TAKES} takes, not {asked.takes}")
    inputs = [content, style, *([asked.chords] if asked.chords else [])]
    for path in inputs:
        check_input(path)
    chords = _chords(asked.chords) if asked.chords else None
    names = [out.with_stem(f"{out.stem}-{take + 1}") if asked.takes > 1 else out for take in range(asked.takes)]
    for name in names:
        outputs.check_output(name, inputs, (*MIDI, *WRITABLE), overwrite=overwrite)
    sounds = out.suffix.lower() not in MIDI
    if sounds and style.suffix.lower() in MIDI_READ:
        raise RestyleError(f"{style} has no sound to play {out.name} with; write a .mid file, or give a recording")
    with collect() as collected:
        piece, other = _read(content, asked.bars), _read(style)
        report(0.2)
        made = [
            arrange(
                piece,
                other,
                chords=chords,
                keep=asked.keep,
                density=asked.density,
                seed=asked.seed + take,
                weights=asked.weights,
            )
            for take in range(asked.takes)
        ]
        report(0.3)
        played = _played(made, read_sound(style), asked, report) if sounds else None
    takes = zip(names, range(asked.takes), made, strict=True)
    records = [_record(inputs, name, asked, take, one) for name, take, one in takes]
    paths = [path for name in names for path in (name, outputs.record_path(name))]
    with outputs.together(paths) as places:
        for i, one in enumerate(made):
            if played:
                write(places[2 * i], played[i])
            else:
                write_score(places[2 * i], one.score)
            records[i]["warnings"] = collected.warnings
            write_text(places[2 * i + 1], json.dumps(records[i], indent=2, ensure_ascii=False) + "\n")
    report(1.0)
    return records


def _read(path: Path, bars: tuple[int, int] | None = None) -> Score:
    """A piece on its bars, or some of them; of a recording as they are found."""
    if path.suffix.lower() in MIDI_READ:
        score = read_score(path)
    else:
        from restyle.analysis.facts import Analysis
        from restyle.analysis.meter import estimate_meter
        from restyle.analysis.quantise import quantise

        audio = read_sound(path)
        known = Analysis.of(audio)
        meter = estimate_meter(known.beats, known.notes)
        if meter is None:
            warn(f"no steady beat was found in {path}: its notes stand in bars of 2 s")
        score = quantise(known.notes, meter)
    if not len(score):
        raise RestyleError(f"{path} has no notes; give another file")
    if bars is None:
        return score
    first, last = bars
    if not 1 <= first <= last or first > score.bar_count:
        raise RestyleError(f"{path} has bars 1 to {score.bar_count}; {first}-{last} are not among them")
    return score.between(first - 1, min(last, score.bar_count))


def _chords(path: Path) -> list[str]:
    """The chord of each beat of a file."""
    try:
        cells = path.read_text(encoding="utf-8").replace("|", " ").split()
    except (OSError, UnicodeDecodeError) as error:
        raise RestyleError(f"{path} is no text; write a bar a line, a chord or / a beat") from error
    if not cells or cells[0] == HOLD:
        raise RestyleError(f"{path} does not begin with a chord; write a bar a line, a chord or / a beat")
    named: list[str] = []
    for cell in cells:
        named.append(named[-1] if cell == HOLD else cell)
    for name in dict.fromkeys(named):
        try:
            parse_chord(name)
        except RestyleError as error:
            raise RestyleError(f"{path}: {error}") from error
    return named


def _played(
    made: Sequence[Arrangement], style: Audio, asked: Asked, report: Callable[[float], None]
) -> list[pipeline.Result]:
    """The takes as the style's instruments play them."""
    learnt, results = pipeline.learn_for(style, pipeline.Settings(seed=asked.seed)), []
    for i, one in enumerate(made):
        results.append(pipeline.transfer(one.score.notes(), learnt, seed=asked.seed))
        report(0.3 + 0.6 * (i + 1) / len(made))
    return results


def _record(inputs: Sequence[Path], out: Path, asked: Asked, take: int, made: Arrangement) -> dict[str, Any]:
    return {
        "restyle": __version__,
        "content": str(inputs[0]),
        "style": str(inputs[1]),
        "out": str(out),
        "settings": {
            "keep": list(asked.keep),
            "chords": str(asked.chords) if asked.chords else None,
            "bars": asked.bars,
            "density": asked.density,
            "seed": asked.seed + take,
            "weights": asked.weights,
        },
        "bars": None if made.chosen is None else [bar + 1 if bar >= 0 else None for bar in made.chosen],
        "chords": list(made.chords),
        "kept": list(made.kept),
        "notes": len(made.score),
        "inputs": outputs.fingerprints(inputs),
    }
