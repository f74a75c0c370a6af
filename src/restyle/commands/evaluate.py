"""``restyle evaluate``: how good is one result? Floor 6."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from restyle.commands.shared.inputs import check_input, read_sound
from restyle.comparison.table import Scores
from restyle.errors import RestyleError
from restyle.evaluation import evaluate
from restyle.io import hub
from restyle.io.midi import MIDI_READ

if TYPE_CHECKING:
    from restyle.analysis.genre.infer import Genres


def run(
    output: Path,
    *,
    content: Path | None = None,
    style: Path | None = None,
    target: Path | None = None,
    notes: Path | None = None,
    rhythm: str = "content",
    timbre: str | None = None,
) -> Scores:
    """Evaluate the file of a result.

    Args:
        output: the result.
        content: the recording that it plays.
        style: the recording that it should sound like.
        target: what it should be, where that is known.
        notes: a MIDI file with what it should play.
        rhythm: ``content`` or ``style``: whose tempo and beats it should have.
        timbre: a style embedding: a name of ``restyle models`` or a path; the package's by default.

    Returns:
        The scores, as `restyle.evaluation.evaluate` gives them.

    Raises:
        RestyleError: if a file cannot be read, or there is nothing to compare it with.
    """
    if rhythm not in ("content", "style"):
        raise RestyleError(f"rhythm must be content or style, not '{rhythm}'")
    if not (content or style or target or notes):
        raise RestyleError("there is nothing to compare it with; give --content, --style, --target or --notes")
    for path in filter(None, (output, content, style, target, notes)):
        check_input(path)
    from restyle.io.midi import read_midi

    content_sound, style_sound, target_sound = (read_sound(path) if path else None for path in (content, style, target))
    return evaluate(
        read_sound(output),
        content=content_sound,
        style=style_sound,
        target=target_sound,
        notes=read_midi(notes) if notes else None,
        rhythm=rhythm,
        timbre=hub.find(timbre) if timbre else None,
    )


def run_score(
    output: Path, *, content: Path | None = None, style: Path | None = None
) -> tuple[Scores, dict[str, Genres]]:
    """Evaluate an arrangement, as notes.

    Args:
        output: a MIDI file.
        content: the piece that was arranged, likewise.
        style: the piece whose manner it should have, likewise.

    Returns:
        The scores of `restyle.evaluation.symbolic`, and the genres of the ``output``'s accompaniment and the ``style``.

    Raises:
        RestyleError: if a file cannot be read or is no MIDI file, or there is nothing to compare it with.
    """
    from restyle.analysis.chord_names import parse_chord
    from restyle.analysis.harmony import chords_of
    from restyle.analysis.melody import melody_of
    from restyle.analysis.symbolic_genre.infer import classify
    from restyle.evaluation.symbolic import accompaniment
    from restyle.evaluation.symbolic import evaluate as evaluate_score
    from restyle.io.scores import read_score

    if not (content or style):
        raise RestyleError("there is nothing to compare it with; give --content or --style, MIDI files as it is one")
    for path in filter(None, (output, content, style)):
        check_input(path)
        if path.suffix.lower() not in MIDI_READ:
            raise RestyleError(f"{path} is no MIDI file, as {output.name} is; 'restyle transcribe' makes one of it")
    made, other = read_score(output), read_score(style) if style else None
    piece = read_score(content) if content else None
    melody = None if piece is None else melody_of(piece)
    chords = None
    if piece is not None:
        named = [parse_chord(label) for label in chords_of(piece)]
        chords = np.array(
            [[(k - (root or 0)) % 12 in classes for k in range(12)] for root, classes, _ in named], dtype=bool
        )
    judged = {"output": accompaniment(made, melody), "style": other}
    genres = {name: classify(score) for name, score in judged.items() if score is not None and len(score)}
    return {"symbolic": evaluate_score(made, content=piece, style=other, melody=melody, chords=chords)}, genres


def called(genres: dict[str, Genres]) -> str:
    """Return in one line which genres output and style are taken for.

    Example:
        >>> from restyle.analysis.genre.infer import Genres
        >>> called({"output": Genres(("rock", "swing"), np.array([[0.1, 0.9]]), np.zeros(1))})
        'genre of the output: swing (90 %)'
    """
    return ", ".join(f"genre of the {name}: {of.best} ({100 * of.mean.max():.0f} %)" for name, of in genres.items())


def summary(scores: Scores, rhythm: str) -> str:
    """Return the figures that tell most in one line: tempo against one recording, style and MFCC against the other."""
    ratio = scores["rhythm"].get("tempo_ratio")
    style, mfcc = (
        "unknown" if value is None else f"{value:.4f}" for value in map(scores["style"].get, ("embedding", "mfcc"))
    )
    tempo = "no steady tempo" if ratio is None else f"{ratio:.3f} times the tempo of the {rhythm}"
    return f"{tempo}, distance to the style {style} by embedding, {mfcc} by MFCC"
