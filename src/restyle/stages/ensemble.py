"""Ensemble: drums among notes, played by a style's own strokes beside what is pitched. Floor 4."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restyle.analysis.drums.infer import KEYS
from restyle.analysis.drums.keys import drum_class
from restyle.audio import Audio
from restyle.dsp.follow import rms
from restyle.errors import record_fact, warn
from restyle.notes import DRUMS as KIT
from restyle.notes import Notes
from restyle.stages.accompaniment import Kit
from restyle.stages.parts import DRUMS, NOTHING, PLAYED, Player, Profile, balance, loudness_of, mix, scaled, under

RING = 1.0  # s for which a stroke is heard


def with_drums(pitched: Audio, notes: Notes, parts: Profile, drums: Player, *, seed: int, whole: bool = False) -> Audio:
    """Return what is pitched together with the drums among some notes, as loud beside it as the style's own are.

    Where the style has no drums, those of the notes are left out, and a warning says so.

    Args:
        pitched: a sound.
        notes: of which drums are played, if there are any.
        parts: what `stages.parts.fit` learnt of the style; empty where it was learnt without its parts.
        drums: plays them.
        seed: the same seed gives the same samples.
        whole: whether it goes on until the last of them has rung; else it is as long as what is pitched.
    """
    asked = int(np.sum(notes.programme == KIT))
    if not asked:
        return pitched
    struck, sound = strokes(notes), None
    if not len(struck):
        warn("the drums of the notes are of kinds that no kit of a style has, so they are left out")
        record_fact("drums", {"played": 0, "left out": asked})
        return pitched
    base = _until(pitched, float(struck.onset.max()) + RING) if whole else pitched
    struck = struck.select(struck.onset < base.duration)
    beside = balance(dict(zip(PLAYED, parts["levels"].tolist(), strict=True))) if parts else None
    if beside is not None and isinstance(drums, Kit):
        form = {"rate": base.rate, "channels": base.channels, "length": base.length}
        sound = drums.play(struck, under(f"{DRUMS}/", parts), **form, seed=seed)
    if beside is None or sound is None or rms(sound) < NOTHING:
        warn("the style has no strokes for the drums of the notes, so they are left out")
        record_fact("drums", {"played": 0, "left out": asked})
        return pitched
    record_fact("drums", {"played": len(struck), "left out": asked - len(struck), "beside": round(beside, 1)})
    if rms(pitched) < NOTHING:
        return sound
    return mix([base, scaled(sound, 10 ** ((loudness_of(pitched) + beside - loudness_of(sound)) / 20))])


def _until(sound: Audio, seconds: float) -> Audio:
    """A sound that lasts so long at least."""
    more = max(0, round(seconds * sound.rate) - sound.length)
    return Audio(np.pad(sound.samples, ((0, 0), (0, more))), sound.rate) if more else sound


def strokes(notes: Notes) -> Notes:
    """Return the drums among notes as the hits that a kit can play, with the keys of `find_hits`.

    Example:
        >>> strokes(Notes.of([(0, 1, 49, 0.5, KIT), (0, 1, 60, 0.5, 0), (1, 2, 56, 0.5, KIT)])).pitch.tolist()
        [42.0]
    """
    hits = notes.select(notes.programme == KIT)
    known = [drum_class(pitch) for pitch in hits.pitch]
    hits = hits.select(np.array([number is not None for number in known], dtype=bool))
    return replace(hits, pitch=np.array([KEYS[number] for number in known if number is not None], dtype=float))
