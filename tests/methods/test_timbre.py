import numpy as np
import pytest

from restyle.analysis.partials import HOP, NoteSound, measure, noise_bands
from restyle.audio import Audio
from restyle.dsp.pitch import midi_to_hz
from restyle.methods.notewise.additive import play
from restyle.methods.notewise.timbre import MOST_NOTES, NOISE, Timbre
from restyle.notes import Notes

RATE = 44100


def sound(
    pitch=60.0, *, seconds=1.0, weights=(0.3, 0.15, 0.1), decay=0.0, noise=1e-9, rate=RATE, stiffness=0.0, trust=1.0
):
    """A note as if it had been measured: steady or decaying partials, fading by 200 dB a second after its end."""
    frames = round(seconds / HOP) + 25
    time = np.arange(frames) * HOP
    envelope = 10 ** ((decay * time - 200 * np.maximum(0, time - seconds)) / 20)
    amplitude = np.array(weights)[:, None] * envelope
    bands = np.full((len(noise_bands(rate)), frames), noise)
    return NoteSound(pitch, seconds, 0.8, stiffness, amplitude, np.full_like(amplitude, trust), bands, np.zeros(frames))


def shape(tone, frame=40, count=3):
    """Amplitudes of the first partials against the first."""
    return 10 ** ((tone.amplitude[:count, frame] - tone.amplitude[0, frame]) / 20)


def test_a_note_of_the_style_comes_back():
    timbre = Timbre.learn([sound(weights=(0.3, 0.15, 0.06))], RATE)
    tone = timbre.tone(60, 90, RATE)
    assert tone.amplitude.shape[1] == tone.noise.shape[1] == 90
    assert shape(tone) == pytest.approx([1, 0.5, 0.2], rel=0.02)
    power = 10 * np.log10(0.3**2 + 0.15**2 + 0.06**2)
    assert tone.level == pytest.approx(power, abs=0.01)
    assert 10 * np.log10(np.sum(10 ** (tone.amplitude[:3, 40] / 10))) == pytest.approx(0, abs=0.05)


def test_noise_comes_back_without_what_leaks():
    timbre = Timbre.learn([sound(noise=1e-8)], RATE)
    tone = timbre.tone(60, 50, RATE)
    assert tone.noise[:, 20] == pytest.approx(np.full(len(tone.noise), -80 + NOISE - tone.level), abs=0.1)


def test_the_nearest_register_answers():
    low, high = sound(48, weights=(0.3, 0.3, 0.3)), sound(84, weights=(0.3, 0.03, 0.003))
    timbre = Timbre.learn([low, high], RATE)
    assert shape(timbre.tone(49, 60, RATE)) == pytest.approx([1, 1, 1], rel=0.1)
    assert shape(timbre.tone(83, 60, RATE)) == pytest.approx([1, 0.1, 0.01], rel=0.3)
    middle = shape(timbre.tone(66, 60, RATE))
    assert 0.1 < middle[1] < 1 and 0.01 < middle[2] < 1


def test_a_note_is_held_for_longer_than_the_style_did():
    timbre = Timbre.learn([sound(decay=-10, seconds=1.0)], RATE)
    tone = timbre.tone(60, 300, RATE)
    slope = np.polyfit(np.arange(150, 280) * HOP, tone.amplitude[:3, 150:280].T, 1)[0]
    assert slope == pytest.approx([-10, -10, -10], abs=1.5)
    assert np.abs(np.diff(tone.amplitude[0])).max() < 1  # no step where the measured part ends


def test_a_steady_note_goes_on_steadily():
    tone = Timbre.learn([sound(decay=0)], RATE).tone(60, 400, RATE)
    assert np.ptp(tone.amplitude[0, 10:]) < 1


def test_a_short_note_is_the_start_of_a_long_one():
    timbre = Timbre.learn([sound(decay=-20)], RATE)
    long, short = timbre.tone(60, 64, RATE), timbre.tone(60, 50, RATE)
    assert np.array_equal(short.amplitude, long.amplitude[:, :50])


def test_release_is_measured():
    assert Timbre.learn([sound()], RATE).release == pytest.approx(-200, abs=1)


def test_a_release_ends_where_another_note_begins():
    followed = sound()
    followed.amplitude[:, followed.held + 7 :] = 0.2
    assert Timbre.learn([followed], RATE).release == pytest.approx(-200, abs=1)


