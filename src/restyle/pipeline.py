"""The way of a piece through the house: content and style in, the result out, with all that is known of it. Floor 5.

`transfer` is what the command line, the batch, the comparison, a page and the Python API call. It knows no path and
prints nothing: warnings and facts come back in the `Result`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from restyle import __version__, methods
from restyle.analysis.facts import Analysis
from restyle.audio import Audio
from restyle.dsp.blocks import trim_memory
from restyle.dsp.checks import check_notes, check_sound, is_silent
from restyle.dsp.coherence import band_coherence
from restyle.errors import Collected, RestyleError, collect, record_fact, warn
from restyle.methods import Method
from restyle.methods import method as make_method
from restyle.methods.base import check_content
from restyle.notes import Notes
from restyle.style import DEFAULT, Style, learn
from restyle.threads import single

Progress = Callable[[float], None]

SLOWEST, FASTEST = 20.0, 400.0  # beats per minute

log = logging.getLogger("restyle")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a transfer, checked once, before any work; equal settings on equal inputs give equal results.

    Args:
        method: a name of ``restyle methods``; None is the method that a learnt style names, else ``note_synth``.
        strength: 0 gives the content back, 1 the full style.
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
    strength: float = 1.0
    tempo: str | float = "content"
    groove: bool = False
    tone: bool = True
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.method is not None:
            methods.check(self.method)
        if not (_is_number(self.strength) and 0 <= self.strength <= 1):
            raise RestyleError(f"strength must be a number between 0 and 1, not {self.strength}")
        if not (_is_number(self.seed) and 0 <= self.seed < 2**63 and self.seed == int(self.seed)):
            raise RestyleError(f"seed must be a whole number from 0 up, not {self.seed}")
        for name in ("groove", "tone"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise RestyleError(f"{name} must be true or false, not {getattr(self, name)}")
        if not isinstance(self.options, Mapping):
            raise RestyleError(f"options must hold settings by their names, as {{'fit': 100}}, not {self.options}")
        object.__setattr__(self, "tempo", _tempo(self.tempo))

    @property
    def bpm(self) -> float | None:
        """The tempo asked for in beats per minute; None for ``content`` and ``style``."""
        return None if isinstance(self.tempo, str) else self.tempo

    @property
    def retimes(self) -> bool:
        """Whether the content's timing is changed."""
        return self.tempo != "content" or self.groove


@dataclass(frozen=True, eq=False)
class Result(Audio):
    """The sound of a transfer, and all that is known of how it came about.

    Args:
        content: what was played: the content at the tempo that was asked for.
        warnings: what was done instead of what was asked for, a sentence each.
        record: settings, facts and warnings as plain JSON values.
    """

    content: Audio | Notes = field(default_factory=lambda: Notes.of([]))
    warnings: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> Notes:
        """The notes that the content plays; they are found now where the method did not need them."""
        return self.content if isinstance(self.content, Notes) else Analysis.of(self.content).notes


