"""The band above a network's: made from the sound below it, with the tone and the noise of a style. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.bands import smoothed, window_for
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.stft import Stft, powers

EDGE = 0.9  # of half a network's rate; above it resampling has weakened what the network sees and makes
CROSS = 0.06  # part of the limit over which what is made below and above it are cross-faded
THIRD = 1 / 3  # octaves of a band
BELOW = 6  # bands below the limit whose slope goes on where no style says how
STEEPEST = -24.0  # dB an octave
WINDOW = 0.023  # seconds
SMOOTH = 1000.0  # Hz over which the sound below is levelled
LOUDER = 1000.0  # largest gain of what is copied
ABSENT = 1e-7  # of a style's mean power per bin, below which its band just under the limit says nothing
FLATNESS = 0.56  # of the spectrum of white noise: e to the power of minus Euler's constant
NOISE = 0.5  # share of noise where no style says
PERIOD = 2**18  # samples after which the noise repeats
SECONDS, CONTEXT = 10.0, 0.5  # of blocks
LONGEST = 120.0  # seconds of a clip that are measured
SILENT = 1e-20  # power


def measure(style: Sequence[Audio], rate: float) -> dict[str, np.ndarray]:
    """Measure how the spectrum of a style goes on above the band of a network.

    Args:
        style: one clip or several.
        rate: sampling rate of the network in Hz.

    Returns:
        ``highs`` ``[N]``, the mean level of each third of an octave above the limit (nine tenths of half the rate) in
        dB beside the third below it, and ``highs_noise`` ``[1]``, the share of noise, 0..1. Nothing where no clip
        reaches so high.

    Example:
        >>> noise = Audio(np.random.default_rng(0).normal(0, 0.1, 88200), 44100)
        >>> found = measure([noise], 16000)
        >>> found["highs"].shape, bool(np.abs(found["highs"]).max() < 0.5), found["highs_noise"].round(1).tolist()
        ((5,), True, [1.0])
    """
    limit = EDGE * rate / 2
    known = [one for clip in style if (one := _clip(clip.slice(0, round(LONGEST * clip.rate)), limit))]
    if not known:
        return {}
    count = max(len(level) for level, _ in known)
    levels = [np.mean([level[i] for level, _ in known if i < len(level)]) for i in range(count)]
    noise = np.mean([share for _, share in known])
    return {"highs": np.array(levels, np.float32), "highs_noise": np.array([noise], np.float32)}


def extend(
    sound: Audio,
    rate: float,
    profile: Mapping[str, np.ndarray],
    *,
    content: Audio | None = None,
    strength: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audio:
    """Replace all above a network's band by what is made from the sound just below.

    The octave below the limit (nine tenths of half the network's rate) is copied upward as often as needed, so that
    each part follows it in time; noise of the same course replaces a share. The mean spectrum goes on as the style's
    does, or else with the slope that the sound has below.

    Args:
        sound: what the network made, at the content's rate.
        rate: sampling rate of the network in Hz; a sound of no higher rate is returned as it is.
        profile: what :func:`measure` returned, among other arrays or not at all.
        content: what ``sound`` was made from, of the same shape; needed below full strength.
        strength: 0..1; the content's own band above fades out as this grows, and is gone at 1.
        seed: of the noise.
        progress: called with the fraction done, 0..1.

    Returns:
        A sound of the same rate, channels and length.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> narrow = Audio(np.convolve(rng.normal(0, 0.1, 44100), np.sinc(np.arange(-60, 61) * 0.36), "same"), 44100)
        >>> wide = extend(narrow, 16000, {"highs": np.array([-3.0, -6.0, -9.0])})
        >>> wide.length, bool(np.abs(np.fft.rfft(wide.mono()))[10000:].mean() > 1)
        (44100, True)

    Source: Dietz, Liljeryd, Kjorling, Kunz, "Spectral band replication, a novel approach in audio coding", AES 112th
    Convention, 2002.
    """
    if sound.rate <= rate:
        if progress:
            progress(1.0)
        return sound
    band = _Band(sound.rate, EDGE * rate / 2)
    gain = band.gain(_mean(sound, band.stft), profile)
    share = float(profile["highs_noise"][0]) if "highs_noise" in profile else NOISE
    noise = np.random.default_rng(seed).standard_normal(PERIOD, np.float32)

    def one(block: Audio, span: Span) -> np.ndarray:
        spectrum = band.stft(torch.from_numpy(np.nan_to_num(block.samples)))
        hiss = band.stft(torch.from_numpy(noise[np.arange(span.left, span.right) % PERIOD]))
        high = band.copied(spectrum, span.left // band.stft.hop) * (1 - share) ** 0.5
        high = (high + band.hissed(spectrum, hiss) * share**0.5) * (gain * band.rise * strength**0.5)
        if content is not None and strength < 1:
            own = band.stft(torch.from_numpy(np.nan_to_num(content.slice(span.left, span.right).samples)))
            high += own[:, band.first :] * ((1 - band.fall) * (1 - strength) ** 0.5)
        spectrum[:, band.first :] = spectrum[:, band.first :] * band.fall + high
        return band.stft.inverse(spectrum, block.length).numpy()

    return blocks.process(sound, one, seconds=SECONDS, context=CONTEXT, hop=band.stft.hop, progress=progress)


class _Band:
    """The bins above a limit at some rate: where they are copied from, and how they fade in.

    Args:
        rate: Hz.
        limit: Hz.
    """

    def __init__(self, rate: int, limit: float) -> None:
        self.rate, self.limit, self.stft = rate, limit, _transform(rate)
        top = round(limit * self.stft.n_fft / rate)
        self.first = round((1 - CROSS) * top)
        above = torch.arange(self.first, self.stft.bins)
        step = self.first // 2  # half the limit: an octave is copied
        self.moved = ((above - self.first) // step + 1) * step
        self.source = above - self.moved
        place = ((above - self.first + 0.5) / max(1, top - self.first)).clamp(0, 1)[:, None]
        self.fall, self.rise = (place * torch.pi / 2).cos(), (place * torch.pi / 2).sin()
        self.fall[top - self.first :] = 0  # exactly

    def gain(self, power: np.ndarray, profile: Mapping[str, np.ndarray]) -> Tensor:
        """Return the factors ``[A, 1]`` that give what is copied the wanted mean spectrum.

        Args:
            power: mean power of the sound's bins ``[F]``.
            profile: see :func:`measure`.
        """
        lower = _levels(power, self.rate, self.limit, range(-BELOW, 0))
        slope = float(np.clip(np.polyfit(np.arange(BELOW) * THIRD, lower, 1)[0], STEEPEST, 0))
        highs = np.asarray(profile.get("highs", ()), np.float64)
        centres = (np.arange(-1, len(highs)) + 0.5) * THIRD  # octaves above the limit
        values = np.concatenate([[0.0], highs])
        octaves = np.log2(np.arange(self.first, self.stft.bins) * self.rate / self.stft.n_fft / self.limit)
        wanted = np.interp(octaves, centres, values) + slope * np.maximum(0, octaves - centres[-1])
        target = 10 ** ((lower[-1] + wanted) / 10)
        source = self._smooth(torch.from_numpy(power))[self.source].numpy()
        factor = np.sqrt(target / np.maximum(source, SILENT)).clip(0, LOUDER)
        return torch.from_numpy(factor).float()[:, None]

    def copied(self, spectrum: Tensor, start: int) -> Tensor:
        """Return the bins ``[C, A, L]`` as if the sound below were modulated by a complex tone.

        Args:
            spectrum: of the sound ``[C, F, L]``.
            start: number of its first frame in the whole sound.
        """
        frames = start + torch.arange(spectrum.shape[-1])
        # frames a quarter of a window apart: the tone of a whole number of bins turns by quarters
        quarters = (self.moved[:, None] * (frames + 2)) % 4
        return spectrum[:, self.source] * torch.tensor([1, 1j, -1, -1j])[quarters]

    def hissed(self, spectrum: Tensor, noise: Tensor) -> Tensor:
        """Return the bins ``[C, A, L]`` of white noise ``[F, L]`` with the power, in each frame, of what is copied."""
        size = 2 * self._half + 1
        power = powers(spectrum).transpose(1, 2)
        power = nn.functional.avg_pool1d(power, size, 1, size // 2, count_include_pad=False).transpose(1, 2)
        level = (power[:, self.source] / self.stft.window.square().sum()).sqrt()
        return noise[self.first :] * level

    @property
    def _half(self) -> int:
        """Bins to either side over which the sound below is levelled."""
        return max(1, round(SMOOTH / 2 * self.stft.n_fft / self.rate))

    def _smooth(self, power: Tensor) -> Tensor:
        return smoothed(power, torch.hann_window(2 * self._half + 3, periodic=False, dtype=power.dtype)[1:-1])


def _clip(clip: Audio, limit: float) -> tuple[np.ndarray, float] | None:
    """Levels above the limit of one clip, and the share of noise there; None where it says nothing."""
    count = int((np.log2(0.475 * clip.rate / limit) - THIRD / 2) // THIRD) + 1  # bands whose centre is well inside
    if count < 1:
        return None
    stft = _transform(clip.rate)
    power = _mean(clip, stft)
    level = _levels(power, clip.rate, limit, range(-1, count))
    if 10 ** (level[0] / 10) <= max(SILENT, ABSENT * power.mean()):
        return None
    return level[1:] - level[0], _noise(clip, stft, limit)


def _noise(clip: Audio, stft: Stft, limit: float) -> float:
    """How far the third of an octave above the limit is noise, 0..1: its flatness, by its power."""
    inside = _bins(clip.rate, stft.n_fft, limit, 0)
    flat, total = 0.0, SILENT
    for power in _powers(clip, stft):
        part = power[:, inside].double() + SILENT
        flat, total = flat + float(part.log().mean(1).exp().sum()), total + float(part.mean(1).sum())
    return min(1.0, flat / total / FLATNESS)


def _levels(power: np.ndarray, rate: int, limit: float, bands: range) -> np.ndarray:
    """Mean levels in dB of thirds of an octave, of which number 0 begins at the limit."""
    n_fft = 2 * (len(power) - 1)
    return 10 * np.log10(np.array([power[_bins(rate, n_fft, limit, i)].mean() for i in bands]) + SILENT)


def _bins(rate: int, n_fft: int, limit: float, band: int) -> slice:
    """The bins of one of those thirds of an octave; at least one."""
    first, last = (round(limit * 2 ** ((band + k) * THIRD) * n_fft / rate) for k in (0, 1))
    return slice(first, max(first, last - 1) + 1)


def _transform(rate: int) -> Stft:
    n_fft = window_for(rate, WINDOW)
    return Stft(n_fft, n_fft // 4)


def _mean(sound: Audio, stft: Stft) -> np.ndarray:
    """Mean power of each bin over channels and frames, ``[F]``."""
    total, frames = np.zeros(stft.bins), 0
    for power in _powers(sound, stft):
        total += power.double().mean(0).sum(1).numpy()
        frames += power.shape[-1]
    return total / max(1, frames)


def _powers(sound: Audio, stft: Stft) -> Iterator[Tensor]:
    """Powers of the bins of a sound, block by block, ``[C, F, L]``; each frame once.

    Frames that hold a sound's very ends are left out, unless it is short: where it begins or stops at once, all
    frequencies are heard.
    """
    ends = 2 if sound.length > 4 * stft.n_fft else 0  # half a window
    count = sound.length // stft.hop + 1 - ends
    for span in blocks.spans(sound.length, round(SECONDS * sound.rate / stft.hop) * stft.hop, stft.n_fft):
        samples = np.nan_to_num(sound.slice(span.left, span.right).samples)
        left, first, last = (at // stft.hop for at in (span.left, span.start, span.stop + stft.hop - 1))
        first, last = max(first, ends), min(last, count)
        if first < last:
            yield stft(torch.from_numpy(samples))[..., first - left : last - left].abs().square()
        blocks.release(sound.samples)
