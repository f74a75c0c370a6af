"""`draw`: the content encoded and painted by a recurrent autoencoder that knows one style. Floor 4."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from restyle.audio import Audio
from restyle.dsp import highband
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError
from restyle.methods.base import Profile, of_recordings
from restyle.methods.draw.model import Draw
from restyle.methods.fitting import examples_of, fitted, with_fitted
from restyle.methods.repainting import open_network, repaint_played
from restyle.methods.settings import Steps, Weights, checked
from restyle.threads import single

WEIGHTS = "draw_{}.safetensors"
STYLES = ("piano", "strings")  # that come with the package


class DrawMethod:
    """Encode the content piece by piece and paint it again with an autoencoder that was trained on a single style.

    The first canvas of every piece is what the network makes of the notes that the transcriber finds; the codes of the
    glimpses add how they are played. A style given as recordings is learnt by going on with the training for a moment,
    on them alone.

    Args:
        start: which network that comes with the package to start from: ``piano`` or ``strings``.
        fit: steps of going on; each takes about a tenth of a second.
        weights: of a trained network, in place of ``start``.

    Raises:
        RestyleError: if the weights cannot be read, or a setting is out of range.

    Example:
        >>> DrawMethod(start="strings").plays_notes  # doctest: +SKIP
        False

    Source: Gregor et al., "DRAW: a recurrent neural network for image generation", ICML 2015.
    """

    name: ClassVar[str] = "draw"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(self, *, start: str = "piano", fit: Steps = 60, weights: Weights = "") -> None:
        if not weights and start not in STYLES:
            raise RestyleError(f"no DRAW of '{start}' comes with this version; choose {' or '.join(STYLES)}")
        _, self.network, _, self.grid = open_network(weights, WEIGHTS.format(start), self.name, Draw)
        self.steps = fit

    def taught(self) -> Profile:
        """Return that nothing is fitted: the network's own style."""
        return {"fitted": np.zeros(1, np.float32)}

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Go on with the training of the first canvas on the style's recordings.

        Returns:
            The weights that were changed, by their names; none where the network has no notes or ``fit`` is 0. And
            how the style sounds above the network's band (see `dsp.highband.measure`).

        Raises:
            RestyleError: if the style is silent.
        """
        examples = examples_of(style, self.grid, self.network.pitches)
        highs = highband.measure(style, float(self.grid.rate))
        network = copy.deepcopy(self.network)  # its own may play meanwhile
        if network.notes is None or not self.steps:
            return self.taught() | highs

        def loss(x: Tensor, pitch: Tensor) -> Tensor:
            return (network.levels(network.first(pitch)) - x).abs().mean()

        changed = [network.usual, *network.notes.parameters()]
        return fitted(network, changed, loss, examples, steps=self.steps) | highs

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content in the network's style; in between, levels lie between the content's and the painted."""
        network = with_fitted(self.network, profile)

        def paint(x: Tensor, pitch: Tensor) -> Tensor:
            return _whole(network, x, network.first(pitch)[0])

        return repaint_played(
            content,
            self.grid,
            network.pitches,
            paint,
            strength=strength,
            profile=profile,
            seed=seed,
            progress=progress,
        )


def _whole(network: Draw, x: Tensor, canvas: Tensor) -> Tensor:
    """Paint pieces that overlap by half, and cross-fade them to levels ``[F, L]``."""
    frames, length = network.frames, x.shape[-1]
    half = frames // 2
    around = (half, half + -length % half)
    padded = nn.functional.pad(x, around), nn.functional.pad(canvas[None], around, mode="replicate")[0]
    pieces = [part.unfold(-1, frames, half).transpose(0, 1) for part in padded]
    result = network.levels(network(*pieces, None).canvases[-1])
    window = torch.sin((torch.arange(frames) + 0.5) * torch.pi / frames).square()
    whole = torch.zeros_like(padded[0])
    for i, piece in enumerate(result * window):
        whole[:, i * half : i * half + frames] += piece
    return whole[:, half : half + length]
