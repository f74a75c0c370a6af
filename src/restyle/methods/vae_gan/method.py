"""`vae_gan`: the content's code and notes, decoded with the style's vector by a VAE-GAN. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from restyle.audio import Audio
from restyle.dsp import highband
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError
from restyle.io import weights as files
from restyle.methods.base import Profile, of_recordings
from restyle.methods.fitting import Example, example, examples_of
from restyle.methods.repainting import open_network, repaint_played
from restyle.methods.settings import Weights, checked
from restyle.methods.vae_gan.model import VaeGan
from restyle.threads import single

WEIGHTS = "vae_gan.safetensors"
PIECE = 312  # frames of a style that are encoded at once, five seconds
NAMES = 8  # of styles in a sentence
QUIET = 0.02  # nepers; a piece whose mean level is lower is a pause


class VaeGanMethod:
    """Encode how the content is played, and decode it, with what is played, in the style's voice.

    Args:
        named: a style of the training, by its name, in place of recordings.
        weights: of the network; by default those that come with the package.

    Raises:
        RestyleError: if the weights cannot be read, or know no such style.

    Example:
        >>> VaeGanMethod().plays_notes  # doctest: +SKIP
        False

    Source: Larsen et al., "Autoencoding beyond pixels using a learned similarity metric", ICML 2016.
    """

    name: ClassVar[str] = "vae_gan"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(self, *, named: str = "", weights: Weights = "") -> None:
        path, self.network, settings, self.grid = open_network(weights, WEIGHTS, self.name, VaeGan, spare=("named",))
        self.shown = path.stem if path == files.bundled(path.name) else str(path)
        self.labels = list(settings["labels"])
        self.vectors = np.array(settings["named"])
        if named and named not in self.labels:
            raise RestyleError(f"{path.name} was not taught the style '{named}'; choose one of {self._some()}")
        self.named = named

    def taught(self) -> Profile:
        """Return the style that was named, or the only one of the training.

        Raises:
            RestyleError: if there are several and none is named.
        """
        if not self.named and len(self.labels) > 1:
            raise RestyleError(f"these weights know several styles; choose one with --set named=NAME: {self._some()}")
        return {"vector": self.vectors[self.labels.index(self.named) if self.named else 0]}

    def _some(self) -> str:
        """The first names, and where all of them are listed."""
        more = f" ... ('restyle models {self.shown}' lists all {len(self.labels)})"
        return ", ".join(self.labels[:NAMES]) + (more if len(self.labels) > NAMES else "")

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Encode the style: the mean over pieces of what the network sees in them.

        Returns:
            ``vector`` ``[D]``, and how the style sounds above the network's band (see `dsp.highband.measure`).

        Raises:
            RestyleError: if the style is silent.
        """
        if self.named:
            return self.taught()
        vector = self._vector(examples_of(style, self.grid, self.network.pitches)).numpy()
        return {"vector": vector} | highband.measure(style, float(self.grid.rate))

    def _vector(self, examples: Sequence[Example]) -> Tensor:
        """The style vector of the mean of what the network sees in pieces of the examples."""
        pieces = [piece for one in examples for piece in _pieces(one)]
        loud = [piece for piece in pieces if float(piece.levels.mean()) > QUIET] or pieces
        with torch.no_grad():
            seen = [self.network.impression(x[None], pitch[None]) for x, pitch in loud]
            return self.network.styled(torch.stack(seen).mean(0)).mean[0]

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content in the style; in between, strength moves its own style vector toward the style's."""
        vector = torch.from_numpy(np.array(profile["vector"]))
        if strength < 1:
            own = example(content, self.grid, self.network.pitches)
            vector = vector if own is None else self._vector([own]).lerp(vector, strength)

        def paint(x: Tensor, pitch: Tensor) -> Tensor:
            return self.network.decode(self.network.content(x[None]).mean, vector[None], pitch)[0]

        return repaint_played(
            content,
            self.grid,
            self.network.pitches,
            paint,
            strength=strength,
            profile=profile,
            seed=seed,
            progress=progress,
        )


def _pieces(whole: Example) -> list[Example]:
    """A recording in pieces of about the length that the network was trained on."""
    count = max(1, round(whole.levels.shape[-1] / PIECE))
    parts = zip(*(part.tensor_split(count, -1) for part in whole), strict=True)
    return [Example(*pair) for pair in parts]
