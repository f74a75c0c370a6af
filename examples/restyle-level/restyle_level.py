"""An example of a method in a package of its own: the content's quiet and loud moments become those of the style.

Install it beside restyle (``pip install examples/restyle-level``), and use it by its name::

    restyle transfer song.wav style.wav -o out.wav --method level --set smoothing=0.2
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy.ndimage import uniform_filter1d

from restyle import Audio
from restyle.dsp.blocks import Progress
from restyle.methods.base import Profile, of_recordings
from restyle.methods.settings import Positive, checked

QUANTILES = np.linspace(0, 1, 101)


class LevelMethod:
    """Map the distribution of short-term levels to the style's.

    Args:
        smoothing: seconds over which a level is measured.
    """

    name: ClassVar[str] = "level"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(self, *, smoothing: Positive = 0.1) -> None:
        self.smoothing = smoothing

    def fit(self, style: Sequence[Audio]) -> Profile:
        """Measure how often the style is how loud, relative to its mean level."""
        levels = np.concatenate([self._levels(clip) for clip in style])
        return {"levels": np.quantile(levels - levels.mean(), QUANTILES).astype(np.float32)}

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content with the style's dynamics; see `restyle.methods.base.Method`."""
        levels = self._levels(content)
        own = levels - levels.mean()
        wanted = np.interp(own, np.quantile(own, QUANTILES), profile["levels"])
        gain = 10 ** (strength * (wanted - own) / 20)
        return Audio(content.samples * gain.astype(np.float32), content.rate)

    def _levels(self, audio: Audio) -> np.ndarray:
        power = np.square(audio.samples, dtype=np.float32).mean(axis=0)
        return 10 * np.log10(uniform_filter1d(power, max(1, round(self.smoothing * audio.rate))) + 1e-8)
