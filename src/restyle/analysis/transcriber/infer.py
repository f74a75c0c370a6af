"""Polyphonic transcription: what is played, from sound. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restyle.analysis.transcriber.model import DOUBT, DRUM_CLASSES, PITCHES, ROLLS, Transcriber
from restyle.analysis.tuning import estimate_tuning
from restyle.audio import Audio, resample
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.cqt import Cqt, level, loudest_around, unit_level
from restyle.dsp.pianoroll import Roll, peaks, roll_to_notes
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.memory import trim_memory
from restyle.notes import DRUMS, Notes
from restyle.threads import mapped, single

WEIGHTS = "transcriber.safetensors"
LINEAR = ("velocity", "bend")  # of the activations; the others are logits
BLOCK, CONTEXT = 16.0, 5.0  # seconds; the network sees four and a half to either side, the lowest filters half of one
SILENCE = -90.0  # dB; a recording that never exceeds this holds no notes
KEYS, HIT = (36, 38, 42), 0.1  # General MIDI's kick, snare and closed hi-hat; seconds of a hit
BEFORE = 32  # frames of silence before a recording, so that its first notes are seen to begin; even, as those around
LOWEST = -200.0  # dB, below anything that 80 dB under the loudest moment of a very quiet recording can reach


@dataclass(frozen=True, eq=False)
class Transcription:
    """Notes, and how they were found.

    Args:
        notes: what is played.
        roll: the network's activations ``[L, 88]`` that the notes were read from.
        doubt: how far the notes cannot be relied on, 0..1: how unsure the network is of what it found.
        drums: hits as notes of General MIDI's drums: kick (36), snare (38), and all other drums and cymbals as a
            closed hi-hat (42); none where the weights know no drums.
    """

    notes: Notes
    roll: Roll
    doubt: float
    drums: Notes


@lru_cache(maxsize=2)
def _network(path: Path, _changed: int) -> tuple[Transcriber, Cqt, dict[str, Any]]:
    network, settings = trained.network(path, "transcriber", "cqt")
    if not isinstance(network, Transcriber):
        raise RestyleError(trained.refusal(path, "transcriber"))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster, and without copies
    spectrogram = LogSpectrogram.of(settings["representation"])
    assert spectrogram.cqt
    return network, spectrogram.cqt, settings


@single()
def transcribe(
    audio: Audio,
    *,
    tuning: float | None = None,
    weights: str | Path | None = None,
    progress: Progress | None = None,
    **thresholds: float,
) -> Transcription:
    """Find the notes of a recording of any instruments.

    Args:
        audio: the recording; its channels are mixed to one (see `Audio.mono`).
        tuning: cents from A4 = 440 Hz that are undone, as `analysis.tuning` finds them where None.
        weights: of a transcriber that ``restyle train transcriber`` trained; those of the package by default.
        progress: called with the fraction done, 0..1.
        thresholds: ``onset_threshold``, ``frame_threshold`` and ``drum_threshold`` (0..1) in place of those stored with
            the weights.

    Returns:
        Notes (pitch holds the tuning, velocity is the loudness of a note relative to the loudest passage around it,
        the programme is 0) and the activations per frame of 16 ms: probabilities, velocity and bend.

    Example:
        >>> t = np.arange(32000) / 16000
        >>> tone = sum(np.sin(2 * np.pi * 440 * k * t) / k for k in range(1, 6)) * np.exp(-2 * t)
        >>> transcribe(Audio(0.2 * tone, 16000)).notes.pitch.tolist()
        [69.0]

    Source: the network follows Bittner et al., "A lightweight instrument-agnostic model for polyphonic note
    transcription and multipitch estimation", ICASSP 2022, with dilated residual blocks, and is trained by
    `analysis/transcriber/train.py`.
    """
    path = hub.find(weights) if weights else files.bundled(WEIGHTS)
    network, cqt, settings = _network(path, path.stat().st_mtime_ns if path.is_file() else 0)
    cents = estimate_tuning(audio).offset if tuning is None else tuning
    cqt = _tuned(cqt, cents)
    hop = cqt.hop / cqt.rate
    spectrum = _levels(audio, cqt, progress)
    kept = {name: np.zeros((len(spectrum), PITCHES), np.float16) for name in ROLLS}
    kept["drums"] = np.zeros((len(spectrum), DRUM_CLASSES if network.drums else 0), np.float16)
    reference = loudest_around(spectrum.max(axis=1).astype(np.float32), hop)
    loud = spectrum.max(axis=1, initial=-200.0) > SILENCE
    around = 2 * round(CONTEXT / hop / 2)  # even: the network takes frames in pairs, the same ones in every block

    def find(span: Span) -> int:
        if not loud[span.left : span.right].any():
            return span.stop
        part = torch.from_numpy(spectrum[span.left : span.right].astype(np.float32))
        scaled = unit_level(part, torch.from_numpy(reference[span.left : span.right, None]))
        before = BEFORE if span.left == 0 else 0
        with torch.inference_mode():
            found = network(torch.nn.functional.pad(scaled, (0, 0, before, 0))[None])
        for name, values in kept.items():
            result = getattr(found, name)[0, before + span.start - span.left :][: span.stop - span.start]
            values[span.start : span.stop] = (result if name in LINEAR else result.sigmoid()).numpy()
        return span.stop

    for done in mapped(find, blocks.spans(len(spectrum), 2 * round(BLOCK / hop / 2), around)):
        if progress:
            progress(0.3 + 0.7 * done / len(spectrum))
    trim_memory()
    kept["onset"][~loud] = 0
    roll = Roll(kept["onset"], kept["frame"], kept["velocity"], kept["offset"], kept["bend"], hop, tuning=cents / 100)
    chosen: dict[str, Any] = settings["decoding"] | thresholds
    kept["drums"][~loud] = 0
    drums = _hits(kept["drums"].astype(np.float32), hop, chosen.pop("drum_threshold", 0.5))
    notes = roll_to_notes(roll, **chosen)
    notes = notes.select(notes.onset < audio.duration)
    offset = np.maximum(np.minimum(notes.offset, audio.duration), notes.onset + 1e-3)
    notes = Notes(notes.onset, offset, notes.pitch, notes.velocity, notes.programme)
    doubt = _doubt(notes, roll, **settings.get("doubt", DOUBT))
    return Transcription(notes, roll, doubt, drums.select(drums.onset < audio.duration))


def _hits(curves: np.ndarray, hop: float, threshold: float) -> Notes:
    """The hits of each class's probabilities ``[L, 3]``, as loud as they are likely."""
    rows = [
        (peak * hop, peak * hop + HIT, key, float(curve[peak]), DRUMS)
        for key, curve in zip(KEYS, curves.T, strict=False)
        for peak in peaks(curve, threshold)
    ]
    return Notes.of(rows)


