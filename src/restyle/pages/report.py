"""The page of a comparison: hear, see and compare, in one HTML file that needs nothing else. Floor 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from restyle.comparison.statistics import Interval, bootstrap
from restyle.comparison.table import COPIES, Comparison, Pair, Result
from restyle.evaluation import METRICS, Metric
from restyle.pages import chart
from restyle.pages.media import PairMedia
from restyle.pages.pictures import OUTLINE
from restyle.pages.plot import frequency_ticks
from restyle.pages.rendering import render

MAIN = (  # those that a reader looks at first
    "content.melody",
    "content.beat_chroma",
    "content.pitch",
    "content.note_f1",
    "style.embedding",
    "style.mfcc",
    "style.envelope",
    "rhythm.tempo_error",
    "rhythm.onset",
    "quality.lsd",
)
CONTENT, STYLE = "content.beat_chroma", "style.embedding"  # whose trade-off is drawn
PERFECT = "perfect result"
QUESTIONS = {
    "content": "Is what is played kept?",
    "style": "Does it sound like the style?",
    "rhythm": "Is the rhythm kept?",
    "quality": "Is it clean, and near the target?",
}
ACRONYMS = {"f1": "F1", "mfcc": "MFCC", "lsd": "LSD", "stft": "STFT", "si": "SI", "sdr": "SDR", "frechet": "Fréchet"}
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
ARROWS = {"lower": "↓", "higher": "↑", "": ""}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value in a table: as text, its interval (empty for none), and whether it is the best of the methods'."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A metric as a table names it."""

    name: str
    label: str
    arrow: str
    better: str
    unit: str
    text: str


def page(comparison: Comparison, media: Mapping[str, PairMedia]) -> str:
    """Return the report as HTML.

    Args:
        comparison: what was compared.
        media: by the name of the pair; pairs that are left out are shown without sounds and pictures.

    Returns:
        One page, which opens without a network.

    Example:
        >>> scores = {"content": {"pitch": 0.5}}
        >>> pair = Pair(name="0", content="a.wav", style="b.wav", results=(Result(method="notes", scores=scores),))
        >>> html = page(Comparison(pairs=(pair,), methods=("notes",), settings={}, version="1"), {})
        >>> html.startswith("<!doctype html>"), "a.wav in the style of b.wav" in html
        (True, True)
    """
    names = [*comparison.methods, *COPIES]
    places = {_label(name): _trade_off(comparison, name) for name in names}
    if any(pair.target for pair in comparison.pairs) and any(places.values()):
        places[PERFECT] = [(0.0, 0.0)]  # all is held against the target there
    return render(
        "report.html",
        columns=OUTLINE,
        comparison=comparison,
        main=[heading(name) for name in MAIN if name in comparison.metrics()],
        summary=summary(comparison),
        questions=QUESTIONS,
        sentences={name: sentence(comparison, name) for name in names},
        plot=chart.scatter(places),
        colours={
            **{_label(name): "copy" if name in COPIES else f"m{k % 8}" for k, name in enumerate(names)},
            PERFECT: "copy",
        },
        pairs=[_pair(pair, comparison, media.get(pair.name)) for pair in comparison.pairs],
        apart=any(of_pair.parts for of_pair in media.values()),
    )


def heading(name: str) -> Heading:
    """Return how a metric is named, from its full name.

    Example:
        >>> heading("content.note_f1").label, heading("content.note_f1").arrow
        ('note F1', '↑')
    """
    metric = METRICS.get(name, Metric("", "", ""))
    words = name.partition(".")[2].split("_")
    return Heading(
        name=name,
        label=" ".join(ACRONYMS.get(word, word) for word in words),
        arrow=ARROWS[metric.better],
        better=metric.better,
        unit=metric.unit,
        text=metric.text,
    )


def figure(value: float | None) -> str:
    """Return a value with as many digits as are worth reading.

    Example:
        >>> figure(0.01234), figure(3.14159), figure(-1234.5), figure(None)
        ('0.012', '3.14', '−1234', '–')
    """
    if value is None or not np.isfinite(value):
        return DASH
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:.{digits}f}".replace("-", MINUS)


def summary(comparison: Comparison) -> dict[str, list[Cell]]:
    """Return a row a method: the main metrics that there are, seconds, memory; means over the pairs."""
    columns = [name for name in MAIN if name in comparison.metrics()] + ["seconds"]
    names = [*comparison.methods, *COPIES]
    cells: dict[str, list[Cell]] = {name: [] for name in names}
    for column in columns:
        means = {name: bootstrap(comparison.values(name, column)) for name in names}
        better = "lower" if column == "seconds" else heading(column).better
        best = _best({name: means[name].mean for name in comparison.methods}, better)
        for name in names:
            cells[name].append(Cell(text=figure(means[name].mean), interval=_ends(means[name]), best=name in best))
    most = {name: max((v for v in comparison.values(name, "memory") if v is not None), default=None) for name in names}
    least = _best({name: most[name] for name in comparison.methods}, "lower")
    for name in names:
        value = most[name]
        cells[name].append(Cell(text=DASH if value is None else f"{value / 1e6:.0f}", best=name in least))
    return cells


