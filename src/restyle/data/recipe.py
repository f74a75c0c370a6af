"""How songs are made of MIDI files. Floor 3."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from restyle.data.recorded import file_names
from restyle.errors import RestyleError

VERSION = 7  # of the way songs are made: another one makes them anew


@dataclass(frozen=True)
class Recipe:
    """How songs are made of MIDI files.

    Args:
        soundfonts: one of them plays each song.
        rate: of the sounds, Hz.
        seconds: how much of a song is made at most.
        seed: of all that is random.
        samples: folders of recorded single notes (see `NoteSamples`) that play a part now and then.
        plain: play the files as they are: no other programmes, transposition, tempo, velocities or effects.
        stems: also keep every part on its own, without effects, at its level in the song.
        free: any programmes play one to six of the parts, bent and layered (see `free`), drums come and go, and some
            songs have been through a codec: what teaches a transcriber. Not with ``plain`` or ``stems``.
        drums: a folder of MIDI files whose drums may join songs that are free.
        noises: a folder of recordings without notes (drum loops) that may, too.
        backgrounds: a folder of recordings whose noise floors lie under songs that are not plain.

    Raises:
        RestyleError: if there is no SoundFont or a value is out of range.
    """

    soundfonts: tuple[Path, ...]
    rate: int = 22050
    seconds: float = 180.0
    seed: int = 0
    samples: tuple[Path, ...] = ()
    plain: bool = False
    stems: bool = False
    free: bool = False
    drums: Path | None = None
    noises: Path | None = None
    backgrounds: Path | None = None

    def __post_init__(self) -> None:
        if self.free and (self.plain or self.stems):
            raise RestyleError("a song cannot be free and plain, or have stems; leave out one of them")
        if not self.soundfonts:
            raise RestyleError("there is no SoundFont to play with; give at least one .sf2 or .sf3 file")
        if not 8000 <= self.rate <= 48000:
            raise RestyleError(f"the rate cannot be {self.rate} Hz; give 8000 to 48000")
        if not 1 <= self.seconds <= 3600:
            raise RestyleError(f"a song cannot last {self.seconds:g} s; give 1 to 3600 seconds")
        object.__setattr__(self, "seconds", float(self.seconds))


@lru_cache(maxsize=8)
def recipe_digest(recipe: Recipe) -> str:
    """Return what recipes that make the same songs share; where SoundFonts and recorded notes lie does not count."""
    facts = asdict(recipe) | {
        "version": VERSION,
        "soundfonts": [(path.name, path.stat().st_size) for path in recipe.soundfonts],
        "samples": file_names(recipe.samples) or None,
    }
    for folder in ("drums", "noises", "backgrounds"):
        files = getattr(recipe, folder)
        facts[folder] = sorted(path.name for path in files.rglob("*.*")) if files else None
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