def _doubt(notes: Notes, roll: Roll, *, onset: Sequence[float], frame: Sequence[float]) -> float:
    """How far notes cannot be relied on, 0..1, by the mean probabilities of their onsets and of what sounds.

    Args:
        notes: what was found.
        roll: what it was read from.
        onset: mean probability of the onsets from which nothing, and below which all is in doubt.
        frame: the same of the frames in which something sounds.
    """
    frames = roll.frame[roll.frame > 0.5]
    if not len(notes) or not len(frames):
        return 1.0
    at = np.minimum(np.round(notes.onset / roll.hop).astype(int), len(roll.onset) - 1)
    onsets = roll.onset[at, np.round(notes.pitch - roll.tuning).astype(int) - roll.lowest]
    doubts = [
        np.clip((sure - float(found.mean(dtype=np.float64))) / (sure - unsure), 0, 1)
        for found, (sure, unsure) in ((onsets, onset), (frames, frame))
    ]
    # squared: a little of the content beside notes that are nearly right would only blur them
    return float(max(doubts)) ** 2


def _tuned(cqt: Cqt, cents: float) -> Cqt:
    """The transform with its filters moved by cents: the network then sees a recording of that tuning at 440 Hz."""
    settings: dict[str, Any] = cqt.settings()
    return Cqt(**settings | {"f_min": cqt.f_min * 2 ** (cents / 1200)}) if cents else cqt


def _levels(audio: Audio, cqt: Cqt, progress: Progress | None) -> np.ndarray:
    """Constant-Q levels in dB, float16 ``[L, F]``, block by block."""
    frames = -(-round(audio.length * cqt.rate / audio.rate) // cqt.hop)
    out = np.zeros((frames, cqt.bins), np.float16)
    # blocks of a whole number of frames at the network's rate
    unit = cqt.hop * audio.rate / cqt.rate
    size, around = round(BLOCK / cqt.hop * cqt.rate), round(CONTEXT / cqt.hop * cqt.rate)

    def measure(span: Span) -> int:
        piece = audio.slice(round(span.left * unit), round(span.right * unit))
        blocks.release(audio.samples)
        mono = resample(piece.mono(), audio.rate, cqt.rate)
        pad = around - (span.start - span.left), 0
        longest = (size + 2 * around) * cqt.hop  # one length for all blocks, so that the filters are made once
        mono = np.pad(mono, (pad[0] * cqt.hop, 0))[:longest]
        mono = np.pad(mono, (0, longest - len(mono)))
        levels = level(cqt(torch.from_numpy(np.ascontiguousarray(mono))), LOWEST).T.numpy()
        out[span.start : span.stop] = levels[around : around + span.stop - span.start]
        return span.stop

    for done in mapped(measure, blocks.spans(frames, size, around)):
        if progress:
            progress(0.3 * done / frames)
    return out
