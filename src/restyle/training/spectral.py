"""What trainings on spectrograms share: levels of one loudness, pictures and sounds for the report. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from restyle.audio import Audio
from restyle.dsp.levels import levels, magnitudes
from restyle.dsp.phase import griffin_lim
from restyle.dsp.stft import Stft
from restyle.training.adversarial import discriminator_loss

SILENT = 1e-6  # root mean square of magnitudes; what is softer is not raised
NORMALISATION = {"normalisation": "recording"}  # stored with the weights: what levels are relative to
LOUD = 0.05  # root mean square of the sounds in a report


def recording_levels(x: Tensor, mean: Tensor) -> Tensor:
    """Return levels of chunks relative to their whole recordings, as a transfer uses them.

    Args:
        x: log1p magnitudes ``[B, F, L]``.
        mean: root mean square of the magnitudes of each chunk's recording, ``[B]``.
    """
    return levels(torch.expm1(x.float()), mean.clamp_min(SILENT)[:, None, None])


def check_stft(representation: Mapping[str, Any], bins: int) -> Stft:
    """Return the transform that spectrograms were made by.

    Raises:
        ValueError: if they are of another kind, or not of as many bins as the model.
    """
    if representation.get("kind") != "stft":
        raise ValueError(f"the spectrograms must be of kind stft, not {representation.get('kind')}")
    stft = Stft(int(representation["n_fft"]), int(representation["hop"]))
    if stft.bins != bins:
        raise ValueError(f"the model has {bins} bins, the spectrograms {stft.bins}")
    return stft


def examples(rows: Sequence[tuple[str, Tensor]], stft: Stft, rate: int) -> list[dict[str, Any]]:
    """Return titles with levels ``[F, L]`` as a report shows and plays them."""
    output: list[dict[str, Any]] = []
    for title, level in rows:
        level = level.float().cpu()
        length = (level.shape[-1] - 1) * stft.hop
        sound = griffin_lim(magnitudes(level), stft, length, iterations=16)
        sound = sound * (LOUD / sound.square().mean().sqrt().clamp_min(1e-6))
        output.append({"title": title, "picture": level.numpy(), "sound": Audio(sound.clamp(-1, 1).numpy(), rate)})
    return output


def follow(mean: Tensor, seen: Tensor, part: float) -> None:
    """Move a running mean, in place, a part of the way to what was seen; all of it the first time."""
    mean += (seen - mean) * (part if bool(mean.any()) else 1.0)


def guarded(real: Tensor, generated: Tensor, kind: str, ceiling: float) -> tuple[Tensor, Tensor]:
    """Return a discriminator's loss, and the part of its right decisions.

    Where that is more than ``ceiling`` the loss is 0: it waits until the generator has caught up with it.

    Source: the authors' code of Larsen et al. 2016 stops either player alike, by its loss.
    """
    middle = 0.5 if kind == "least_squares" else 0.0
    right = ((real > middle).float().mean() + (generated < middle).float().mean()) / 2
    return discriminator_loss(real, generated, kind) * (right <= ceiling), right
