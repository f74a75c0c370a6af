"""The page of a run: curves, verdict, examples, in one HTML file that needs nothing else. Floor 6."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from restyle.audio import Audio
from restyle.training.report import spell

WIDTH, HEIGHT = 640, 240
MARGIN = (60, 12, 12, 30)  # left, right, top, bottom
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#525252", "#a16207")
EXAMPLES = 12
HIDDEN = ("epoch", "step", "seconds", "learning_rate")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1380px; padding: 0 1rem; color: #1a1a1a }
h1 { margin-bottom: 0 } h2 { margin-top: 2rem } .verdict { font-size: 1.15rem }
.grid { display: flex; flex-wrap: wrap; gap: 1.5rem } figure { margin: 0 } figcaption { font-size: .9rem }
svg { max-width: 100%; height: auto } table { border-collapse: collapse }
td, th { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd } th:first-child, td:first-child
{ text-align: left } .best { background: #e8f3e8 } .scroll { overflow-x: auto } img { width: 260px; height: 160px }
dl { display: grid; grid-template-columns: max-content auto; gap: .2rem 1rem } dd { margin: 0 }
"""


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
        >>> made = page({"rows": [row], "points": [], "best": row, "monitor": "val_loss", "verdict": ("flat", "So."),
        ...              "seconds": 60, "left": 0, "facts": {"name": "toy"}, "examples": []})
        >>> made.startswith("<!doctype html>"), "toy" in made
        (True, True)
    """
    name = escape(str(shown["facts"].get("name", "a run")))
    refresh = '<meta http-equiv="refresh" content="60">' if shown["left"] else ""
    parts = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Training {name}</title>{refresh}',
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>',
        f"<h1>Training {name}</h1>{_head(shown)}",
        f'<h2>Curves</h2><div class="grid">{"".join(_curves(shown))}</div>',
        f"<h2>Epochs</h2>{_table(shown)}",
        _examples(shown["examples"]),
        f"<h2>Run</h2><dl>{_facts(shown['facts'])}</dl></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def curve(title: str, lines: Mapping[str, Sequence[tuple[float, float]]], x_label: str, *, log: bool = False) -> str:
    """Return lines over one axis as an inline SVG figure; points that are no numbers are left out.

    Args:
        title: above it.
        lines: name to points (x, y).
        x_label: below it.
        log: whether the vertical axis is logarithmic.
    """
    kept = {name: [(x, y) for x, y in line if math.isfinite(y) and (y > 0 or not log)] for name, line in lines.items()}
    kept = {name: line for name, line in kept.items() if line}
    if not kept:
        return ""
    points = [point for line in kept.values() for point in line]
    x_ends, y_ends = _ends([x for x, _ in points]), _ends([math.log10(y) if log else y for _, y in points])
    left, right, top, bottom = MARGIN

    def place(x: float, y: float) -> tuple[float, float]:
        y = math.log10(y) if log else y
        across = (x - x_ends[0]) / (x_ends[1] - x_ends[0])
        up = (y - y_ends[0]) / (y_ends[1] - y_ends[0])
        return left + across * (WIDTH - left - right), HEIGHT - bottom - up * (HEIGHT - top - bottom)

    drawn = [_grid(place, x_ends, y_ends, log)]
    for (_, line), colour in zip(kept.items(), COLOURS * len(kept), strict=False):
        where = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        if len(line) < 40:
            drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in where]
    names = " ".join(
        f'<span style="color:{colour}">&#9632; {escape(name.replace("_", " "))} ({line[-1][1]:.4g})</span>'
        for (name, line), colour in zip(kept.items(), COLOURS * len(kept), strict=False)
    )
    told = escape(f"{title}, by {x_label}")
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{told}">{"".join(drawn)}</svg>'
    return f"<figure><b>{told}</b><br>{svg}<figcaption>{names}</figcaption></figure>"


def _head(shown: Mapping[str, Any]) -> str:
    word, sentence = shown["verdict"]
    best, monitor = shown["best"], shown["monitor"]
    told = [f"<b>{escape(word)}</b>. {escape(sentence)}"]
    if best:
        told.append(f"Best epoch: {best['epoch']:.0f} ({escape(monitor.replace('_', ' '))} {best[monitor]:.4g}).")
    left = f"about {spell(shown['left'])}" if shown["left"] else "none"
    told.append(f"{spell(shown['seconds'])} so far, {left} left.")
    return f'<p class="verdict">{" ".join(told)}</p>'


def _curves(shown: Mapping[str, Any]) -> list[str]:
    rows, points = shown["rows"], shown["points"]
    names = list({name: None for row in rows for name in row if name not in HIDDEN})
    losses = [name for name in names if "loss" in name]
    others = list({_stem(name): None for name in names if name not in losses})  # each has a scale of its own

    def lines(wanted: list[str]) -> dict[str, list[tuple[float, float]]]:
        return {name: [(row["epoch"], row[name]) for row in rows if name in row] for name in wanted}

    return [
        curve("Loss", lines(losses), "epoch"),
        *(curve(stem.capitalize(), lines([n for n in names if _stem(n) == stem]), "epoch") for stem in others),
        curve("Loss in training", {"loss": [(point["step"], point["loss"]) for point in points]}, "step"),
        curve("Learning rate", {"rate": [(p["step"], p["learning_rate"]) for p in points]}, "step", log=True),
    ]


def _stem(name: str) -> str:
    """What a number is of, on whichever side."""
    return name.removeprefix("train_").removeprefix("val_").replace("_", " ")


def _table(shown: Mapping[str, Any]) -> str:
    rows, best = shown["rows"], shown["best"]
    names = list({name: None for row in rows for name in row})
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    body = ""
    for row in rows:
        cells = "".join(f"<td>{row[name]:.5g}</td>" if name in row else "<td></td>" for name in names)
        body += f"<tr{' class=best' if best and row['epoch'] == best['epoch'] else ''}>{cells}</tr>"
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>' if rows else "<p>No epoch is done yet.</p>"


def _examples(examples: Sequence[Mapping[str, Any]]) -> str:
    if not examples:
        return ""
    return f'<h2>Examples</h2><div class="grid">{"".join(map(_example, examples[:EXAMPLES]))}</div>'


def _example(example: Mapping[str, Any]) -> str:
    title, text = escape(str(example.get("title", ""))), escape(str(example.get("text", "")))
    result = f"<figure><figcaption><b>{title}</b></figcaption>"
    if example.get("picture") is not None:
        result += f'<img alt="spectrogram of {title}" src="{picture(np.asarray(example["picture"]))}">'
    if example.get("sound") is not None:
        result += f'<br><audio controls preload="none" src="{sound(example["sound"])}"></audio>'
    return f"{result}<figcaption>{text}</figcaption></figure>"


def picture(values: np.ndarray) -> str:
    """Return an array ``[F, L]`` as a PNG data URI: low rows below, dark is little."""
    from matplotlib import colormaps
    from PIL import Image

    values = np.nan_to_num(np.asarray(values, dtype=np.float32))[::-1]
    span = float(values.max() - values.min()) or 1.0
    pixels = (colormaps["magma"]((values - values.min()) / span)[..., :3] * 255).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG", optimize=True)
    return _uri("image/png", sink.getvalue())


def sound(audio: Audio) -> str:
    """Return a sound as an MP3 data URI."""
    from restyle.io.mp3 import encode_mp3

    return _uri("audio/mpeg", encode_mp3(audio, kbps=96))


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _facts(facts: Mapping[str, Any]) -> str:
    told = ((escape(name.replace("_", " ")), escape(str(value))) for name, value in facts.items())
    return "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in told)


def _grid(place: Any, x_ends: tuple[float, float], y_ends: tuple[float, float], log: bool) -> str:
    result = ""
    for i in range(5):
        y = y_ends[0] + (y_ends[1] - y_ends[0]) * i / 4
        value = 10**y if log else y
        _, at = place(x_ends[0], value)
        result += f'<line x1="{MARGIN[0]}" x2="{WIDTH - MARGIN[1]}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
        result += f'<text x="{MARGIN[0] - 6}" y="{at + 4:.1f}" text-anchor="end" font-size="12">{value:.3g}</text>'
    ticks = [x_ends[0] + (x_ends[1] - x_ends[0]) * i / 4 for i in range(5)]
    for x in sorted({float(round(x)) for x in ticks}) if x_ends[1] - x_ends[0] > 1 else ticks:
        at, _ = place(x, 10 ** y_ends[0] if log else y_ends[0])
        result += f'<text x="{at:.1f}" y="{HEIGHT - 8}" text-anchor="middle" font-size="12">{x:.4g}</text>'
    return result


def _ends(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        return low - 0.5, high + 0.5
    return low, high
