"""Everything a transfer can be told, checked once, before any work. Floor 6."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from restyle.errors import RestyleError
from restyle.methods import METHODS

BITS = ("16", "24", "32f")
SLOWEST, FASTEST = 20.0, 400.0  # beats per minute


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a transfer; equal settings on equal files give equal results.

    Args:
        method: a name of ``restyle methods``; None is the method that a learnt style names, else ``note_synth``.
        strength: 0 gives the content back, 1 the full style.
        tempo: ``content`` (as it is), ``style``, or beats per minute.
        groove: whether the content's beats are moved onto the style's beat timing.
        tone: whether spectrum, loudness and width are brought toward the style's at the end.
        seed: the same seed gives the same samples.
        start: seconds of the content to leave out at its beginning.
        duration: seconds of the content to use; None is all.
        bits: sample format of a wav: ``16``, ``24`` or ``32f``.
        options: the method's own settings, by name.

    Raises:
        RestyleError: if a value is not among the allowed ones.

    Example:
        >>> Settings(tempo="120").bpm
        120.0
        >>> Settings(strength=1.5)
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: strength must lie between 0 and 1, not 1.5
    """

    method: str | None = None
    strength: float = 1.0
    tempo: str | float = "content"
    groove: bool = False
    tone: bool = True
    seed: int = 0
    start: float = 0.0
    duration: float | None = None
    bits: str = "16"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.method is not None and self.method not in METHODS:
            raise RestyleError(f"there is no method '{self.method}'; choose one of {', '.join(METHODS)}")
        if not 0 <= self.strength <= 1:  # NaN fails here, too
            raise RestyleError(f"strength must lie between 0 and 1, not {self.strength:g}")
        if not 0 <= self.seed < 2**63:
            raise RestyleError(f"seed must be a whole number from 0 up, not {self.seed}")
        if not 0 <= self.start < math.inf:
            raise RestyleError(f"start must be 0 s or later, not {self.start:g} s")
        if self.duration is not None and not 0.5 <= self.duration < math.inf:
            raise RestyleError(f"duration must be 0.5 s or longer, not {self.duration:g} s")
        if self.bits not in BITS:
            raise RestyleError(f"bits must be one of {', '.join(BITS)}, not '{self.bits}'")
        object.__setattr__(self, "tempo", _tempo(self.tempo))

    @property
    def bpm(self) -> float | None:
        """The tempo asked for in beats per minute; None for ``content`` and ``style``."""
        return None if isinstance(self.tempo, str) else self.tempo

    @property
    def retimes(self) -> bool:
        """Whether the content's timing is changed."""
        return self.tempo != "content" or self.groove


def options(given: Sequence[str], fit: int | None = None) -> dict[str, str | int]:
    """Read a method's settings as they are written on the command line.

    Args:
        given: NAME=VALUE each.
        fit: steps of fitting, if asked for.

    Raises:
        RestyleError: if one is written otherwise.

    Example:
        >>> options(["temperature=0.5"], fit=100)
        {'temperature': '0.5', 'fit': 100}
    """
    made: dict[str, str | int] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RestyleError(f"--set {text}: write it as NAME=VALUE, as --set unpitched=-6")
        made[name.strip()] = value.strip()
    return made if fit is None else made | {"fit": fit}


def _tempo(value: str | float) -> str | float:
    if value in ("content", "style"):
        return value
    try:
        bpm = float(value)
    except ValueError:
        bpm = math.nan
    if not SLOWEST <= bpm <= FASTEST:
        raise RestyleError(
            f"tempo must be 'content', 'style' or {SLOWEST:g} to {FASTEST:g} beats per minute, not '{value}'"
        )
    return bpm
