"""Triplets that a transfer can be measured on: content, style, and what the result should be. Floor 3."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from restyle.audio import Audio, resample
from restyle.data.pairing import Finder, Stretch, pairs
from restyle.data.players import FontPlayer, NotesPlayer, Player
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError
from restyle.io.atomic import writing
from restyle.io.midi import write_midi
from restyle.io.sound import write
from restyle.io.text import write_text
from restyle.notes import Notes

PEAK = 0.7  # of every clip
QUIETEST = 0.02  # root mean square of a clip; below it there is little but a click
ROLES = ("content", "style", "target")
RECORD = "triplets.json"
SOUNDS = frozenset({".wav", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".au", ".caf", ".flac", ".ogg", ".oga", ".opus"})
SOUNDS |= {".mp3", ".m4a", ".aac", ".wma", ".webm", ".mp4", ".mkv"}


@dataclass(frozen=True)
class Triplet:
    """The files of one test: content and style, and where known the target and the MIDI file of its true notes."""

    name: str
    content: Path
    style: Path
    target: Path | None = None
    notes: Path | None = None


def make(
    midi: Sequence[Path],
    instruments: Path | Sequence[Path],
    folder: Path,
    *,
    count: int = 60,
    seed: int = 0,
    seconds: float = 8.0,
    rate: int = 16000,
    progress: Progress | None = None,
) -> list[Triplet]:
    """Make triplets from MIDI files; those that are there already, made with the same settings, are kept.

    Args:
        midi: MIDI files; damaged ones are left out with a warning.
        instruments: a SoundFont, or folders of recorded notes (see `recorded.NoteSamples`), that plays all of them;
            best one that nothing under test was trained with.
        folder: gets NNN.content.flac, NNN.style.flac, NNN.target.flac, NNN.target.mid and triplets.json, which says
            what is what; it is made if missing.
        count: how many.
        seed: the same seed, files and instruments give the same triplets; of a larger count, the first ones.
        seconds: how long each clip is.
        rate: Hz, the clips' sampling rate.
        progress: called with the fraction done, 0..1.

    Raises:
        RestyleError: if a setting is out of range, FluidSynth is missing, the SoundFont cannot be loaded, there are
            no recorded notes, the folder holds other triplets or cannot be written to, or the MIDI files are good for
            fewer than ``count``.

    Example:
        >>> make(sorted(Path("midi").rglob("*.mid")), Path("font.sf2"), Path("triplets"))  # doctest: +SKIP
    """
    _check(midi, count, seconds, rate)
    names = _names(midi)
    player = FontPlayer(instruments) if isinstance(instruments, Path) else NotesPlayer(instruments, seed)
    programmes = player.programmes()  # first of all: they say whether it can play
    settings = _settings(names, player, seed, seconds, rate)
    known = _prepare(folder, player.protocol, settings)
    there = [_triplet(folder, row["id"]) for row in known[:count]]
    if len(there) == count and all(map(_complete, there)):
        return there
    triplets: list[Triplet] = []
    rows: list[dict[str, Any]] = []
    finder, faint, unreached = Finder(seconds, programmes), 0, 0
    for content, style in pairs(list(names), seconds, seed=seed, programmes=programmes, finder=finder):
        triplet = _triplet(folder, f"{len(triplets):03d}")
        number = len(triplets) + faint
        chosen = player.choose(content, style, number)
        if chosen is None:
            unreached += 1
            continue
        played = zip((content, style), chosen, strict=True)
        row = {"id": triplet.name} | dict(zip(ROLES, (_describe(s, name, names) for s, name in played), strict=False))
        if row not in known or not _complete(triplet):
            clips = _render(player, content, style, chosen, number, seconds, rate)
            if clips is None:
                faint += 1
                continue
            if not triplets and not known:
                _write_record(folder, player.protocol, settings, [])  # marks the folder before the first sound is in it
            _write(triplet, clips, replace(content.notes, programme=np.full(len(content.notes), style.programme)))
        triplets.append(triplet)
        rows.append(row)
        _write_record(
            folder, player.protocol, settings, rows + [later for later in known if later["id"] > triplet.name]
        )
        if progress:
            progress(len(triplets) / count)
        if len(triplets) == count:
            return triplets
    why = f"no two instruments reach the notes of {unreached} pairs, and " * (unreached > 0) + finder.shortage()
    raise RestyleError(_too_few(len(midi), len(triplets), count, faint, why))


def read(folder: Path) -> list[Triplet]:
    """Find the triplets of a folder, or its plain pairs: NAME.content.*, NAME.style.* and perhaps NAME.target.*.

    Args:
        folder: holds sound files of any kind so named; other files are passed over.

    Returns:
        The triplets or pairs sorted by name, at least one.

    Raises:
        RestyleError: if the folder is missing or holds none, or a partner is missing or there twice.
    """
    if not folder.is_dir():
        raise RestyleError(f"{folder}: there is no such folder; check the name")
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        name, _, role = path.stem.rpartition(".")
        if not name or name.startswith(".") or role not in ROLES or path.suffix.lower() not in SOUNDS:
            continue
        if role in found.setdefault(name, {}):
            raise RestyleError(f"{folder} holds two sounds for {name}.{role}; leave one of them")
        found[name][role] = path
    if not found:
        raise RestyleError(f"{folder} holds no triplets or pairs; name sounds 000.content.flac, 000.style.flac ...")
    roles = ROLES if any("target" in own for own in found.values()) else ROLES[:2]
    for name, own in found.items():
        for role in roles:
            if role not in own:
                there = ", ".join(path.name for path in own.values())
                raise RestyleError(f"{folder} holds {there}, but no {name}.{role}; add it, or leave out the others")
    return [Triplet(name, **found[name], notes=_notes(folder, name)) for name in sorted(found)]


def _notes(folder: Path, name: str) -> Path | None:
    path = folder / f"{name}.target.mid"
    return path if path.is_file() else None


def _check(midi: Sequence[Path], count: int, seconds: float, rate: int) -> None:
    if not midi:
        raise RestyleError("there are no MIDI files to make triplets of; give a folder that holds some")
    if count < 1:
        raise RestyleError(f"the count of triplets cannot be {count}; give 1 or more")
    if not 1 <= seconds <= 600:
        raise RestyleError(f"a clip cannot last {seconds:g} s; give 1 to 600 seconds")
    if not 8000 <= rate <= 192000:
        raise RestyleError(f"the rate cannot be {rate} Hz; give 8000 to 192000")


def _too_few(files: int, good: int, count: int, faint: int, shortage: str) -> str:
    why = f"{faint} pair{' is' if faint == 1 else 's are'} hardly heard, and {shortage}" if faint else shortage
    what = f"the {files} MIDI file{' is' if files == 1 else 's are'} good for {good} triplet{'' if good == 1 else 's'}"
    advice = f"give a count of {good}, or more files and another folder" if good else "give other files"
    return f"{what}, not {count}: {why}; {advice}"


def _names(midi: Sequence[Path]) -> dict[Path, str]:
    """Names that hold wherever the files' common folder lies, in their order."""
    base = Path(os.path.commonpath([path.resolve().parent for path in midi]))
    return dict(
        sorted(((path, path.resolve().relative_to(base).as_posix()) for path in midi), key=lambda item: item[1])
    )


