"""The verb evaluate. Floor 7."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import table
from restyle.cli.options import app, command

BETTER = {"lower": "lower is better", "higher": "higher is better", "": ""}


@command(
    app,
    "restyle evaluate out.wav --content song.wav --style style.wav",
    "restyle evaluate out.wav --target wanted.wav --notes song.mid --json",
    "restyle evaluate out.mid --content tune.mid --style band.mid",
    options="as_json",
)
def evaluate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The result to judge.")],
    content: Annotated[Path | None, typer.Option(metavar="C", help="What should be played.")] = None,
    style: Annotated[Path | None, typer.Option(metavar="S", help="How it should sound.")] = None,
    target: Annotated[Path | None, typer.Option(metavar="T", help="What it should be, where that is known.")] = None,
    notes: Annotated[Path | None, typer.Option(metavar="C.mid", help="The content's notes, where known.")] = None,
    rhythm: Annotated[str, typer.Option(metavar="content|style", help="Whose tempo it should have.")] = "content",
    timbre: Annotated[str | None, typer.Option(metavar="NAME", help="A style embedding of your own.")] = None,
    *,
    as_json: bool,
) -> None:
    """Judge a result: is what is played kept, does it sound like the style, is its rhythm right, is it clean?

    A MIDI file is judged as an arrangement, by notes.
    """
    from restyle.commands import evaluate as verb
    from restyle.io.midi import MIDI_READ

    if out.suffix.lower() in MIDI_READ:
        from restyle.evaluation.symbolic import METRICS

        scores, genres = verb.run_score(out, content=content, style=style)
    else:
        from restyle.evaluation import METRICS

        genres = {}
        scores = verb.run(out, content=content, style=style, target=target, notes=notes, rhythm=rhythm, timbre=timbre)
    if as_json:
        print(
            json.dumps(scores | ({"genre": {name: of.best for name, of in genres.items()}} if genres else {}), indent=2)
        )
        return
    rows = []
    for question, values in scores.items():
        for name, value in values.items():
            metric = METRICS[f"{question}.{name}"]
            shown = "-" if value is None else f"{value:.4g} {metric.unit}".rstrip()
            rows.append([f"{question}.{name}", shown, BETTER[metric.better], metric.text])
    table(["metric", "value", "", "what it is"], rows)
    if genres:
        print(verb.called(genres))
    if "rhythm" in scores:
        print(verb.summary(scores, rhythm))
