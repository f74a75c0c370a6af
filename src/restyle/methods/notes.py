"""`notes`: note-wise resynthesis. The content's notes, played with the sound of the style's notes. Floor 4."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np

from restyle import blocks
from restyle.analysis.partials import HOP, measure
from restyle.analysis.transcription import Transcription, transcribe
from restyle.audio import Audio
from restyle.blocks import Progress
from restyle.errors import RestyleError
from restyle.methods import unpitched
from restyle.methods.additive import play
from restyle.methods.base import SILENT_STYLE, Profile
from restyle.methods.performance import Played, imagine, listen
from restyle.methods.timbre import Timbre
from restyle.notes import DRUMS, Notes

log = logging.getLogger("restyle")

STYLE_BLOCK = 20.0  # seconds of a style that are measured at once
STYLE_LONGEST = 120.0  # seconds of each clip that are listened to
SURE, UNSURE = 0.81, 0.76  # mean probability of what was found, in clear and in dense recordings
SOFTER = 9.0  # dB by which notes stand back where they cannot be relied on, and the content itself is kept
GROUP = 16  # notes made at once
PLAIN_LEVEL = -26.0  # dB of full scale, the median note of a content without a recording


class NotesMethod:
    """Transcribe both, learn how the style's notes sound, and play the content's notes that way.

    What is learnt of a note: the envelopes of its partials over attack, sustain and release, the noise between
    them, its level and register. The content's dynamics, vibrato, glides and stereo places are followed; what it
    holds beside its notes (drums, consonants, noise) is kept, with the tone of the style's.

    Args:
        unpitched: level of the content's unpitched part in dB; -120 leaves it out.

    Example:
        >>> NotesMethod().plays_notes
        True

    Source: spectral modelling synthesis (Serra and Smith 1990) with envelopes interpolated between the style's notes.
    """

    name: ClassVar[str] = "notes"
    plays_notes: ClassVar[bool] = True

    def __init__(self, *, unpitched: float = 0.0) -> None:
        self.unpitched = unpitched

    def fit(self, style: Sequence[Audio]) -> Profile:
        """Learn the sound of the notes, and the tone of what is unpitched."""
        rate = max(clip.rate for clip in style)
        sounds = []
        loudest = 0.0
        for clip in style:
            clip = clip.slice(0, round(STYLE_LONGEST * clip.rate))
            loudest = max(loudest, float(np.abs(clip.samples).max(initial=0)))
            notes = transcribe(clip).notes
            for span in blocks.spans(clip.length, round(STYLE_BLOCK * clip.rate), 2 * clip.rate):
                own = notes.between(span.left / clip.rate, span.right / clip.rate)
                sounds += measure(clip.slice(span.left, span.right), own)
        if loudest < 1e-5:
            raise RestyleError(SILENT_STYLE)
        profile = unpitched.fit(style)
        profile["channels"] = np.array([max(clip.channels for clip in style)])
        if not sounds:
            log.warning("the style has no pitched notes: the content keeps its own sound, with the style's tone")
            return profile
        return profile | {f"timbre/{name}": array for name, array in Timbre.learn(sounds, rate).arrays().items()}

    def apply(
        self,
        content: Audio | Notes,
        profile: Profile,
        *,
        strength: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Audio:
        """Play the content in the style; see `methods.base.Method`. Notes are played at the style's rate, to 48 kHz."""
        learnt = {name.removeprefix("timbre/"): array for name, array in profile.items() if name.startswith("timbre/")}
        timbre = Timbre.of(learnt) if learnt else None
        if isinstance(content, Notes):
            return self._play_notes(content, timbre, int(profile["channels"][0]), seed, progress)
        if strength == 0:
            return content
        report = progress or (lambda _: None)
        heard = transcribe(content, progress=lambda done: report(0.4 * done)) if timbre else None
        notes = heard.notes if heard else Notes.of([])
        doubt = _doubt(heard) if heard else 1.0
        del heard  # its activations grow with length
        played, level = listen(content, notes, lambda done: report(0.4 + 0.1 * done))
        gain = 10 ** (self.unpitched / 20)
        result = unpitched.keep(content, notes, profile, gain, doubt, lambda done: report(0.5 + 0.1 * done))
        if timbre:
            _perform(result, notes, played, level - SOFTER * doubt, timbre, seed, lambda done: report(0.6 + 0.4 * done))
        return _mixed(content, result, strength)

    def _play_notes(
        self, notes: Notes, timbre: Timbre | None, channels: int, seed: int, progress: Progress | None
    ) -> Audio:
        if timbre is None:
            raise RestyleError("the style has no pitched notes to play a MIDI file with: choose another style")
        if np.any(notes.programme == DRUMS):
            log.warning("the drums of the MIDI file are left out: a style's notes cannot play them")
        notes = notes.pitched()
        rate = min(48000, timbre.rate)
        result = Audio(blocks.empty(min(channels, 2), round((notes.duration + 1.0) * rate)), rate)
        _perform(result, notes, imagine(notes, result.channels), PLAIN_LEVEL, timbre, seed, progress)
        return result


