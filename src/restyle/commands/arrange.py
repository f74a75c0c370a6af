"""``restyle arrange``: a tune accompanied in the manner of another piece, as MIDI or as the style plays it. Floor 6."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from restyle import __version__, pipeline
from restyle.accompany import Accompanied
from restyle.arrangement import MELODY, Arrangement, arrange
from restyle.audio import Audio
from restyle.commands.shared import grooves, outputs
from restyle.commands.shared.inputs import check_input, read_sound
from restyle.commands.shared.lead_sheets import named_chords, read_chords
from restyle.commands.shared.scores import score_of
from restyle.errors import RestyleError, collect, warn
from restyle.io.midi import MIDI, MIDI_READ
from restyle.io.scores import write_score
from restyle.io.sound import WRITABLE, write
from restyle.io.text import printable, write_text
from restyle.score import STEPS, Score

MOST_TAKES = 16
PAGE = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a piece is to be arranged; see `restyle.arrangement.arrange`.

    Args:
        groove: of MMA's, whose playing is the style; its name or a part of it. None where the style is a file.
        keep: parts of the content that stay.
        chords: a file of the chords of these bars, a line a bar and a cell a beat, ``/`` where a chord goes on. Where
            None, those that the content names, or that are found in its notes.
        bars: the first and the last bar of the content, counted from 1; all by default.
        density: of the style's bars, 0 to 1.
        seed: of the first take; the next ones have the next numbers.
        takes: how many are made.
        weights: of a network that writes new bars: a run's folder, a name or a path; the style's own bars are taken
            where None.
    """

    groove: str | None = None
    keep: tuple[str, ...] = (MELODY,)
    chords: Path | None = None
    bars: tuple[int, int] | None = None
    density: float | None = None
    seed: int = 0
    takes: int = 1
    weights: str | None = None


@dataclass(frozen=True)
class _Pieces:
    """What is arranged and how, as it is named and as it is written, and where its chords are from."""

    inputs: tuple[Path, ...]
    style: str
    piece: Score
    other: Score
    chords: Sequence[str] | None
    source: str
    sounds: tuple[Audio | None, Audio | None]  # of content and style


