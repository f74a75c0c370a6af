import numpy as np
import pytest

from restyle.analysis.partials import measured, noise_bands
from restyle.audio import Audio
from restyle.methods.notewise.conditioning import median_level, shift, touch, voices
from restyle.methods.notewise.envelopes import FLOOR, UNKNOWN, envelope, rows, unpacked
from restyle.notes import Notes

RATE = 16000


def tones(*notes, seconds=3.0, weights=(0.3, 0.03)):
    """A sound of notes (onset, offset, pitch, velocity) with two partials each."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(len(time))
    for onset, offset, pitch, _ in notes:
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        on = (time >= onset) & (time < offset)
        sound += on * sum(w * np.sin(2 * np.pi * f0 * (k + 1) * time) for k, w in enumerate(weights))
    return Audio(sound[None], RATE), Notes.of([(*note, 0) for note in notes])


def packed(audio, notes):
    return rows(measured(audio, notes), notes)


def test_a_note_is_told_at_moments_after_its_onset_and_its_end():
    audio, notes = tones((0.5, 1.5, 69, 0.8))
    found = unpacked(packed(audio, notes).astype(np.float32))
    _, onset, time, released, duration, level, others, velocity, stiffness = found.facts.T
    assert (
        set(onset) == {0.5}
        and set(duration) == {1.0}
        and velocity == pytest.approx(0.8, abs=1e-3)
        and not stiffness.any()
    )
    assert time[:4].tolist() == pytest.approx([0, 0.01, 0.02, 0.03], abs=1e-4) and np.all(np.diff(time) > 0)
    assert released == pytest.approx(time - 1.0, abs=1e-3) and (released > 0).sum() == 5
    assert others.tolist() == [1.0 * (r < 0) for r in released]
    held = (time > 0.1) & (released < -0.1)
    assert found.amplitude[held, 0] == pytest.approx(20 * np.log10(0.3), abs=0.2)
    assert found.amplitude[held, 1] == pytest.approx(20 * np.log10(0.03), abs=0.3)
    assert (found.amplitude[held, 20:] < -70).all() and found.amplitude.min() >= FLOOR
    assert level == pytest.approx(10 * np.log10(0.3**2 + 0.03**2), abs=0.3)
    known = len(noise_bands(RATE))
    assert (found.noise[:, known:] == UNKNOWN).all() and (found.noise[:, :known] > UNKNOWN).all()


def test_onsets_stay_where_they_are():
    """In 16 bits they would be 31 ms off after 64 s."""
    audio, notes = tones((100.02, 100.5, 69, 0.8), (100.05, 100.6, 76, 0.8), seconds=101)
    onset = unpacked(packed(audio, notes)).facts[:, 1]
    assert onset.dtype == np.float32 and np.unique(onset) == pytest.approx([100.02, 100.05], abs=1e-4)


def test_an_envelope_passes_through_the_partials():
    """A slope of 12 dB an octave is found at every band between the partials, and 24 dB an octave above them."""
    frequencies = 200.0 * np.arange(1, 21)
    found = envelope(-12 * np.log2(frequencies / 200)[None], frequencies)[0]
    centres = np.maximum(1, noise_bands(48000))
    inside = (centres > 400) & (centres < 3900)
    assert found[inside] == pytest.approx(-12 * np.log2(centres[inside] / 200), abs=0.5)
    assert found[centres < 200] == pytest.approx(0)
    above = np.flatnonzero(centres > 4500)
    assert np.diff(found[above]) == pytest.approx(-24 * np.diff(np.log2(centres[above])), abs=0.1)


def test_long_recordings_are_measured_in_blocks_alike():
    notes = [(t, t + 0.4, 60 + i % 9, 0.5 + 0.01 * i) for i, t in enumerate(np.arange(0.25, 44, 0.5))]
    audio, table = tones(*notes, seconds=45.0)
    whole = packed(audio, table)
    facts = unpacked(whole.astype(np.float32)).facts
    assert len(np.unique(facts[:, 1])) == len(notes)  # each note once
    part = packed(audio.slice(30 * RATE, 35 * RATE), table.between(30, 35))
    late = whole[(facts[:, 1] > 30.2) & (facts[:, 1] < 34)]
    same = part[(part[:, 1] > 0.2) & (part[:, 1] < 4)]
    assert len(late) == len(same)
    a, b = (unpacked(x.astype(np.float32)) for x in (late, same))
    assert a.amplitude[:, 0] == pytest.approx(b.amplitude[:, 0], abs=0.5)
    assert a.facts[:, 1] == pytest.approx(b.facts[:, 1] + 30, abs=0.02)


def test_levels_are_shifted_together():
    audio, notes = tones((0.2, 1.0, 60, 0.5), (1.2, 2.0, 67, 0.5))
    table = packed(audio, notes).astype(np.float32)
    before, level = table.copy(), median_level(table)
    shift(table, -level)
    assert median_level(table) == pytest.approx(0, abs=0.05)
    old, new = unpacked(before), unpacked(table)
    for name in ("amplitude", "envelope", "noise"):
        assert getattr(new, name) == pytest.approx(getattr(old, name) - level, abs=1e-3)
    assert np.array_equal(old.trust, new.trust) and np.array_equal(old.facts[:, :5], new.facts[:, :5])


def test_touch_is_relative_to_the_usual_velocity():
    assert touch(np.array([0.1, 0.5, 1.0]), 0.5) == pytest.approx([30 * np.log10(0.2), 0, 30 * np.log10(2)])
    assert np.isfinite(touch(np.array([0.0]), 0.0)).all()


def test_the_notes_of_a_stretch_are_asked_for_again():
    audio, notes = tones((0.2, 1.0, 60, 0.5), (1.2, 2.0, 67, 0.5), (2.2, 2.8, 64, 1.0))
    table = packed(audio, notes).astype(np.float32)
    wanted, ratios = voices(table, 1.1, 20, 0.02, usual=0.5, most=4)  # until 1.5 s; the first still rings
    assert wanted.shape == (2, 20, 5) and ratios.shape == (2, 96)
    assert sorted(wanted[:, 0, 0].round().tolist()) == [60, 67]
    second = wanted[wanted[:, 0, 0].round() == 67][0]
    assert second[:, 1].tolist() == pytest.approx((1.1 + np.arange(20) * 0.02 - 1.2).tolist(), abs=2e-3)
    assert not second[:, 4].any()
    assert second[:, 2].tolist() == pytest.approx((second[:, 1] - 0.8).tolist(), abs=2e-3)
    assert ratios[0, :3].tolist() == pytest.approx([1, 2, 3], rel=1e-3)
    assert len(voices(table, 1.1, 20, 0.02, usual=0.5, most=1)[0]) == 0
