"""``restyle transfer``: the content in the style of other recordings. Floor 6."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from restyle import __version__
from restyle.audio import Audio
from restyle.commands import learn as learning
from restyle.commands import outputs, runs
from restyle.commands.inputs import MIDI, check_notes, check_sound, is_silent, read_content, read_sound
from restyle.commands.learn import DEFAULT, Style
from restyle.commands.runs import is_learnt
from restyle.commands.settings import Settings
from restyle.errors import RestyleError, collect_warnings, warn
from restyle.methods import method as make_method
from restyle.notes import Notes

Progress = Callable[[float], None]

log = logging.getLogger("restyle")


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
) -> Audio:
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
        >>> result.rate, result.channels, result.length
        (16000, 1, 16000)
    """
    settings = Settings(
        method=method, strength=strength, tempo=tempo, groove=groove, tone=tone, seed=seed, options=options or {}
    )
    if isinstance(content, Notes):
        check_notes(content, "the content")
    else:
        check_sound(content, "the content")
    learnt = style if isinstance(style, Style) else learn_for(style, settings)
    return styled(
        retimed(content, learnt, settings, part(progress, 0.2, 0.3)), learnt, settings, part(progress, 0.3, 1)
    )


def learn_for(style: Audio | Sequence[Audio], settings: Settings, names: Sequence[str] | None = None) -> Style:
    """Learn of a style just what these settings need."""
    needed = {
        "method": True,
        "tone": settings.tone,
        "tempo": (settings.retimes and settings.bpm is None) or settings.groove,
    }
    parts = [name for name, wanted in needed.items() if wanted]
    used = settings.method or DEFAULT
    return learning.learn(style, method=used, parts=parts, names=names, options=settings.options)


def retimed(
    content: Audio | Notes, style: Style, settings: Settings, progress: Progress | None = None
) -> Audio | Notes:
    """Return the content at the tempo that the settings ask for; the same object when they ask for none."""
    if not settings.retimes or (isinstance(content, Audio) and is_silent(content)):
        return content
    from restyle.stages import tempo

    log.info("changing the content's tempo")
    profile = style.part("tempo") if settings.tempo == "style" or settings.groove else {}
    bpm = _own_tempo(content) if settings.tempo == "content" else settings.bpm
    return tempo.apply(content, profile, bpm=bpm, groove=settings.groove, progress=progress)


def _own_tempo(content: Audio | Notes) -> float | None:
    """The content's tempo in BPM; None where it has no beat (which the stage then says)."""
    from restyle.analysis import beats

    curve = beats.note_curve(content) if isinstance(content, Notes) else beats.onset_curve(content)
    return beats.track(curve).tempo or None


def styled(content: Audio | Notes, style: Style, settings: Settings, progress: Progress | None = None) -> Audio:
    """Run the method and the tone stage."""
    if settings.method not in (None, style.method):
        wanted = settings.method
        raise RestyleError(
            f"the style was learnt for the method '{style.method}', not '{wanted}'; learn it for that one"
        )
    if isinstance(content, Audio) and is_silent(content):
        warn("the content is silent, so the result is silence")
        return Audio(np.zeros_like(content.samples), content.rate)
    used = make_method(style.method, **{**style.options, **settings.options})
    if isinstance(content, Notes) and not used.plays_notes:
        raise RestyleError(f"the method '{style.method}' needs a recording as content; choose 'notes' to play MIDI")
    log.info("applying the method '%s'", style.method)
    toned = settings.tone and style.has("tone")
    share = 0.85 if toned else 1.0
    profile, strength = style.part("method"), settings.strength
    result = used.apply(content, profile, strength=strength, seed=settings.seed, progress=part(progress, 0, share))
    if toned:
        from restyle.stages import tone

        log.info("matching the tone")
        told, played = part(progress, share, 1), used.plays_notes
        result = tone.apply(result, style.part("tone"), played=played, strength=strength, progress=told)
    return result


def part(progress: Progress | None, low: float, high: float) -> Progress | None:
    """Return a progress function for the stretch from ``low`` to ``high`` of a longer work."""
    return None if progress is None else lambda fraction: progress(low + (high - low) * fraction)


