"""Phases for magnitude spectrograms: Griffin-Lim, plain and fast. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restyle.dsp.stft import Stft, powers


@torch.no_grad()
def griffin_lim(
    magnitude: Tensor,
    stft: Stft,
    length: int,
    *,
    iterations: int = 32,
    momentum: float = 0.99,
    phase: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """Find samples whose spectrogram is near to given magnitudes.

    A good start is worth more than iterations: the phase of a recording with the same events (``phase=stft(content)``).

    With ``phase=None`` (random), ``momentum=0``, ``iterations=500`` and ``magnitude=expm1_magnitude(log)`` this is the
    reconstruction of the classic texture transfer by a random shallow network (``Stft(2048, 512)``, log1p
    spectrograms); its spectral convergence ends near -27 dB on music.

    Args:
        magnitude: ``[..., F, L]``, not negative.
        stft: the transform that the magnitudes belong to.
        length: number of samples; ``stft.frames(length)`` must be L.
        iterations: number of projections; 0 only inverts the start.
        momentum: 0 for the classic algorithm, near 1 for the fast one.
        phase: where to start, ``[..., F, L]``: angles in radians, or a complex spectrum whose angles are used; random
            when ``None``.
        seed: of the random start.

    Returns:
        Samples ``[..., T]``.

    Raises:
        ValueError: if the number of frames does not go with the length.

    Example:
        >>> stft, x = Stft(512, 128), torch.sin(0.2 * torch.arange(8000))
        >>> y = griffin_lim(stft(x).abs(), stft, 8000, phase=stft(x))
        >>> bool((y - x).abs().max() < 1e-4)
        True

    Source: Griffin, Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 1984; Perraudin,
    Balazs, Sondergaard, "A fast Griffin-Lim algorithm", WASPAA 2013.
    """
    if magnitude.shape[-1] != stft.frames(length):
        raise ValueError(f"{magnitude.shape[-1]} frames do not belong to {length} samples: {stft.frames(length)} do")
    magnitude = magnitude.to(stft.window.dtype).mT.contiguous().mT  # the layout that the transform gives: bins adjacent
    estimate = _start(magnitude, phase, seed)
    previous = None
    for _ in range(iterations):
        rebuilt = stft(stft.inverse(estimate, length))
        if previous is None or not momentum:
            step = rebuilt.clone() if momentum else rebuilt
        else:
            step = torch.sub(rebuilt, previous, alpha=momentum / (1 + momentum))
        estimate = _with_magnitude(step, magnitude)
        previous = rebuilt
    return stft.inverse(estimate, length)


def spectral_convergence(magnitude: Tensor, samples: Tensor, stft: Stft) -> Tensor:
    """Return how far the spectrogram of samples is from magnitudes, in dB (-20 is a tenth of their norm); a scalar."""
    missed = torch.linalg.vector_norm(stft(samples).abs() - magnitude)
    return 20 * torch.log10(missed / torch.linalg.vector_norm(magnitude).clamp_min(1e-12))


def _start(magnitude: Tensor, phase: Tensor | None, seed: int) -> Tensor:
    """Give magnitudes the start phase."""
    if phase is None:
        chance = torch.rand(magnitude.mT.shape, generator=torch.Generator().manual_seed(seed)).mT
        phase = 2 * math.pi * chance.to(magnitude.device)
    if phase.is_complex():
        phase = phase.angle()
    return torch.polar(magnitude, phase.to(magnitude.dtype).expand_as(magnitude))


def _with_magnitude(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """Scale a complex spectrum, in place, to magnitudes."""
    scale = magnitude / powers(spectrum).sqrt_().clamp_min_(1e-20)
    torch.view_as_real(spectrum).mul_(scale.unsqueeze(-1))
    return spectrum
