"""What the report of a run needs: who draws it, and times in words. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Page = Callable[[Mapping[str, Any]], str]  # as `restyle.pages.training.page`


def spell(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> spell(75), spell(4000), spell(8)
        ('1 min', '1 h 7 min', '8 s')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