def run(
    content: Path,
    styles: Sequence[Path],
    out: Path,
    *,
    settings: Settings | None = None,
    midi: Path | None = None,
    pictures: Path | None = None,
    learnt: Style | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Transfer files; write the result, its record ``.json`` and what else is asked for, all of it or nothing.

    Args:
        content: a recording or a MIDI file.
        styles: one recording or several, or one ``.style`` file, run's folder or weights file.
        out: the sound file to write.
        settings: the options; the defaults where None.
        midi: where to write the notes that the content was found to play.
        pictures: the folder for spectrograms of content, style and result; it is made if missing.
        learnt: the style, where the caller has learnt it from ``styles`` already.
        progress: called with the fraction done, 0..1.

    Returns:
        The record, as written beside the result.

    Raises:
        RestyleError: if an input cannot be used or an output cannot be written.
    """
    settings, begun = settings or Settings(), time.monotonic()
    targets = check_files(content, styles, out, midi, bits=settings.bits)
    with outputs.folder(pictures), collect_warnings() as warnings:
        log.info("reading %s", content)
        played = read_content(content, start=settings.start, duration=settings.duration)
        clips = [] if is_learnt(styles[0]) or (learnt and not pictures) else [read_sound(path) for path in styles]
        learnt = learnt or read_style(styles, clips, settings)
        if progress:
            progress(0.15)
        retimed_content = retimed(played, learnt, settings, part(progress, 0.15, 0.25))
        result = styled(retimed_content, learnt, settings, part(progress, 0.25, 0.95))
        drawn = [] if pictures is None else [pictures / f"{name}.png" for name in _names(retimed_content, clips)]
        with outputs.together([*targets, *drawn]) as beside:
            _write_sound(beside[0], result, settings)
            if midi:
                _write_notes(beside[2], retimed_content)
            _draw(beside[len(targets) :], retimed_content, clips, result)
            record = make_record(content, styles, out, replace(settings, method=learnt.method))
            record |= _facts(result, time.monotonic() - begun, warnings, midi, pictures)
            beside[1].write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def check_files(
    content: Path, styles: Sequence[Path], out: Path, midi: Path | None = None, *, bits: str = "16"
) -> list[Path]:
    """Check every name before any work; return the files to write: sound, record, MIDI.

    Raises:
        RestyleError: if an input is missing, or an output cannot be written or is an input.
    """
    from restyle.files.sound import check_output

    inputs = [content, *styles]
    check_input(content)
    for style in styles:
        check_style(style)
    if any(is_learnt(path) for path in styles) and len(styles) > 1:
        raise RestyleError("a learnt style stands alone; give one .style file or run, or any number of recordings")
    check_output(out, bits)
    outputs.check_not_input(out, inputs)
    record = outputs.record_path(out)
    outputs.check_record(record, inputs)
    if midi:
        outputs.check_output(midi, inputs, MIDI)
    targets = [out, record, *([midi] if midi else [])]
    outputs.check_distinct(targets)
    return targets


def check_input(path: Path) -> None:
    """Refuse an input that is no file.

    Raises:
        RestyleError: if nothing or a folder is there.
    """
    if path.is_dir():
        raise RestyleError(f"{path} is a folder; give a recording in it")
    if not path.exists():
        raise RestyleError(f"{path}: there is no such file; check the name")


def check_style(path: Path) -> None:
    """Refuse a style that is no file, nor the folder of a finished run.

    Raises:
        RestyleError: if it is neither.
    """
    check_input(runs.weights(path))


def read_style(styles: Sequence[Path], clips: Sequence[Audio], settings: Settings) -> Style:
    """Load a style that was learnt, or learn from the clips that were read."""
    if is_learnt(styles[0]):
        return runs.read(styles[0], settings.options)
    return learn_for(clips, settings, [str(path) for path in styles])


def make_record(content: Path, styles: Sequence[Path], out: Path, settings: Settings) -> dict[str, Any]:
    """Return the part of a record that says what was asked for, as plain JSON values."""
    return {
        "restyle": __version__,
        "content": str(content),
        "style": [str(path) for path in styles],
        "out": str(out),
        "settings": asdict(settings),
    }


def _facts(
    result: Audio, seconds: float, warnings: list[str], midi: Path | None, pictures: Path | None
) -> dict[str, Any]:
    return {
        "rate": result.rate,
        "channels": result.channels,
        "length": result.length,
        "midi": str(midi) if midi else None,
        "pictures": str(pictures) if pictures else None,
        "seconds": round(seconds, 3),
        "warnings": warnings,
    }


def _write_sound(path: Path, result: Audio, settings: Settings) -> None:
    from restyle.files.sound import write

    write(path, result, bits=settings.bits)


def _write_notes(path: Path, content: Audio | Notes) -> None:
    from restyle.files.midi import write_midi

    if isinstance(content, Audio):
        from restyle.analysis.transcription import transcribe

        content = transcribe(content).notes
    write_midi(path, content)


def _names(content: Audio | Notes, clips: Sequence[Audio]) -> list[str]:
    """What there is to draw: notes and learnt styles have no spectrogram."""
    return [
        "spectrograms",
        *(["content"] if isinstance(content, Audio) else []),
        *(["style"] if clips else []),
        "result",
    ]


def _draw(paths: Sequence[Path], content: Audio | Notes, clips: Sequence[Audio], result: Audio) -> None:
    if not paths:
        return
    from restyle import plot

    log.info("drawing spectrograms")
    shown = content if isinstance(content, Audio) else None
    named = {"content": shown, "style": clips[0] if clips else None, "result": result}
    sounds = {name: sound for name, sound in named.items() if sound is not None}
    plot.save(plot.compare(sounds), paths[0])
    top = plot.loudest(list(sounds.values()))
    for path, (name, sound) in zip(paths[1:], sounds.items(), strict=True):
        plot.save(plot.spectrogram(sound, name, top=top), path)
