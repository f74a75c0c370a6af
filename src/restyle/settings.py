"""The options of a transfer. Floor 5."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from restyle import methods
from restyle.errors import RestyleError
from restyle.stages.accompaniment import ADDED
from restyle.stages.parts import PLAYED, VOICES

SLOWEST, FASTEST = 20.0, 400.0  # beats per minute


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a transfer, checked once, before any work; equal settings on equal inputs give equal results.

    Args:
        method: a name of ``restyle methods``; None is the method that a learnt style names, else ``note_synth``.
        strength: 0 gives the content back, 1 the full style; or so for each part by its name, as ``{"drums": 0.5}``.
        parts: whether a mix is taken apart and each part takes the style of its counterpart: ``auto`` (where content or
            style is a mix), ``on``, ``off``, or the names of the parts that do, with commas between them; the others
            stay as they are.
        vocals: what becomes of a voice in a mix that is taken apart: ``keep`` (as it is), ``tone`` (the spectrum of the
            style's voice), ``play`` (by an instrument), or ``drop``.
        drums_pattern: what the drums play where the content is taken apart: the content's hits (``content``), or the
            style's own bars on the content's beats (``style``).
        add: parts that the style plays along where the content is taken apart: ``none``, ``drums``, ``bass``,
            ``drums,bass``, or ``auto`` for those that the style has and the content has not.
        arrange: how far the notes may change, 0 (not at all) to 1: the tune stays, what accompanies it is written anew
            as the style accompanies, its drums above 0, its chords from 1/3, its bass from 2/3 on.
        tempo: ``content`` (as it is), ``style``, or beats per minute.
        groove: whether the content's beats are moved onto the style's beat timing.
        tone: whether spectrum, loudness and width are brought toward the style's at the end.
        seed: the same seed gives the same samples.
        options: the method's own settings, by name.

    Raises:
        RestyleError: if a value is not among the allowed ones.

    Example:
        >>> Settings(tempo="120").bpm
        120.0
        >>> Settings(strength=1.5)
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: strength must be a number between 0 and 1, not 1.5
    """

    method: str | None = None
    strength: float | Mapping[str, float] = field(default=1.0, hash=False)
    parts: str = "auto"
    vocals: str = "keep"
    drums_pattern: str = "content"
    add: str = "none"
    arrange: float = 0.0
    tempo: str | float = "content"
    groove: bool = False
    tone: bool = True
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.method is not None:
            methods.check(self.method)
        object.__setattr__(self, "strength", _strength(self.strength))
        if self.parts not in ("auto", "on", "off"):
            _check_names(self.parts.split(","), PLAYED, "parts must be auto, on, off, or")
        if self.vocals not in VOICES:
            raise RestyleError(f"vocals must be one of {', '.join(VOICES)}, not '{self.vocals}'")
        if self.drums_pattern not in ("content", "style"):
            raise RestyleError(f"drums_pattern must be content or style, not '{self.drums_pattern}'")
        if self.add not in ("none", "auto"):
            _check_names(self.add.split(","), ADDED, "add must be none, auto, or")
        self._check_arranged()
        if not (_is_number(self.seed) and 0 <= self.seed < 2**63 and self.seed == int(self.seed)):
            raise RestyleError(f"seed must be a whole number from 0 up, not {self.seed}")
        for name in ("groove", "tone"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise RestyleError(f"{name} must be true or false, not {getattr(self, name)}")
        if not isinstance(self.options, Mapping):
            raise RestyleError(f"options must hold settings by their names, as {{'fit': 100}}, not {self.options}")
        object.__setattr__(self, "tempo", _tempo(self.tempo))

    def _check_arranged(self) -> None:
        if not (_is_number(self.arrange) and 0 <= self.arrange <= 1):
            raise RestyleError(f"arrange must be a number between 0 and 1, not {self.arrange}")
        if self.arrange and self.parts != "auto":
            raise RestyleError(f"arrange plays all parts, so that parts must be auto, not {self.parts}")
        if self.arrange and self.strength != 1:
            raise RestyleError("arrange plays notes that the content has not, so that the strength must be 1")
        if self.arrange and (self.add != "none" or self.drums_pattern == "style"):
            raise RestyleError("arrange writes drums and bass of its own; leave out add and drums_pattern")

    @property
    def bpm(self) -> float | None:
        """The tempo asked for in beats per minute; None for ``content`` and ``style``."""
        return None if isinstance(self.tempo, str) else self.tempo

    @property
    def overall(self) -> float:
        """The strength of all that has none of its own."""
        return 1.0 if isinstance(self.strength, Mapping) else self.strength

    @property
    def strengths(self) -> dict[str, float]:
        """The strength of each part that can be played; 0 where it is not to be."""
        given = self.strength if isinstance(self.strength, Mapping) else {}
        asked = PLAYED if self.parts in ("auto", "on", "off") else self.parts.split(",")
        return {name: given.get(name, self.overall) if name in asked else 0.0 for name in PLAYED}

    def names(self, part: str) -> bool:
        """Return whether a part is asked for by its name."""
        return part in self.parts.split(",") or (isinstance(self.strength, Mapping) and part in self.strength)

    @property
    def needs_parts(self) -> bool:
        """Whether something is asked for that only parts can do."""
        return self.parts != "auto" or self.add != "none" or self.drums_pattern == "style"

    @property
    def retimes(self) -> bool:
        """Whether the content's timing is changed."""
        return self.tempo != "content" or self.groove


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _strength(value: Any) -> float | dict[str, float]:
    """Check a strength, or those of parts."""
    given = value if isinstance(value, Mapping) else {"": value}
    for name, one in given.items():
        of = f"the strength of {name}" if name else "strength"
        if not (_is_number(one) and 0 <= one <= 1):
            raise RestyleError(f"{of} must be a number between 0 and 1, not {one}")
    if isinstance(value, Mapping):
        _check_names(list(value), PLAYED, "a strength must be of")
        return {name: float(one) for name, one in value.items()}
    return float(value)


def _check_names(given: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise RestyleError(f"{what} {', '.join(known)}, not '{name}'")


def _tempo(value: str | float) -> str | float:
    if value in ("content", "style"):
        return value
    try:
        bpm = float(value)
    except (TypeError, ValueError):
        bpm = math.nan
    if not SLOWEST <= bpm <= FASTEST:
        raise RestyleError(
            f"tempo must be 'content', 'style' or {SLOWEST:g} to {FASTEST:g} beats per minute, not '{value}'"
        )
    return bpm
