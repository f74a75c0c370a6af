"""`notes`: note-wise resynthesis. The content's notes, played with the sound of the style's notes. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from restyle.analysis.facts import Analysis, Transcribed
from restyle.analysis.partials import HOP, measured
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.follow import add
from restyle.errors import RestyleError, warn
from restyle.methods.base import SILENT_STYLE, Profile
from restyle.methods.notewise import attack, grains, mixing, unpitched
from restyle.methods.notewise.additive import play
from restyle.methods.notewise.doubt import SOFTER, blended, reliance
from restyle.methods.notewise.mixing import Mixture
from restyle.methods.notewise.performance import Played, imagine, listen
from restyle.methods.notewise.timbre import Instrument, Timbre
from restyle.methods.settings import Decibels, Weights, checked
from restyle.notes import DRUMS, Notes
from restyle.threads import mapped, single

STYLE_LONGEST = 120.0  # seconds of each clip that are listened to
GROUP = 16  # notes made at once
PLAIN_LEVEL = -26.0  # dB of full scale, the median note of a content without a recording


class NotesMethod:
    """Transcribe both, learn how the style's notes sound, and play the content's notes that way.

    What is learnt of a note: the envelopes of its partials over attack, sustain and release, the noise between
    them, its level and register. The content's dynamics, vibrato, glides and stereo places are followed; what it
    holds beside its notes (drums, consonants, noise) is kept, with the tone of the style's.

    Args:
        unpitched: level of the unpitched part in dB that is kept of a content that is not taken apart; -120 leaves it
            out.
        fallback: whether what is in doubt of the content's notes is mixed in or, where it is taken apart, also decides
            which grains are chosen; the record says how far.
        transcriber: weights of a transcriber of your own; those that come with the package by default.

    Example:
        >>> NotesMethod().plays_notes
        True

    Source: spectral modelling synthesis (Serra and Smith 1990) with envelopes interpolated between the style's notes.
    """

    name: ClassVar[str] = "notes"
    plays_notes: ClassVar[bool] = True

    @checked
    def __init__(
        self,
        *,
        unpitched: Decibels = 0.0,
        fallback: bool = True,
        transcriber: Weights = "",
    ) -> None:
        self.unpitched, self.fallback, self.transcriber = unpitched, fallback, transcriber

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Learn the sound of the notes, and the tone of what is unpitched."""
        profile = self._fit(style)
        if not mixing.parts(profile):
            warn("the style has no pitched notes: the content keeps its own sound, with the style's tone")
        return profile

    @single()
    def fit_part(self, style: Sequence[Audio]) -> Profile:
        """Learn the same of one part of a mix, and keep grains of it for what is not found of a content's notes."""
        return self._fit(style) | grains.fit(style)

    def _fit(self, style: Sequence[Audio]) -> Profile:
        style = [clip.slice(0, round(STYLE_LONGEST * clip.rate)) for clip in style]
        if max(float(np.abs(clip.samples).max(initial=0)) for clip in style) < 1e-5:
            raise RestyleError(SILENT_STYLE)
        profile = unpitched.fit(style)
        notes = [self._transcribed(clip).notes for clip in style]
        learnt = self.learn(style, notes)
        profile["channels"] = np.array([max(clip.channels for clip in style)])
        if learnt:
            profile["attack"] = attack.learn(style, notes, partial(_note, self.timbre(learnt)))
        return profile | {f"{mixing.PARTS}/{name}": array for name, array in learnt.items()}

    def learn(self, style: Sequence[Audio], notes: Sequence[Notes]) -> dict[str, np.ndarray]:
        """Learn how the notes of each clip sound; empty if there are none."""
        sounds = [sound for clip, own in zip(style, notes, strict=True) for _, sound in measured(clip, own)]
        return Timbre.learn(sounds, max(clip.rate for clip in style)).arrays() if sounds else {}

    def timbre(self, learnt: dict[str, np.ndarray]) -> Instrument:
        """Return what plays notes with the sound that was learnt."""
        return Timbre.of(learnt)

    @single()
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
        timbre = self._instrument(profile)
        if isinstance(content, Notes):
            return self._play_notes(content, timbre, profile, seed, progress)
        if strength == 0:
            return content
        report = progress or (lambda _: None)
        found = (
            self._transcribed(content, lambda done: report(0.3 * done)) if timbre else Transcribed(Notes.of([]), 1.0)
        )
        joined = grains.has(profile)
        toned, notes = self._played(
            content, found, profile, timbre, seed, lambda done: report(0.3 + (0.4 if joined else 0.7) * done)
        )
        if joined:
            toned = grains.beside(content, notes, toned, profile, seed, lambda done: report(0.7 + 0.3 * done))
        return blended(content, toned, strength)

    @single()
    def perform(
        self, content: Audio, notes: Notes, profile: Profile, *, seed: int = 0, progress: Progress | None = None
    ) -> Audio:
        """Play some notes of a recording as they are played there, and nothing else of it.

        Args:
            content: the recording; the result has its rate, channels and length.
            notes: of it.
            profile: what :meth:`fit` returned.
            seed: the same seed gives the same samples.
            progress: called with the fraction done, 0..1.

        Raises:
            RestyleError: if the style has no pitched notes.
        """
        timbre = self._instrument(profile)
        if timbre is None:
            raise RestyleError("the style has no pitched notes to play with: choose another style")
        result = Audio(blocks.empty(content.channels, content.length), content.rate)
        played, level = listen(content, notes)
        _perform(result, notes, played, level, timbre, attack.of(profile), seed, progress)
        return result

    def _instrument(self, profile: Profile) -> Instrument | None:
        players = [self.timbre(learnt) for learnt in mixing.parts(profile)]
        return Mixture(players, profile["mix"].tolist()) if len(players) > 1 else players[0] if players else None

    def _transcribed(self, audio: Audio, progress: Progress | None = None) -> Transcribed:
        return Analysis.of(audio).transcription(progress, weights=self.transcriber)

    def _played(
        self,
        content: Audio,
        found: Transcribed,
        profile: Profile,
        timbre: Instrument | None,
        seed: int,
        progress: Progress,
    ) -> tuple[Audio, Audio]:
        """The content's notes with what is kept of it beside them, and the notes alone."""
        kept = reliance(found, self.fallback)
        notes, gain = found.notes, 10 ** (self.unpitched / 20)
        played, level = listen(content, notes, lambda done: progress(0.2 * done))
        result = unpitched.keep(content, notes, profile, gain, kept, lambda done: progress(0.2 + 0.2 * done))
        alone = Audio(blocks.empty(content.channels, content.length), content.rate)
        if timbre:
            begun = attack.of(profile)
            _perform(alone, notes, played, level, timbre, begun, seed, lambda done: progress(0.4 + 0.6 * done))
        add(result, alone, 1.0, 10 ** (-SOFTER * kept / 20))
        return result, alone

    def _play_notes(
        self, notes: Notes, timbre: Instrument | None, profile: Profile, seed: int, progress: Progress | None
    ) -> Audio:
        if timbre is None:
            raise RestyleError("the style has no pitched notes to play a MIDI file with: choose another style")
        if np.any(notes.programme == DRUMS):
            warn("the drums of the MIDI file are left out: a style's notes cannot play them")
        notes = notes.pitched()
        rate = min(48000, timbre.rate)
        channels = min(int(profile["channels"][0]), 2)
        result = Audio(blocks.empty(channels, round((notes.duration + 1.0) * rate)), rate)
        begun = attack.of(profile)
        _perform(result, notes, imagine(notes, channels), PLAIN_LEVEL, timbre, begun, seed, progress)
        return result


