"""Chords: what is played is what is named."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from restyle.analysis import chords
from restyle.analysis.beats import Beats
from restyle.analysis.chords import QUALITIES, ROOTS, Chroma, _edges, estimate_chords
from restyle.analysis.facts import Analysis
from restyle.analysis.meter import estimate_meter
from restyle.audio import Audio
from restyle.dsp.pianoroll import Roll
from restyle.notes import DRUMS, Notes

RATE = 16000
INTERVALS = {"maj": (0, 4, 7), "min": (0, 3, 7), "7": (0, 4, 7, 10), "min7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11)}
SONG = ("C:maj", "A:min", "F:maj7", "G:7", "D:min7", "E:min", "Bb:maj", "C:maj")


def tone(pitch: float, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    f = 440 * 2 ** ((pitch - 69) / 12)
    partials = sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, 6) if f * k < RATE / 2)
    return 0.05 * partials * np.exp(-t) * np.minimum(1, (seconds - t) / 0.02)


def sound(label: str, seconds: float, shift: int) -> np.ndarray:
    root, quality = label.split(":")
    low = ROOTS.index(root) + shift
    pitches = [36 + low] + [60 + (low + k) % 12 for k in INTERVALS[quality]]
    return sum(tone(pitch, seconds / 2) for pitch in pitches)


@cache
def song(shift: int = 0) -> Audio:
    """Each chord for a second, struck twice."""
    return Audio(np.concatenate([np.tile(sound(label, 1.0, shift), 2) for label in SONG]), RATE)


def turned(label: str, shift: int) -> str:
    root, quality = label.split(":")
    return f"{ROOTS[(ROOTS.index(root) + shift) % 12]}:{quality}"


@pytest.mark.parametrize("shift", [0, 3, -2])
def test_chords_are_those_that_are_played_in_any_key(shift):
    found = estimate_chords(song(shift), beats=Beats(120.0, 0.5 * np.arange(16), 0.9))
    assert [found.at(k + 0.5) for k in range(len(SONG))] == [turned(label, shift) for label in SONG]


def test_changes_lie_on_beats_that_are_tracked():
    found = estimate_chords(song())
    played = np.mean([found.at(k + 0.5) == label for k, label in enumerate(SONG)])
    assert played == 1 and np.abs(found.times[1:, 0] - np.round(found.times[1:, 0])).max() < 0.06


def test_a_transcription_that_is_known_gives_the_same_chords(monkeypatch):
    wanted = estimate_chords(song(), beats=Analysis.of(song()).beats)
    monkeypatch.setattr(chords, "transcribe", None)  # whoever transcribes again fails
    assert len(Analysis.of(song()).notes)
    found = Analysis.of(song()).chords
    assert found.labels == wanted.labels and np.array_equal(found.times, wanted.times)


def test_chroma_are_means_between_edges_of_harmony_and_bass():
    frame = np.zeros((8, 88), np.float16)
    frame[:4, 60 - 21], frame[2:6, 36 - 21], frame[4:, 50 - 21] = 1.0, 0.5, 1.0  # C, C in the bass, D between the two
    rest = np.zeros_like(frame)
    chroma = Chroma.of(Roll(rest, frame, rest, rest, rest, hop=0.5))
    found = chroma.between(np.array([0.0, 2.0, 4.0]))
    assert found.shape == (2, 2, 12) and found[0, 0, 0] == 1 and found[0, 1, 0] == found[1, 1, 0] == 0.25
    assert found[1, :, 2].tolist() == [0.5, 0.5] and found.sum() == 2.5


def test_times_leave_no_gaps():
    found = estimate_chords(song())
    assert found.times[0, 0] == 0 and found.times[-1, 1] == song().duration
    assert np.array_equal(found.times[1:, 0], found.times[:-1, 1]) and len(found) == len(found.labels)
    assert all(a != b for a, b in zip(found.labels, found.labels[1:], strict=False))
    assert {label.split(":")[1] for label in found.labels} <= set(QUALITIES)


def test_silence_has_no_chord():
    found = estimate_chords(Audio(np.zeros(2 * RATE), RATE))
    assert found.labels == ("N",) and found.times.tolist() == [[0.0, 2.0]]


def test_a_pause_has_no_chord():
    samples = np.concatenate([sound("C:maj", 4.0, 0), np.zeros(3 * RATE)])
    found = estimate_chords(Audio(samples, RATE))
    assert found.at(1.0) == "C:maj" and found.at(4.0) == "N" and found.at(99.0) == "N"


@pytest.mark.parametrize("start", [0.0, 0.3, 1.7])
def test_beats_go_on_to_the_start_and_the_end(start):
    edges = _edges(Beats(120.0, start + 0.5 * np.arange(8), 0.9), 9.0)
    assert edges[0] == 0 and edges[-1] == 9 and np.diff(edges).max() < 0.56 and np.diff(edges).min() > 0


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_bars_begin_where_chords_change(first):
    rows = [
        (0.5 * k, 0.5 * k + 0.45, 60 + (5 * ((k - first) // 4) + pitch) % 12, 0.5, 0)
        for k in range(32)
        for pitch in (0, 4, 7)
    ]
    drums = [(0.5 * k, 0.5 * k + 0.1, 36, 1.0, DRUMS) for k in range(0, 32, 2)]
    meter = estimate_meter(Beats(120.0, 0.5 * np.arange(32), 0.9), Notes.of(rows + drums))
    assert meter is not None and (meter.beats, meter.first) == (4, first)
