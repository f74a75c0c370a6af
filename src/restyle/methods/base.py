"""What every method is: `fit` learns a profile from style recordings, `apply` plays content with it. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

import numpy as np

from restyle.audio import Audio
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError
from restyle.notes import Notes
from restyle.threads import single

Profile = dict[str, np.ndarray]  # what a method learnt from a style: named arrays, saved as safetensors
SILENT_STYLE = "the style is silent: choose a recording that can be heard"


class Method(Protocol):
    """A way to give content the style of other recordings. Settings are keyword arguments of the constructor."""

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
        """Return the profile of the style that was trained; a setting chooses where there are several.

        Raises:
            RestyleError: if it must be chosen, or there is none of the name.
        """
        ...


def check_content(content: Audio | Notes, method: Method) -> None:
    """Refuse notes that a method cannot play.

    Raises:
        RestyleError: if the method takes recordings only, or the notes are drums alone.
    """
    if not isinstance(content, Notes):
        return
    if not method.plays_notes:
        raise RestyleError(f"the method '{method.name}' needs a recording as content; choose 'notes' to play MIDI")
    if not len(content.pitched()):
        raise RestyleError(f"the method '{method.name}' cannot play drums, and the content holds nothing else")


def of_recordings(apply: Callable[..., Audio]) -> Callable[..., Audio]:
    """Make `Method.apply` of what a method that takes recordings only does: its checks and defaults are here.

    Notes are refused, strength 0 gives the content back, and the work runs on one thread (see `threads.single`).

    Args:
        apply: called with content and profile, and ``strength``, ``seed`` and ``progress`` by name; never with None.
    """

    def applied(
        self: Method,
        content: Audio | Notes,
        profile: Profile,
        *,
        strength: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Audio:
        check_content(content, self)
        assert isinstance(content, Audio)
        if strength == 0:
            return content
        with single():
            return apply(self, content, profile, strength=strength, seed=seed, progress=progress or (lambda _: None))

    applied.__doc__ = apply.__doc__
    return applied
