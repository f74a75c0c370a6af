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
from restyle.stages.parts import BASS, PLAYED, VOICES, is_mix
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
        strength: 0 gives the content back, 1 the full style; or so for each part by its name, as ``{"drums": 0.5}``.
        parts: whether a mix is taken apart and each part takes the style of its counterpart: ``auto`` (where content or
            style is a mix), ``on``, ``off``, or the names of the parts that do, with commas between them; the others
            stay as they are.
        vocals: what becomes of a voice in a mix that is taken apart: ``keep`` (as it is), ``tone`` (the spectrum of the
            style's voice), ``play`` (by an instrument), or ``drop``.
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
    def overall(self) -> float:
        """The strength of all that has none of its own."""
        return 1.0 if isinstance(self.strength, Mapping) else self.strength

    @property
    def strengths(self) -> dict[str, float]:
        """The strength of each part that can be played; 0 where it is not to be."""
        given = self.strength if isinstance(self.strength, Mapping) else {}
        asked = PLAYED if self.parts in ("auto", "on", "off") else self.parts.split(",")
        return {name: given.get(name, self.overall) if name in asked else 0.0 for name in PLAYED}

    def names(self, part: str, given: Given) -> bool:
        """Return whether a part is asked for by its name."""
        strengths = self.strength if isinstance(self.strength, Mapping) else ()
        return part in self.parts.split(",") or part in strengths or part in given.others

    @property
    def retimes(self) -> bool:
        """Whether the content's timing is changed."""
        return self.tempo != "content" or self.groove


@dataclass(frozen=True, eq=False)
class Result(Audio):
    """The sound of a transfer, and all that is known of how it came about.

    Args:
        content: what was played: the content at the tempo that was asked for.
        parts: what it is the sum of, by name, where it was taken apart and the parts were asked for.
        warnings: what was done instead of what was asked for, a sentence each.
        record: settings, facts and warnings as plain JSON values.
    """

    content: Audio | Notes = field(default_factory=lambda: Notes.of([]))
    parts: Mapping[str, Audio] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> Notes:
        """The notes that the content plays; they are found now where the method did not need them."""
        return self.content if isinstance(self.content, Notes) else Analysis.of(self.content).notes


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """What is known of a mix beside it.

    Args:
        content: stems of the content, by name.
        style: stems of the (one) style.
        others: recordings that parts take their style from, by the part's name.
    """

    content: Mapping[str, Audio] = field(default_factory=dict)
    style: Mapping[str, Audio] = field(default_factory=dict)
    others: Mapping[str, Audio] = field(default_factory=dict)


def transfer(
    content: Audio | Notes,
    style: Audio | Sequence[Audio] | Style,
    *,
    method: str | None = None,
    strength: float | Mapping[str, float] = 1.0,
    parts: str = "auto",
    vocals: str = "keep",
    tempo: str | float = "content",
    groove: bool = False,
    tone: bool = True,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    given: Given | None = None,
    keep_parts: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Play the content with the sound of the style.

    Args:
        content: what is played: a recording of 0.5 s or more, or notes (for methods that play them).
        style: how it sounds: one recording or several, of any rate and channels, or a learnt `Style`.
        method: a name of ``restyle methods``; by default ``note_synth``, or what the `Style` was learnt for.
        strength: 0 gives the content back, 1 the full style, continuously between; or so for each part of a mix by its
            name.
        parts: whether a mix is taken apart, each part in the style of its counterpart: ``auto``, ``on``, ``off``, or
            the names of the parts that change.
        vocals: what becomes of the voice in a mix: ``keep``, ``tone``, ``play`` or ``drop``.
        tempo: ``content`` (as it is), ``style``, or beats per minute; the pitch is kept.
        groove: whether the content's beats are moved onto the style's beat timing.
        tone: whether spectrum, loudness and width are brought toward the style's at the end.
        seed: the same seed gives the same samples.
        options: the method's own settings, as ``{"fit": 100}``.
        given: stems that are known, and other styles for single parts.
        keep_parts: whether the result holds the parts that it is the sum of.
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
    chosen = {"method": method, "strength": strength, "parts": parts, "vocals": vocals, "tempo": tempo}
    settings = Settings(**chosen, groove=groove, tone=tone, seed=seed, options=options or {})  # type: ignore[arg-type]
    return run(content, style, settings, given=given, keep_parts=keep_parts, progress=progress)


@single()
def run(
    content: Audio | Notes,
    style: Audio | Sequence[Audio] | Style,
    settings: Settings,
    *,
    names: Sequence[str] = (),
    given: Given | None = None,
    keep_parts: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Do what `transfer` does, with its options in one value; ``names`` are those of the style's recordings."""
    given = given or Given()
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
        apart = _is_apart(content, style, settings, given, used)
        if apart and settings.names(BASS, given):
            given = _separated(content, style, given)
        if isinstance(style, Style):
            learnt = style
        else:
            learnt = learn_for(style, settings, names, used, apart=apart, stems=given.style)
        settings = replace(settings, method=learnt.method)
        trim_memory()  # what fitting leaves unused
        played = _retimed(content, learnt, settings, part(progress, 0.2, 0.3))
        kept: dict[str, Audio] = {}
        if apart and isinstance(played, Audio):
            stems = given.content if played is content or not given.content else Analysis.of(played).stems
            made, kept = _of_parts(played, stems, learnt, used, given, settings, keep_parts, part(progress, 0.3, 0.95))
        else:
            made = _toned(_styled(played, learnt, used, settings, part(progress, 0.3, 0.9)), used, learnt, settings)
        if isinstance(played, Audio) and settings.strength == 1 and not is_silent(played):
            record_fact("coherence", round(float(np.median(band_coherence(made, played))), 3))
        if progress:
            progress(1.0)
    return Result(made.samples, made.rate, played, kept, tuple(collected.warnings), _record(settings, collected))


def learn_for(
    style: Audio | Sequence[Audio],
    settings: Settings,
    names: Sequence[str] = (),
    used: Method | None = None,
    *,
    apart: bool | None = None,
    stems: Mapping[str, Audio] | None = None,
) -> Style:
    """Learn of a style just what these settings need.

    Args:
        style: its recordings.
        settings: of the transfers.
        names: of the recordings.
        used: the method, where it is built already.
        apart: whether contents are taken apart; None where that is not known yet.
        stems: of the style, where they are known.
    """
    needed = {
        "method": not apart,  # also where parts are asked for: notes have none
        "parts": settings.parts != "off" and apart is not False,
        "tone": settings.tone,
        "tempo": (settings.retimes and settings.bpm is None) or settings.groove,
    }
    method = settings.method or DEFAULT
    parts = [name for name, need in needed.items() if need]
    return learn(style, method=method, parts=parts, names=names, options=settings.options, used=used, stems=stems)


def _is_apart(
    content: Audio | Notes, style: Audio | Sequence[Audio] | Style, settings: Settings, given: Given, used: Method
) -> bool:
    """Whether a content is taken apart."""
    if settings.parts == "off" or isinstance(content, Notes) or is_silent(content):
        return False
    asked = settings.parts != "auto" or bool(given.content or given.style or given.others)
    if not (asked or hasattr(used, "fit_part")):  # others take a mix as it is
        return False
    if isinstance(style, Style):
        if asked and not style.has("parts"):
            warn("the style was learnt without its parts, so the content is not taken apart: learn it again")
        return style.has("parts") and (asked or bool(style.part("parts")["mixed"][0]) or is_mix(content))
    clips = [style] if isinstance(style, Audio) else style
    return asked or any(is_mix(sound) for sound in (content, *clips) if not is_silent(sound))


def _separated(content: Audio | Notes, style: Audio | Sequence[Audio] | Style, given: Given) -> Given:
    """The stems of content and style, for what strikes and what rings alone tell no bass."""
    clips = [style] if isinstance(style, Audio) else [] if isinstance(style, Style) else list(style)
    own = Analysis.of(content).stems if isinstance(content, Audio) and not given.content else given.content
    stems = Analysis.of(clips[0]).stems if len(clips) == 1 and not given.style else given.style
    return replace(given, content=own, style=stems)


def _of_parts(
    content: Audio,
    stems: Mapping[str, Audio],
    style: Style,
    used: Method,
    given: Given,
    settings: Settings,
    keep: bool,
    progress: Progress | None,
) -> tuple[Audio, dict[str, Audio]]:
    """The result, and its parts if they are to be kept."""
    from restyle.stages import parts

    log.info("taking the content apart")
    apart = parts.take_apart(content, parts.check_stems(stems, content, "the content") if stems else None)
    drums = make_method("drums") if used.plays_notes else used
    profile = style.part("parts")
    for name, other in given.others.items():
        profile = parts.replaced(profile, name, other, drums if name == parts.DRUMS else used)
    apart, voice = parts.voice_of(apart, settings.vocals, profile)
    made = parts.apply(
        apart, profile, used, drums, strengths=settings.strengths, seed=settings.seed, progress=part(progress, 0.1, 0.9)
    )
    band = parts.mix(list(made.values()))
    if settings.tone and style.has("tone") and not is_silent(band):
        from restyle.stages import tone

        log.info("matching the tone")
        profile, kept = style.part("tone"), list(made.values()) if keep else []
        shaped = tone.shaped(kept, band, profile, played=used.plays_notes, strength=settings.overall)
        made = dict(zip(made, shaped[1:], strict=True)) if keep else {}
        band = shaped[0]
    if voice is not None:
        made |= {parts.VOCALS: parts.beside(voice, band, parts.mix(list(apart.sounds.values())))}
        whole = parts.mix([band, made[parts.VOCALS]])
        made, band = parts.levelled(made, whole, band)
    return band, made if keep else {}


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
    return used.apply(content, style.part("method"), strength=settings.overall, seed=settings.seed, progress=progress)


def _toned(made: Audio, used: Method, style: Style, settings: Settings) -> Audio:
    if not settings.tone or not style.has("tone") or is_silent(made):
        return made
    from restyle.stages import tone

    log.info("matching the tone")
    return tone.apply(made, style.part("tone"), played=used.plays_notes, strength=settings.overall)


def _record(settings: Settings, collected: Collected) -> dict[str, Any]:
    facts = {"facts": collected.facts, "warnings": list(collected.warnings)}
    return {"restyle": __version__, "settings": asdict(settings), **facts}


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