def run(
    content: Path,
    style: Path | None,
    out: Path,
    asked: Asked | None = None,
    *,
    page: Path | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> list[dict[str, Any]]:
    """Arrange a piece; write each take and its record ``.json``, all of them or nothing.

    Args:
        content: a MIDI file, or a recording whose notes are found.
        style: likewise; None where a groove is asked for.
        out: the ``.mid`` file to write; or a sound file, if the style is a recording, whose instruments play it then.
        asked: how.
        page: the ``.html`` file to write, on which content, style and takes are heard and seen; none where None.
        overwrite: whether files that are there may be replaced.
        progress: called with the fraction done, 0..1.

    Returns:
        The record of each take.

    Raises:
        RestyleError: if an input cannot be used, an option is out of its range, or an output cannot be written.
    """
    asked, report = asked or Asked(), progress or (lambda _: None)
    names, sounds = _check(content, style, out, asked, page, overwrite), out.suffix.lower() not in MIDI
    with collect() as collected:
        given = _read(content, style, asked)
        report(0.2)
        made = [
            arrange(
                given.piece,
                given.other,
                chords=given.chords,
                keep=asked.keep,
                density=asked.density,
                seed=asked.seed + take,
                weights=asked.weights,
            )
            for take in range(asked.takes)
        ]
        report(0.3)
        played = _played(made, given.sounds[1], asked, report) if sounds and given.sounds[1] else []
        records = [
            _record(given, name, asked, take, one) for take, (name, one) in enumerate(zip(names, made, strict=True))
        ]
        paths = [path for name in names for path in (name, outputs.record_path(name))]
        with outputs.together([*paths, *([page] if page else [])]) as places:
            for i, one in enumerate(made):
                if played:
                    write(places[2 * i], played[i])
                else:
                    write_score(places[2 * i], one.score)
            if page:
                write_text(places[-1], _page(given, asked, names, made, played, collected.warnings))
            for place, record in zip(places[1 : 2 * len(made) : 2], records, strict=True):
                record["warnings"] = collected.warnings
                write_text(place, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    report(1.0)
    return records


def _check(
    content: Path, style: Path | None, out: Path, asked: Asked, page: Path | None, overwrite: bool
) -> list[Path]:
    """The files of the takes, after all that can be said before any work."""
    if style is None and asked.groove is None:
        raise RestyleError("there is no style; give a file, or a groove with --groove")
    if style and asked.groove is not None:
        raise RestyleError(f"there are two styles, {style} and the groove {asked.groove}; give one of them")
    if not 1 <= asked.takes <= MOST_TAKES:
        raise RestyleError(f"there can be 1 to {MOST_TAKES} takes, not {asked.takes}")
    inputs = _inputs(content, style, asked)
    for path in inputs:
        check_input(path)
    names = [out.with_stem(f"{out.stem}-{take + 1}") if asked.takes > 1 else out for take in range(asked.takes)]
    for name in names:
        outputs.check_output(name, inputs, (*MIDI, *WRITABLE), overwrite=overwrite)
        outputs.check_record(outputs.record_path(name), inputs)
    if out.suffix.lower() not in MIDI and (style is None or style.suffix.lower() in MIDI_READ):
        what = style or f"the groove {asked.groove}"
        raise RestyleError(f"{what} has no sound to play {out.name} with; write a .mid file, or give a recording")
    if page:
        outputs.check_output(page, inputs, PAGE, overwrite=overwrite)
        import restyle.pages.takes  # noqa: F401 (what it lacks is said before the work)
    return names


def _read(content: Path, style: Path | None, asked: Asked) -> _Pieces:
    sounds = _recording(content), _recording(style)
    if style:
        named, other = str(style), score_of(style, sound=sounds[1])
    else:
        groove = grooves.find(str(asked.groove))
        named, other = groove.address, grooves.played(groove)
    piece = score_of(content, asked.bars, sound=sounds[0])
    own, bar = (int(np.bincount(np.diff(score.bars)).argmax()) for score in (piece, other))
    if bar % own and own % bar:
        warn(
            f"most bars of {named} have {bar / STEPS:g} quarter notes, those of the content {own / STEPS:g}: "
            "they are cut, or begin again, to fit"
        )
    return _Pieces(_inputs(content, style, asked), named, piece, other, *_chords(content, piece, asked), sounds)


def _inputs(content: Path, style: Path | None, asked: Asked) -> tuple[Path, ...]:
    return tuple(path for path in (content, style, asked.chords) if path)


def _chords(content: Path, piece: Score, asked: Asked) -> tuple[Sequence[str] | None, str]:
    """The chords of the content where they are known, and where they are from."""
    if asked.chords:
        return read_chords(asked.chords, piece), str(asked.chords)
    if content.suffix.lower() in MIDI_READ:
        beats = -(-int(piece.bars[-1]) // STEPS)
        named = named_chords(content, beats, first=asked.bars[0] if asked.bars else 1)
        if named:
            return named, "the names in the content"
    return None, "the content's notes"


def _played(
    made: Sequence[Arrangement], style: Audio, asked: Asked, report: Callable[[float], None]
) -> list[pipeline.Result]:
    """The takes as the style's instruments play them."""
    learnt, results = pipeline.learn_for(style, pipeline.Settings(seed=asked.seed)), []
    for i, one in enumerate(made):
        results.append(pipeline.play(Accompanied.of(one), learnt, seed=asked.seed))
        report(0.3 + 0.6 * (i + 1) / len(made))
    return results


def _record(given: _Pieces, out: Path, asked: Asked, take: int, made: Arrangement) -> dict[str, Any]:
    settings = asdict(replace(asked, seed=asked.seed + take)) | {"chords": str(asked.chords) if asked.chords else None}
    del settings["takes"]
    return {
        "restyle": __version__,
        "content": str(given.inputs[0]),
        "style": given.style,
        "out": str(out),
        "settings": settings,
        "bars": [bar + 1 if bar >= 0 else None for bar in made.chosen],
        "chords": list(made.chords),
        "chords from": given.source,
        "kept": list(made.kept),
        "notes": len(made.score),
        "inputs": outputs.fingerprints(given.inputs),
    }


def _page(
    given: _Pieces,
    asked: Asked,
    names: Sequence[Path],
    made: Sequence[Arrangement],
    played: Sequence[Audio],
    warnings: Sequence[str],
) -> str:
    """The page on which all is heard; recordings as they are, but where bars of one are taken."""
    from restyle.pages.takes import Piece, page

    takes = [
        Piece(
            name=f"take {k + 1}" if len(made) > 1 else "result",
            score=one.score,
            sound=played[k] if played else None,
            facts=[printable(names[k].name), f"{len(one.score)} notes"],
        )
        for k, one in enumerate(made)
    ]
    content = Piece(name="content", score=given.piece, sound=given.sounds[0] if not asked.bars else None)
    return page(
        content,
        Piece(name="style", score=given.other, sound=given.sounds[1]),
        takes,
        tune=made[0].of(made[0].kept),
        chords=made[0].chords,
        title=printable(f"{given.inputs[0].name} in the manner of {Path(given.style).name}"),
        warnings=warnings,
    )


def _recording(path: Path | None) -> Audio | None:
    return None if path is None or path.suffix.lower() in MIDI_READ else read_sound(path)
