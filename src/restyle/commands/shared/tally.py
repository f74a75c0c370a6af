"""What became of the files of a folder, counted. Floor 6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from restyle.errors import warn

Report = Callable[[str, int, int], None]  # name, how many are done, of how many


@dataclass
class Tally:
    """What became of a folder's files: how many are new, how many were there, and (name, reason) of the others."""

    new: int = 0
    kept: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def skip(self, name: str, reason: str) -> None:
        """Note that a file is left out, and warn of it, once."""
        if (name, reason) not in self.skipped:
            self.skipped.append((name, reason))
            warn(f"{name} is skipped: {reason}")
