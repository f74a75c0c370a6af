"""How the notes of a content are played: their levels, dynamics, bends and places. Floor 4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from restyle.analysis.partials import NoteSound, measure
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import Notes
from restyle.threads import mapped

RATE = 16000  # Hz at which the content is measured
PARTIALS = 12
BLOCK, CONTEXT = 20.0, 4.0  # seconds
QUIETEST, LOUDEST = -24.0, 12.0  # dB around the median level
SWELL = 6.0  # dB, largest deviation from how the content's notes usually go on
MOST = 4000  # notes from which the usual is learnt; more make it no better
FOLLOW = 0.5  # how far such deviations are followed


Outline = tuple[float, np.ndarray, np.ndarray, np.ndarray]  # pitch, loudness, bend, place


@dataclass(frozen=True, eq=False)
class Played:
    """How one note is played.

    Args:
        level: dB above the median of all notes.
        swell: dB by which each frame differs from how notes of this content usually go on, ``[L]``.
        pitch: MIDI number with the tuning measured.
        bend: semitones around it, ``[L]``.
        pan: gain of each channel, root mean square 1, ``[C]``.
    """

    level: float
    swell: np.ndarray
    pitch: float
    bend: np.ndarray
    pan: np.ndarray


def listen(content: Audio, notes: Notes, progress: blocks.Progress | None = None) -> tuple[list[Played], float]:
    """Measure how each note of a recording is played, block by block.

    Returns:
        One `Played` a note, in their order, and the median of their levels in dB of full scale (-120 without notes).
    """
    # of each note only what is needed of it, so that memory hardly grows with length
    heard: list[Outline] = []
    spans = list(blocks.spans(content.length, round(BLOCK * content.rate), round(CONTEXT * content.rate)))
    for span, found in zip(spans, mapped(lambda span: _heard(content, notes, span), spans), strict=True):
        heard += found
        blocks.release(content.samples)
        if progress:
            progress(span.stop / content.length)
    if not heard:
        return [], -120.0
    levels = np.array([contour.max() for _, contour, _, _ in heard])
    median = float(np.median(levels))
    usual = _usual([contour - contour.max() for _, contour, _, _ in heard])
    played = []
    for (pitch, contour, bend, pan), level in zip(heard, levels, strict=True):
        swell = contour - level - usual[np.minimum(np.arange(len(contour)), len(usual) - 1)]
        swell = FOLLOW * np.clip(_smooth(swell - np.median(swell)), -SWELL, SWELL)
        played.append(Played(float(np.clip(level - median, QUIETEST, LOUDEST)), swell, pitch, bend, pan))
    return played, median


def _heard(content: Audio, notes: Notes, span: blocks.Span) -> list[Outline]:
    """The notes that begin in a block."""
    start, stop, left = (x / content.rate for x in (span.start, span.stop, span.left))
    here = notes.select((notes.onset < span.right / content.rate) & (notes.offset > left))
    inside = np.flatnonzero((here.onset >= start) & (here.onset < stop))
    if not len(inside):
        return []
    part = here.between(left, span.right / content.rate)
    piece = content.slice(span.left, span.right)
    low = soxr.resample(piece.samples.T, content.rate, RATE).reshape(-1, content.channels).T
    found = measure(Audio(low, RATE, downmix=content.downmix), part, most=PARTIALS, noise=False)
    pans = _pans(low, part) if content.channels > 1 else np.ones((len(part), 1))
    return [_outline(found[i], pans[i]) for i in inside]


def _outline(sound: NoteSound, pan: np.ndarray) -> Outline:
    """Pitch, loudness and bend while it is held, and place of a note."""
    held = sound.held
    return sound.pitch, sound.loudness[:held].astype(np.float32), sound.bend[:held].astype(np.float32), pan


def imagine(notes: Notes, channels: int) -> list[Played]:
    """Say how notes without a recording are played: by their velocities, straight and in the middle."""
    decibels = 30 * np.log10(np.maximum(notes.velocity, 0.02))
    middle = float(np.median(decibels)) if len(notes) else 0.0
    flat, pan = np.zeros(1), np.ones(channels)
    levels = np.clip(decibels - middle, QUIETEST, LOUDEST)
    return [Played(float(v), flat, float(p), flat, pan) for v, p in zip(levels, notes.pitch, strict=True)]


def _usual(contours: list[np.ndarray]) -> np.ndarray:
    """Median over the notes, frame by frame, as long as there are five notes to go by."""
    contours = contours[:: 1 + len(contours) // MOST]
    longest = max(len(c) for c in contours)
    table = np.full((len(contours), min(longest, 400)), np.nan)
    for row, contour in zip(table, contours, strict=True):
        row[: len(contour)] = contour[: len(row)]
    counts = np.sum(~np.isnan(table), axis=0)
    return np.asarray(np.nanmedian(table[:, counts >= min(5, len(contours))], axis=0))


def _smooth(curve: np.ndarray, width: int = 7) -> np.ndarray:
    padded = np.pad(curve, width // 2, mode="edge")
    return np.asarray(np.convolve(padded, np.ones(width) / width, mode="valid"))


def _pans(samples: np.ndarray, notes: Notes) -> np.ndarray:
    """Gain of each channel at the lowest partials of each note, ``[N, C]``, root mean square 1."""
    size = 2048
    gains = np.ones((len(notes), len(samples)))
    for i in range(len(notes)):
        first = int(notes.onset[i] * RATE)
        piece = samples[:, first : max(first + size, int(min(notes.offset[i], notes.onset[i] + 1) * RATE))]
        if piece.shape[1] < 256:
            continue
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(piece.shape[1])))
        partials = midi_to_hz(notes.pitch[i]) * np.arange(1, 7)
        bins = np.round(partials[partials < RATE / 2] * piece.shape[1] / RATE).astype(int)
        near = np.clip(bins[:, None] + np.arange(-1, 2), 0, spectrum.shape[1] - 1)
        power = np.square(spectrum[:, near]).sum(axis=(1, 2))
        gains[i] = np.sqrt(power / max(power.mean(), 1e-18)) if power.sum() > 0 else 1.0
    return gains
