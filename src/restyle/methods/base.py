"""What every method is: `fit` learns a profile from style recordings, `apply` plays content with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError
from restyle.notes import Notes

Profile = dict[str, np.ndarray]  # what a method learnt from a style: named arrays, saved as safetensors
SILENT_STYLE = "the style is silent: choose a recording that can be heard"


class Method(Protocol):
    """A way to give content the style of other recordings. Settings are keyword arguments of the constructor.

    One that plays notes of drums, too, says so by a class attribute ``plays_drums = True``.
    """

    name: ClassVar[str]
    plays_notes: ClassVar[bool]  # whether `apply` takes Notes as content, too

    def fit(self, style: Sequence[Audio]) -> Profile:
        """Learn from one clip or several, of any rate and channels.

        Raises:
            RestyleError: if there is nothing to learn from, as in silence.
        """
        ...

    def apply(
        self,
        content: Audio | Notes,
        profile: Profile,
        *,
        strength: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Audio:
        """Return the content in the style: same rate, channels and length.

        Args:
            content: the recording; or notes, where ``plays_notes`` says so.
            profile: what :meth:`fit` returned.
            strength: 0 gives the content back (exactly), 1 the full style, continuously between.
            seed: the same seed gives the same samples.
            progress: called with the fraction done, 0..1.
        """
        ...


class Taught(Method, Protocol):
    """A method whose weights can be a style by themselves: a training's result in place of recordings."""

    def taught(self) -> Profile:
        """Return the profile of the style that was taught; a setting chooses where there are several.

        Raises:
            RestyleError: if it must be chosen, or there is none of the name.
        """
        ...


def recording(content: Audio | Notes, method: str) -> Audio:
    """Return the content of a method that cannot play notes.

    Raises:
        RestyleError: if the content is notes.

    Example:
        >>> recording(Notes.of([]), "mosaic")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: the method 'mosaic' needs a recording as content; choose 'notes' to play MIDI
    """
    if isinstance(content, Notes):
        raise RestyleError(f"the method '{method}' needs a recording as content; choose 'notes' to play MIDI")
    return content
