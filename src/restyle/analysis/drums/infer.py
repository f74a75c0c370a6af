"""The hits of a drum stem by class, with velocities. Floor 3."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restyle.analysis.drums.model import CLASSES, DrumNetwork, decibels, scaled
from restyle.audio import Audio, resample
from restyle.dsp import blocks
from restyle.dsp.blocks import Span
from restyle.dsp.cqt import loudest_around
from restyle.dsp.pianoroll import peaks
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.notes import DRUMS, Notes
from restyle.threads import mapped, single

WEIGHTS = "drums.safetensors"
KEYS = (36, 38, 42, 45)  # General MIDI's of the classes: bass drum, snare, closed hi-hat, low tom
HIT = 0.1  # seconds of a hit
BANDS = ((0, 150), (150, 6000), (6000, 22050), (60, 500))  # Hz, by whose level hits of each class differ in strength
AFTER = 4  # frames in which a hit is loudest
CURVE = 40.0  # dB by which a synthesiser plays a hit louder for ten times the velocity
BLOCK = 16.0  # seconds
MARGIN = 16  # frames of sound beside a block: more than a window, and than resampling reaches
SILENCE = -50.0  # dB of the loudest band, that of a sine of -85 dB; nothing below it is a hit
SOFTEST = 24.0  # dB below a stem's loudest moment; passages that never exceed it are not raised
QUIETEST = -100.0  # dB, of what is not measured


@single()
def find_hits(audio: Audio, *, weights: str | Path | None = None) -> Notes:
    """Find the hits in a recording of drums, as the separator takes it out of a mix.

    Args:
        audio: the drums; the channels are mixed to one (see `Audio.mono`).
        weights: of a model that ``restyle train drums`` trained; those of the package by default.

    Returns:
        A note of 0.1 s for each hit: kick (36), snare (38), hi-hats and cymbals (42) and toms (45), with velocities
        0..1 and the programme ``DRUMS``; none where nothing is hit.

    Raises:
        RestyleError: if there is no such file, or it holds no such model.

    Example:
        >>> time = np.arange(22050) / 44100
        >>> kick = np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-40 * time)))) * np.exp(-12 * time)
        >>> hits = find_hits(Audio(0.7 * np.tile(kick, 4), 44100))
        >>> hits.pitch.tolist(), hits.onset.round(1).tolist()
        ([36.0, 36.0, 36.0, 36.0], [0.0, 0.5, 1.0, 1.5])

    Source: the network follows Vogl et al., "Drum transcription via joint beat and drum modeling using convolutional
    recurrent neural networks", ISMIR 2017, and is trained by `analysis/drums/train.py`.
    """
    path = hub.find(weights) if weights else files.bundled(WEIGHTS)
    network, spectrogram, thresholds = _network(path, path.stat().st_mtime_ns if path.is_file() else 0)
    hop = spectrogram.hop / spectrogram.rate
    level = _levels(audio, spectrogram)
    loudest = level.max(axis=1, initial=QUIETEST).astype(np.float32)
    if loudest.max(initial=QUIETEST) < SILENCE:
        return Notes.of([])
    reference = np.maximum(loudest_around(loudest, hop), loudest.max() - SOFTEST)
    onset, velocity = (np.zeros((len(level), len(CLASSES)), np.float32) for _ in range(2))

    def find(span: Span) -> None:
        near = slice(span.left, span.right)
        part = torch.from_numpy(level[near].astype(np.float32).T)
        # silence, not the edge of the recording, so that what is hit there is seen to begin
        around = network.context - (span.start - span.left), network.context - (span.right - span.stop)
        with torch.inference_mode():
            x = scaled(part, torch.from_numpy(reference[near]))
            found = network(torch.nn.functional.pad(x, around)[None])
        own, into = slice(network.context, network.context + span.stop - span.start), slice(span.start, span.stop)
        onset[into], velocity[into] = found.onset[0, own].sigmoid().numpy(), found.velocity[0, own].numpy()

    for _ in mapped(find, blocks.spans(len(level), round(BLOCK / hop), network.context)):
        pass
    onset[loudest < SILENCE] = 0
    rows = []
    assert spectrogram.mel
    hertz = spectrogram.mel.frequencies().numpy()
    for key, band, threshold, curve, strength in zip(KEYS, BANDS, thresholds, onset.T, velocity.T, strict=True):
        found = peaks(curve, threshold)
        heard = _strengths(level[:, (hertz >= band[0]) & (hertz < band[1])], found, strength[found])
        for peak, own in zip(found, heard, strict=True):
            time = max(0.0, (peak + _between(curve, peak)) * hop)
            rows.append((time, time + HIT, key, float(own), DRUMS))
    return Notes.of(rows)


@lru_cache(maxsize=2)
def _network(path: Path, _changed: int) -> tuple[DrumNetwork, LogSpectrogram, list[float]]:
    network, settings = trained.network(path, "drum network", "mel")
    if not isinstance(network, DrumNetwork):
        raise RestyleError(trained.refusal(path, "drum network"))
    known: dict[str, Any] = settings
    return network, LogSpectrogram.of(known["representation"]), known.get("thresholds", [0.5] * len(CLASSES))


def _levels(audio: Audio, spectrogram: LogSpectrogram) -> np.ndarray:
    """Levels in dB, float16 ``[L, M]``, block by block."""
    hop = spectrogram.hop
    count = -(-round(audio.length * spectrogram.rate / audio.rate) // hop)
    result = np.full((count, spectrogram.bins), QUIETEST, np.float16)
    unit = hop * audio.rate / spectrogram.rate  # samples of the recording in a frame

    def measure(span: Span) -> None:
        piece = audio.slice(round(span.left * unit), round(span.right * unit))
        blocks.release(audio.samples)
        sound = resample(np.nan_to_num(piece.mono()), audio.rate, spectrogram.rate)
        levels = decibels(spectrogram(torch.from_numpy(np.ascontiguousarray(sound, np.float32))))
        levels = torch.nn.functional.pad(levels, (0, max(0, span.right - span.left - levels.shape[1])), value=QUIETEST)
        result[span.start : span.stop] = levels[:, span.start - span.left : span.stop - span.left].T.numpy()

    for _ in mapped(measure, blocks.spans(count, round(BLOCK * spectrogram.rate / hop), MARGIN)):
        pass
    return result


def _strengths(level: np.ndarray, found: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Velocities of a class's hits: the network's in the middle, around it as much as their levels differ.

    Args:
        level: dB of the class's bands ``[L, M]``.
        found: frames of the hits ``[N]``.
        velocity: the network's ``[N]``.
    """
    if not len(found):
        return velocity
    near = np.minimum(found[:, None] + np.arange(-1, AFTER), len(level) - 1)
    loud = level[np.maximum(near, 0)].astype(np.float32).max(axis=1).mean(axis=1)
    return np.asarray(np.clip(np.median(velocity) * 10 ** ((loud - np.median(loud)) / CURVE), 0.02, 1))


def _between(curve: np.ndarray, peak: int) -> float:
    """Where between its neighbours a peak lies, by their weights."""
    if not 0 < peak < len(curve) - 1:
        return 0.0
    left, middle, right = (float(x) for x in curve[peak - 1 : peak + 2])
    return (right - left) / (left + middle + right)
