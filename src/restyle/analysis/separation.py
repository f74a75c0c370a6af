"""What rings and what strikes: harmonic, percussive and residual parts of a sound. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.stft import Stft, powers
from restyle.threads import single

SPREAD = 17  # frames, or bins, that the neighbourhood spans
WINDOW = 0.046  # seconds
BLOCK, CONTEXT = 20.0, 1.0  # seconds


@dataclass(frozen=True, eq=False)
class Separation:
    """Three sounds that add up to the whole."""

    harmonic: Audio
    percussive: Audio
    residual: Audio


def masks(magnitude: Tensor, *, margin: float = 1.0) -> tuple[Tensor, Tensor]:
    """Tell what is smooth along time (harmonic) from what is smooth along frequency (percussive).

    Args:
        magnitude: spectrogram ``[..., F, L]`` with about 46 ms windows and 12 ms hops.
        margin: how many times stronger one must be than the other; what is neither is left to a residual.

    Returns:
        Harmonic and percussive masks, 0..1; their sum is 1 where ``margin`` is 1, and less otherwise.

    Example:
        >>> tone, click = torch.zeros(513, 100), torch.zeros(513, 100)
        >>> tone[100], click[:, 50] = 1.0, 1.0
        >>> harmonic, percussive = masks(tone + click)
        >>> bool(harmonic[100, 20] > 0.9), bool(percussive[300, 50] > 0.9)
        (True, True)

    Source: Driedger, Müller, Disch, "Extending harmonic-percussive separation of audio signals", ISMIR 2014, with
    geometric means in place of medians: within half a dB of the same separation at a tenth of the time.
    """
    peak = magnitude.amax().clamp_min(1e-12)
    log = torch.log(magnitude / peak + 1e-5)
    harmonic, percussive = _mean(log), _mean(log.transpose(-1, -2)).transpose(-1, -2)
    difference = 2 * (harmonic - percussive)
    shift = 2 * torch.log(torch.tensor(margin))
    return torch.sigmoid(difference - shift), torch.sigmoid(-difference - shift)


@single()
def separate(audio: Audio, *, margin: float = 1.0) -> Separation:
    """Split a sound into harmonic, percussive and residual parts, each with its channels, rate and length.

    Args:
        audio: the sound; long ones are taken in blocks.
        margin: see :func:`masks`; with 1 the residual is silent, with 2 or 3 both parts are cleaner.

    Example:
        >>> parts = separate(Audio(torch.randn(2, 8000).numpy(), 8000), margin=2.0)
        >>> whole = parts.harmonic.samples + parts.percussive.samples + parts.residual.samples
        >>> whole.shape
        (2, 8000)
    """
    stft = transform(audio.rate)

    def part(index: int) -> Audio:
        def one(block: Audio, _: blocks.Span) -> np.ndarray:
            spectrum = stft(torch.from_numpy(block.samples))
            mask = masks(powers(spectrum).sqrt().mean(dim=0), margin=margin)[index]
            return np.asarray(stft.inverse(spectrum * mask, block.length))

        return blocks.process(audio, one, seconds=BLOCK, context=CONTEXT, hop=stft.hop)

    def rest(*parts: Audio) -> Audio:
        result = blocks.empty(audio.channels, audio.length)
        for span in blocks.spans(audio.length, 20 * audio.rate, 0):
            here = slice(span.start, span.stop)
            result[:, here] = audio.samples[:, here] - sum(part.samples[:, here] for part in parts)
            for samples in (result, audio.samples, *(part.samples for part in parts)):
                blocks.release(samples)
        return Audio(result, audio.rate)

    harmonic = part(0)
    if margin == 1:
        silence = Audio(blocks.empty(audio.channels, audio.length), audio.rate)
        return Separation(harmonic, rest(harmonic), silence)
    percussive = part(1)
    return Separation(harmonic, percussive, rest(harmonic, percussive))


def transform(rate: int) -> Stft:
    """Return the transform that :func:`masks` expects: about 46 ms windows, a quarter of that as hop."""
    n_fft = 2 ** round(torch.log2(torch.tensor(WINDOW * rate)).item())
    return Stft(n_fft=n_fft, hop=n_fft // 4)


def _mean(x: Tensor) -> Tensor:
    """Mean over ``SPREAD`` neighbours along the last axis; fewer at the ends."""
    flat = x.reshape(-1, 1, x.shape[-1])
    mean = nn.functional.avg_pool1d(flat, SPREAD, 1, SPREAD // 2, count_include_pad=False)
    return mean.reshape(x.shape)