def _trade_off(comparison: Comparison, name: str) -> list[tuple[float, float]]:
    """Content distance and style distance of each pair that has both."""
    both = zip(comparison.values(name, CONTENT), comparison.values(name, STYLE), strict=True)
    return [(x, y) for x, y in both if x is not None and y is not None]


def _label(name: str) -> str:
    return f"{name} copy" if name in COPIES else name


def sentence(comparison: Comparison, method: str) -> str:
    """Say how a method or a copy does in what style transfer was first evaluated by: tempo and MFCC."""
    error, mfcc = (bootstrap(comparison.values(method, name)).mean for name in ("rhythm.tempo_error", "style.mfcc"))
    source = "style" if comparison.settings.get("rhythm") == "style" else "content"
    tempo = "No tempo was found" if np.isnan(error) else f"Tempo {figure(error)} % off the {source}'s"
    return f"{tempo}, MFCC distance to the style {figure(mfcc)}."


def _best(values: Mapping[str, float | None], better: str) -> set[str]:
    """The names of the best value as it is written, where there are two or more to choose from."""
    known = {name: value for name, value in values.items() if value is not None and np.isfinite(value)}
    if len(known) < 2 or not better:
        return set()
    best = (min if better == "lower" else max)(known.values())
    same = {name for name, value in known.items() if figure(value) == figure(best)}
    return same if len(same) < len(known) else set()


def _ends(interval: Interval) -> str:
    low, high = figure(interval.low), figure(interval.high)
    return "" if low == high else f"{low}{DASH}{high}"


def _pair(pair: Pair, comparison: Comparison, media: PairMedia | None) -> dict[str, Any]:
    """What the template needs of a pair."""
    sounds = {sound.name: sound for sound in media.sounds} if media else {}
    failed = [result for result in pair.results if result.error]
    warned = [result for result in pair.results if result.warnings]
    return {
        "pair": pair,
        "media": media,
        "sounds": sounds,
        "lanes": [*sounds, *(result.method for result in failed if result.method not in sounds)] if media else [],
        "errors": {result.method: result.error for result in failed},
        "warnings": {result.method: result.warnings for result in warned},
        "chips": {result.method: _chips(result) for result in pair.results if result.method not in COPIES},
        "main": _scores(pair, comparison.methods, [name for name in MAIN if name in comparison.metrics()]),
        "rest": _scores(pair, comparison.methods, comparison.metrics()),
        "axes": _axes(media) if media else None,
    }


def _chips(result: Result) -> list[tuple[str, str]]:
    """The trade-off in two figures."""
    metrics = (("chroma", CONTENT), ("style", STYLE))
    return [(label, figure(result.score(name))) for label, name in metrics if result.score(name) is not None]


def _scores(pair: Pair, methods: Sequence[str], names: Sequence[str]) -> dict[str, list[tuple[Heading, list[Cell]]]]:
    """Question -> rows of a metric and its values: the methods', then the copies'."""
    table: dict[str, list[tuple[Heading, list[Cell]]]] = {}
    for name in names:
        results = {method: pair.result(method) for method in [*methods, *COPIES]}
        values = {method: result.score(name) if result else None for method, result in results.items()}
        if all(value is None for value in values.values()):
            continue
        best = _best({method: values[method] for method in methods}, heading(name).better)
        cells = [Cell(text=figure(value), best=method in best) for method, value in values.items()]
        table.setdefault(name.partition(".")[0], []).append((heading(name), cells))
    return table


def _axes(media: PairMedia) -> dict[str, list[tuple[float, str]]]:
    """Places in percent from the left or the bottom, and what is written there."""
    low, high = media.frequencies
    octaves = np.log2(high / low)
    frequencies = [
        (100 * float(np.log2(f / low) / octaves), f"{label}Hz" if f >= 1000 else f"{label} Hz")
        for f, label in frequency_ticks(low, high).items()
        if f in (100, 1000, 10000)
    ]
    bottom, top = media.pitches
    every = 12 if top - bottom <= 48 else 24
    pitches = [
        (100 * (pitch - bottom) / (top - bottom), f"C{pitch // 12 - 1}")
        for pitch in range(0, 128, every)
        if bottom < pitch < top
    ]
    step = next((s for s in (0.5, 1, 2, 5, 10, 20, 30, 60, 120) if media.seconds / s <= 8), 300)
    times = [(100 * t / media.seconds, f"{t:g}") for t in np.arange(0, media.seconds * 0.97, step)]
    return {"frequencies": frequencies, "pitches": pitches, "times": times}
