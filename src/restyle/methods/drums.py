"""`drums`: what strikes in the content, struck by the style. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from restyle.analysis.beats import FPS
from restyle.analysis.drums.infer import KEYS, find_hits
from restyle.analysis.facts import Analysis
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.follow import Follow, add, follow_bands, rms
from restyle.dsp.pianoroll import between, distance, peaks
from restyle.errors import record_fact
from restyle.methods.base import Profile, of_recordings
from restyle.methods.excerpt import clips, excerpt
from restyle.methods.mosaic import MosaicMethod
from restyle.methods.settings import checked
from restyle.notes import Notes
from restyle.threads import single

SECONDS = 30.0  # of the style that is kept
PIECES_ONLY = "pieces_only"  # in the profile of a style that makes no kit
FEWEST = 8  # strokes of a style that make a kit; with fewer, pieces of its sound are chosen frame by frame
TOGETHER = 0.03  # s within which hits are one stroke
APART = 0.05  # s from any hit, from where on an onset is a stroke of its own
ONSET = 0.06  # of the onset curve's greatest value that begins a stroke
EARLY = 0.004  # s before a stroke at which its sound begins
MEASURED, LOUD = 0.08, 0.06  # s of a stroke of which its spectrum and level are measured
EDGES = (0, 100, 200, 400, 800, 1600, 3200, 6400, 24000)  # Hz of the bands in which strokes differ
FADE = 0.012  # s at a stroke's end
RELEASED = 100  # strokes after which memory is let go of
OTHER_DRUM, OTHER_FORCE, OTHER_LEVEL = 1.0, 0.3, 0.5  # what a stroke of other drums, velocities or ranks costs
OTHER_BAND, TOO_SHORT = 0.3, 2.0  # what a dB of another spectrum costs, and a second that is missing
LONG = 0.25  # s that a stroke must last at most
NEARLY = 0.15  # cost above the least, up to which strokes take turns
LOUDER = 9.0  # dB above the usual gain
BETWEEN = 0.04  # of a kit's root mean square: pieces below it, which sound on between strokes
FOLLOWS = Follow(0.023, 8, 0.85)  # how a kit follows the content's hits
PIECES = Follow(0.023, 24, 1.0)  # how pieces chosen frame by frame do
NOTHING = 1e-7  # root mean square of silence


class DrumsMethod:
    """Play the hits of a content's drums by the style's drums: single strokes cut from these, or pieces of their sound.

    Every stroke of the content is played by one of the style that is alike in drums, loudness and spectrum; those
    nearly as good take turns. Softly below it, and alone where the style has too few strokes or no drums, are pieces
    chosen frame by frame, as in `mosaic`. Both recordings are best drums alone, as ``restyle separate`` gives them.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> struck = Audio(rng.normal(0, 0.1, 16000) * (np.arange(16000) % 4000 < 800), 16000)
        >>> method = DrumsMethod()
        >>> method.apply(struck, method.fit([Audio(rng.normal(0, 0.1, 32000), 16000)])).length
        16000

    Source: slices at onsets that another rhythm plays, as in Ravelli, Bello, Sandler, "Automatic rhythm modification of
    drum loops", IEEE Signal Processing Letters 14, 2007.
    """

    name: ClassVar[str] = "drums"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(self) -> None:
        self._mosaic = MosaicMethod()

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Keep the loudest stretches of the style; see `methods.base.Method`."""
        return excerpt(style, seconds=SECONDS)

    def fit_attacks(self, style: Sequence[Audio]) -> Profile:
        """Do the same for what strikes in a style without drums, which makes no kit."""
        return self.fit(style) | {PIECES_ONLY: np.array([True])}

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Play the content; see `methods.base.Method`."""
        if min(rms(content), float(np.abs(profile["samples"]).max(initial=0))) < NOTHING:
            return Audio(blocks.empty(content.channels, content.length), content.rate)
        made = self._mosaic.apply(content, profile, seed=seed, progress=lambda done: progress(0.7 * done))
        made = follow_bands(made, content, PIECES)
        kit = None if PIECES_ONLY in profile else Kit.of(profile, content.rate)
        asked = Strokes.of(content) if kit and len(kit.strokes.time) >= FEWEST else None
        if kit and asked and len(asked.time):
            struck = kit.play(asked, content.channels, content.length, seed)
            add(struck, made, 1 / max(rms(struck), NOTHING), BETWEEN / max(rms(made), NOTHING))
            made = follow_bands(struck, content, FOLLOWS)
            record_fact("strokes", {"content": len(asked.time), "style": len(kit.strokes.time)})
        add(made, content, strength * rms(content) / max(rms(made), NOTHING), 1 - strength)
        progress(1.0)
        return made

    def play(self, hits: Notes, profile: Profile, *, rate: int, channels: int, length: int, seed: int) -> Audio | None:
        """Return hits of kick, snare, hats and toms as the style's drums play them; None where they are no kit.

        Args:
            hits: with the pitches of `find_hits`.
            profile: of the style.
            rate: of the result in Hz.
            channels: of the result.
            length: of the result in samples.
            seed: the same seed gives the same samples.
        """
        kit = None if PIECES_ONLY in profile else Kit.of(profile, rate)
        if kit is None or len(kit.strokes.time) < FEWEST or not len(hits):
            return None
        return kit.play(Strokes.asked(hits, float(np.max(kit.strokes.level))), channels, length, seed)


class Strokes(NamedTuple):
    """What is struck in a recording, or is to be struck; N strokes.

    Args:
        time: when each begins in seconds, ``[N]``.
        drums: velocities of kick, snare, hats and toms in it, 1 the usual of each, 0 if it is not struck, ``[N, 4]``.
        level: in dB, ``[N]``.
        bands: by how many dB each band is louder than usual, the mean 0, ``[N, M]``; None where there is no sound.
    """

    time: np.ndarray
    drums: np.ndarray
    level: np.ndarray
    bands: np.ndarray | None

    @classmethod
    def of(cls, audio: Audio) -> Strokes:
        """Find the strokes of a recording: hits of drums, and whatever else begins."""
        hits = find_hits(audio)
        time, drums = _together(hits)
        curve = Analysis.of(audio).onset_curve
        found = peaks(curve, ONSET * float(curve.max(initial=0)))
        begun = np.array([max(0.0, peak + between(curve, peak)) for peak in found]) / FPS
        begun = begun[distance(begun, time) > APART]
        time = np.concatenate([time, begun])
        order = np.argsort(time, kind="stable")
        drums = np.concatenate([drums, np.zeros((len(begun), len(KEYS)))])[order]
        level, bands = _measured(audio, time[order])
        return cls(time[order], drums, level, bands)

    @classmethod
    def asked(cls, hits: Notes, level: float) -> Strokes:
        """Return the strokes of hits of which there is no sound, the hardest of a level in dB."""
        time, drums = _together(hits)
        force = drums.max(axis=1, initial=0)
        return cls(time, drums, level + 20 * np.log10(np.maximum(force / force.max(initial=0.05), 0.05)), None)


def _together(hits: Notes) -> tuple[np.ndarray, np.ndarray]:
    """Times of strokes ``[N]`` and the velocities of their drums ``[N, 4]``, the usual of each 1."""
    first = np.flatnonzero(np.diff(hits.onset, prepend=-np.inf) > TOGETHER)
    drums = np.zeros((len(first), len(KEYS)))
    stroke = np.searchsorted(first, np.arange(len(hits)), side="right") - 1
    which = np.array([KEYS.index(int(pitch)) for pitch in hits.pitch], dtype=int)
    np.maximum.at(drums, (stroke, which), hits.velocity)
    for column in drums.T:
        if column.any():
            column /= np.median(column[column > 0])
    return hits.onset[first], drums


def _measured(audio: Audio, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Levels in dB ``[N]`` and shapes of spectra ``[N, M]`` of strokes."""
    count = round(MEASURED * audio.rate)
    window = np.hanning(2 * count)[count:]
    bounds = np.searchsorted(np.fft.rfftfreq(count, 1 / audio.rate), EDGES)
    level, bands = np.zeros(len(time)), np.zeros((len(time), len(EDGES) - 1))
    for i, moment in enumerate(time):
        start = min(round(moment * audio.rate), audio.length)
        sound = np.zeros(count)
        piece = blocks.mono(audio, start, min(start + count, audio.length), audio.rate)
        sound[: len(piece)] = piece
        level[i] = 10 * np.log10(np.mean(sound[: round(LOUD * audio.rate)] ** 2) + 1e-10)
        power = np.concatenate([[0.0], np.cumsum(np.abs(np.fft.rfft(sound * window)) ** 2)])
        bands[i] = 10 * np.log10(np.maximum(np.diff(power[np.minimum(bounds, len(power) - 1)]), 0) + 1e-7)
    bands = bands - np.median(bands, axis=0, keepdims=True) if len(bands) else bands
    return level, bands - bands.mean(axis=1, keepdims=True)


