"""``restyle transfer``: the content in the style of other recordings. Floor 6."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from restyle import __version__, pipeline
from restyle.audio import Audio
from restyle.commands.shared import outputs
from restyle.commands.shared.inputs import check_input, check_style, read_content, read_sound
from restyle.commands.shared.settings import Settings
from restyle.data.stems import read_stems, stem_songs
from restyle.errors import RestyleError, collect, collect_warnings, warn
from restyle.io.hub import run_weights
from restyle.io.midi import MIDI, MIDI_READ, write_midi
from restyle.io.text import write_text
from restyle.pipeline import Progress, Result, part
from restyle.style import DEFAULT, Style, is_learnt, read

log = logging.getLogger("restyle")


@dataclass(frozen=True)
class Beside:
    """Files beside content and style.

    Args:
        content_stems: folder of the content's stems.
        style_stems: of the style's.
        others: recordings that parts take their style from, by the part's name.
    """

    content_stems: Path | None = None
    style_stems: Path | None = None
    others: Mapping[str, Path] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """All of them."""
        stems = [
            path for folder in (self.content_stems, self.style_stems) if folder for path in _stems(folder).values()
        ]
        return [*stems, *self.others.values()]

    def read(self, start: float, duration: float | None) -> pipeline.Given:
        """Read them; of the content's stems the same stretch in seconds as of the content.

        Raises:
            RestyleError: if a folder holds no stems, or those of several songs, or a file cannot be read.
        """
        content, style = (
            read_stems(_stems(folder)) if folder else {} for folder in (self.content_stems, self.style_stems)
        )
        stop = math.inf if duration is None else start + duration
        content = {name: _cut(stem, start, stop) for name, stem in content.items()}
        return pipeline.Given(
            content=content, style=style, others={name: read_sound(path) for name, path in self.others.items()}
        )


def _cut(sound: Audio, start: float, stop: float) -> Audio:
    return sound.slice(round(start * sound.rate), round(min(stop, sound.duration) * sound.rate))


def _stems(folder: Path) -> Mapping[str, Path]:
    songs = stem_songs(folder)
    if len(songs) > 1:
        raise RestyleError(f"{folder} holds stems of {len(songs)} songs; give a folder with those of one")
    return songs[0].files


def run(
    content: Path,
    styles: Sequence[Path],
    out: Path,
    *,
    settings: Settings | None = None,
    midi: Path | None = None,
    pictures: Path | None = None,
    stems: Path | None = None,
    stems_optional: bool = False,
    beside: Beside | None = None,
    learnt: Style | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Transfer files; write the result, its record ``.json`` and what else is asked for, all of it or nothing.

    Where all of it is there already, made of the same files with the same settings and version, nothing is done.

    Args:
        content: a recording or a MIDI file.
        styles: one recording or several, or one ``.style`` file, run's folder or weights file.
        out: the sound file to write.
        settings: the options; the defaults where None.
        midi: where to write the notes that the content was found to play.
        pictures: the folder for spectrograms of content, style and result; it is made if missing.
        stems: the folder for the parts of the result, made if missing; without any where it was not taken apart.
        stems_optional: whether that is no cause for a warning.
        beside: stems that are known, and other styles for single parts.
        learnt: the style, where the caller has learnt it from ``styles`` already.
        overwrite: whether other files at the outputs' places may be replaced; the work is then done in any case.
        progress: called with the fraction done, 0..1.

    Returns:
        The record, as written beside the result, and ``kept``: whether it was there already.

    Raises:
        RestyleError: if an input cannot be used, or an output cannot be written or exists.
    """
    settings, begun, beside = settings or Settings(), time.monotonic(), beside or Beside()
    scores = [path for path in styles if path.suffix.lower() in MIDI_READ] if settings.arrange else []
    if scores:
        raise RestyleError(f"{scores[0]} has notes and no sound; give a recording as the style, or use restyle arrange")
    targets = check_files(content, styles, out, midi, bits=settings.bits, more=beside.files)
    if pictures:
        import restyle.pages.plot  # noqa: F401 (what it lacks is said before the work)

    drawn = [] if pictures is None else [pictures / f"{name}.png" for name in _drawn(content, styles)]
    inputs = outputs.fingerprints([*input_files(content, styles, settings), *beside.files])
    with outputs.folder(pictures), outputs.folder(stems), collect() as collected:
        known = None if overwrite else _find_kept([*targets, *drawn], styles, settings, inputs)
        if known and (stems is None or any(stems.iterdir())):
            return known | {"kept": True}
        log.info("reading %s", content)
        played = read_content(content, start=settings.start, duration=settings.duration)
        clips = [] if is_learnt(styles[0]) or (learnt and not pictures) else [read_sound(path) for path in styles]
        if learnt is None and is_learnt(styles[0]):
            learnt = read(styles[0], settings.options)
        names = [str(path) for path in styles]
        result = pipeline.run(
            played,
            learnt or clips,
            settings,
            names=names,
            given=beside.read(settings.start, settings.duration),
            keep_parts=stems is not None,
            progress=part(progress, 0.05, 0.95),
        )
        parts = {stems / f"{name}{out.suffix}": sound for name, sound in result.parts.items()} if stems else {}
        outputs.check_free(list(parts), overwrite=overwrite)
        if stems and not parts and not stems_optional:
            warn(f"the content was not taken apart, so there are no parts to write to {stems}; give --parts on")
        with outputs.together([*targets, *drawn, *parts]) as places:
            _write_sound(places[0], result, settings)
            if midi:
                write_midi(places[2], result.notes)
            _draw(places[len(targets) : len(targets) + len(drawn)], clips, result)
            for place, sound in zip(places[len(targets) + len(drawn) :], parts.values(), strict=True):
                _write_sound(place, sound, settings)
            written = zip([*targets, *drawn, *parts], places, strict=True)
            record = {
                **result.record,
                "content": str(content),
                "style": names,
                "out": str(out),
                "inputs": inputs,
                "outputs": {
                    f"{stems.name}/{path.name}" if stems and path in parts else path.name: outputs.fingerprint(new)
                    for path, new in written
                    if path != targets[1]
                },
                "stems": {path.stem: str(path) for path in parts},
                **_facts(result, time.monotonic() - begun, midi, pictures),
                "warnings": collected.warnings,  # also of reading and writing
            }
            write_text(places[1], json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return record | {"kept": False}


def kept(
    content: Path, styles: Sequence[Path], out: Path, settings: Settings, *, overwrite: bool = False
) -> dict[str, Any] | None:
    """Check a transfer before any work; return its record if its result is there already, made of the same.

    Raises:
        RestyleError: if an input is missing, or the output cannot be written, or exists and was made otherwise.
    """
    targets = check_files(content, styles, out, bits=settings.bits)
    if overwrite:
        return None
    return _find_kept(targets, styles, settings, outputs.fingerprints(input_files(content, styles, settings)))


def _find_kept(
    targets: Sequence[Path], styles: Sequence[Path], settings: Settings, inputs: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """The record of an earlier run that made the same of the same, if all is there as it was written.

    The first of the targets is the sound, the second its record.
    """
    out, place, *_ = targets
    record = outputs.read_record(place) or {}
    recorded = Path(str(record.get("out"))).name
    differing = f"the name {recorded}" if recorded != out.name else _differing(record, styles, settings, inputs)
    if differing:
        gone = bool(record) and not (place.parent / recorded).exists()
        why = f", made with {differing}" if record and not gone else ""
        outputs.check_free([path for path in targets if path != place or not gone], why=why)
        return None
    files = [path for path in targets if path != place]
    written = record.get("outputs", {})
    changed = [path for path in files if not path.is_file() or written.get(path.name) != outputs.fingerprint(path)]
    if not changed:
        return record
    outputs.check_free([path for path in changed if path != out or not _is_damaged(out)], why=" and was changed since")
    if out in changed and out.exists():
        warn(f"{out} was damaged since it was made, and is made again")
    return None


def _differing(
    record: dict[str, Any], styles: Sequence[Path], settings: Settings, inputs: Sequence[dict[str, Any]]
) -> str:
    """What an earlier run did otherwise, in words; nothing if it was the same."""
    if settings.method is None:
        used = record.get("settings", {}).get("method") if is_learnt(styles[0]) else DEFAULT
        settings = replace(settings, method=used)
    if not outputs.same_files(record.get("inputs"), inputs):
        return "other inputs"
    if record.get("settings") != json.loads(json.dumps(asdict(settings))):
        return "other settings"
    return "" if record.get("restyle") == __version__ else "another version of restyle"


def _is_damaged(path: Path) -> bool:
    """Whether a sound cannot be read to its end."""
    from restyle.io.sound import read

    try:
        with collect_warnings() as warnings:
            read(path)
    except RestyleError:
        return True
    return bool(warnings)


def input_files(content: Path, styles: Sequence[Path], settings: Settings) -> list[Path]:
    """Return all files that a result depends on, the content first; a setting of the method may name one, too."""
    named = [Path(value) for value in settings.options.values() if isinstance(value, str) and Path(value).is_file()]
    return [content, *map(run_weights, styles), *named]


def check_files(
    content: Path,
    styles: Sequence[Path],
    out: Path,
    midi: Path | None = None,
    *,
    bits: str = "16",
    more: Sequence[Path] = (),
) -> list[Path]:
    """Check every name before any work; return the files to write: sound, record, MIDI.

    Raises:
        RestyleError: if an input is missing, or an output cannot be written or is an input.
    """
    from restyle.io.sound import check_output

    inputs = [content, *styles, *more]
    for path in (content, *more):
        check_input(path)
    for style in styles:
        check_style(style)
    if any(is_learnt(path) for path in styles) and len(styles) > 1:
        raise RestyleError("a learnt style stands alone; give one .style file or run, or any number of recordings")
    check_output(out, bits)
    outputs.check_not_input(out, inputs)
    record = outputs.record_path(out)
    outputs.check_record(record, inputs)
    if midi:
        outputs.check_output(midi, inputs, MIDI, overwrite=True)  # `_find_kept` knows whether it may be replaced
    targets = [out, record, *([midi] if midi else [])]
    outputs.check_distinct(targets)
    return targets


def _facts(result: Audio, seconds: float, midi: Path | None, pictures: Path | None) -> dict[str, Any]:
    return {
        "rate": result.rate,
        "channels": result.channels,
        "length": result.length,
        "midi": str(midi) if midi else None,
        "pictures": str(pictures) if pictures else None,
        "seconds": round(seconds, 3),
    }


def _write_sound(path: Path, result: Audio, settings: Settings) -> None:
    from restyle.io.sound import write

    write(path, result, bits=settings.bits)


def _drawn(content: Path, styles: Sequence[Path]) -> list[str]:
    """What there is to draw: notes and learnt styles have no spectrogram."""
    return [
        "spectrograms",
        *([] if content.suffix.lower() in MIDI_READ else ["content"]),
        *([] if is_learnt(styles[0]) else ["style"]),
        "result",
    ]


def _draw(paths: Sequence[Path], clips: Sequence[Audio], result: Result) -> None:
    if not paths:
        return
    from restyle.pages import plot

    log.info("drawing spectrograms")
    shown = result.content if isinstance(result.content, Audio) else None
    named = {"content": shown, "style": clips[0] if clips else None, "result": result}
    sounds = {name: sound for name, sound in named.items() if sound is not None}
    plot.save(plot.compare(sounds), paths[0])
    top = plot.loudest(list(sounds.values()))
    for path, (name, sound) in zip(paths[1:], sounds.items(), strict=True):
        plot.save(plot.spectrogram(sound, name, top=top), path)
