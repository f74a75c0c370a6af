"""Settings of methods: each is checked by its own type, in one place, however a method is made. Floor 4."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from restyle.errors import RestyleError
from restyle.io import hub

P = ParamSpec("P")
Self = TypeVar("Self")


@dataclass(frozen=True)
class Range:
    """The values that a number may have, ends included.

    Args:
        low: the least.
        high: the greatest.
        odd: whether it must be odd.
    """

    low: float = -math.inf
    high: float = math.inf
    odd: bool = False

    def holds(self, value: float) -> bool:
        """Return whether a value is one of them."""
        return self.low <= value <= self.high and (not self.odd or value % 2 == 1)

    def __str__(self) -> str:
        """Return the end of 'must be ...'."""
        odd = "odd and " if self.odd else ""
        if math.isinf(self.high):
            return f"{odd}{self.low:g} or more"
        return f"{odd}between {self.low:g} and {self.high:g}"


Steps = Annotated[int, Range(0)]
Count = Annotated[int, Range(1)]
Positive = Annotated[float, Range(1e-6)]
NotNegative = Annotated[float, Range(0)]
Decibels = Annotated[float, Range(-120, 40)]
Weights = str | Path | None  # whatever `hub.find` finds; read as the path of the file


def checked(
    init: Callable[Concatenate[Self, P], None],
) -> Callable[Concatenate[Self, P], None]:
    """Check a constructor's keyword arguments by their annotations before it runs; text becomes what they say.

    Numbers must be finite and in their `Range`, whole where they are ``int``; sequences are not empty, and may be
    given as text with commas.

    Raises:
        RestyleError: if there is no such setting, or it cannot have the value.

    Example:
        >>> class Echo:
        ...     name = "echo"
        ...     @checked
        ...     def __init__(self, *, delay: Positive = 0.5, taps: Sequence[Count] = (1,)) -> None:
        ...         self.delay, self.taps = delay, tuple(taps)
        >>> Echo(delay="2", taps="3,5").taps
        (3, 5)
        >>> Echo(delay=0)
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: the setting 'delay' of 'echo' must be 1e-06 or more, not 0
    """

    @wraps(init)
    def checking(self: Self, /, *args: P.args, **given: P.kwargs) -> None:
        known, method = _kinds(init), str(getattr(self, "name", type(self).__name__))
        for name in given:
            if name not in known:
                choices = ", ".join(known) or "none: it has no settings"
                raise RestyleError(f"the method '{method}' has no setting '{name}'; choose one of {choices}")
        read: dict[str, Any] = {}
        for name, value in given.items():
            try:
                read[name] = _read(value, known[name], None)
            except (_UnfitError, TypeError, ValueError) as error:
                need = str(error) if isinstance(error, _UnfitError) else "of another kind"
                raise RestyleError(f"the setting '{name}' of '{method}' must be {need}, not {_shown(value)}") from error
        init(self, *args, **read)

    return checking


class _UnfitError(Exception):
    """What a value must be."""


@cache
def _kinds(init: Callable[..., None]) -> dict[str, Any]:
    hints = get_type_hints(init, include_extras=True)
    return {name: kind for name, kind in hints.items() if name != "return"}


def _read(value: Any, kind: Any, within: Range | None) -> Any:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, limit = get_args(kind)[:2]
        return _read(value, inner, limit)
    if origin is Union or isinstance(kind, type(int | str)):
        if isinstance(value, (str, Path)) or value is None:
            return hub.find(value) if value else value
        raise _UnfitError("the name of a model, or a path")
    if origin is Literal:
        if value not in get_args(kind):
            raise _UnfitError("one of " + ", ".join(map(str, get_args(kind))))
        return value
    if origin is not None and issubclass(origin, Sequence):
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, Sequence) or not len(parts):
            raise _UnfitError("one value or more, with commas between them")
        return tuple(_read(part, get_args(kind)[0], within) for part in parts)
    if kind in (int, float):
        return _number(value, kind, within or Range())
    if kind is bool:
        return _truth(value)
    if not isinstance(value, kind):
        raise _UnfitError("text")
    return value


def _number(value: Any, kind: type, within: Range) -> float:
    noun = "a whole number" if kind is int else "a number"
    if isinstance(value, bool):
        raise _UnfitError(noun)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise _UnfitError(noun) from error
    if not math.isfinite(number) or (kind is int and number != int(number)):
        raise _UnfitError(noun)
    if not within.holds(number):
        raise _UnfitError(str(within))
    return kind(number)


def _truth(value: Any) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        raise _UnfitError("true or false")
    return found


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
