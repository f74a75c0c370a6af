"""How far two sounds are apart in their spectrograms, at several resolutions at once. Floor 2.

Source: Engel, Hantrakul, Gu, Roberts, "DDSP: differentiable digital signal processing", ICLR 2020 (arXiv 2001.04643).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from restyle.dsp.pitch import hz_to_midi

SIZES = (2048, 1024, 512, 256, 128, 64)  # samples in a window


def multi_scale_spectral_loss(
    x: Tensor, y: Tensor, *, sizes: Sequence[int] = SIZES, log_weight: float = 1.0, floor: float = 1e-5
) -> Tensor:
    """Return the mean over window sizes of the distance of magnitudes and of their logarithms.

    Both terms are free of the level, so that quiet and loud sounds count alike: the first is the mean difference of the
    magnitudes relative to the mean magnitude of ``y`` (or of ``x``, where that is louder, so that a moment of silence
    in ``y`` does not outweigh all else), 0..2; the second is the mean difference of their natural logarithms (1 is 8.7
    dB). The windows (Hann) overlap by three quarters.

    Args:
        x: the sounds that are evaluated, ``[B, T]`` or ``[T]``, full scale at -1..1.
        y: what they should be, the same shape; no gradient flows into them.
        sizes: samples in a window, one spectrogram each.
        log_weight: of the second term; 0 leaves it out.
        floor: amplitude below which differences do not count: added to the magnitudes of the logarithms (a sine wave of
            amplitude 1 has the magnitude 1), and to the mean magnitude.

    Returns:
        A scalar; 0 for equal sounds. Its gradient is finite for silence, too.

    Example:
        >>> tone = torch.sin(torch.arange(4000) * 0.3)
        >>> multi_scale_spectral_loss(tone, tone).item()
        0.0
        >>> bool(multi_scale_spectral_loss(tone, 0.9 * tone) < multi_scale_spectral_loss(tone, 0.5 * tone))
        True
    """
    x, y = torch.atleast_2d(x).float(), torch.atleast_2d(y).float()
    terms = []
    for size in sizes:
        found, target = magnitudes(x, size), magnitudes(y.detach(), size)
        mean = torch.maximum(*(part.detach().mean((1, 2), keepdim=True) for part in (target, found))) + floor
        term = ((found - target).abs() / mean).mean()
        if log_weight:
            term = term + log_weight * ((found + floor).log() - (target + floor).log()).abs().mean()
        terms.append(term)
    return torch.stack(terms).mean()


def chroma_filters(bins: int, rate: int, *, lowest: float = 100.0, highest: float = 5000.0) -> Tensor:
    """Return weights ``[12, F]`` that sum the bins of a spectrum by pitch class, C first.

    Args:
        bins: F, from 0 Hz to half the rate.
        rate: Hz.
        lowest: Hz; bins below are too wide to tell their pitch.
        highest: Hz.

    Example:
        >>> int(chroma_filters(1025, 44100)[:, round(440 / 44100 * 2048)].argmax())  # A
        9
    """
    frequency = torch.arange(bins) * (rate / 2 / (bins - 1))
    pitch = hz_to_midi(frequency.clamp_min(1))
    far = (pitch - torch.arange(12)[:, None] + 6) % 12 - 6
    return (1 - far.abs()).clamp_min(0) * ((frequency >= lowest) & (frequency <= highest))


def chroma_distance(x: Tensor, y: Tensor, filters: Tensor, *, frames: int = 9) -> Tensor:
    """Return one less the cosine of the pitch classes of magnitudes ``[B, F, L]``, the mean over time; a scalar.

    Args:
        x: one.
        y: the other; silence is as far as can be from all else.
        filters: of :func:`chroma_filters`.
        frames: over which pitch classes are summed.
    """
    smooth = [torch.nn.functional.avg_pool1d(filters @ part, frames, max(1, frames // 2)) for part in (x, y)]
    return (1 - torch.nn.functional.cosine_similarity(smooth[0] + 1e-6, smooth[1] + 1e-6, dim=1)).mean()


def magnitudes(x: Tensor, size: int) -> Tensor:
    """Return magnitudes ``[B, F, L]`` of sounds ``[B, T]``; a sine wave of amplitude 1 has the magnitude 1."""
    window = torch.hann_window(size, dtype=x.dtype, device=x.device)
    x = torch.nn.functional.pad(x, (size // 2, size // 2))
    spectrum = torch.stft(x, size, size // 4, window=window, center=False, return_complex=True)
    power = torch.view_as_real(spectrum).square().sum(-1) * (2 / window.sum()) ** 2
    return (power + 1e-14).sqrt()  # the root of 0 has no finite slope
