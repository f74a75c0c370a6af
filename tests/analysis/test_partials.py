import numpy as np
import pytest

from restyle.analysis.partials import HOP, measure, noise_bands, partial_ratios
from restyle.audio import Audio
from restyle.dsp.pitch import midi_to_hz
from restyle.notes import DRUMS, Notes

RATE = 44100
MIDDLE = slice(20, 80)  # frames of a note of a second that its ends do not touch


def tone(f0, amplitudes, *, seconds=1.0, stiffness=0.0, rate=RATE, bend=0.0, phase=0.0):
    """Partials of given amplitudes, [T]; ``bend`` in semitones, a number or one a sample."""
    ratios = partial_ratios(len(amplitudes), stiffness)
    cycles = np.cumsum(f0 * 2 ** (np.broadcast_to(bend, round(seconds * rate)) / 12)) / rate
    phases = phase * np.arange(len(ratios))
    rows = zip(amplitudes, ratios, phases, strict=True)
    return sum(a * np.sin(2 * np.pi * r * cycles + p) for a, r, p in rows)


def one(sound, pitch, rate=RATE, seconds=1.0):
    (note,) = measure(Audio(sound, rate), Notes.of([(0.0, seconds, pitch, 0.8, 0)]))
    return note


@pytest.mark.parametrize("pitch", [36, 50, 60, 69, 84])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_amplitudes_are_measured(pitch, rate):
    amplitudes = np.array([0.4, 0.1, 0.2, 0.02, 0.05])
    note = one(tone(float(midi_to_hz(pitch)), amplitudes, rate=rate, phase=1.0), pitch, rate)
    assert note.pitch == pytest.approx(pitch, abs=0.051)
    assert np.median(note.amplitude[:5, MIDDLE], axis=1) == pytest.approx(amplitudes, rel=0.05)
    assert note.amplitude[5:, MIDDLE].max(initial=0) < 0.005


def test_envelopes_are_followed():
    t = np.arange(RATE) / RATE
    note = one(tone(440, [0.5, 0.3]) * np.exp(-3 * t), 69)
    slope = np.polyfit(np.arange(20, 80) * HOP, np.log(note.amplitude[:2, MIDDLE]).T, 1)[0]
    assert slope == pytest.approx([-3, -3], abs=0.05)


@pytest.mark.parametrize("cents", [-30, -10, 0, 20, 35])
def test_detuning_is_found(cents):
    note = one(tone(440 * 2 ** (cents / 1200), [0.3, 0.2, 0.1, 0.1, 0.05]), 69)
    assert note.pitch == pytest.approx(69 + cents / 100, abs=0.051)


@pytest.mark.parametrize("stiffness", [0.0, 1.5e-4, 4e-4, 1e-3])
def test_stiffness_is_found(stiffness):
    note = one(tone(220, 0.3 / np.arange(1, 19), stiffness=stiffness), 57)
    assert note.stiffness == pytest.approx(stiffness, rel=1e-6)
    assert np.median(note.amplitude[11, MIDDLE]) == pytest.approx(0.3 / 12, rel=0.05)


def test_a_vibrato_bends():
    t = np.arange(2 * RATE) / RATE
    wanted = 0.4 * np.sin(2 * np.pi * 5 * t)
    note = one(tone(440, [0.3, 0.2, 0.1], seconds=2.0, bend=wanted), 69, seconds=2.0)
    at = wanted[(np.arange(20, 180) * HOP * RATE).astype(int)]
    found = note.bend[20:180]
    assert np.corrcoef(found, at)[0, 1] > 0.97
    assert 0.25 < np.abs(found).max() < 0.45
    steady = one(tone(440, [0.3, 0.2, 0.1]), 69)
    assert steady.pitch + steady.bend[MIDDLE] == pytest.approx(np.full(60, 69), abs=0.02)


