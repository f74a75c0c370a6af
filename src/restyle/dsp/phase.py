"""Phases for magnitude spectrograms: Griffin-Lim, plain and fast, and phase-gradient integration."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restyle.dsp.stft import Stft

HANN = 0.25645  # a Hann window is nearest to a Gaussian exp(-pi t^2 / gamma) with gamma = HANN * n_fft^2
STEPS = 200 / math.log(10)  # loudness levels a neper: tenths of a decibel


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

    A good start is worth more than iterations: the phase of a recording with the same events (``phase=stft(content)``),
    or :func:`gradient_integration`.

    With ``phase=None`` (random), ``momentum=0``, ``iterations=500`` and ``magnitude=expm1_magnitude(log)`` this is the
    reconstruction of the classic texture transfer by a random shallow network (``Stft(2048, 512)``, log1p
    spectrograms); its spectral convergence ends near -27 dB on music.

    Args:
        magnitude: ``[..., F, L]``, not negative.
        stft: the transform that the magnitudes belong to.
        length: number of samples wanted; ``stft.frames(length)`` must be L.
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


def gradient_integration(magnitude: Tensor, stft: Stft, *, tolerance: float = 1e-5, seed: int = 0) -> Tensor:
    """Estimate the phase of magnitudes in one pass, from how they change along time and frequency.

    For a Gaussian window the gradient of the phase is known from that of the log magnitude. It is integrated from the
    loudest bins outward, always on from the loudest bin reached so far. (A queue with one bucket for each 0.1 dB
    instead of a heap makes the time linear in the number of bins.)

    Args:
        magnitude: ``[..., F, L]``, not negative.
        stft: the transform that the magnitudes belong to.
        tolerance: bins below this part of the loudest, 1e-10 to 1, get a random phase.
        seed: of the random phases.

    Returns:
        Angles in radians ``[..., F, L]``, -pi..pi.

    Example:
        >>> stft, x = Stft(512, 128), torch.sin(0.2 * torch.arange(8000))
        >>> magnitude = stft(x).abs()
        >>> y = stft.inverse(torch.polar(magnitude, gradient_integration(magnitude, stft)), 8000)
        >>> bool(spectral_convergence(magnitude, y, stft) < -15)
        True

    Source: Prusa, Balazs, Sondergaard, "A noniterative method for reconstruction of phase from STFT magnitude",
    IEEE/ACM TASLP 2017.
    """
    frames = np.ascontiguousarray(magnitude.detach().mT.cpu().numpy(), np.float32)
    shape = frames.shape
    noise = np.random.default_rng(seed)
    angles = [_integrate(one, stft, tolerance, noise) for one in frames.reshape(-1, *shape[-2:])]
    return torch.from_numpy(np.stack(angles).reshape(shape)).to(magnitude.device).mT


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
    scale = magnitude / spectrum.abs().clamp_min_(1e-20)
    torch.view_as_real(spectrum).mul_(scale.unsqueeze(-1))
    return spectrum


def _integrate(magnitude: np.ndarray, stft: Stft, tolerance: float, noise: np.random.Generator) -> np.ndarray:
    """Return the angles of one spectrogram ``[L, F]``."""
    angles: np.ndarray = noise.uniform(-math.pi, math.pi, magnitude.shape)
    loudest = float(magnitude.max(initial=0))
    if not 0 < loudest < math.inf:
        return _wrap(angles)
    log = np.log(np.maximum(magnitude / loudest, tolerance / 10))
    gamma, cells = HANN * stft.n_fft**2, stft.hop * stft.n_fft
    advance = 2 * math.pi * stft.hop * np.arange(stft.bins) / stft.n_fft
    # a hop on in time, a bin on in frequency; -pi because a frame's phase counts from its start, not its centre
    per_frame = (cells / gamma * _slope(log, 1) + advance).astype(np.float32)
    per_bin = (-gamma / cells * _slope(log, 0) - math.pi).astype(np.float32)
    level = np.round(STEPS * (log - math.log(tolerance))).astype(np.int16)
    # a rim below the tolerance spares the walk all questions about the edges
    rim = [np.pad(level, 1, constant_values=-1), *(np.pad(a, 1) for a in (per_frame, per_bin, angles))]
    _walk()(np.argsort(-rim[0], axis=None, kind="stable"), *rim)
    return _wrap(rim[-1][1:-1, 1:-1])


def _slope(values: np.ndarray, axis: int) -> np.ndarray:
    """Central differences (one-sided at the ends) along an axis; 0 where there is one value only."""
    return np.asarray(np.gradient(values, axis=axis)) if values.shape[axis] > 1 else np.zeros_like(values)


def _wrap(angles: np.ndarray) -> np.ndarray:
    """Bring radians to -pi..pi, float32."""
    return (np.remainder(angles + math.pi, 2 * math.pi) - math.pi).astype(np.float32)


@cache
def _walk() -> Callable[..., Any]:
    """Compile :func:`_spread`, kept on disk where a folder for that can be written."""
    import numba

    try:
        return numba.njit(_spread, cache=True)
    except RuntimeError:
        return numba.njit(_spread)


def _spread(
    order: np.ndarray, level: np.ndarray, per_frame: np.ndarray, per_bin: np.ndarray, angles: np.ndarray
) -> None:
    """Integrate phase gradients from the loudest bins outward; the arrays are ``[L, F]`` with a rim of one.

    Args:
        order: indices into the flattened arrays, loudest first.
        level: loudness as whole numbers; bins below 0, as on the rim, are left alone.
        per_frame: phase advance from a frame to the next.
        per_bin: phase advance from a bin to the next.
        angles: receives the phases, unwrapped; where a walk starts, its angle is taken as it is.
    """
    offsets = (level.shape[1], -level.shape[1], 1, -1)
    level, angles = level.reshape(-1), angles.reshape(-1)
    per_frame, per_bin = per_frame.reshape(-1), per_bin.reshape(-1)
    waiting = level >= 0
    # one stack for each level: its newest bin, and for each bin the one below
    newest, below = np.full(max(0, level.max()) + 1, -1, np.int64), np.empty(level.size, np.int64)
    for start in order:
        if not waiting[start]:
            continue
        waiting[start] = False
        top = level[start]
        newest[top], below[start] = start, -1
        while top >= 0:
            i = newest[top]
            if i < 0:
                top -= 1
                continue
            newest[top] = below[i]
            for way in range(4):
                j = i + offsets[way]
                if waiting[j]:
                    waiting[j] = False
                    gradient = per_frame if way < 2 else per_bin
                    step = 0.5 * (gradient[i] + gradient[j])
                    angles[j] = angles[i] + (step if way % 2 == 0 else -step)
                    below[j], newest[level[j]] = newest[level[j]], j
                    top = max(top, level[j])
