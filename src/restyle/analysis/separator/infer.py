"""Vocals, drums, bass and the rest of a recording of any length, rate and number of channels. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.separator.model import STEMS, Separator
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.follow import rms
from restyle.dsp.stft import Stft, powers
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.threads import mapped, single

WEIGHTS = "separator.safetensors"
BLOCK = 8.0  # seconds
MODELS = ("restyle", "demucs")
LEVEL = -20.0  # dB, to which recordings are brought: the network knows none much louder or softer


@single()
def separate_stems(
    audio: Audio, *, weights: str | Path | None = None, progress: Progress | None = None
) -> dict[str, Audio]:
    """Take a recording apart into `STEMS`, which add up to it.

    Args:
        audio: the recording, at any rate, of any channels.
        weights: of a separator that ``restyle train separator`` trained; those of the package by default.
        progress: called with the fraction done, 0..1.

    Returns:
        Stem -> sound, of the recording's rate, channels and length, in the order vocals, drums, bass, other.

    Raises:
        RestyleError: if there is no such file, or it holds no separator.

    Example:
        >>> stems = separate_stems(Audio(np.zeros((2, 44100)), 44100))  # doctest: +SKIP
        >>> list(stems)  # doctest: +SKIP
        ['vocals', 'drums', 'bass', 'other']
    """
    path = hub.find(weights) if weights else files.bundled(WEIGHTS)
    network = _network(path, path.stat().st_mtime_ns if path.is_file() else 0)
    stft = transform(audio.rate, network)
    output = {name: blocks.empty(audio.channels, audio.length) for name in STEMS}
    gain = 10 ** (LEVEL / 20) / max(rms(audio), 1e-7)
    block, around = (round(n / stft.hop) * stft.hop for n in (BLOCK * audio.rate, network.context * stft.hop))
    around += stft.n_fft // stft.hop * stft.hop

    def one(span: Span) -> tuple[Span, Tensor]:
        piece = audio.slice(span.left, span.right)
        spectrum = stft(torch.from_numpy(piece.samples))
        with torch.inference_mode():
            shares = share(network, powers(spectrum).sqrt() * gain * stft_scale(stft, network))
            stems = stft.inverse(shares * spectrum, piece.length)
        return span, stems[..., span.start - span.left : span.stop - span.left]

    for span, stems in mapped(one, blocks.spans(audio.length, block, around)):
        for sound, stem in zip(output.values(), stems.numpy(), strict=True):
            sound[:, span.start : span.stop] = stem
            blocks.release(sound)
        blocks.release(audio.samples)
        if progress:
            progress(span.stop / audio.length)
    return {name: Audio(sound, audio.rate) for name, sound in output.items()}


@single()
def shares_of(stems: Mapping[str, Audio], audio: Audio) -> tuple[dict[str, float], dict[str, float]]:
    """Return each stem's level beside the whole in dB, and how sure it is: its mean share of bins, by its own power.

    Args:
        stems: of the recording.
        audio: the recording.
    """
    stft = Stft(n_fft := 2 ** round(np.log2(0.093 * audio.rate)), n_fft // 4)
    whole = stft(torch.from_numpy(audio.samples)).abs()
    total, levels, sure = float(whole.square().sum()) + 1e-20, {}, {}
    for name, stem in stems.items():
        own = stft(torch.from_numpy(stem.samples)).abs()
        power = float(own.square().sum()) + 1e-20
        levels[name] = 10 * float(np.log10(power / total))
        sure[name] = float((own.square() * (own / (whole + 1e-9)).clamp(0, 1)).sum()) / power
    return levels, sure


def check_model(name: str) -> str:
    """Return the name of what separates.

    Raises:
        RestyleError: if there is none of that name.
    """
    if name not in MODELS:
        raise RestyleError(f"there is no separator '{name}'; choose {' or '.join(MODELS)}")
    return name


def transform(rate: int, network: Separator) -> Stft:
    """Return the transform whose bins lie at the network's frequencies, at any rate."""
    hop = round(network.hop * rate / network.rate)
    return Stft(hop * network.n_fft // network.hop, hop)


def stft_scale(stft: Stft, network: Separator) -> float:
    """Return the factor by which a window of another length is brought to the network's magnitudes."""
    return network.n_fft / stft.n_fft


def share(network: Separator, magnitude: Tensor) -> Tensor:
    """Return the stems' shares ``[S, C, F, L]`` of a spectrogram ``[C, F, L]``; bins the network lacks go as its last.

    Mono counts as two equal channels; of more than two, all but the first two are shared out as these are on average.
    """
    bins, own = magnitude.shape[1], network.n_fft // 2 + 1
    both = magnitude[:2].expand(2, -1, -1) if len(magnitude) == 1 else magnitude[:2]
    both = nn.functional.pad(both[:, :own], (0, 0, 0, max(0, own - bins)))
    shares: Tensor = network(both[None])[0]
    if bins > own:
        shares = torch.cat([shares, shares[:, :, -1:].expand(-1, -1, bins - own, -1)], 2)
    more = shares.mean(1, keepdim=True).expand(-1, max(0, len(magnitude) - 2), -1, -1)
    return torch.cat([shares, more], 1)[:, : len(magnitude), :bins]


@lru_cache(maxsize=1)
def _network(path: Path, _changed: int) -> Separator:
    network, _ = trained.network(path, "separator", "stems")
    if not isinstance(network, Separator):
        raise RestyleError(trained.refusal(path, "separator"))
    return network
