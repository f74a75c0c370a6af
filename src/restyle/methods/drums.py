"""`drums`: what strikes in the content, struck by the style. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.follow import Follow, add, follow_bands, rms
from restyle.methods.base import Profile, of_recordings
from restyle.methods.excerpt import excerpt
from restyle.methods.mosaic import MosaicMethod
from restyle.methods.settings import checked
from restyle.threads import single

SECONDS = 30.0  # of the style that is kept
HITS = Follow(0.023, 24, 1.0)  # how what strikes follows the content's hits
NOTHING = 1e-7  # root mean square of silence


class DrumsMethod:
    """Play the hits of a content's drums by the style's drums: pieces of these, which rise and fall as those do.

    Both are best drums alone, as ``restyle separate`` gives them.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> struck = Audio(rng.normal(0, 0.1, 16000) * (np.arange(16000) % 4000 < 800), 16000)
        >>> method = DrumsMethod()
        >>> method.apply(struck, method.fit([Audio(rng.normal(0, 0.1, 32000), 16000)])).length
        16000
    """

    name: ClassVar[str] = "drums"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(self) -> None:
        self._mosaic = MosaicMethod()

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Keep the loudest stretches of the style; see `methods.base.Method`."""
        return excerpt(style, seconds=SECONDS)

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Play the content; see `methods.base.Method`."""
        if min(rms(content), float(np.abs(profile["samples"]).max(initial=0))) < NOTHING:
            return Audio(blocks.empty(content.channels, content.length), content.rate)
        made = self._mosaic.apply(content, profile, seed=seed, progress=lambda done: progress(0.9 * done))
        made = follow_bands(made, content, HITS)
        add(made, content, strength * rms(content) / max(rms(made), NOTHING), 1 - strength)
        progress(1.0)
        return made
