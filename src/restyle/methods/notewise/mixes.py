"""Mixes: what rings is played by notes and grains of the style, what strikes by grains that follow its hits. Floor 4.

In a mix some notes are not found, and drums are none. What is missing is made of the style's own sound, too: nothing
of the content itself is in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.separation import separate
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.melbands import MelBands
from restyle.dsp.stft import Stft
from restyle.errors import record_fact, warn
from restyle.methods.base import Profile
from restyle.methods.excerpt import clips, excerpt
from restyle.methods.mosaic import MosaicMethod


class Follow(NamedTuple):
    """How one sound follows another: in windows of some seconds, in mel bands, and how far, 0..1."""

    window: float
    bands: int
    share: float


STYLE_SECONDS = 30.0  # of the style that grains are taken from
SOFTER, LOUDER = 10.0, 15.0  # dB by which what strikes may change: no drums are to vanish, and no noise to become drums
UNHEARD = -20.0  # dB: what strikes in a style is softer where nothing does; then grains are of all of it
HITS, SWELLS = Follow(0.023, 24, 1.0), Follow(0.046, 6, 0.7)  # how what strikes and what rings follows the content
RANGE, LARGEST = 60.0, 20.0  # dB below a band's loudest moment that count, and of gain
NOTHING = 1e-7  # root mean square of silence


class Parts(NamedTuple):
    """What rings and what strikes, which add up to a recording."""

    harmonic: Audio
    percussive: Audio

    @property
    def balance(self) -> float:
        """By how many dB what strikes is louder."""
        harmonic, percussive = (max(_rms(part), NOTHING) for part in self)
        return float(20 * np.log10(percussive / harmonic))


def split(audio: Audio) -> Parts:
    """Take a recording apart."""
    found = separate(audio)
    return Parts(found.harmonic, found.percussive)


def fit(style: Sequence[Audio], mix: bool) -> Profile:
    """Keep what grains are taken from, and whether the style is a mix itself."""
    kept = excerpt(style, seconds=STYLE_SECONDS)
    return {f"grains/{name}": array for name, array in kept.items()} | {"mixed": np.array([mix])}


def apart(setting: str, mix: bool, profile: Profile) -> bool:
    """Return whether a content is to be taken apart.

    Args:
        setting: ``on``, ``off``, or ``auto``: where content or style is a mix.
        mix: whether the content is one.
        profile: of the style.
    """
    if "mixed" not in profile:  # learnt before mixes were, or for a mixture of styles
        if setting == "on":
            warn("the style was learnt without grains, so the content is not taken apart: learn the style anew")
        return False
    return setting == "on" or (setting == "auto" and (mix or bool(profile["mixed"][0])))


@dataclass(frozen=True)
class Grains:
    """The parts of a style, ready to be played as grains."""

    harmonic: Profile
    percussive: Profile
    balance: float

    @classmethod
    def of(cls, profile: Profile) -> Grains:
        """Take a style apart."""
        kept = {name.removeprefix("grains/"): array for name, array in profile.items() if name.startswith("grains/")}
        rate = int(kept["rate"][0])
        parts = [split(Audio(clip, rate)) for clip in clips(kept, rate)]
        harmonic, percussive = (np.concatenate([clip.samples[0] for clip in own]) for own in zip(*parts, strict=True))
        joined = Parts(Audio(harmonic, rate), Audio(percussive, rate))
        struck = percussive if joined.balance > UNHEARD else harmonic + percussive
        return cls(kept | {"samples": harmonic}, kept | {"samples": struck}, joined.balance)

    def play(self, like: Audio, profile: Profile, seed: int, progress: Progress) -> Audio:
        """Rebuild a sound from one of the style's parts; silence where there is nothing to build from."""
        if min(float(np.abs(profile["samples"]).max(initial=0)), _rms(like)) < NOTHING:
            return Audio(blocks.empty(like.channels, like.length), like.rate)
        return _mosaic().apply(like, profile, seed=seed, progress=progress)


@cache
def _mosaic() -> MosaicMethod:
    return MosaicMethod()