@pytest.mark.parametrize(("sigma", "lowest"), [(0.03, 6000.0), (0.3, 0.0)])
@pytest.mark.parametrize("pitch", [45, 64])
def test_noise_under_a_tone_is_measured(pitch, sigma, lowest):
    """In all bands when it is strong; weak noise where no partials leak into its bands."""
    sound = tone(float(midi_to_hz(pitch)), 0.2 / np.arange(1, 11)) + np.random.default_rng(1).normal(0, sigma, RATE)
    density = one(sound, pitch).noise[:, MIDDLE].mean(axis=1)  # sigma^2 spread over half the rate
    decibels = 10 * np.log10(density / (sigma**2 / (RATE / 2)))
    heard = noise_bands(RATE) > lowest
    assert abs(np.median(decibels[heard])) < 0.5
    assert np.mean(np.abs(decibels[heard]) < 2) > (0.99 if lowest else 0.75)


def test_noise_is_shared_among_the_notes_that_sound():
    noise = np.random.default_rng(1).normal(0, 0.05, RATE)
    single = one(noise, 60)
    pair = measure(Audio(noise, RATE), Notes.of([(0, 1, 60, 0.5, 0), (0, 1, 67.3, 0.5, 0)]))
    ratio = pair[0].noise[5:, MIDDLE].mean() / single.noise[5:, MIDDLE].mean()
    assert ratio == pytest.approx(0.5, rel=0.1)


def test_partials_that_two_notes_share_are_not_trusted():
    sound = tone(220, [0.3] * 6) + tone(440, [0.3] * 3)
    low, high = measure(Audio(0.3 * sound, RATE), Notes.of([(0, 1, 57, 0.5, 0), (0, 1, 69, 0.5, 0)]))
    assert low.trust[:6, MIDDLE].mean(axis=1).tolist() == [1, 0, 1, 0, 1, 0]
    assert not high.trust[:3, MIDDLE].any()
    alone = one(tone(220, [0.3] * 6), 57)
    assert alone.trust.min() == 1


def test_trust_returns_when_the_other_note_has_ended():
    sound = tone(220, [0.3] * 6, seconds=2.0)
    low, _ = measure(Audio(sound, RATE), Notes.of([(0, 2, 57, 0.5, 0), (0, 0.5, 69, 0.5, 0)]))
    assert not low.trust[1, :45].any() and low.trust[1, 80:].all()


def test_one_sound_a_note_in_their_order_without_drums():
    notes = Notes.of([(0.5, 0.8, 60, 0.4, 0), (0, 0.4, 64, 0.9, 3), (0.2, 0.3, 40, 1, DRUMS)])
    sounds = measure(Audio(tone(300, [0.1]), RATE), notes)
    assert [round(s.pitch) for s in sounds] == [64, 60]
    assert [s.velocity for s in sounds] == [0.9, 0.4]
    assert [s.duration for s in sounds] == pytest.approx([0.4, 0.3])
    assert [s.held for s in sounds] == [40, 30]
    assert sounds[0].amplitude.shape[1] == 40 + 25


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.2])
def test_notes_at_the_very_end_and_short_ones(seconds):
    audio = Audio(tone(440, [0.3], seconds=seconds), RATE)
    sounds = measure(audio, Notes.of([(0, seconds, 69, 0.5, 0), (seconds * 0.99, seconds, 108, 0.5, 0)]))
    for note in sounds:
        assert note.amplitude.shape[1] == note.noise.shape[1] == len(note.bend) >= note.held >= 1
        assert all(np.isfinite(x).all() for x in (note.amplitude, note.noise, note.bend, note.loudness))


def test_loudness_is_the_power_of_the_partials():
    note = one(tone(440, [0.3, 0.4]), 69)
    assert note.loudness[50] == pytest.approx(20 * np.log10(0.5), abs=0.4)


def test_noise_bands_do_not_depend_on_the_rate():
    low, high = noise_bands(16000), noise_bands(48000)
    assert np.array_equal(low, high[: len(low)])
    assert low[-1] <= 8000 and len(high) == 48


def test_without_noise_the_rest_is_the_same():
    t = np.arange(22050) / 22050
    tone = Audio(0.5 * np.sin(2 * np.pi * 440 * t) + np.random.default_rng(0).normal(0, 0.01, 22050), 22050)
    notes = Notes.of([(0.0, 1.0, 69, 0.8, 0)])
    (whole,), (short,) = measure(tone, notes), measure(tone, notes, noise=False)
    assert len(short.noise) == 0 and len(whole.noise) > 0
    assert np.array_equal(short.amplitude, whole.amplitude) and np.array_equal(short.bend, whole.bend)
