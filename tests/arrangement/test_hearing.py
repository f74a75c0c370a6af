"""Recordings and notes as scores of parts."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.analysis.melody import melody_of
from restyle.arrangement.hearing import BASS, CHORDS, TUNE, heard
from restyle.audio import Audio
from restyle.errors import collect
from restyle.notes import Notes
from restyle.score import Score

RATE = 16000


def sounding(notes):
    time = np.arange(round(RATE * (notes.duration + 0.5))) / RATE
    sound = np.zeros(len(time))
    for onset, offset, pitch, velocity in zip(notes.onset, notes.offset, notes.pitch, notes.velocity, strict=True):
        inside = (time >= onset) & (time < offset)
        t, hertz = time[inside] - onset, 440 * 2 ** ((pitch - 69) / 12)
        sound[inside] += velocity * sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 5)) * np.exp(-3 * t)
    return Audio(0.1 * sound, RATE)


PLAYED = Notes.of(
    [(0.5 * k, 0.5 * k + 0.45, (76, 79, 77, 74)[k % 4], 0.9, 0) for k in range(16)]
    + [(2.0 * k, 2.0 * k + 1.9, pitch, 0.4, 0) for k in range(4) for pitch in (40, 55, 59)]
)


@pytest.mark.slow
def test_a_recording_has_a_tune_a_bass_and_chords():
    audio = sounding(PLAYED)
    notes = heard(audio, "the song").notes
    parts = {part: notes.select(notes.programme == part) for part in (TUNE, BASS, CHORDS)}
    assert set(parts[TUNE].pitch.round()) == {74, 76, 77, 79} and len(parts[TUNE]) == 16
    assert set(parts[BASS].pitch.round()) == {40} and {55, 59} <= set(parts[CHORDS].pitch.round())


def test_notes_of_a_score_are_found_as_they_are_played():
    late = Notes(PLAYED.onset + 0.03, PLAYED.offset, PLAYED.pitch, PLAYED.velocity, PLAYED.programme)
    found = heard(late, "the notes")
    tune = found.as_played(melody_of(found.score))
    assert tune.onset.tolist() == pytest.approx([0.5 * k + 0.03 for k in range(16)]) and tune.velocity.min() == 0.9
    other = Score.of([(0, 12, 30, 0.5, 0, 0)], bars=[0, 48])
    assert len(found.as_played(other)) == 0


def test_without_a_beat_bars_are_of_two_seconds_and_it_is_said():
    with collect() as collected:
        found = heard(Notes.of([(0.3, 1.0, 60, 0.5, 0)]), "one note")
    assert found.score.bars.tolist() == [0, 48] and found.score.times[4] == 2.0
    assert "no steady beat was found in one note" in collected.warnings[0]
