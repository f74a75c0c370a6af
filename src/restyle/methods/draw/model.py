"""DRAW: a recurrent variational autoencoder that paints a piece of spectrogram glimpse by glimpse. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restyle.dsp.levels import SPREAD, scaled
from restyle.methods.convnext import Tower
from restyle.methods.vae_gan.model import Normal

TOP = 12.0  # nepers, of the loudest level that can be painted


def filterbank(centre: Tensor, stride: Tensor, variance: Tensor, *, count: int, size: int) -> Tensor:
    """Return Gaussian filters that look at evenly spaced places of an axis.

    Args:
        centre: of all places, in steps of the axis, ``[B]``.
        stride: between two places, ``[B]``.
        variance: of the Gaussians, ``[B]``.
        count: places N.
        size: steps of the axis A.

    Returns:
        Weights ``[B, N, A]``; each row adds up to 1.

    Source: equations 19 to 26 of Gregor et al. 2015.
    """
    place = torch.arange(count, device=centre.device) - (count - 1) / 2
    mean = centre[:, None] + place * stride[:, None]
    step = torch.arange(size, device=centre.device)
    weight = (-(step - mean[..., None]).square() / (2 * variance[:, None, None])).exp()
    return weight / weight.sum(-1, keepdim=True).clamp_min(1e-8)


class Attention(nn.Module):
    """Where to look or paint: a grid of Gaussians whose centre, stride, width and intensity a state chooses.

    Args:
        hidden: size of the state.
        grid: places N along either axis.
        bins: F of the piece.
        frames: L of the piece.

    Centre and stride are relative to each axis, which may differ in length; on a square they are the paper's. Widths
    are in units of half the grid's widest stride.
    """

    def __init__(self, hidden: int, grid: int, bins: int, frames: int) -> None:
        super().__init__()
        self.grid, self.bins, self.frames = grid, bins, frames
        self.out = nn.Linear(hidden, 5)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return filters over frequency ``[B, N, F]`` and time ``[B, N, L]``, and the intensity ``[B, 1, 1]``."""
        high, along, variance, stride, intensity = self.out(state).float().unbind(-1)
        filters = [
            filterbank(
                (size - 1) / 2 * (place + 1),
                (size - 1) / max(1, self.grid - 1) * stride.clamp(-6, 1).exp(),
                ((size - 1) / max(1, self.grid - 1) / 2) ** 2 * variance.clamp(-8, 4).exp() + 0.1,
                count=self.grid,
                size=size,
            )
            for place, size in ((high, self.bins), (along, self.frames))
        ]
        return filters[0], filters[1], intensity.clamp(-6, 4).exp()[:, None, None]


class Painted(NamedTuple):
    """What a pass makes.

    Args:
        canvases: after each glimpse, before the sigmoid, ``[T, B, F, L]``.
        codes: the posterior of each glimpse, ``[T, B, D]`` each.
    """

    canvases: Tensor
    codes: Normal