class Kit(NamedTuple):
    """Strokes of a style, and their sound from one to the next.

    Args:
        strokes: of all clips, with times from the first clip's start.
        sound: all clips, one after the other, ``[T]``.
        stop: where each stroke's sound ends, in samples, ``[N]``.
        rate: in Hz.
    """

    strokes: Strokes
    sound: np.ndarray
    stop: np.ndarray
    rate: int

    @classmethod
    def of(cls, profile: Profile, rate: int) -> Kit:
        """Cut the strokes of what `DrumsMethod.fit` kept, at a rate in Hz."""
        sounds = clips(profile, rate)
        found = [Strokes.of(Audio(sound, rate)) for sound in sounds]
        first = np.cumsum([0, *(len(sound) for sound in sounds)])
        stop = [
            start + np.append(np.round(own.time[1:] * rate), len(sound))[: len(own.time)]
            for own, sound, start in zip(found, sounds, first[:-1], strict=True)
        ]
        columns = [np.concatenate(column) for column in zip(*found, strict=True)]
        columns[0] = np.concatenate([own.time + start / rate for own, start in zip(found, first[:-1], strict=True)])
        return cls(Strokes(*columns), np.concatenate(sounds), np.concatenate(stop).astype(int), rate)

    def play(self, asked: Strokes, channels: int, length: int, seed: int) -> Audio:
        """Play strokes, each at its own level.

        Args:
            asked: what is to be struck.
            channels: of the result; all have the same sound.
            length: of the result in samples.
            seed: which of the strokes that are nearly as good are taken.
        """
        own, rng = self.strokes, np.random.default_rng(seed)
        result = blocks.empty(channels, length)
        start = np.round(own.time * self.rate).astype(int)
        usual = float(np.median(asked.level) - np.median(own.level))
        ranks, own_ranks = (level.argsort().argsort() / max(1, len(level) - 1) for level in (asked.level, own.level))
        room = np.append(np.diff(asked.time), length / self.rate)
        early, fade = round(EARLY * self.rate), round(FADE * self.rate)
        for i, moment in enumerate(asked.time):
            cost = OTHER_DRUM * ((asked.drums[i] > 0) != (own.drums > 0)).sum(1)
            cost = cost + OTHER_FORCE * np.abs(np.minimum(asked.drums[i], 2) - np.minimum(own.drums, 2)).sum(1)
            cost += OTHER_LEVEL * np.abs(ranks[i] - own_ranks)
            cost += TOO_SHORT * np.maximum(0, min(room[i], LONG) - (self.stop - start) / self.rate)
            if asked.bands is not None and own.bands is not None:
                cost += OTHER_BAND * np.abs(asked.bands[i] - own.bands).mean(1)
            chosen = int(rng.choice(np.flatnonzero(cost <= cost.min() + NEARLY)))
            first = max(0, start[chosen] - early)
            last = min(int(self.stop[chosen]), start[chosen] + round(room[i] * self.rate))
            piece = self.sound[first : max(last, first)].copy()
            ends, begins = min(len(piece) // 2, fade), min(len(piece) // 2, early // 2)
            piece[len(piece) - ends :] *= np.linspace(1, 0, ends)
            piece[:begins] *= np.linspace(0, 1, begins)
            gain = min(asked.level[i] - own.level[chosen], usual + LOUDER)
            at = max(0, round(moment * self.rate) - (start[chosen] - first))
            here = slice(at, min(at + len(piece), length))
            result[:, here] += np.float32(10 ** (gain / 20)) * piece[: max(0, here.stop - at)]
            if i % RELEASED == 0:
                blocks.release(result)
        blocks.release(result)
        return Audio(result, self.rate)
