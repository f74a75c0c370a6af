"""A WaveNet sample by sample, each from what its layers kept of the ones before: compiled, on one core. Floor 4.

Source: Le Paine et al., "Fast WaveNet generation algorithm", 2016 (arXiv 1611.09482).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restyle.errors import RestyleError
from restyle.methods.wavenet.autoregressive import CLASSES, SILENCE, WaveNet

UNROLLED = 4  # columns of a matrix that are taken at once


class Generator:
    """Generates sound of any length with a WaveNet, from conditions that come block by block.

    Args:
        network: on the CPU; its weights are copied.
        temperature: 1 draws from the network's probabilities, less from sharper ones, 0 takes the likeliest.
        seed: the same seed draws the same.

    Raises:
        RestyleError: if the temperature is negative, or the channels are not a multiple of four.

    Example:
        >>> network = WaveNet(channels=8, skip=8, dilations=(1, 2), embedding=0)
        >>> condition = torch.zeros(1, network.condition, 2)
        >>> Generator(network, seed=1).classes(condition).shape  # two frames of 256 samples
        (512,)
    """

    def __init__(self, network: WaveNet, *, temperature: float = 1.0, seed: int = 0) -> None:
        if temperature < 0:
            raise RestyleError(f"the temperature must be 0 or more, not {temperature:g}; choose 1 for plain sampling")
        if network.channels % UNROLLED or network.skip % UNROLLED:
            raise RestyleError("a WaveNet's channels must be multiples of four to be played; train it again")
        self.network, self.temperature, self.rng = network, temperature, np.random.default_rng(seed)
        self._matrices = _matrices(network)
        self._delays = np.array(network.dilations, np.int64)
        self._kept = np.zeros((int(self._delays.sum()), network.channels), np.float32)
        self._state = np.array([SILENCE, 0], np.int64)  # the last sample's class, and how many there were

    def classes(self, condition: Tensor, tuned: Tensor | None = None) -> np.ndarray:
        """Return the next mu-law classes, uint8 ``[L * hop]``.

        Args:
            condition: ``[1, W, L]``.
            tuned: ``[1, C, L * hop]``, the notes as plain tones.
        """
        count, nothing = condition.shape[-1] * self.network.hop, np.zeros((0, CLASSES), np.float32)
        return self._run(condition, tuned, np.zeros(0, np.uint8), self.rng.random(count), nothing)

    def logits(self, condition: Tensor, classes: np.ndarray, tuned: Tensor | None = None) -> np.ndarray:
        """Return the logits ``[T, 256]`` of given classes, one sample after the other, as generation finds them."""
        found = np.zeros((len(classes), CLASSES), np.float32)
        self._run(condition, tuned, classes.astype(np.uint8), np.zeros(len(classes)), found)
        return found

    def _run(
        self, condition: Tensor, tuned: Tensor | None, given: np.ndarray, draws: np.ndarray, logits: np.ndarray
    ) -> np.ndarray:
        with torch.no_grad():
            shifts = self.network.stack.condition(condition)[0].T.contiguous().numpy()
        shifts = shifts.reshape(len(shifts), len(self._delays), -1)
        tones = np.zeros((0, self.network.channels), np.float32)
        if tuned is not None:
            tones = tuned[0].T.detach().contiguous().numpy()
        result = np.zeros(len(draws), np.uint8)
        _compiled()(
            *(*self._matrices, self._delays, self._kept, self._state),
            *(shifts, tones, self.network.hop, np.float32(self.temperature), given, draws, logits, result),
        )
        return result


def _matrices(network: WaveNet) -> tuple[np.ndarray, ...]:
    """All weights, with the inputs as rows: what one input adds to all outputs lies side by side."""
    with torch.no_grad():
        layers = zip(network.stack.dilated, network.stack.mix, strict=True)
        pairs = [(d.weight.permute(2, 1, 0).flatten(0, 1), m.weight[..., 0].T, m.bias) for d, m in layers]  # type: ignore[operator,index]
        dilated, mix, bias = (torch.stack(list(part)) for part in zip(*pairs, strict=True))
        head = [network.inner.weight[..., 0].T, network.inner.bias, network.outer.weight[..., 0].T, network.outer.bias]
        whole = [network.entry.weight, dilated, mix, bias, *head]
        return tuple(part.detach().contiguous().numpy().copy() for part in whole if part is not None)


@cache
def _compiled() -> Any:
    """The loop, compiled when it is first needed; the compiled code is kept on the disk."""
    from restyle.methods.wavenet.samplewise import generate

    return generate
