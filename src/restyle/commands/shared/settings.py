"""The options of a transfer of files, and how they are written on the command line. Floor 6."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from restyle import pipeline
from restyle.errors import RestyleError

BITS = ("16", "24", "32f")


@dataclass(frozen=True, kw_only=True)
class Settings(pipeline.Settings):
    """Those of `pipeline.Settings`, and what part of the content is used and how the result is written.

    Args:
        start: seconds of the content to leave out at its beginning.
        duration: seconds of the content to use; None is all.
        bits: sample format of a wav: ``16``, ``24`` or ``32f``.

    Raises:
        RestyleError: if a value is not among the allowed ones.
    """

    start: float = 0.0
    duration: float | None = None
    bits: str = "16"

    def __post_init__(self) -> None:
        if isinstance(self.strength, str):
            object.__setattr__(self, "strength", _strength(self.strength))
        super().__post_init__()
        if not 0 <= self.start < math.inf:
            raise RestyleError(f"start must be 0 s or later, not {self.start:g} s")
        if self.duration is not None and not 0.5 <= self.duration < math.inf:
            raise RestyleError(f"duration must be 0.5 s or longer, not {self.duration:g} s")
        if self.bits not in BITS:
            raise RestyleError(f"bits must be one of {', '.join(BITS)}, not '{self.bits}'")


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
    values: dict[str, str | int] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RestyleError(f"--set {text}: write it as NAME=VALUE, as --set unpitched=-6")
        values[name.strip()] = value.strip()
    return values if fit is None else values | {"fit": fit}


def _strength(text: str) -> float | dict[str, float]:
    """Read a strength, or those of parts, as ``drums=0.5,other=1``."""
    try:
        if "=" not in text:
            return float(text)
        pairs = [one.partition("=") for one in text.split(",")]
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError as error:
        raise RestyleError(f"--strength {text}: give a number from 0 to 1, or drums=0.5,other=1") from error