def _perform(
    result: Audio,
    notes: Notes,
    played: Sequence[Played],
    level: float,
    timbre: Timbre,
    seed: int,
    progress: Progress | None,
) -> None:
    """Add the notes to a sound, in place, so that the median note has a level in dB."""
    usual = float(np.median([timbre.tone(p.pitch, 50, result.rate).level for p in played])) if played else 0.0

    def perform(i: int) -> np.ndarray:
        how = played[i]
        frames = max(3, round((notes.offset[i] - notes.onset[i]) / HOP))
        tone = timbre.tone(how.pitch, frames, result.rate)
        gain = _fitted(how.swell, frames) + level + how.level + tone.level - usual
        # each note has its own seed, so that it sounds the same whatever comes before it
        rng = np.random.default_rng((seed, i))
        return play(tone, how.pitch, gain, _fitted(how.bend, frames), timbre.release, result.rate, rng)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for first in range(0, len(played), GROUP):
            group = range(first, min(first + GROUP, len(played)))
            for i, samples in zip(group, pool.map(perform, group), strict=True):
                start = round(notes.onset[i] * result.rate)
                samples = samples[: result.length - start]
                place = played[i].pan.astype(np.float32)[:, None]
                result.samples[:, start : start + len(samples)] += place * samples
            blocks.release(result.samples)
            if progress:
                progress(group.stop / len(played))


def _doubt(heard: Transcription) -> float:
    """How far a transcription cannot be relied on, 0..1: how unsure the network is of what it found."""
    notes, roll = heard.notes, heard.roll
    frames = roll.frame[roll.frame > 0.5]
    if not len(notes) or not len(frames):
        return 1.0
    at = np.minimum(np.round(notes.onset / roll.hop).astype(int), len(roll.onset) - 1)
    onsets = roll.onset[at, notes.pitch.astype(int) - roll.lowest]
    sure = (float(frames.mean(dtype=np.float64)) + float(onsets.mean(dtype=np.float64))) / 2
    return float(np.clip((SURE - sure) / (SURE - UNSURE), 0, 1))


def _fitted(curve: np.ndarray, frames: int) -> np.ndarray:
    """Cut a curve to a number of frames, or hold its last value."""
    return np.pad(curve[:frames], (0, max(0, frames - len(curve))), mode="edge")


def _mixed(content: Audio, result: Audio, strength: float) -> Audio:
    """Cross-fade from the content to the result, in place of the result."""
    if strength < 1:
        for span in blocks.spans(content.length, 20 * content.rate, 0):
            here = slice(span.start, span.stop)
            mixed = (1 - strength) * content.samples[:, here] + strength * result.samples[:, here]
            result.samples[:, here] = mixed
            blocks.release(result.samples)
            blocks.release(content.samples)
    return result
