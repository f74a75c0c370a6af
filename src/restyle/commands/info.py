"""``restyle info``: what is in a recording, a MIDI file or a learnt style. Floor 6."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from restyle.audio import Audio
from restyle.commands.shared.inputs import check_input
from restyle.dsp.blocks import release
from restyle.dsp.checks import is_silent
from restyle.io.midi import MIDI_READ, read_midi
from restyle.style import SUFFIX, load


def run(path: Path) -> dict[str, Any]:
    """Return the facts about a file, as plain JSON values; what is not known is None.

    Args:
        path: a recording, a MIDI file or a ``.style`` file.

    Raises:
        RestyleError: if the file is missing or cannot be read.
    """
    check_input(path)
    if path.suffix.lower() in MIDI_READ:
        return {"file": str(path)} | _of_notes(path)
    if path.suffix == SUFFIX:
        style = load(path)
        return {"file": str(path), "format": "restyle style", "method": style.method, "learnt_from": list(style.files)}
    return {"file": str(path)} | _of_sound(path)


def _of_sound(path: Path) -> dict[str, Any]:
    from restyle.io import sound

    header, audio = sound.info(path), sound.read(path)
    return {
        "format": f"{header.format} {header.subtype}".strip(),
        "rate": audio.rate,
        "channels": audio.channels,
        "length": audio.length,
        "seconds": round(audio.duration, 3),
        "peak_db": _peak(audio),
        "loudness_lufs": _loudness(audio),
        "tempo_bpm": _tempo(audio),
        "tuning_cents": _tuning(audio),
    }


def _of_notes(path: Path) -> dict[str, Any]:
    from restyle.analysis import beats

    notes = read_midi(path)
    found = beats.track(beats.note_curve(notes)) if len(notes) else None
    return {
        "format": "MIDI",
        "notes": len(notes),
        "seconds": round(notes.duration, 3),
        "programmes": sorted(set(notes.programme.tolist())),
        "lowest": float(notes.pitch.min()) if len(notes) else None,
        "highest": float(notes.pitch.max()) if len(notes) else None,
        "tempo_bpm": round(found.tempo, 1) if found and found.steady else None,
    }


def _peak(audio: Audio) -> float | None:
    """The highest sample in dB relative to full scale."""
    peak = 0.0
    for first in range(0, audio.length, 2**20):
        peak = max(peak, float(np.abs(audio.samples[:, first : first + 2**20]).max()))
        release(audio.samples)
    return round(20 * float(np.log10(peak)), 2) if peak else None


def _loudness(audio: Audio) -> float | None:
    from restyle.dsp.loudness import loudness
    from restyle.stages.tone import SILENCE

    if is_silent(audio):
        return None
    value = float(loudness(audio))
    return round(value, 1) if value > SILENCE else None


def _tuning(audio: Audio) -> float | None:
    """Cents from A4 = 440 Hz, where pitches agree on a tuning."""
    from restyle.analysis.tuning import estimate_tuning

    found = estimate_tuning(audio)
    return round(found.cents, 1) if found.known else None


def _tempo(audio: Audio) -> float | None:
    """Beats per minute where there is a steady beat."""
    if is_silent(audio):
        return None
    from restyle.analysis import beats

    found = beats.track(beats.onset_curve(audio))
    return round(found.tempo, 1) if found.steady else None
