"""What became of the files of a folder, counted. Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from restyle.commands.shared.pool import KILLED
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


class Named(Protocol):
    """A file, or several, of a name."""

    @property
    def name(self) -> str:
        """By which it is reported."""
        ...


class Group(Protocol):
    """What one process works on."""

    @property
    def items(self) -> Sequence[Named]:
        """One after the other."""
        ...


def tally(
    made: Tally, outcomes: Iterable[tuple[Group, Mapping[str, str] | None]], count: int, report: Report | None
) -> None:
    """Count what became of groups of files as it is known.

    Args:
        made: what is counted; those that were there are.
        outcomes: each group with the reasons, by name, why files of it are left out; None where its process was killed.
        count: of all files.
        report: called with a file's name, how many are done, and of how many.
    """
    done = made.kept
    for group, outcome in outcomes:
        reasons = dict.fromkeys([item.name for item in group.items], KILLED) if outcome is None else outcome
        for item in group.items:
            done += 1
            if item.name in reasons:
                made.skip(item.name, reasons[item.name])
            else:
                made.new += 1
            if report:
                report(item.name, done, count)