def joined(
    content: Parts, notes: Audio, target: Audio, profile: Profile, unpitched: float, seed: int, progress: Progress
) -> Audio:
    """Return the content played by the style's notes and grains, at the style's balance.

    Args:
        content: its parts.
        notes: its notes as the style plays them.
        target: what grains are chosen by: the same, and what of the content is in doubt, toned like the style.
        profile: of the style.
        unpitched: factor of what strikes.
        seed: of the grains.
        progress: called with the fraction done.
    """
    grains = Grains.of(profile)
    rings = grains.play(target, grains.harmonic, seed, lambda done: progress(0.5 * done))
    strikes = grains.play(content.percussive, grains.percussive, seed, lambda done: progress(0.5 + 0.4 * done))
    strikes, rings = followed(strikes, content.percussive, HITS), followed(rings, content.harmonic, SWELLS)
    balance = float(np.clip(grains.balance, content.balance - SOFTER, content.balance + LOUDER))
    record_fact("parts", {"balance": round(balance, 1), "content": round(content.balance, 1)})
    level = max(_rms(content.harmonic), NOTHING)
    strike = unpitched * level * 10 ** (balance / 20)
    add(rings, notes, 1 / max(_rms(rings), NOTHING), 1 / max(_rms(notes), NOTHING))
    add(rings, strikes, level / max(_rms(rings), NOTHING), strike / max(_rms(strikes), NOTHING))
    progress(1.0)
    return rings


def followed(sound: Audio, reference: Audio, how: Follow) -> Audio:
    """Return a sound whose bands rise and fall as those of another; each band's mean power stays.

    Args:
        sound: what is to follow.
        reference: of the same rate and length.
        how: in which windows and bands, and how far.

    Example:
        >>> steady = Audio(np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
        >>> struck = Audio(steady.samples * (np.arange(16000) < 2000), 16000)
        >>> made = followed(steady, struck, HITS)
        >>> bool(np.square(made.samples[:, :2000]).sum() > 100 * np.square(made.samples[:, 4000:]).sum())
        True
    """
    n_fft = 2 ** round(np.log2(how.window * sound.rate))
    stft, bands = Stft(n_fft, n_fft // 4), MelBands(sound.rate, n_fft, count=how.bands)
    own, other = (_levels(audio, stft, bands) for audio in (sound, reference))
    floor = [levels.amax(1, keepdim=True) - RANGE for levels in (own, other)]
    own, other = torch.maximum(own, floor[0]), torch.maximum(other, floor[1])
    gain, power = how.share * (other - own), torch.pow(10, own / 10)
    for _ in range(3):  # what is clipped changes the mean again
        louder = 10 * torch.log10((power * torch.pow(10, gain / 10)).sum(1, keepdim=True) / power.sum(1, keepdim=True))
        gain = (gain - louder).clamp(-2 * LARGEST, LARGEST)

    def one(block: Audio, span: blocks.Span) -> np.ndarray:
        spectrum = stft(torch.from_numpy(block.samples))
        first = span.left // stft.hop
        here = gain[:, first : first + spectrum.shape[-1]]
        return np.asarray(stft.inverse(spectrum * torch.pow(10, bands.spread(here) / 20), block.length))

    return blocks.process(sound, one, context=0.5, hop=stft.hop)


def _levels(audio: Audio, stft: Stft, bands: MelBands) -> Tensor:
    """Band levels in dB on one grid of frames, ``[M, L]``."""
    block, around = round(20 * audio.rate / stft.hop) * stft.hop, stft.n_fft
    found = []
    for span in blocks.spans(audio.length, block, around):
        power = stft(torch.from_numpy(audio.slice(span.left, span.right).samples)).abs().square().mean(dim=0)
        blocks.release(audio.samples)
        first = (span.start - span.left) // stft.hop
        count = (span.stop - span.start) // stft.hop + (span.stop == audio.length)
        found.append(10 * torch.log10(bands(power[:, first : first + count]) + 1e-10))
    return torch.cat(found, dim=1)


def _rms(audio: Audio) -> float:
    total = sum(float(np.square(piece, dtype=np.float64).sum()) for piece in blocks.views(audio))
    return float(np.sqrt(total / max(1, audio.samples.size)))


def add(sound: Audio, other: Audio, own: float, gain: float) -> None:
    """Scale a sound and add another, in place; both by factors."""
    for span in blocks.spans(sound.length, 20 * sound.rate, 0):
        here = slice(span.start, span.stop)
        sound.samples[:, here] = np.float32(own) * sound.samples[:, here] + np.float32(gain) * other.samples[:, here]
        blocks.release(sound.samples)
        blocks.release(other.samples)
