"""Partials and noise to sound, differentiably: short spectra, overlapped and added. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SIDE = 4  # bins drawn on either side of a partial


def synthesise(
    amplitude: Tensor,
    frequency: Tensor,
    noise: Tensor,
    centres: Tensor,
    *,
    rate: int,
    size: int = 512,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the sound of partials and noise that are given every ``size / 4`` samples.

    Args:
        amplitude: of each partial, 0..1, ``[B, L, P]``; gradients flow back to it and to ``noise``.
        frequency: of each partial in Hz, ``[B, L, P]`` or ``[B, 1, P]``; none sounds from half the rate on.
        noise: power per Hz in each band, ``[B, L, M]``.
        centres: of the bands in Hz, rising, ``[M]``.
        rate: Hz.
        size: samples of a window.
        generator: draws the phases and the noise.

    Returns:
        ``[B, (L - 1) * size / 4]``; frame l is centred on sample ``l * size / 4``.

    Example:
        >>> level, f = torch.full((1, 40, 1), 0.5), torch.full((1, 1, 1), 440.0)
        >>> tone = synthesise(level, f, torch.zeros(1, 40, 2), torch.tensor([100.0, 4000.0]), rate=16000)
        >>> tone.shape, round(float(tone[0, 1000:4000].abs().max()), 1)
        (torch.Size([1, 4992]), 0.5)

    Source: Rodet and Depalle, "Spectral envelopes and inverse FFT synthesis", AES 1992; Serra and Smith, "Spectral
    modeling synthesis", Computer Music Journal 14(4), 1990.
    """
    hop, (batch, frames, count) = size // 4, amplitude.shape
    frequency = frequency.expand(batch, frames, count)
    turns = (frequency.double() * (hop / rate)).cumsum(1)
    turns = turns + torch.rand(batch, 1, count, generator=generator, dtype=torch.float64)
    amplitude = amplitude * (frequency < 0.5 * rate)
    spectra = _lines(amplitude, frequency * (size / rate), turns.frac().float(), size)
    spectra = spectra + _noise(noise, centres, size, rate, generator)
    pieces = torch.fft.irfft(spectra, n=size).transpose(1, 2)  # [B, size, L]
    whole = torch.nn.functional.fold(pieces, (1, size + hop * (frames - 1)), (1, size), stride=(1, hop))
    return whole[:, 0, 0, size // 2 : size // 2 + hop * (frames - 1)]


def _lines(amplitude: Tensor, bins: Tensor, turns: Tensor, size: int) -> Tensor:
    """Spectra ``[B, L, F]`` of sinusoids in a Hann window: amplitudes, places in bins, phases in turns."""
    centre = bins.round()
    offset = torch.arange(-SIDE, SIDE + 1, dtype=bins.dtype) + (centre - bins)[..., None]
    lobe = torch.sinc(offset) / (1 - offset.square()).where(offset.abs() != 1, torch.ones(()))
    lobe = torch.where((offset.abs() - 1).abs() < 1e-6, 0.5, lobe)
    index = centre.long()[..., None] + torch.arange(-SIDE, SIDE + 1)
    # half for the overlap of four windows; every odd bin changes sign, so that the window is centred in the frame
    weight = amplitude[..., None] * (size / 8) * lobe * (1 - 2 * (index % 2))
    width = size // 2 + 1
    inside = (index >= 0) & (index < width)
    rows = torch.arange(amplitude.shape[0] * amplitude.shape[1]).reshape(*amplitude.shape[:2], 1, 1)
    place = (rows * width + index.clamp(0, width - 1)).reshape(-1)
    angle = 2 * math.pi * turns[..., None]
    result = []
    for wave in (angle.cos(), angle.sin()):
        flat = amplitude.new_zeros(amplitude.shape[0] * amplitude.shape[1] * width)
        result.append(flat.index_add(0, place, (weight * wave * inside).reshape(-1)))
    return torch.complex(*result).reshape(*amplitude.shape[:2], width)


def _noise(noise: Tensor, centres: Tensor, size: int, rate: int, generator: torch.Generator | None) -> Tensor:
    """Spectra ``[B, L, F]`` of noise in a Hann window, with a power per Hz that is interpolated between the bands."""
    bins = torch.arange(size // 2 + 1) * (rate / size)
    high = torch.searchsorted(centres, bins).clamp(1, len(centres) - 1)
    part = ((bins - centres[high - 1]) / (centres[high] - centres[high - 1])).clamp(0, 1)
    level = (noise + 1e-20).log()
    power = (level[..., high - 1] * (1 - part) + level[..., high] * part).exp()
    drawn = torch.randn(*power.shape, 2, generator=generator)
    white = torch.view_as_complex(drawn) * (power * (size * rate / 6)).sqrt()
    spread = torch.nn.functional.pad(white, (1, 1))
    return 0.5 * white + 0.25 * (spread[..., 2:] + spread[..., :-2])