def test_partials_stay_below_half_the_rate():
    timbre = Timbre.learn([sound(90, weights=[0.1] * 12)], RATE)
    for rate in (8000, 16000, 44100):
        tone = timbre.tone(90, 30, rate)
        assert midi_to_hz(90) * len(tone.amplitude) < rate / 2
    assert len(timbre.tone(90, 30, 44100).amplitude) > len(timbre.tone(90, 30, 8000).amplitude)


def test_a_partial_that_is_covered_counts_less():
    clear, covered = sound(60, weights=(0.3, 0.03, 0.03)), sound(60, weights=(0.3, 0.3, 0.3), trust=0.0)
    tone = Timbre.learn([clear, covered], RATE).tone(60, 60, RATE)
    assert shape(tone)[1] < np.sqrt(0.1)  # nearer to the clear one's -20 dB than to 0


def test_stiffness_is_kept():
    assert Timbre.learn([sound(stiffness=4e-4)], RATE).tone(60, 20, RATE).stiffness == pytest.approx(4e-4)


def test_clips_of_several_rates_make_one_timbre():
    timbre = Timbre.learn([sound(60, rate=8000), sound(64, rate=48000)], 48000)
    tone = timbre.tone(62, 30, 48000)
    assert len(tone.noise) == len(noise_bands(48000))
    assert np.isfinite(tone.amplitude).all() and np.isfinite(tone.noise).all()


def test_the_clearest_notes_are_kept():
    faint = [sound(60, weights=(1e-4,)) for _ in range(MOST_NOTES)]
    timbre = Timbre.learn([*faint, sound(72), sound(65, weights=(0.5, 0.2))], RATE)
    assert len(timbre.pitch) == MOST_NOTES
    assert set(timbre.pitch[:2]) == {72, 65}


def test_arrays_bring_it_back():
    timbre = Timbre.learn([sound(60, noise=1e-8), sound(67, decay=-10)], RATE)
    arrays = timbre.arrays()
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    again = Timbre.of(arrays)
    for pitch in (60, 64, 70):
        one, two = timbre.tone(pitch, 120, RATE), again.tone(pitch, 120, RATE)
        assert one.amplitude == pytest.approx(two.amplitude, abs=0.1)
        assert one.noise == pytest.approx(two.noise, abs=0.1)
        assert (one.level, one.stiffness) == pytest.approx((two.level, two.stiffness))
    assert again.release == pytest.approx(timbre.release)


def test_what_is_played_is_measured_again():
    """Around the circle: measured envelopes, played, and measured."""
    timbre = Timbre.learn([sound(69, weights=(0.3, 0.15, 0.06, 0.1))], RATE)
    tone = timbre.tone(69, 100, RATE)
    samples = play(tone, 69, np.full(100, tone.level), np.zeros(100), RATE, np.random.default_rng(0))
    (heard,) = measure(Audio(samples, RATE), Notes.of([(0, 1, 69, 0.8, 0)]))
    assert np.median(heard.amplitude[:4, 20:80], axis=1) == pytest.approx([0.3, 0.15, 0.06, 0.1], rel=0.05)
    after = heard.loudness[heard.held + 4] - heard.loudness[heard.held + 14]
    assert after == pytest.approx(20, abs=4)  # 200 dB a second


def test_a_bend_is_played():
    tone = Timbre.learn([sound(69)], RATE).tone(69, 100, RATE)
    bend = np.linspace(0, 1, 100)
    samples = play(tone, 69, np.full(100, -10.0), bend, RATE, np.random.default_rng(0))
    for at, pitch in ((0.1, 69.1), (0.5, 69.5), (0.9, 69.9)):
        piece = samples[round((at - 0.04) * RATE) : round((at + 0.04) * RATE)]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 2**18))
        f0 = spectrum[: 2**18 * 600 // RATE].argmax() * RATE / 2**18
        assert 12 * np.log2(f0 / 440) + 69 == pytest.approx(pitch, abs=0.08)


def test_noise_is_played_at_its_density():
    density = -70.0
    tone = Timbre.learn([sound(60, noise=10 ** ((density - NOISE) / 10))], RATE).tone(60, 200, RATE)
    tone.amplitude[:] = -200
    samples = play(tone, 60, np.full(200, tone.level), np.zeros(200), RATE, np.random.default_rng(0))
    power = np.mean(samples[RATE // 4 : RATE] ** 2)
    assert 10 * np.log10(power / (RATE / 2)) == pytest.approx(density, abs=0.5)
