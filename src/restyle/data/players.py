"""What plays triplets: a SoundFont's programmes, or recorded notes. Floor 3."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from restyle.audio import Audio
from restyle.data.effects import room
from restyle.data.pairing import Stretch
from restyle.data.recorded import RENDER_RATE, NoteSamples, file_names
from restyle.data.rendering import SoundFont
from restyle.notes import Notes

PROTOCOL = (
    "content: a stretch of one track of a MIDI file; style: one of another family of instruments, from another file "
    "where there is one, alike in register (median pitch above 59 or not) and in voices (more than 1.2 at a time or "
    "not); target: the content's notes played by the style's {player}, mono, at a peak of 0.7; after the 'artificial' "
    "test of Cifka et al. 2021, arXiv 2102.05749"
)
ABLE = 0.95  # part of the notes that an instrument must reach


class Player(Protocol):
    """Plays stretches by instruments, which `choose` names.

    Args:
        protocol: how triplets are made with it, in words.
        settings: which instruments it has, for the record.
    """

    protocol: str
    settings: dict[str, Any]

    def programmes(self) -> list[int]:
        """Return the General MIDI programmes whose notes it can play.

        Raises:
            RestyleError: if it cannot play at all.
        """
        ...

    def choose(self, content: Stretch, style: Stretch, number: int) -> tuple[Any, Any] | None:
        """Return what plays the content, and what plays the style and the target; None where nothing can."""
        ...

    def play(self, tasks: Sequence[tuple[Notes, Any]], number: int, seconds: float, rate: int) -> list[Audio]:
        """Return the sound of notes by instruments, at ``rate`` Hz or more; ``number`` is of the triplet."""
        ...


class FontPlayer:
    """A SoundFont's programmes, those that the MIDI files ask for."""

    protocol = PROTOCOL.format(player="programme; all by one SoundFont, without reverb")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = {"soundfont": path.name, "soundfont_bytes": path.stat().st_size if path.is_file() else 0}

    def programmes(self) -> list[int]:
        """Return those of the SoundFont."""
        font = SoundFont(self.path, rate=RENDER_RATE)
        try:
            return font.programmes()
        finally:
            font.close()

    def choose(self, content: Stretch, style: Stretch, number: int) -> tuple[Any, Any]:
        """Return the programmes of the MIDI files."""
        return content.programme, style.programme

    def play(self, tasks: Sequence[tuple[Notes, Any]], number: int, seconds: float, rate: int) -> list[Audio]:
        """Play by a new synthesiser: an old one's state changes the last bits."""
        # the SoundFonts' own rate or more, so that high partials do not fold down
        font = SoundFont(self.path, rate=max(RENDER_RATE, rate))
        try:
            played = [replace(notes, programme=np.full(len(notes), programme)) for notes, programme in tasks]
            return [font.render(notes, duration=seconds) for notes in played]
        finally:
            font.close()


class NotesPlayer:
    """Recorded notes, two instruments of other names at random, in one room."""

    protocol = PROTOCOL.format(
        player="instrument; both drawn at random, all of recorded notes, the nearest one resampled, in one room"
    )

    def __init__(self, folders: Sequence[Path], seed: int) -> None:
        self.samples, self.seed = NoteSamples(*folders), seed
        files = hashlib.sha256(json.dumps(file_names(folders)).encode()).hexdigest()[:16]
        self.settings = {"notes": sorted(self.samples.instruments), "notes_digest": files}

    def programmes(self) -> list[int]:
        """Return all: what a MIDI file asks for does not matter."""
        return list(range(128))

    def choose(self, content: Stretch, style: Stretch, number: int) -> tuple[Any, Any] | None:
        """Return two instruments, the second of which reaches the notes of both."""
        able = [
            {name for name in self.samples.instruments if self.samples.reach(stretch.notes, name) >= ABLE}
            for stretch in (content, style)
        ]
        both = sorted(able[0] & able[1])
        found = [(one, other) for other in both for one in sorted(able[0]) if _family(one) != _family(other)]
        return found[int(self._rng(number).integers(len(found)))] if found else None

    def play(self, tasks: Sequence[tuple[Notes, Any]], number: int, seconds: float, rate: int) -> list[Audio]:
        """Play at the notes' own rate."""
        dry = [self.samples.render(notes, name, seconds, self._rng(number))[0] for notes, name in tasks]
        return [Audio(room(sound, RENDER_RATE, self._rng(number)), RENDER_RATE) for sound in dry]

    def _rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])


def _family(name: str) -> str:
    return re.split(r"[-_ ]", name)[0]
