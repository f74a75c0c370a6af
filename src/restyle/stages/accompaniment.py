"""Accompaniment: a style's drums and bass play their own bars along with a content's parts. Floor 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from restyle.analysis.facts import Analysis
from restyle.analysis.meter import estimate_meter
from restyle.audio import Audio
from restyle.dsp.follow import rms
from restyle.errors import record_fact, warn
from restyle.notes import Notes
from restyle.stages import patterns
from restyle.stages.parts import (
    BASS,
    DRUMS,
    MISSING,
    NOTHING,
    OTHER,
    PLAYED,
    Player,
    Profile,
    has_drums,
    like,
    loudness_of,
    mix,
    scaled,
    under,
)

ADDED = (DRUMS, BASS)  # parts that may be added where the content has none
BESIDE_BASS = -6.0  # dB of an added bass beside all else, where the style does not tell


@runtime_checkable
class Kit(Protocol):
    """Drums that can play hits of which there is no sound (see `methods.drums.DrumsMethod.play`)."""

    def play(self, hits: Notes, profile: Profile, *, rate: int, channels: int, length: int, seed: int) -> Audio | None:
        """Play hits; None where the style has no drums for them."""
        ...


def patterned(
    made: Mapping[str, Audio],
    content: Audio,
    profile: Profile,
    player: Player,
    drums: Player,
    *,
    instead: bool,
    add: str,
    seed: int,
) -> dict[str, Audio]:
    """Return the parts with the style's own bars of drums and bass on the content's beats and chords.

    Args:
        made: the parts as the style plays them.
        content: the recording.
        profile: what :func:`fit` learnt.
        player: plays the bass; one that takes notes, else there is none.
        drums: plays the drums; one that takes hits, else there are none.
        instead: whether the style's drums play their own bars instead of the content's hits.
        add: the parts that are added, with commas between them; ``auto`` for those that the style has and the content
            has not; ``none``.
        seed: the same seed gives the same samples.
    """
    pattern = under("pattern/", profile)
    wanted = _wanted(content, pattern, instead, add)
    if not wanted:
        return dict(made)
    known = Analysis.of(content)
    meter = estimate_meter(known.beats, known.notes)
    if meter is None:
        warn(f"the content has no steady beat, so the style's {' and '.join(wanted)} cannot play along")
        return dict(made)
    start, stop = (float(known.notes.onset[0]), known.notes.duration) if len(known.notes) else (0.0, content.duration)
    parts, counts = dict(made), {}
    own = {name: under(f"{name}/", profile) for name in PLAYED}
    for name in wanted:
        if name == DRUMS and isinstance(drums, Kit):
            notes = patterns.drums(pattern, meter, start, stop)
            form = {"rate": content.rate, "channels": content.channels, "length": content.length}
            sound = drums.play(notes, own[DRUMS], **form, seed=seed)
        elif name == BASS and getattr(player, "plays_notes", False):
            notes = patterns.bass(pattern, meter, known, start, stop)
            sound = _along(notes, own[BASS] or own[OTHER], player, content, seed)
        else:
            warn(f"the method plays no notes, so the style's {name} cannot play along; choose notes or note_synth")
            continue
        if sound is None or rms(sound) < NOTHING:
            warn(f"the style's {name} cannot play along: its strokes or notes are too few")
            continue
        counts[name] = len(notes)
        parts[name] = _levelled_beside(name, sound, made, profile)
        if name in made and not (name == DRUMS and instead):
            parts[name] = mix([made[name], parts[name]])
    record_fact("patterns", counts)
    return {name: parts[name] for name in PLAYED if name in parts}


def _wanted(content: Audio, pattern: Profile, instead: bool, add: str) -> list[str]:
    """The parts whose patterns are to play."""
    asked = [name for name in ADDED if name in add.split(",")]
    if add == "auto":
        there = {DRUMS: has_drums([content]), BASS: Analysis.of(content).stem_facts.has_bass}
        asked = [name for name in ADDED if not there[name]]
    asked = [DRUMS, *(name for name in asked if name != DRUMS)] if instead else asked
    missing = [name for name in asked if name not in pattern]
    if missing and add != "auto":
        warn(f"the style repeats no bars of {' and '.join(missing)}, so none are played")
    return [name for name in asked if name not in missing]


def _along(notes: Notes, profile: Profile, player: Player, content: Audio, seed: int) -> Audio | None:
    """Notes as a player plays them, in the content's form; None where it cannot."""
    if not len(notes) or not profile:
        return None
    played = player.apply(notes, profile, strength=1.0, seed=seed, progress=None)
    return like({BASS: played}, content)[BASS]


def _levelled_beside(name: str, sound: Audio, made: Mapping[str, Audio], profile: Profile) -> Audio:
    """A part that is added, at the style's balance beside what is played but drums."""
    style = dict(zip(PLAYED, profile["levels"].tolist(), strict=True))
    rest = [style[other] for other in (BASS, OTHER) if other != name and style[other] > MISSING]
    beside = style[name] - 10 * np.log10(sum(10 ** (x / 10) for x in rest)) if rest and style[name] > MISSING else None
    beside = BESIDE_BASS if beside is None else float(np.clip(beside, -20, 6))
    power = sum(10 ** (loudness_of(part) / 10) for other, part in made.items() if other != DRUMS)
    return scaled(sound, float(np.sqrt(power)) * 10 ** ((beside - loudness_of(sound)) / 20))
