"""A score as another genre, by a network on piano rolls. Floor 4."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from restyle.arrangement.rolls.data import KIND
from restyle.arrangement.rolls.model import RollCycleGan
from restyle.arrangement.rolls.roll import BAR, inside, notes_of, roll_of
from restyle.arrangement.rolls.train import THRESHOLD
from restyle.errors import RestyleError, warn
from restyle.io import hub
from restyle.io import networks as trained
from restyle.notes import DRUMS
from restyle.score import Score, joined
from restyle.threads import single

BARS = 4  # of a window


@single()
def transferred(score: Score, *, weights: str | Path, towards: str) -> Score:
    """Return a piece as another genre: all its pitched tracks become one of piano, the drums stay.

    The network sees four bars at a time; the last window goes on from the first bar where the piece ends before it.

    Args:
        score: in 4/4. Pitches below 24 and above 107 are left out, with a warning.
        weights: of a network that ``restyle train symbolic_cyclegan`` trained: its run, or a path.
        towards: the genre, one of the two that it was trained on.

    Returns:
        The piece on the same bars; the piano's notes have the mean velocity of what they stand for.

    Raises:
        RestyleError: if there is no such file, it holds no such network or genre, a bar is not 4/4, or the piece has
            no notes with pitch.

    Example:
        >>> made = transferred(tune, weights="run", towards="bossa")  # doctest: +SKIP
    """
    path = hub.find(weights)
    network, genres = _network(path, path.stat().st_mtime_ns if path.is_file() else 0)
    if towards not in genres:
        raise RestyleError(f"{path.name} does not lead to '{towards}'; choose {' or '.join(genres)}")
    pitched = score.pitched()
    if not len(pitched):
        raise RestyleError("the piece has no notes with pitch; give one that has")
    if lost := int((~inside(pitched)).sum()):
        warn(f"{lost} of {len(pitched)} notes are too low or too high for the piano roll; left out")
    made = _windowed((network.back, network.there)[genres.index(towards)], roll_of(score))
    return joined([_piano(pitched, notes_of(made)), score.select(score.programme == DRUMS)])


def _windowed(generator: torch.nn.Module, roll: np.ndarray) -> np.ndarray:
    """What a generator makes of a roll ``[84, L]``, four bars at a time."""
    long = roll.shape[1]
    cells = np.arange(-(-long // (BARS * BAR)) * BARS * BAR) % long
    windows = torch.from_numpy(roll[:, cells]).float().unflatten(1, (-1, BARS * BAR)).transpose(0, 1)
    with torch.inference_mode():
        made = torch.cat([generator(window[None]) for window in windows], dim=2)[0]
    return (made > THRESHOLD).numpy()[:, :long]


def _piano(pitched: Score, notes: np.ndarray) -> Score:
    """Notes ``[N, 3]`` as the first of a score's tracks."""
    start, length, pitch = notes.T
    columns = {"velocity": pitched.velocity.mean(), "programme": 0, "track": pitched.track.min()}
    filled = {name: np.full(len(notes), value) for name, value in columns.items()}
    return replace(pitched, start=start, length=length, pitch=pitch, **filled)


@lru_cache(maxsize=1)
def _network(path: Path, _changed: int) -> tuple[RollCycleGan, list[str]]:
    network, settings = trained.network(path, "CycleGAN of piano rolls", KIND)
    if not isinstance(network, RollCycleGan):
        raise RestyleError(trained.refusal(path, "CycleGAN of piano rolls"))
    return network, list(settings["genres"])
