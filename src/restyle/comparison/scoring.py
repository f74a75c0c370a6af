"""Ratings of listening tests taken together: means with intervals, tests, listeners to look at. Floor 6."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from restyle.comparison.ratings import ANCHOR, QUESTIONS, REFERENCE, Ratings
from restyle.comparison.statistics import Interval, paired_test
from restyle.errors import RestyleError

SCREEN_RATING, SCREEN_SHARE = 90, 0.15  # a good listener finds the hidden reference: MUSHRA's post-screening
RESAMPLES = 10000


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a condition was rated in one question: the mean with its 95 % interval, and the number of ratings."""

    question: str
    role: str
    condition: str
    interval: Interval
    count: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two methods in one question.

    Args:
        question: one of `QUESTIONS`.
        first: a method.
        second: another.
        difference: mean of the first less the second.
        p: how likely a difference this large is by chance (`restyle.comparison.statistics.paired_test`).
        p_holm: the same, corrected for the number of differences of this question (Holm 1979).
        unit: what was paired, ``listener`` or ``pair``.
        count: how many of them.
    """

    question: str
    first: str
    second: str
    difference: float
    p: float
    p_holm: float
    unit: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A listener who rated the hidden reference below 90 in ``low`` of ``trials`` trials, more than 15 %."""

    name: str
    listener: str
    question: str
    low: int
    trials: int


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What the listeners said, taken together.

    Args:
        scores: by question: the hidden reference, the methods from best to worst, the hidden anchor.
        differences: each two methods, by question.
        flags: listeners to look at; their ratings are in the scores all the same.
        listeners: how many.
        pairs: how many were rated.
    """

    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    flags: tuple[Flag, ...]
    listeners: int
    pairs: int

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row a score, for tables and CSV."""
        return [
            {"question": s.question, "condition": s.condition, "role": s.role, **s.interval._asdict(), "count": s.count}
            for s in self.scores
        ]

    def to_json(self) -> str:
        """Return all of it as JSON text."""
        return json.dumps(
            {
                "kind": "listening scores",
                "listeners": self.listeners,
                "pairs": self.pairs,
                "scores": self.rows(),
                "differences": [asdict(difference) for difference in self.differences],
                "flags": [asdict(flag) for flag in self.flags],
            },
            indent=1,
            ensure_ascii=False,
        )


def score(ratings: Sequence[Ratings]) -> Scores:
    """Return means with 95 % intervals, tests of each two methods, and listeners to look at.

    For the intervals, listeners and pairs are both resampled (each with replacement, a rating counting as often as
    its listener times its pair is drawn): ratings of one listener are alike, and so are those of one pair, so
    resampling single ratings would promise too much. With one listener, only pairs are resampled, and the other
    way round.

    For the tests, the same reason makes either listeners or pairs the units, whichever there are more of: each
    listener's mean difference over the pairs, or each pair's over the listeners. p speaks of other listeners in the
    first case, and of other music in the second.

    Args:
        ratings: one a file; each counts as a listener. They may be of several tests: a pair is known by its name.

    Raises:
        RestyleError: if there are none, or the same test of the same listener is there twice.

    Source: Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007; Holm, "A simple sequentially
    rejective multiple test procedure", Scandinavian Journal of Statistics 1979; for the flags ITU-R BS.1534-3, 4.1.2.
    """
    _check_sessions(ratings)
    pairs = list(dict.fromkeys(rating.pair for one in ratings for rating in one.ratings))
    scores: list[Score] = []
    differences: list[Difference] = []
    for question in QUESTIONS:
        cells = _cells(ratings, pairs, question)
        scores += _scores(question, cells)
        methods = sorted(condition for role, condition in cells if role == "method")
        differences += _differences(question, {name: cells["method", name] for name in methods})
    return Scores(
        scores=tuple(scores),
        differences=tuple(differences),
        flags=tuple(flag for one in ratings for flag in _flags(one)),
        listeners=len(ratings),
        pairs=len(pairs),
    )


def _check_sessions(ratings: Sequence[Ratings]) -> None:
    if not ratings:
        raise RestyleError("there are no ratings to score: give the files that the listening test saved")
    seen: dict[str, str] = {}
    for one in ratings:
        if one.session in seen:
            raise RestyleError(
                f"{one.name} and {seen[one.session]} are of the same listener and test; give one of them"
            )
        seen[one.session] = one.name


def _cells(ratings: Sequence[Ratings], pairs: list[str], question: str) -> dict[tuple[str, str], np.ndarray]:
    """Return by role and condition the ratings ``[listener, pair]``, NaN where there is none."""
    cells: dict[tuple[str, str], np.ndarray] = {}
    for listener, one in enumerate(ratings):
        for rating in one.ratings:
            if rating.question == question:
                empty = np.full((len(ratings), len(pairs)), np.nan)
                place = listener, pairs.index(rating.pair)
                cells.setdefault((rating.role, rating.condition), empty)[place] = rating.rating
    return cells


def _scores(question: str, cells: dict[tuple[str, str], np.ndarray]) -> list[Score]:
    found = [
        Score(question=question, role=role, condition=name, interval=_interval(values), count=int((values >= 0).sum()))
        for (role, name), values in cells.items()
    ]
    order = [REFERENCE, "method", ANCHOR]
    return sorted(found, key=lambda one: (order.index(one.role), -one.interval.mean, one.condition))


def _interval(cells: np.ndarray) -> Interval:
    """Return the mean and its bootstrap interval over listeners and pairs."""
    rng = np.random.default_rng(0)
    known = np.isfinite(cells)
    listeners, pairs = (rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) for n in cells.shape)
    totals = ((listeners @ np.where(known, cells, 0)) * pairs).sum(axis=1)
    counts = ((listeners @ known.astype(int)) * pairs).sum(axis=1)
    means = totals[counts > 0] / counts[counts > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(cells[known].mean()), float(low), float(high))


def _differences(question: str, methods: dict[str, np.ndarray]) -> list[Difference]:
    found = []
    for first, second in itertools.combinations(methods, 2):
        both = methods[first] - methods[second]
        both = both[np.isfinite(both).any(axis=1)][:, np.isfinite(both).any(axis=0)]
        if not both.size:
            continue
        axis, unit = (1, "listener") if both.shape[0] > both.shape[1] else (0, "pair")
        units = np.nanmean(both, axis=axis)
        p = paired_test(units.tolist(), [0.0] * len(units))
        found.append((first, second, float(units.mean()), p, unit, len(units)))
    corrected = _holm([row[3] for row in found])
    return [
        Difference(question=question, first=a, second=b, difference=d, p=p, p_holm=holm, unit=unit, count=count)
        for (a, b, d, p, unit, count), holm in zip(found, corrected, strict=True)
    ]


def _holm(values: list[float]) -> list[float]:
    """Return p values corrected for their number, in their order."""
    corrected, highest = [1.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        corrected[index] = highest
    return corrected


def _flags(ratings: Ratings) -> Iterator[Flag]:
    for question in QUESTIONS:
        given = [r.rating for r in ratings.ratings if r.role == REFERENCE and r.question == question]
        low = sum(rating < SCREEN_RATING for rating in given)
        if given and low / len(given) > SCREEN_SHARE:
            who = {"name": ratings.name, "listener": ratings.listener}
            yield Flag(question=question, low=low, trials=len(given), **who)
