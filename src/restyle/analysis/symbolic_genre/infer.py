"""The genres of a score, by a trained classifier. Floor 3."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from restyle.analysis.genre.infer import Genres
from restyle.analysis.symbolic_genre.profile import profile
from restyle.analysis.symbolic_genre.windows import KIND
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.score import Score
from restyle.threads import single

WEIGHTS = "symbolic_genre.safetensors"


class Network(NamedTuple):
    """A trained classifier.

    Args:
        model: takes profiles ``[B, R, C]``, gives logits.
        labels: names of the classes.
        bars: of a window.
    """

    model: nn.Module
    labels: tuple[str, ...]
    bars: int


@single()
def classify(score: Score, *, weights: str | Path | None = None) -> Genres:
    """Tell the genres of a score, eight bars by eight bars.

    What counts is who begins when and how long notes last: of drums, of the bass and of the rest. Key, tempo, loudness
    and programmes do not.

    Args:
        score: the piece, of any number of bars, with or without drums.
        weights: a file of ``restyle train symbolic_genre``; the one that comes with the package by default.

    Returns:
        Probabilities of all classes for windows that overlap by half; without notes all are alike.

    Raises:
        RestyleError: if there is no such file, or it holds no classifier of scores.

    Example:
        >>> walk = [(12 * beat, 12, 36 + beat % 5, 0.8, 32, 0) for beat in range(32)]
        >>> ride = [(12 * beat + 8 * swung, 2, 51, 0.6, 128, 1) for beat in range(32) for swung in range(1 + beat % 2)]
        >>> classify(Score.of(walk + ride, bars=range(0, 385, 48))).best
        'swing'
    """
    network = load(weights)
    spans = [span for span in _spans(score.bar_count, network.bars) if len(score.between(*span))] or [
        (0, score.bar_count)
    ]
    profiles = torch.from_numpy(np.stack([profile(score.between(*span)) for span in spans]))
    with torch.inference_mode():
        logits = network.model(profiles) if len(score) else torch.zeros(1, len(network.labels))
    middles = score.seconds(np.array([(score.bars[first] + score.bars[last]) / 2 for first, last in spans]))
    return Genres(network.labels, logits.double().softmax(-1).numpy(), middles)


def load(weights: str | Path | None = None) -> Network:
    """Return a classifier by whatever `hub.find` finds; a file is read once.

    Raises:
        RestyleError: if there is no such file, or it holds no classifier of scores.
    """
    path = files.bundled(WEIGHTS) if weights is None else hub.find(weights)
    return _load(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2)
def _load(path: Path, _changed: int) -> Network:
    what = "genre classifier of scores"
    model, settings = trained.network(path, what, KIND)
    try:
        return Network(model, tuple(settings["labels"]), int(settings["data"]["frames"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RestyleError(trained.refusal(path, what)) from error


def _spans(count: int, bars: int) -> list[tuple[int, int]]:
    """Windows of so many of all bars, one every half window; the last one ends with the piece."""
    last = max(0, count - bars)
    firsts = [*range(0, last, max(1, bars // 2)), last]
    return [(first, min(first + bars, count)) for first in firsts]
