"""A content accompanied anew: its tune, and what a style's instruments play to it in the style's manner. Floor 5."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from restyle.arrangement import BASS, CHORDS, MELODY, PARTS, Arrangement, arrange
from restyle.arrangement.hearing import heard
from restyle.audio import Audio
from restyle.dsp.blocks import Progress
from restyle.dsp.follow import rms
from restyle.errors import RestyleError, record_fact
from restyle.methods import Method
from restyle.methods.base import Profile
from restyle.notes import DRUMS, Notes
from restyle.score import Score
from restyle.settings import Settings
from restyle.stages import ensemble
from restyle.stages.parts import NOTHING, VOCALS, levelled, like, loudness_of, mix, scaled, take_apart, voice_of
from restyle.style import Style

FROM = {BASS: 2 / 3, CHORDS: 1 / 3}  # of `arrange`, from where on a part is the style's
LEAD = 6.0  # dB by which a tune is louder than what else is pitched
BELOW = 4.0  # semitones below the middle of the tune around, under which its new accompaniment stays
AROUND = 2.0  # s before and after
LOWEST = 40.0  # MIDI pitch below which nothing is moved for that

log = logging.getLogger("restyle")


@runtime_checkable
class Performer(Protocol):
    """What can play notes of a recording as they are played there (see `methods.notewise.notes.NotesMethod`)."""

    def perform(self, content: Audio, notes: Notes, profile: Profile, *, seed: int) -> Audio:
        """Play them."""
        ...


@dataclass(frozen=True, eq=False)
class Accompanied:
    """What is played.

    Args:
        tune: the content's, as it is played there.
        kept: what else of it stays.
        new: what is written anew.
    """

    tune: Notes
    kept: Notes
    new: Notes

    @classmethod
    def of(cls, made: Arrangement, as_played: Callable[[Score], Notes] = Score.notes) -> Accompanied:
        """Return what an arrangement plays; what is new stays below the tune.

        Args:
            made: the arrangement.
            as_played: gives the notes of what is the content's own.
        """
        tune, stays = (as_played(made.of(tracks)) for tracks in (made.tune, set(made.kept) - set(made.tune)))
        return cls(tune, stays, below(made.of(made.kept, others=True).notes(), tune))

    @property
    def band(self) -> Notes:
        """All but the tune."""
        return Notes.joined([self.kept, self.new])

    @property
    def notes(self) -> Notes:
        """All of them."""
        return Notes.joined([self.tune, self.band])


def check(style: Audio | Sequence[Audio] | Style, used: Method, *, parts: bool = False) -> None:
    """Refuse a style or a method that cannot accompany, and parts with styles of their own or files.

    Raises:
        RestyleError: if the style is no recording, the method plays no notes, or parts are asked for.
    """
    if parts:
        raise RestyleError("arrange plays all parts as the one style does; leave out styles and files of parts")
    if isinstance(style, Style):
        raise RestyleError("a learnt style does not tell how it accompanies; give recordings, or leave out arrange")
    if not used.plays_notes:
        raise RestyleError(f"the method '{used.name}' plays no notes; choose note_synth or notes, or leave out arrange")


def accompanied(content: Audio | Notes, style: Audio | Sequence[Audio], settings: Settings) -> Accompanied:
    """Find a content's tune, and write what a style plays to it.

    Args:
        content: a recording or notes.
        style: recordings, of which the longest tells how it accompanies.
        settings: how far the notes may change (``arrange``), and the seed.

    Raises:
        RestyleError: if the content has no tune, or the style no accompaniment.
    """
    log.info("writing a new accompaniment")
    clip = style if isinstance(style, Audio) else max(style, key=lambda one: one.duration)
    own, other = heard(content, "the content"), heard(clip, "the style")
    if not len(own.notes.pitched()):
        raise RestyleError("the content has no tune to accompany; give one with pitched notes, or leave out arrange")
    if not len(other.notes):
        raise RestyleError("the style has no notes to accompany with; give another, or leave out arrange")
    keep = kept(settings.arrange)
    made = arrange(own.score, other.score, keep=keep, seed=settings.seed)
    what = Accompanied.of(made, own.as_played)
    new = len(what.new.pitched())
    facts = {
        "new": [part for part in PARTS if part not in keep],
        "notes": {"tune": len(what.tune), "kept": len(what.kept), "new": new, "drums": len(what.new) - new},
        "bars": [bar + 1 if bar >= 0 else None for bar in made.chosen],
        "chords": list(made.chords),
    }
    record_fact("arrangement", facts)
    return what


def kept(amount: float) -> tuple[str, ...]:
    """Return the parts of a content that stay where its notes may change so far, 0..1.

    Example:
        >>> kept(0.2), kept(0.5), kept(1.0)
        (('melody', 'bass', 'chords'), ('melody', 'bass'), ('melody',))
    """
    return (MELODY, *(part for part in (BASS, CHORDS) if amount < FROM[part]))


def below(notes: Notes, tune: Notes) -> Notes:
    """Return the notes, by octaves so low that the tune around them is the highest part; equal ones once.

    Without a tune they are returned as they are.
    """
    if not len(tune):
        return notes
    pitch = notes.pitch.copy()
    for i in np.flatnonzero(notes.programme != DRUMS):
        near = (tune.onset < notes.onset[i] + AROUND) & (tune.offset > notes.onset[i] - AROUND)
        top = float(np.median(tune.pitch[near] if near.any() else tune.pitch)) - BELOW
        octaves = min(np.ceil((pitch[i] - top) / 12), np.floor((pitch[i] - LOWEST) / 12))
        pitch[i] -= 12 * max(0, octaves)
    moved = replace(notes, pitch=pitch)
    struck = np.stack([moved.onset, moved.pitch, moved.programme])
    return moved.select(np.sort(np.unique(struck, axis=1, return_index=True)[1]))  # what now is doubled, once


def play(
    what: Accompanied,
    content: Audio | Notes,
    style: Style,
    used: Method,
    drums: Method,
    settings: Settings,
    *,
    stems: Mapping[str, Audio] | None = None,
    progress: Progress | None = None,
) -> tuple[Audio, Audio | None]:
    """Play a tune and its accompaniment with a style's instruments; the tune stands out.

    Args:
        what: is played.
        content: a recording, whose dynamics the tune keeps and whose form the result has; or notes.
        style: learnt with its parts.
        used: plays what is pitched.
        drums: plays the drums.
        settings: what becomes of a voice (``vocals``), and the seed.
        stems: of the content, where they are known.
        progress: called with the fraction done of what accompanies, 0..1.

    Returns:
        The sound, and the voice that sings the tune beside it, where the content has one that stays.
    """
    profile, parts = style.part("method"), style.part("parts") if style.has("parts") else {}
    seed, sounds, voice, sung = settings.seed, [], None, False
    if isinstance(content, Audio):
        apart = take_apart(content, stems)
        sung, (_, voice) = VOCALS in apart.sounds, voice_of(apart, settings.vocals, parts)
    if len(what.tune) and (not sung or settings.vocals == "play"):
        sounds.append(_tune(what.tune, content, used, profile, seed))
    if len(what.band.pitched()) or not sounds:
        sounds.append(used.apply(what.band.pitched(), profile, seed=seed, progress=progress))
    form = content if isinstance(content, Audio) else max(sounds, key=lambda sound: sound.length)
    sounds = [like({"": sound}, form)[""] for sound in sounds]
    pitched = mix([_leading(sounds[0], sounds[1]), sounds[1]] if len(sounds) > 1 else sounds, form)
    whole = not isinstance(content, Audio)
    return ensemble.with_drums(pitched, what.band, parts, drums, seed=seed, whole=whole), voice


def _tune(tune: Notes, content: Audio | Notes, used: Method, profile: Profile, seed: int) -> Audio:
    """A tune with its dynamics, where there is a sound of it."""
    if isinstance(content, Audio) and isinstance(used, Performer):
        return used.perform(content, tune, profile, seed=seed)
    return used.apply(tune, profile, seed=seed)


def with_voice(band: Audio, voice: Audio | None) -> Audio:
    """Return a band and the voice that it accompanies, if there is one, as loud together as the band is alone."""
    if voice is None:
        return band
    whole = mix([_leading(voice, band), band])
    return levelled({}, whole, band)[1] if rms(band) > NOTHING else voice


def _leading(tune: Audio, band: Audio) -> Audio:
    """A tune so loud that it stands out."""
    return scaled(tune, 10 ** ((loudness_of(band) + LEAD - loudness_of(tune)) / 20))
