from dataclasses import replace

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.methods.notewise import attack
from restyle.notes import Notes

RATE = 22050


def note(seconds, rise, pitch=220.0):
    """A steady tone that rises linearly within some seconds."""
    t = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * np.pi * pitch * t) * np.minimum(1, t / rise)


def struck(extra=0.0):
    """A recording of tones every half second, louder by some dB in their first 20 ms; and its notes, a little early."""
    sound, table = np.zeros(4 * RATE), []
    for i in range(7):
        one = note(0.4, 0.001)
        one[: round(0.02 * RATE)] *= 10 ** (extra / 20)
        sound[round((0.1 + 0.5 * i) * RATE) :][: len(one)] += 0.1 * one
        table.append((0.09 + 0.5 * i, 0.49 + 0.5 * i, 57, 0.8, 0))
    return Audio(sound.astype(np.float32), RATE), Notes.of(table)


def test_what_a_slow_player_lacks_is_learnt_and_given_back():
    clip, notes = struck(extra=8)
    change = attack.learn([clip], [notes], lambda pitch, seconds, rate: note(seconds, 0.03))
    assert 4 < change.max() <= attack.LOUDEST and change.argmax() < 10 and np.abs(change[25:]).max() < 1
    slow = note(0.4, 0.03).astype(np.float32)
    made = attack.shaped(slow, change, RATE)
    at = round((change.argmax() + 0.5) * attack.STEP * RATE)
    assert 20 * np.log10(made[at] / slow[at]) == pytest.approx(change.max(), abs=0.3)
    assert np.array_equal(made[round(attack.LENGTH * RATE) :], slow[round(attack.LENGTH * RATE) :])
    assert np.abs(np.diff(made)).max() < 3.2 * np.abs(np.diff(note(0.4, 0.001))).max()  # 8 dB more, no click


def test_a_player_as_sharp_as_the_style_is_left_alone():
    clip, notes = struck()
    change = attack.learn([clip], [notes], lambda pitch, seconds, rate: 0.3 * note(seconds, 0.001))
    assert np.abs(change).max() < 0.5


def test_a_style_that_swells_is_left_alone():
    sound, table = np.zeros(4 * RATE), []
    for i in range(7):
        sound[round((0.1 + 0.5 * i) * RATE) :][: round(0.4 * RATE)] += 0.1 * note(0.4, 0.08)
        table.append((0.1 + 0.5 * i, 0.5 + 0.5 * i, 57, 0.8, 0))
    change = attack.learn([Audio(sound, RATE)], [Notes.of(table)], lambda pitch, seconds, rate: note(seconds, 0.2))
    assert not change.any()


def test_chords_count_as_one_and_crowded_or_few_notes_tell_nothing():
    clip, notes = struck(extra=8)
    fifths = replace(notes, onset=notes.onset + 0.01, pitch=notes.pitch + 7)
    chords = Notes.joined([notes, fifths])
    assert len(attack._alone(chords)) == len(notes)
    crowded = Notes.of([(0.08 * i, 0.08 * i + 0.3, 57, 0.8, 0) for i in range(40)])
    for few in (crowded, notes.select(np.arange(len(notes)) < 2), Notes.of([])):
        assert not attack.learn([clip], [few], lambda pitch, seconds, rate: note(seconds, 0.03)).any()