def transfer(
    content: Audio | Notes,
    style: Audio | Sequence[Audio] | Style,
    *,
    method: str | None = None,
    strength: float = 1.0,
    tempo: str | float = "content",
    groove: bool = False,
    tone: bool = True,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Play the content with the sound of the style.

    Args:
        content: what is played: a recording of 0.5 s or more, or notes (for methods that play them).
        style: how it sounds: one recording or several, of any rate and channels, or a learnt `Style`.
        method: a name of ``restyle methods``; by default ``note_synth``, or what the `Style` was learnt for.
        strength: 0 gives the content back, 1 the full style, continuously between.
        tempo: ``content`` (as it is), ``style``, or beats per minute; the pitch is kept.
        groove: whether the content's beats are moved onto the style's beat timing.
        tone: whether spectrum, loudness and width are brought toward the style's at the end.
        seed: the same seed gives the same samples.
        options: the method's own settings, as ``{"fit": 100}``.
        progress: called with the fraction done, 0..1.

    Returns:
        A sound with the content's rate, channels and, unless its tempo is changed, exact length. Silence stays silence.

    Raises:
        RestyleError: if an argument is out of its range, or a sound is too short, damaged, or (the style) silent.

    Example:
        >>> t = np.arange(16000) / 16000
        >>> content, style = Audio(np.sin(2000 * t), 16000), Audio(np.sign(np.sin(3000 * t)), 16000)
        >>> result = transfer(content, style, method="spectral")
        >>> result.rate, result.channels, result.length, result.warnings
        (16000, 1, 16000, ())
    """
    settings = Settings(
        method=method, strength=strength, tempo=tempo, groove=groove, tone=tone, seed=seed, options=options or {}
    )
    return run(content, style, settings, progress=progress)


@single()
def run(
    content: Audio | Notes,
    style: Audio | Sequence[Audio] | Style,
    settings: Settings,
    *,
    names: Sequence[str] = (),
    progress: Progress | None = None,
) -> Result:
    """Do what `transfer` does, with its options in one value; ``names`` are those of the style's recordings."""
    with collect() as collected:
        if isinstance(content, Notes):
            check_notes(content, "the content")
        else:
            check_sound(content, "the content")
        used = _method(style, settings)
        check_content(content, used)
        if isinstance(style, Style):
            for sentence in style.warnings:
                warn(sentence, repeated=True)
        learnt = style if isinstance(style, Style) else learn_for(style, settings, names, used)
        settings = replace(settings, method=learnt.method)
        trim_memory()  # what fitting leaves unused
        played = _retimed(content, learnt, settings, part(progress, 0.2, 0.3))
        made = _toned(_styled(played, learnt, used, settings, part(progress, 0.3, 0.9)), used, learnt, settings)
        if isinstance(played, Audio) and settings.strength == 1 and not is_silent(played):
            record_fact("coherence", round(float(np.median(band_coherence(made, played))), 3))
        if progress:
            progress(1.0)
    return Result(made.samples, made.rate, played, tuple(collected.warnings), _record(settings, collected))


def learn_for(
    style: Audio | Sequence[Audio], settings: Settings, names: Sequence[str] = (), used: Method | None = None
) -> Style:
    """Learn of a style just what these settings need."""
    needed = {
        "method": True,
        "tone": settings.tone,
        "tempo": (settings.retimes and settings.bpm is None) or settings.groove,
    }
    method = settings.method or DEFAULT
    parts = [name for name, need in needed.items() if need]
    return learn(style, method=method, parts=parts, names=names, options=settings.options, used=used)


def part(progress: Progress | None, low: float, high: float) -> Progress | None:
    """Return a progress function for the stretch from ``low`` to ``high`` of a longer work."""
    return None if progress is None else lambda fraction: progress(low + (high - low) * fraction)


def _method(style: Audio | Sequence[Audio] | Style, settings: Settings) -> Method:
    """The method, built once: what learns the style also plays the content."""
    if not isinstance(style, Style):
        return make_method(settings.method or DEFAULT, **settings.options)
    if settings.method not in (None, style.method):
        asked = settings.method
        raise RestyleError(
            f"the style was learnt for the method '{style.method}', not '{asked}'; learn it for that one"
        )
    return make_method(style.method, **{**style.options, **settings.options})


def _retimed(content: Audio | Notes, style: Style, settings: Settings, progress: Progress | None) -> Audio | Notes:
    """The content at the tempo that the settings ask for; the same object when they ask for none."""
    if not settings.retimes or (isinstance(content, Audio) and is_silent(content)):
        return content
    from restyle.stages import tempo

    log.info("changing the content's tempo")
    profile = style.part("tempo") if settings.tempo == "style" or settings.groove else {}
    bpm = tempo.own(content) if settings.tempo == "content" else settings.bpm
    return tempo.apply(content, profile, bpm=bpm, groove=settings.groove, progress=progress)


def _styled(content: Audio | Notes, style: Style, used: Method, settings: Settings, progress: Progress | None) -> Audio:
    if isinstance(content, Audio) and is_silent(content):
        warn("the content is silent, so the result is silence")
        return Audio(np.zeros_like(content.samples), content.rate)
    log.info("applying the method '%s'", style.method)
    profile, strength = style.part("method"), settings.strength
    return used.apply(content, profile, strength=strength, seed=settings.seed, progress=progress)


def _toned(made: Audio, used: Method, style: Style, settings: Settings) -> Audio:
    if not settings.tone or not style.has("tone") or is_silent(made):
        return made
    from restyle.stages import tone

    log.info("matching the tone")
    return tone.apply(made, style.part("tone"), played=used.plays_notes, strength=settings.strength)


def _record(settings: Settings, collected: Collected) -> dict[str, Any]:
    facts = {"facts": collected.facts, "warnings": list(collected.warnings)}
    return {"restyle": __version__, "settings": asdict(settings), **facts}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


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
