"""`cyclegan`: from one kind of music to another, trained on unpaired recordings of both. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor

from restyle.audio import Audio
from restyle.dsp import highband
from restyle.dsp.blocks import Progress
from restyle.dsp.levels import levels
from restyle.errors import RestyleError
from restyle.methods.base import SILENT_STYLE, Profile, of_recordings
from restyle.methods.cyclegan.model import CycleGan
from restyle.methods.repainting import SILENT, open_network, repaint
from restyle.methods.settings import Weights, checked
from restyle.threads import single

WEIGHTS = "cyclegan.safetensors"


class CycleGanMethod:
    """Let the generator of one of two directions change the content's spectrogram.

    Args:
        to: the name of the kind of music to go to; by default the second of the training, or with recordings as style
            the one that sounds more like them.
        weights: of the network; by default those that come with the package.

    Raises:
        RestyleError: if the weights cannot be read, or know no such kind.

    Example:
        >>> CycleGanMethod().plays_notes  # doctest: +SKIP
        False

    Source: Zhu et al., "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017.
    """

    name: ClassVar[str] = "cyclegan"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(self, *, to: str = "", weights: Weights = "") -> None:
        path, self.network, settings, self.grid = open_network(weights, WEIGHTS, self.name, CycleGan, spare=("means",))
        self.labels = list(settings["labels"])
        self.means = np.array(settings["means"])
        if to and to not in self.labels:
            raise RestyleError(f"{path.name} does not lead to '{to}'; choose {' or '.join(self.labels)}")
        self.to = to

    def taught(self) -> Profile:
        """Return the direction: ``to`` ``[1]``, the number of the kind of music that it leads to."""
        return {"to": np.array([self.labels.index(self.to) if self.to else 1])}

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Choose the direction whose end has mean levels nearer to the style's, where none was chosen.

        Returns:
            ``to`` ``[1]``, and how the style sounds above the network's band (see `dsp.highband.measure`).

        Raises:
            RestyleError: if the style is silent.
        """
        sounding = [(clip, mean) for clip in style if (mean := self.grid.mean(clip)) >= SILENT]
        if not sounding:
            raise RestyleError(SILENT_STYLE)
        highs = highband.measure(style, float(self.grid.rate))
        if self.to:
            return self.taught() | highs
        own = np.mean([levels(self.grid.magnitudes(clip), mean).mean(1).numpy() for clip, mean in sounding], axis=0)
        return {"to": np.array([int(np.abs(self.means - own).mean(1).argmin())])} | highs

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content as the other kind of music; in between, levels lie between both."""
        generator = (self.network.back, self.network.there)[int(profile["to"][0])]

        def paint(x: Tensor, first: int) -> Tensor:
            return generator(x[None])[0]

        return repaint(content, self.grid, paint, strength=strength, profile=profile, seed=seed, progress=progress)