def _settings(names: dict[Path, str], player: Player, seed: int, seconds: float, rate: int) -> dict[str, Any]:
    sizes = [(name, path.stat().st_size if path.is_file() else 0) for path, name in names.items()]
    return {
        **player.settings,
        "midi_files": len(names),
        "midi_digest": hashlib.sha256(json.dumps(sizes).encode()).hexdigest()[:16],
        "seed": seed,
        "seconds": seconds,
        "rate": rate,
    }


def _prepare(folder: Path, protocol: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Make the folder, or return what its record says was made with the same settings."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = (folder / RECORD).read_text(encoding="utf-8") if (folder / RECORD).exists() else ""
    except OSError as error:
        raise RestyleError(f"{folder} cannot be used ({error.strerror}); choose another folder") from error
    if not text:
        if any(path.stem.endswith((".content", ".style", ".target")) for path in folder.iterdir()):
            raise RestyleError(f"{folder} holds sounds of triplets without {RECORD}; choose another folder")
        return []
    try:
        record = json.loads(text)
        old, rows = dict(record["settings"]), [dict(row, id=str(row["id"])) for row in record["triplets"]]
    except (ValueError, TypeError, KeyError) as error:
        raise RestyleError(f"{folder / RECORD} is damaged or not restyle's; choose another folder") from error
    other = [key.replace("_", " ") for key in settings if old.get(key) != settings[key]]
    if other or record.get("protocol") != protocol:
        why = ", ".join(other) or "protocol"
        raise RestyleError(f"{folder} holds triplets made with other settings ({why}); choose another folder")
    return rows


def _write_record(folder: Path, protocol: str, settings: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    with writing(folder / RECORD) as beside:
        text = json.dumps({"protocol": protocol, "settings": settings, "triplets": rows}, indent=1, ensure_ascii=False)
        write_text(beside, text)


def _triplet(folder: Path, name: str) -> Triplet:
    content, style, target = (folder / f"{name}.{role}.flac" for role in ROLES)
    return Triplet(name, content, style, target, folder / f"{name}.target.mid")


def _complete(triplet: Triplet) -> bool:
    files = (triplet.content, triplet.style, triplet.target, triplet.notes)
    return all(path is not None and path.is_file() for path in files)


def _describe(stretch: Stretch, instrument: str | int, names: dict[Path, str]) -> dict[str, Any]:
    row = {"file": names[stretch.file], "programme": stretch.programme, "start": stretch.start}
    return row | ({"instrument": instrument} if isinstance(instrument, str) else {})


def _render(
    player: Player, content: Stretch, style: Stretch, chosen: tuple[Any, Any], number: int, seconds: float, rate: int
) -> tuple[Audio, Audio, Audio] | None:
    """Content, style and target; None if one of them hardly sounds."""
    tasks = [(content.notes, chosen[0]), (style.notes, chosen[1]), (content.notes, chosen[1])]
    sounds = player.play(tasks, number, seconds, rate)
    clips = [_clip(sound, seconds, rate) for sound in sounds]
    heard = all(np.sqrt(np.mean(np.square(clip.samples))) > QUIETEST for clip in clips)
    return (clips[0], clips[1], clips[2]) if heard else None


def _clip(sound: Audio, seconds: float, rate: int) -> Audio:
    mono = resample(sound.mono(), sound.rate, rate)
    length = round(seconds * rate)
    mono = np.pad(mono, (0, max(0, length - len(mono))))[:length]
    peak = np.abs(mono).max()
    return Audio(mono * (PEAK / peak) if peak > 1e-4 else np.zeros(length), rate)


def _write(triplet: Triplet, clips: tuple[Audio, Audio, Audio], notes: Notes) -> None:
    assert triplet.target and triplet.notes
    for path, clip in zip((triplet.content, triplet.style, triplet.target), clips, strict=True):
        write(path, clip)
    write_midi(triplet.notes, notes)
