"""The way of a piece through the house: content and style in, the result out, with all that is known of it. Floor 5.

`transfer` is what the command line, the batch, the comparison, a page and the Python API call. It knows no path and
prints nothing: warnings and facts come back in the `Result`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from restyle import __version__, accompany
from restyle.accompany import Accompanied
from restyle.analysis.drums.infer import find_hits
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
from restyle.settings import Settings as Settings
from restyle.stages import accompaniment, ensemble
from restyle.stages import parts as stage
from restyle.stages.parts import BASS, DRUMS, OTHER, VOCALS, Parts, is_mix
from restyle.stages.warp import warp, warp_notes
from restyle.style import DEFAULT, Style, learn
from restyle.threads import single

Progress = Callable[[float], None]

PROGRAMMES = {OTHER: 0, BASS: 33, VOCALS: 53}  # General MIDI's, of the parts of a content

log = logging.getLogger("restyle")


@dataclass(frozen=True, eq=False)
class Result(Audio):
    """The sound of a transfer, and all that is known of how it came about.

    Args:
        content: what was played: the content at the tempo that was asked for.
        apart: the content's parts, where it was taken apart.
        parts: what the result is the sum of, by name, where the content was taken apart and they were asked for.
        warnings: what was done instead of what was asked for, a sentence each.
        record: settings, facts and warnings as plain JSON values.
        arranged: the notes that are played, where the content is accompanied anew.
    """

    content: Audio | Notes = field(default_factory=lambda: Notes.of([]))
    apart: Parts | None = None
    parts: Mapping[str, Audio] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    arranged: Notes | None = None

    @property
    def notes(self) -> Notes:
        """The notes that the content plays, or those of its arrangement; they are found now where they are not known.

        Where it was taken apart, each part has a programme of its own: `PROGRAMMES`, and the drums theirs.
        """
        if self.arranged is not None:
            return self.arranged
        if isinstance(self.content, Notes):
            return self.content
        if self.apart is None:
            return Analysis.of(self.content).notes
        return Notes.joined([_notes_of(name, self.apart) for name in self.apart.sounds])


def _notes_of(name: str, apart: Parts) -> Notes:
    """What one part of a content plays; what strikes where there are no drums is the attacks of its notes."""
    if name == DRUMS:
        return find_hits(apart.sounds[name]) if apart.struck else Notes.of([])
    notes = Analysis.of(apart.sounds[name]).notes
    return replace(notes, programme=np.full(len(notes), PROGRAMMES[name]))


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
    drums_pattern: str = "content",
    add: str = "none",
    arrange: float = 0.0,
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
        drums_pattern: what the drums of a mix play: the ``content``'s hits, or the ``style``'s own bars on its beats.
        add: parts that the style plays along: ``none``, ``auto``, ``drums``, ``bass`` or ``drums,bass``.
        arrange: how far the notes may change, 0 to 1: the tune stays, and more and more of its accompaniment is written
            anew as the style accompanies: drums above 0, chords from 1/3, bass from 2/3 on.
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
    settings = Settings(
        method=method,
        strength=strength,
        parts=parts,
        vocals=vocals,
        drums_pattern=drums_pattern,
        add=add,
        arrange=arrange,
        tempo=tempo,
        groove=groove,
        tone=tone,
        seed=seed,
        options=options or {},
    )
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
        if given.content and isinstance(content, Audio):
            given = replace(given, content=stage.check_stems(given.content, content, "the content"))
        if isinstance(style, Style):
            for sentence in style.warnings:
                warn(sentence, repeated=True)
        if settings.arrange:
            accompany.check(style, used, parts=keep_parts or bool(given.others))
        apart = not settings.arrange and _is_apart(content, style, settings, given, used)
        if apart and (settings.names(BASS) or BASS in given.others):
            given = _separated(content, style, given)
        if isinstance(style, Style):
            learnt = style
        else:
            both = settings.arrange > 0 or (isinstance(content, Notes) and len(ensemble.strokes(content)) > 0)
            learnt = learn_for(style, settings, names, used, apart=None if both else apart, stems=given.style)
        settings = replace(settings, method=learnt.method)
        trim_memory()  # what fitting leaves unused
        played, stems = _retimed(content, given.content, learnt, settings, part(progress, 0.2, 0.3))
        kept: dict[str, Audio] = {}
        taken: Parts | None = None
        new: Notes | None = None
        silent = isinstance(content, Audio) and is_silent(content)
        if settings.arrange and not silent and not isinstance(style, Style):
            what = accompany.accompanied(played, style, settings)
            kit, rest = make_method("drums"), part(progress, 0.4, 0.9)
            band, voice = accompany.play(what, played, learnt, used, kit, settings, stems=stems, progress=rest)
            made, new = accompany.with_voice(_toned(band, used, learnt, settings), voice), what.notes
        elif apart and isinstance(played, Audio):
            log.info("taking the content apart")
            taken = stage.take_apart(played, stems)
            made, kept = _of_parts(played, taken, learnt, used, given, settings, keep_parts, part(progress, 0.3, 0.95))
        else:
            made = _toned(_styled(played, learnt, used, settings, part(progress, 0.3, 0.9)), used, learnt, settings)
        if isinstance(played, Audio) and settings.strength == 1 and not is_silent(played):
            record_fact("coherence", round(float(np.median(band_coherence(made, played))), 3))
        if progress:
            progress(1.0)
    record = _record(settings, collected)
    return Result(made.samples, made.rate, played, taken, kept, tuple(collected.warnings), record, new)


@single()
def play(what: Accompanied, style: Style, *, seed: int = 0) -> Result:
    """Play a tune and its accompaniment with a learnt style's instruments; the tune stands out.

    Args:
        what: their notes.
        style: learnt with its parts, so that it has drums.
        seed: the same seed gives the same samples.
    """
    with collect() as collected:
        settings = Settings(method=style.method, seed=seed)
        used = _method(style, settings)
        band, _ = accompany.play(what, what.notes, style, used, make_method("drums"), settings)
        made = _toned(band, used, style, settings)
    record = _record(settings, collected)
    return Result(made.samples, made.rate, what.notes, warnings=tuple(collected.warnings), record=record)


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
    asked = settings.needs_parts or bool(given.content or given.style or given.others)
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
    apart: Parts,
    style: Style,
    used: Method,
    given: Given,
    settings: Settings,
    keep: bool,
    progress: Progress | None,
) -> tuple[Audio, dict[str, Audio]]:
    """The result, and its parts if they are to be kept."""
    drums = make_method("drums") if used.plays_notes else used
    profile = style.part("parts")
    for name, other in given.others.items():
        profile = stage.replaced(profile, name, other, drums if name == stage.DRUMS else used)
    apart, voice = stage.voice_of(apart, settings.vocals, profile)
    made = stage.apply(
        apart, profile, used, drums, strengths=settings.strengths, seed=settings.seed, progress=part(progress, 0.1, 0.9)
    )
    made = accompaniment.patterned(
        *(made, content, profile, used, drums),
        instead=settings.drums_pattern == "style",
        add=settings.add,
        seed=settings.seed,
    )
    band = stage.mix(list(made.values()))
    if settings.tone and style.has("tone") and not is_silent(band):
        from restyle.stages import tone

        log.info("matching the tone")
        profile, kept = style.part("tone"), list(made.values()) if keep else []
        shaped = tone.shaped(kept, band, profile, played=used.plays_notes, strength=settings.overall)
        made = dict(zip(made, shaped[1:], strict=True)) if keep else {}
        band = shaped[0]
    if voice is not None:
        made |= {stage.VOCALS: stage.beside(voice, band, stage.mix(list(apart.sounds.values())))}
        whole = stage.mix([band, made[stage.VOCALS]])
        made, band = stage.levelled(made, whole, band)
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


def _retimed(
    content: Audio | Notes,
    stems: Mapping[str, Audio],
    style: Style,
    settings: Settings,
    progress: Progress | None,
) -> tuple[Audio | Notes, Mapping[str, Audio]]:
    """Content and stems at the tempo that the settings ask for; the same objects when they ask for none."""
    if not settings.retimes or (isinstance(content, Audio) and is_silent(content)):
        return content, stems
    from restyle.stages import tempo

    log.info("changing the content's tempo")
    profile = style.part("tempo") if settings.tempo == "style" or settings.groove else {}
    bpm = tempo.own(content) if settings.tempo == "content" else settings.bpm
    times = tempo.plan(content, profile, bpm=bpm, groove=settings.groove)
    if isinstance(content, Notes):
        return warp_notes(content, times), {}
    return warp(content, times, progress=progress), {name: warp(stem, times) for name, stem in stems.items()}


def _styled(content: Audio | Notes, style: Style, used: Method, settings: Settings, progress: Progress | None) -> Audio:
    if isinstance(content, Audio) and is_silent(content):
        warn("the content is silent, so the result is silence")
        return Audio(np.zeros_like(content.samples), content.rate)
    log.info("applying the method '%s'", style.method)
    profile, pitched = style.part("method"), content.pitched() if isinstance(content, Notes) else content
    made = used.apply(pitched, profile, strength=settings.overall, seed=settings.seed, progress=progress)
    if isinstance(content, Audio):
        return made
    parts = style.part("parts") if style.has("parts") else {}
    return ensemble.with_drums(made, content, parts, make_method("drums"), seed=settings.seed, whole=True)


def _toned(made: Audio, used: Method, style: Style, settings: Settings) -> Audio:
    if not settings.tone or not style.has("tone") or is_silent(made):
        return made
    from restyle.stages import tone

    log.info("matching the tone")
    return tone.apply(made, style.part("tone"), played=used.plays_notes, strength=settings.overall)


def _record(settings: Settings, collected: Collected) -> dict[str, Any]:
    facts = {"facts": collected.facts, "warnings": list(collected.warnings)}
    return {"restyle": __version__, "settings": asdict(settings), **facts}
