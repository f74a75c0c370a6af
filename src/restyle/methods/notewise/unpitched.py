"""What a content holds beside its notes: kept, with the tone of the style's. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.separation import masks, transform
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.melbands import MelBands
from restyle.dsp.pitch import midi_to_hz
from restyle.methods.base import Profile
from restyle.notes import Notes

LARGEST = 12.0  # dB, the largest change of a band's tone
ABSENT, PRESENT = -17.0, -9.0  # dB of the whole, at which an unpitched part begins to be, and is, more than leakage
EARLY, ATTACK = 0.03, 0.08  # seconds before and after an onset in which a note's own attack is heard
FEWEST = 0.05  # part of the frames that must lie away from onsets, to tell what does not depend on them


def fit(style: Sequence[Audio]) -> Profile:
    """Measure the mean tone of a style, of its percussive part and of the whole, in dB per band ``[2, M]``."""
    rate = max(clip.rate for clip in style)
    total = np.zeros((2, len(_bands(rate).centres)))
    for clip in style:
        stft, bands = transform(clip.rate), _bands(clip.rate)
        for span in blocks.spans(clip.length, 20 * clip.rate, 0):
            magnitude = stft(torch.from_numpy(clip.slice(span.start, span.stop).samples)).abs().mean(dim=0)
            for row, part in zip(total, (magnitude * masks(magnitude)[1], magnitude), strict=True):
                power = bands(part.square()).sum(dim=1).numpy()
                row[: len(power)] += power * (2 / stft.n_fft) ** 2
    share = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-12)
    return {"unpitched": (10 * np.log10(share + 1e-8)).astype(np.float32)}


def keep(content: Audio, notes: Notes, profile: Profile, gain: float, doubt: float, progress: Progress) -> Audio:
    """Return the content without its notes, toned like the style; all of it, toned, when there are no notes.

    Args:
        content: the recording.
        notes: its notes.
        profile: what :func:`fit` returned.
        gain: factor of what is kept.
        doubt: 0 where the notes can be relied on, to 1: then the content itself is kept as well.
        progress: called with the fraction done.
    """
    stft, bands = transform(content.rate), _bands(content.rate)
    whole, rest, independent = 1e-12, np.full(len(bands.centres), 1e-12), _Independent()
    for span in blocks.spans(content.length, 20 * content.rate, 0):
        spectrum = stft(torch.from_numpy(content.slice(span.start, span.stop).samples))
        blocks.release(content.samples)
        power = spectrum.abs().square().mean(dim=0)
        kept = power * _mask(spectrum, notes, span.start / content.rate, content.rate, stft.hop, doubt) ** 2
        whole += float(power.sum())
        rest += bands(kept).sum(dim=1).numpy() * bands.weights.sum(dim=1).numpy()
        independent.add(kept.sum(dim=0).numpy(), notes, span.start / content.rate, stft.hop / content.rate)
    share = 10 * np.log10(independent.power / whole)
    presence = 1.0 if not len(notes) else float(np.clip((share - ABSENT) / (PRESENT - ABSENT), doubt, 1))
    tone = _tone(rest, (1 - doubt) * profile["unpitched"][0] + doubt * profile["unpitched"][1], bands)

    def one(block: Audio, span: Span) -> np.ndarray:
        spectrum = stft(torch.from_numpy(block.samples))
        mask = _mask(spectrum, notes, span.left / block.rate, block.rate, stft.hop, doubt)
        return np.asarray(stft.inverse(spectrum * (mask * tone), block.length)) * np.float32(gain * presence)

    if presence * gain < 1e-5:
        return Audio(blocks.empty(content.channels, content.length), content.rate)
    return blocks.process(content, one, context=1.0, hop=stft.hop, progress=progress)


@dataclass
class _Independent:
    """How much of what is no note would be there without the notes: their own attacks lie at their onsets only."""

    total: float = 0.0
    frames: int = 0
    away: float = 0.0
    away_frames: int = 0

    def add(self, power: np.ndarray, notes: Notes, start: float, hop: float) -> None:
        """Add frames ``[L]`` that begin at a time in seconds."""
        time = start + np.arange(len(power)) * hop
        last = np.searchsorted(notes.onset, time + EARLY, side="right") - 1  # the last onset up to now, or just after
        since = time - np.append(notes.onset, -np.inf)[last]
        away = since > ATTACK
        self.total, self.frames = self.total + float(power.sum()), self.frames + len(power)
        self.away, self.away_frames = self.away + float(power[away].sum()), self.away_frames + int(away.sum())

    @property
    def power(self) -> float:
        """Of all frames, if they were all as those away from onsets; what there is, where there are hardly any."""
        if self.away_frames < FEWEST * self.frames:
            return self.total + 1e-20
        return self.away * self.frames / self.away_frames + 1e-20


def _bands(rate: int) -> MelBands:
    return MelBands(rate, transform(rate).n_fft, count=32)


def _mask(spectrum: Tensor, notes: Notes, start: float, rate: int, hop: int, doubt: float) -> Tensor:
    """What is no partial of a sounding note, and strikes rather than rings, 0..1, ``[F, L]``."""
    magnitude = spectrum.abs().mean(dim=0)
    if not len(notes):
        return torch.ones_like(magnitude)
    bins, frames = magnitude.shape
    step = rate / (2 * (bins - 1))
    free = np.ones((frames, bins), np.float32)
    part = notes.select((notes.onset < start + frames * hop / rate) & (notes.offset + 0.1 > start))
    for i in range(len(part)):
        f0 = midi_to_hz(part.pitch[i])
        partials = np.arange(f0, min(rate / 2, 40 * f0), f0)
        index = np.round(partials[:, None] / step + np.array([-1.5, -0.5, 0.5, 1.5])).astype(int)
        row = np.ones(bins, np.float32)
        row[np.clip(index, 0, bins - 1)] = 0
        first = int((part.onset[i] - start) * rate / hop)
        last = int((part.offset[i] + 0.1 - start) * rate / hop) + 1
        free[max(0, first) : max(0, last)] *= row
    own = torch.from_numpy(free.T.copy()) * masks(magnitude)[1]
    return own + doubt * (1 - own)


def _tone(rest: np.ndarray, wanted: np.ndarray, bands: MelBands) -> Tensor:
    """Gain of each bin ``[F, 1]`` that gives the rest the tone of the style's unpitched part, at its own power."""
    own = 10 * np.log10(rest / rest.sum() + 1e-8)
    wanted = np.pad(wanted, (0, max(0, len(own) - len(wanted))), constant_values=-80)[: len(own)]
    change = np.clip(wanted - own, -LARGEST, LARGEST)
    change -= 10 * np.log10(np.sum(rest * 10 ** (change / 10)) / rest.sum())
    return torch.pow(10.0, bands.spread(torch.from_numpy(change).float()[:, None]) / 20)