def _note(timbre: Instrument, pitch: float, seconds: float, rate: int) -> np.ndarray:
    """A single note as it is played, ``[T]``."""
    tone = timbre.tone(pitch, max(3, round(seconds / HOP)), rate)
    still = np.zeros(tone.amplitude.shape[1])
    return play(tone, pitch, still, still, rate, np.random.default_rng(0))


def _perform(
    result: Audio,
    notes: Notes,
    played: Sequence[Played],
    level: float,
    timbre: Instrument,
    begun: np.ndarray,
    seed: int,
    progress: Progress | None,
) -> None:
    """Add the notes to a sound, in place, so that the median note has a level in dB."""
    usual = float(np.median([timbre.tone(p.pitch, 50, result.rate).level for p in played])) if played else 0.0

    def perform(i: int) -> np.ndarray:
        how = played[i]
        frames = max(3, round((notes.offset[i] - notes.onset[i]) / HOP))
        tone = timbre.tone(how.pitch, frames, result.rate, how.level)
        gain = _fitted(how.swell, frames) + level + how.level + tone.level - usual
        # each note has its own seed, so that it sounds the same whatever comes before it
        rng = np.random.default_rng((seed, i))
        sound = play(tone, how.pitch, gain, _fitted(how.bend, frames), result.rate, rng)
        return attack.shaped(sound, begun, result.rate)

    for i, samples in enumerate(mapped(perform, range(len(played)), ahead=GROUP)):
        start = round(notes.onset[i] * result.rate)
        samples = samples[: result.length - start]
        place = played[i].pan.astype(np.float32)[:, None]
        result.samples[:, start : start + len(samples)] += place * samples
        if i % GROUP and i + 1 < len(played):
            continue
        blocks.release(result.samples)
        if progress:
            progress((i + 1) / len(played))


def _fitted(curve: np.ndarray, frames: int) -> np.ndarray:
    """Cut a curve to a number of frames, or hold its last value."""
    return np.pad(curve[:frames], (0, max(0, frames - len(curve))), mode="edge")