class Draw(nn.Module):
    """The paper's network on pieces of spectrogram, whose first canvas is what is played.

    In the paper the first canvas is a learnt constant. Here it is what a network over time makes of the probabilities
    that pitches begin and sound, so that notes survive in the transfer; the glimpses then add what the notes do not
    tell. Without ``pitches`` it is the constant again.

    Args:
        bins: frequency bins F.
        frames: L of a piece.
        pitches: rows of what is played; 0 leaves it out.
        width: of the network that paints the first canvas.
        dilations: of its blocks.
        hidden: size of the states.
        latent: size D of the code of a glimpse.
        glimpses: T.
        grid: places N of the attention along either axis; 0 reads and writes whole pieces.
        told: size of the decoder's embedding of the first canvas.

    Example:
        >>> model = Draw(bins=33, frames=8, pitches=0, hidden=16, latent=4, glimpses=3, grid=4)
        >>> piece = torch.rand(2, 33, 8)
        >>> result = model(piece, model.first(torch.rand(2, 0, 8)), noise=None)
        >>> result.canvases.shape, result.codes.mean.shape, model.levels(result.canvases[-1]).shape
        (torch.Size([3, 2, 33, 8]), torch.Size([3, 2, 4]), torch.Size([2, 33, 8]))

    Source: Gregor et al., "DRAW: a recurrent neural network for image generation", ICML 2015.
    """

    def __init__(
        self,
        *,
        bins: int = 513,
        frames: int = 128,
        pitches: int = 176,
        width: int = 256,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 2),
        hidden: int = 192,
        latent: int = 8,
        glimpses: int = 6,
        grid: int = 12,
        told: int = 64,
    ) -> None:
        super().__init__()
        self.bins, self.frames, self.pitches, self.width, self.dilations = bins, frames, pitches, width, list(dilations)
        self.hidden, self.latent, self.glimpses, self.grid, self.size = hidden, latent, glimpses, grid, told
        self.notes = Tower(pitches, width, bins, dilations=dilations) if pitches else None
        self.usual = nn.Parameter(torch.full((bins, 1), -1.0))
        self.told = nn.Linear(bins, told)
        seen = grid * grid if grid else bins * frames
        self.reading = Attention(hidden, grid, bins, frames) if grid else None
        self.writing = Attention(hidden, grid, bins, frames) if grid else None
        self.encoder = nn.LSTMCell(2 * seen + hidden, hidden)
        self.code = nn.Linear(hidden, 2 * latent)
        self.decoder = nn.LSTMCell(latent + told, hidden)
        self.patch = nn.Linear(hidden, seen)
        nn.init.normal_(self.patch.weight, std=0.01)
        self.start = nn.Parameter(torch.zeros(2, hidden))

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("bins", "frames", "pitches", "width", "dilations", "hidden", "latent", "glimpses", "grid")
        return {name: getattr(self, name) for name in names} | {"told": self.size}

    def first(self, pitch: Tensor) -> Tensor:
        """Return the first canvas ``[B, F, L]``, of any length, from what is played ``[B, pitches, L]``."""
        if self.notes is None:
            return self.usual.expand(len(pitch), self.bins, pitch.shape[-1])
        return self.usual + self.notes(pitch)

    def levels(self, canvas: Tensor) -> Tensor:
        """Return the levels that a canvas shows, 0 to 12 nepers."""
        return TOP * canvas.float().sigmoid()

    def forward(self, x: Tensor, canvas: Tensor, noise: Tensor | None) -> Painted:
        """Encode and paint pieces.

        Args:
            x: levels ``[B, F, L]`` of pieces.
            canvas: the first canvas, ``[B, F, L]``.
            noise: standard normal ``[T, B, D]`` that draws the codes; None takes their means.
        """
        rows = len(x)
        embedded = self.told(canvas.mean(-1))
        encoding = x.new_zeros(2, rows, self.hidden)
        decoding = self.start[:, None].expand(2, rows, self.hidden)
        seen = scaled(x)
        canvases, means, variances = [], [], []
        for t in range(self.glimpses):
            missing = (x - self.levels(canvas)) / SPREAD
            read = self._read(seen, missing, decoding[0])
            encoding = torch.stack(self.encoder(torch.cat([read, decoding[0]], 1), (encoding[0], encoding[1])))
            mean, log_variance = self.code(encoding[0]).chunk(2, 1)
            code = Normal(mean, log_variance.clamp(-8, 4))
            z = mean if noise is None else code.sample(noise[t])
            decoding = torch.stack(self.decoder(torch.cat([z, embedded], 1), (decoding[0], decoding[1])))
            canvas = canvas + self._write(decoding[0])
            canvases.append(canvas)
            means.append(code.mean)
            variances.append(code.log_variance)
        return Painted(torch.stack(canvases), Normal(torch.stack(means), torch.stack(variances)))

    def _read(self, seen: Tensor, missing: Tensor, state: Tensor) -> Tensor:
        """What a glimpse shows of the piece, and of what the canvas lacks."""
        if self.reading is None:
            return torch.cat([seen.flatten(1), missing.flatten(1)], 1)
        high, along, intensity = self.reading(state)
        parts = [intensity * (high @ part.float() @ along.mT) for part in (seen, missing)]
        return torch.cat([part.flatten(1) for part in parts], 1)

    def _write(self, state: Tensor) -> Tensor:
        """What a glimpse adds to the canvas."""
        patch = self.patch(state).float()
        if self.writing is None:
            return patch.view(-1, self.bins, self.frames)
        high, along, intensity = self.writing(state)
        # filters of unit sum add little to wide places: scaled so that a patch of ones paints about one
        wide = high.sum(1).amax(-1, keepdim=True)[..., None] * along.sum(1).amax(-1, keepdim=True)[..., None]
        return intensity * (high.mT @ patch.view(-1, self.grid, self.grid) @ along) / wide.clamp_min(1e-6)
