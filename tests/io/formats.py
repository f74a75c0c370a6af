"""What a network of each kind gives for fixed inputs: shared by the test of old files and by what made them.

`tests/data/formats/*.safetensors` and ``notes.style`` are files of format 1; ``expected.npz`` holds what their networks
gave when they were written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def ramp(*shape: int) -> Tensor:
    """Numbers from 0 to 1 that look random, the same on every machine."""
    count = int(torch.tensor(shape).prod())
    return (torch.arange(count, dtype=torch.float64) * 0.6180339887 % 1).float().reshape(shape)


NOTES = torch.tensor([[[0.0, 0.05, 60.0, 0.8, 0.0]]])
CLASSES = torch.arange(512)[None] % 256


def note_synth(network: Any) -> Tensor:
    from restyle.methods.notewise.model import Heard

    heard = Heard(*(ramp(1, 5, n) for n in (9, 4, 4, 3, 3)), torch.ones(1, 3), torch.ones(1, 5) > 0)
    return network(heard, ramp(1, 7, 5), torch.zeros(3)).amplitude


def draw(network: Any) -> Tensor:
    canvas = network.first(ramp(1, network.pitches, network.frames))
    return network(ramp(1, network.bins, network.frames), canvas, None).canvases[-1]


def autoregressive(network: Any) -> Tensor:
    told = network.told(NOTES, network.reference(ramp(1, 80, 9)), 2, network.encoder(ramp(1, 512)))
    return network(CLASSES, told)[..., ::40]


OUTPUTS: dict[str, Callable[[Any], Tensor]] = {
    "classifier": lambda network: network(ramp(2, 17, 40)),
    "classifier_multi": lambda network: network(ramp(1, 17, 40)),
    "classifier_single": lambda network: network(ramp(1, 65, 65)),
    "classifier_capsules": lambda network: network(ramp(1, 93, 93)),
    "cyclegan": lambda network: network.there(ramp(1, 9, 8)),
    "draw": draw,
    "note_synth": note_synth,
    "timbre": lambda network: network(ramp(1, 8, 40)),
    "timbre_mfcc": lambda network: network(ramp(1, 16, 40)),
    "transcriber": lambda network: network(ramp(1, 6, 294)).onset,
    "vae_gan": lambda network: network.content(ramp(1, 9, 16)).mean,
    "wavenet_autoregressive": autoregressive,
    "wavenet_parallel": lambda network: network(NOTES, network.reference(ramp(1, 80, 9)), 4)[..., ::8],
}
