import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restyle.dsp.pianoroll import Roll, notes_to_roll, roll_to_notes
from restyle.notes import DRUMS, Notes

HOP = 0.016


@st.composite
def melodies(draw):
    """Notes that no two of one pitch overlap, at least 0.1 s long and 0.05 s apart."""
    rows = []
    for pitch in draw(st.lists(st.integers(21, 108), unique=True, max_size=4)):
        time = 0.0
        for _ in range(draw(st.integers(1, 4))):
            start = time + draw(st.floats(0.05, 0.5))
            time = start + draw(st.floats(0.1, 0.8))
            rows.append((start, time, pitch, draw(st.floats(0.1, 1)), 0))
    return Notes.of(rows)


@settings(max_examples=80, deadline=None)
@given(melodies())
def test_notes_survive_the_way_there_and_back(notes):
    # gap=0..1 frames only: the melodies' rests may be as short as three frames
    read = roll_to_notes(notes_to_roll(notes, 400, HOP), gap=1)
    assert len(read) == len(notes)
    for pitch in np.unique(notes.pitch):
        before, after = notes.select(notes.pitch == pitch), read.select(read.pitch == pitch)
        assert len(before) == len(after)
        assert np.abs(before.onset - after.onset).max() < HOP / 2
        assert np.abs(before.offset - after.offset).max() <= HOP
        assert np.allclose(before.velocity, after.velocity, atol=1e-6)


def test_draws_what_is_played():
    roll = notes_to_roll(Notes.of([(0.1, 0.3, 60.3, 0.7, 40)]), 50, 0.01)
    assert roll.frame.shape == roll.onset.shape == roll.velocity.shape == (50, 88)
    assert np.flatnonzero(roll.frame[:, 39]).tolist() == list(range(10, 30))
    assert roll.onset[:, 39].argmax() == 10 and roll.onset[10, 39] == 1
    assert roll.velocity[10, 39] == pytest.approx(0.7)
    assert np.delete(roll.frame, 39, axis=1).max() == 0


def test_an_onset_between_two_frames_is_shared():
    roll = notes_to_roll(Notes.of([(0.105, 0.3, 60, 1, 0)]), 50, 0.01)
    assert roll.onset[10, 39] == pytest.approx(roll.onset[11, 39]) == pytest.approx(2 / 3, abs=1e-3)


def test_an_end_and_a_bend_are_drawn():
    bends = np.tile(np.linspace(-0.5, 0.5, 50), (2, 1))
    notes = Notes.of([(-0.2, 0.1, 70, 1, 0), (0.1, 0.305, 60.25, 0.7, 40)])
    roll = notes_to_roll(notes, 50, 0.01, bends=bends)
    assert roll.offset[30, 39] == pytest.approx(roll.offset[31, 39], abs=1e-3) and roll.offset[30, 39] > 0.6
    assert roll.bend[10:30, 39] == pytest.approx(bends[0, 10:30] + 0.25, abs=1e-6)
    assert not roll.bend[31:, 39].any()
    assert not roll.onset[:, 49].any() and roll.frame[:10, 49].all()  # began before the roll


def test_leaves_out_drums_and_what_lies_outside():
    notes = Notes.of([(0, 1, 60, 1, DRUMS), (0, 1, 20, 1, 0), (0, 1, 109, 1, 0), (9, 10, 60, 1, 0)])
    roll = notes_to_roll(notes, 100, 0.01)
    assert roll.frame.max() == roll.onset.max() == roll.velocity.max() == 0
    assert len(roll_to_notes(roll)) == 0


def test_range_is_chosen():
    roll = notes_to_roll(Notes.of([(0, 0.5, 40, 1, 0)]), 100, 0.01, lowest=40, pitches=12)
    assert roll.frame.shape == (100, 12) and roll.frame[:, 0].sum() == 50
    assert roll_to_notes(roll).pitch.tolist() == [40]


def one_pitch(onset, frame, velocity=0.5, hop=0.01, offset=0):
    onset, frame, offset = (
        np.broadcast_to(np.array(a, np.float32), len(onset))[:, None] for a in (onset, frame, offset)
    )
    return Roll(onset, frame, np.full_like(onset, velocity), offset, np.zeros_like(onset), hop, 60)


def test_a_repeated_note_ends_where_the_next_starts():
    onset, frame = np.zeros(60), np.ones(60)
    onset[[10, 30]] = 0.9
    read = roll_to_notes(one_pitch(onset, frame))
    assert read.offset.tolist() == pytest.approx([0.3, 0.6])


def test_short_gaps_are_bridged_and_long_ones_end_the_note():
    onset, frame = np.zeros(60), np.ones(60)
    onset[5] = 0.9
    frame[[20, 21]] = 0.1
    frame[40:44] = 0.1
    assert roll_to_notes(one_pitch(onset, frame), gap=2).offset.tolist() == pytest.approx([0.4])
    assert roll_to_notes(one_pitch(onset, frame), gap=1).offset.tolist() == pytest.approx([0.2])


def test_a_note_ends_at_the_offset_near_the_end_of_its_frames():
    onset, frame, offset = np.zeros(60), np.zeros(60), np.zeros(60)
    onset[10], frame[10:40], offset[37], offset[20] = 0.9, 0.8, 0.3, 0.9
    assert roll_to_notes(one_pitch(onset, frame, offset=offset)).offset.tolist() == pytest.approx([0.37])
    assert roll_to_notes(one_pitch(onset, frame, offset=offset), near=2).offset.tolist() == pytest.approx([0.4])
    far = roll_to_notes(one_pitch(onset, frame, offset=offset), offset_threshold=0.5)
    assert far.offset.tolist() == pytest.approx([0.4])


def test_thresholds_and_shortest_length():
    onset, frame = np.zeros(60), np.zeros(60)
    onset[[10, 40]] = 0.6, 0.3
    assert len(roll_to_notes(one_pitch(onset, frame))) == 1
    assert len(roll_to_notes(one_pitch(onset, frame), onset_threshold=0.2)) == 2
    read = roll_to_notes(one_pitch(onset, frame), shortest=0.1)
    assert read.offset[0] - read.onset[0] == pytest.approx(0.1)


def test_two_equal_onset_frames_are_one_note():
    onset, frame = np.zeros(60), np.ones(60)
    onset[[10, 11]] = 0.8
    read = roll_to_notes(one_pitch(onset, frame))
    assert len(read) == 1 and read.onset[0] == pytest.approx(0.105)


def test_velocity_stays_in_range():
    onset, frame = np.zeros(60), np.ones(60)
    onset[10] = 1
    assert roll_to_notes(one_pitch(onset, frame, velocity=-1)).velocity[0] == pytest.approx(0.02)
    assert roll_to_notes(one_pitch(onset, frame, velocity=3)).velocity[0] == 1
