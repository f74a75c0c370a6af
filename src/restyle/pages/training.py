"""The page of a run: curves, verdict, examples, in one HTML file that needs nothing else. Floor 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from restyle.io.text import spell
from restyle.pages import chart, media, plot
from restyle.pages.pictures import webp
from restyle.pages.rendering import render

EXAMPLES = 12
KBPS = 96
NO_METRICS = ("epoch", "step", "seconds", "learning_rate")  # of a row


def page(shown: Mapping[str, Any]) -> str:
    """Return a run's report as HTML.

    Args:
        shown: ``rows`` (an epoch's numbers each), ``points`` (``step``, ``loss``, ``learning_rate``), ``best`` (a row
            or None), ``monitor``, ``verdict`` (a word and a sentence), ``seconds`` and ``left``, ``facts`` (name to
            text), ``examples`` (mappings with ``title`` and any of ``text``, ``picture``: an array ``[F, L]``, low
            frequencies first, ``sound``: an `Audio`).

    Returns:
        One page, which opens without a network.

    Example:
        >>> row = {"epoch": 1, "step": 10, "train_loss": 2.0, "val_loss": 2.5}
        >>> html = page({"rows": [row], "points": [], "best": row, "monitor": "val_loss", "verdict": ("flat", "So."),
        ...              "seconds": 60, "left": 0, "facts": {"name": "toy"}, "examples": []})
        >>> html.startswith("<!doctype html>"), "toy" in html
        (True, True)
    """
    left = f"about {spell(shown['left'])}" if shown["left"] else "none"
    return render(
        "training.html",
        **{key: shown[key] for key in ("rows", "best", "monitor", "verdict", "facts")},
        name=shown["facts"].get("name", "a run"),
        columns=list({name: None for row in shown["rows"] for name in row}),
        time=f"{spell(shown['seconds'])} so far, {left} left.",
        refresh=bool(shown["left"]),
        charts=_charts(shown["rows"], shown["points"]),
        examples=[_example(example) for example in shown["examples"][:EXAMPLES]],
    )


def picture(values: np.ndarray) -> str:
    """Return an array ``[F, L]`` as a data URI: low rows below, dark is little."""
    values = np.nan_to_num(np.asarray(values, dtype=np.float32))
    span = float(values.max() - values.min()) or 1.0
    return webp(plot.colours((values - values.max()) / span * plot.RANGE, 0.0))


def _charts(rows: list[dict[str, float]], points: list[dict[str, float]]) -> dict[str, chart.Chart | None]:
    """Charts by title: losses together, every other metric on a scale of its own."""
    names = list({name: None for row in rows for name in row if name not in NO_METRICS})
    groups: dict[str, list[str]] = {"Loss": []}
    for name in names:
        groups.setdefault("Loss" if "loss" in name else _metric(name).capitalize(), []).append(name)
    charts = {}
    for title, group in groups.items():
        lines = {_spaced(name): [(row["epoch"], row[name]) for row in rows if name in row] for name in group}
        charts[f"{title}, by epoch"] = chart.lines(lines)
    charts["Loss in training, by step"] = chart.lines({"loss": [(p["step"], p["loss"]) for p in points]})
    rates = {"rate": [(p["step"], p["learning_rate"]) for p in points]}
    return charts | {"Learning rate, by step": chart.lines(rates, log=True)}


def _metric(name: str) -> str:
    """The metric, on whichever side."""
    return _spaced(name.removeprefix("train_").removeprefix("val_"))


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _example(example: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: str(example.get(name, "")) for name in ("title", "text")}
    values, sound = example.get("picture"), example.get("sound")
    texts["picture"] = "" if values is None else picture(values)
    return texts | {"sound": "" if sound is None else f"data:audio/mpeg;base64,{media.mp3(sound, KBPS)}"}
