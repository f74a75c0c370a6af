"""What networks learn of the very recordings they are to sound like, before they play. Floor 4."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from restyle.audio import Audio
from restyle.dsp.levels import levels
from restyle.errors import RestyleError
from restyle.io.networks import fill
from restyle.methods.base import SILENT_STYLE, Profile
from restyle.methods.descent import Adam
from restyle.methods.repainting import SILENT, Grid, cut, played_in

RATE = 1e-3
FRAMES, BATCH = 128, 4  # of a step
LONGEST = 120.0  # seconds of a recording that are learnt from

Fitted = TypeVar("Fitted", bound=nn.Module)


class Example(NamedTuple):
    """Levels ``[F, L]`` of a clip, and what it plays ``[pitches, L]``."""

    levels: Tensor
    pitch: Tensor


def example(clip: Audio, grid: Grid, pitches: int) -> Example | None:
    """Return what is learnt of a clip, for a network that takes so many pitches; None if it is silent."""
    clip = clip.slice(0, round(LONGEST * clip.rate))
    grid = grid.tuned(clip)
    mean = grid.mean(clip)
    if mean < SILENT:
        return None
    x = levels(grid.magnitudes(clip), mean)
    return Example(x, cut(played_in(clip, grid, pitches), 0, x.shape[-1])[0])


def examples_of(style: Sequence[Audio], grid: Grid, pitches: int) -> list[Example]:
    """Return the examples of the clips that are not silent.

    Raises:
        RestyleError: if all are.
    """
    examples = [one for clip in style if (one := example(clip, grid, pitches))]
    if not examples:
        raise RestyleError(SILENT_STYLE)
    return examples


def fitted(
    network: nn.Module,
    changed: Sequence[nn.Parameter],
    loss: Callable[[Tensor, Tensor], Tensor],
    examples: Sequence[Example],
    *,
    steps: int,
) -> dict[str, np.ndarray]:
    """Lower a loss on examples for some steps of Adam, from a high rate to a low one.

    Args:
        network: what plays, a copy of one's own: its weights are changed.
        changed: those of its weights that are learnt.
        loss: of levels ``[B, F, L]`` and what is played ``[B, pitches, L]``.
        examples: of the style.
        steps: how many.

    Returns:
        The changed weights by their names.
    """
    own = {id(value) for value in changed}
    names = {name: value for name, value in network.named_parameters() if id(value) in own}
    for value in changed:
        value.requires_grad_(True)
    optimiser = Adam(changed, step=RATE)
    rng = np.random.default_rng(0)
    for step in range(steps):
        optimiser.step_size = RATE * (1 - step / steps)
        x, pitch = _batch(examples, rng)
        optimiser.zero_grad()
        loss(x, pitch).backward()
        optimiser.step()
    return {name: value.detach().numpy().astype(np.float16) for name, value in names.items()}


def with_fitted(network: Fitted, profile: Profile) -> Fitted:
    """Return a network with the weights of a profile in place of its own; itself where there are none."""
    known = network.state_dict()
    learnt = {name: array for name, array in profile.items() if name in known}
    if not learnt:
        return network
    result = copy.deepcopy(network)
    fill(result, {name: value.numpy() for name, value in known.items()} | learnt, "the style")
    return result


def _batch(examples: Sequence[Example], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Pieces of examples at random places, as long as the shortest allows."""
    drawn = [examples[i] for i in rng.integers(0, len(examples), BATCH)]
    frames = min(FRAMES, *(one.levels.shape[-1] for one in drawn))
    parts = []
    for one in drawn:
        at = int(rng.integers(0, one.levels.shape[-1] - frames + 1))
        parts.append([part[:, at : at + frames] for part in one])
    x, pitch = (torch.stack(list(part)) for part in zip(*parts, strict=True))
    return x, pitch
