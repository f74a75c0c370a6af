"""Grains of a style beside its notes: what of a content's notes is not found sounds like the style, too. Floor 4.

Pieces of the style's own sound, chosen by the content and moving as it does in level and pitch, join the notes at equal
power; nothing of the content itself is in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import Progress
from restyle.dsp.follow import Follow, add, follow_bands, follow_pitches, rms
from restyle.methods.base import Profile
from restyle.methods.excerpt import excerpt
from restyle.methods.mosaic import MosaicMethod

NAME = "grains/"  # of what a profile keeps of them
SECONDS = 30.0  # of the style that grains are taken from
SWELLS = Follow(0.046, 6, 0.7)  # how grains follow the content's levels
PITCHES = 0.5  # how far they follow its pitches
NOTHING = 1e-7  # root mean square of silence


def fit(style: Sequence[Audio]) -> Profile:
    """Keep what grains are taken from."""
    return {f"{NAME}{name}": array for name, array in excerpt(style, seconds=SECONDS).items()}


def has(profile: Profile) -> bool:
    """Return whether a style was learnt with grains."""
    return f"{NAME}samples" in profile


def beside(content: Audio, notes: Audio, target: Audio, profile: Profile, seed: int, progress: Progress) -> Audio:
    """Return the content played by the style's notes and grains, at equal power and the content's level.

    Args:
        content: the recording.
        notes: its notes as the style plays them; silence where there are none.
        target: what grains are chosen by: the same, and what of the content is in doubt, toned like the style.
        profile: of the style, with grains.
        seed: of the grains.
        progress: called with the fraction done.
    """
    kept = {name.removeprefix(NAME): array for name, array in profile.items() if name.startswith(NAME)}
    if min(rms(target), float(np.abs(kept["samples"]).max(initial=0))) < NOTHING:
        return notes
    result = _mosaic().apply(target, kept, seed=seed, progress=lambda done: progress(0.8 * done))
    result = follow_pitches(follow_bands(result, content, SWELLS), content, share=PITCHES)
    level, played = rms(content), rms(notes)
    add(result, notes, 1 / max(rms(result), NOTHING), 1 / played if played > NOTHING else 0.0)
    add(result, notes, level / max(rms(result), NOTHING), 0.0)
    progress(1.0)
    return result


@cache
def _mosaic() -> MosaicMethod:
    return MosaicMethod()
