"""The values of a comparison: pairs, results, scores; and their way to JSON and CSV. Floor 6."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restyle.errors import RestyleError

Scores = dict[str, dict[str, float | None]]  # question -> metric -> value; None where it is not defined

COPIES = ("content", "style")  # the two baselines: the content as it is, the style as it is


@dataclass(frozen=True, kw_only=True)
class Result:
    """One sound with its scores: a method's result for a pair, or a copy of the content or style.

    Args:
        method: a method's name, or ``content`` or ``style`` for the copies.
        sound: the file, relative to the comparison's folder or absolute; None when there is none.
        parts: the files of what it is the sum of, by the part's name; none where it was not taken apart.
        seconds: how long the transfer took, reading and writing included; None for a copy.
        memory: the largest resident size of the process meanwhile, in bytes; None for a copy, or where not measured.
        scores: what `restyle.evaluation.evaluate` says.
        warnings: what the transfer warned of.
        error: one sentence when there is no result, else None.
    """

    method: str
    sound: str | None = None
    parts: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    memory: float | None = None
    scores: Scores = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Result:
        """Return a result from its ``dataclasses.asdict`` after JSON."""
        return cls(**row | {"warnings": tuple(row["warnings"])})

    def score(self, metric: str) -> float | None:
        """Return a score by its full name, as ``style.mfcc``; None where there is none."""
        question, _, name = metric.partition(".")
        value = self.scores.get(question, {}).get(name)
        return None if value is None or not math.isfinite(value) else value


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A content and a style, and all results for them.

    Args:
        name: unique in its comparison and fit for a file's name.
        content: file, absolute.
        style: file, absolute.
        target: file, absolute; what the result should be, which is rarely known.
        results: the copies first, then the methods.
        error: one sentence when the pair could not be used at all, else None.
    """

    name: str
    content: str
    style: str
    target: str | None = None
    results: tuple[Result, ...] = ()
    error: str | None = None

    @property
    def title(self) -> str:
        """What a person calls the pair."""
        return f"{Path(self.content).name} in the style of {Path(self.style).name}"

    def result(self, method: str) -> Result | None:
        """Return the result of a method that there is one of."""
        return next((result for result in self.results if result.method == method and not result.error), None)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every method on every pair.

    Args:
        pairs: the pairs.
        methods: names in the order of the tables, without the copies.
        settings: the options of the transfers, plain values.
        version: of restyle.
    """

    pairs: tuple[Pair, ...]
    methods: tuple[str, ...]
    settings: dict[str, Any]
    version: str

    def values(self, method: str, metric: str) -> list[float | None]:
        """Return a metric of a method, a value a pair; ``seconds`` and ``memory`` are metrics here, too."""
        found = [pair.result(method) for pair in self.pairs]
        if metric in ("seconds", "memory"):
            return [None if result is None else getattr(result, metric) for result in found]
        return [None if result is None else result.score(metric) for result in found]

    def metrics(self) -> list[str]:
        """Return the full names of all metrics that have a value anywhere, in order."""
        names = [
            f"{question}.{name}"
            for pair in self.pairs
            for result in pair.results
            for question, scores in result.scores.items()
            for name, value in scores.items()
            if value is not None
        ]
        return list(dict.fromkeys(names))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one flat row a result: pair, files, method, scores, seconds, memory, error."""
        names = self.metrics()
        for pair in self.pairs:
            common = {"pair": pair.name, "content": pair.content, "style": pair.style, "target": pair.target}
            for result in pair.results or (Result(method="", error=pair.error),):
                scores = {name: result.score(name) for name in names}
                facts = {"seconds": result.seconds, "memory": result.memory, "error": result.error}
                yield common | {"method": result.method, "sound": result.sound} | scores | facts

    def to_csv(self) -> str:
        """Return `rows` as CSV text; empty where there is no value."""
        rows = list(self.rows())
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["pair"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def to_json(self) -> str:
        """Return all of it as JSON text; `from_json` reads it."""
        return json.dumps({"restyle": self.version, "kind": "comparison"} | asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, name: str) -> Comparison:
        """Read what `to_json` wrote.

        Args:
            text: the JSON text.
            name: what an error's sentence is about.

        Raises:
            RestyleError: if it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != "comparison":
                raise ValueError("another kind of file")
            pairs = tuple(Pair(**row | {"results": tuple(map(Result.of, row["results"]))}) for row in data["pairs"])
            names, settings = tuple(data["methods"]), dict(data["settings"])
            return cls(pairs=pairs, methods=names, settings=settings, version=str(data["version"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RestyleError(f"{name} is no comparison of restyle; make one with 'restyle compare'") from error
