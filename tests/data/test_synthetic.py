import numpy as np
import pytest

from restyle.data.synthetic import Voice
from restyle.notes import Notes

RATE = 16000


def voice(**given):
    plain = {"ratios": np.array([1.0, 2.0]), "levels": np.array([0.0, -20.0]), "tilt": 0.0, "corner": 1e4}
    plain |= {"attack": 0.005, "decay": 0.0, "damping": 1.0, "floor": 0.0, "release": 300.0, "detune": 0.0}
    return Voice(**(plain | {"breath": -120.0, "touch": 0.0} | given))


def play(given, *rows, duration=2.0, bend=None, seed=0):
    return given.render(Notes.of(rows), duration, RATE, bend, np.random.default_rng(seed))


def spectrum(samples):
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**17)) / np.hanning(len(samples)).sum() * 2


def test_partials_lie_where_they_are_told_at_their_levels():
    found = spectrum(play(voice(), (0.2, 1.2, 69, 1.0, 0))[6400:16000])
    for frequency, amplitude in ((440, 0.1), (880, 0.01)):
        at = round(frequency / RATE * 2**17)
        assert abs(found[at - 60 : at + 61].argmax() - 60) <= 1
        assert found[at - 60 : at + 61].max() == pytest.approx(amplitude, rel=0.03)


def test_a_note_sounds_from_its_onset_until_it_is_released():
    level = np.abs(play(voice(), (0.5, 1.0, 69, 1.0, 0)))
    assert not level[: RATE // 2].any() and level[RATE // 2 + 200 : RATE].max() > 0.09
    assert level[round(1.1 * RATE) : round(1.12 * RATE)].max() < 0.1 * 10 ** (-28 / 20)
    assert not level[round(1.25 * RATE) :].any()


def test_a_struck_note_fades_and_its_highs_sooner():
    struck = play(voice(levels=np.zeros(2), decay=20.0, damping=2.0, floor=80.0), (0, 1.5, 69, 1.0, 0))
    early, late = (spectrum(struck[at : at + 4000]) for at in (800, 16800))
    fallen = [20 * np.log10(early[k] / late[k]) for k in (round(f / RATE * 2**17) for f in (440, 880))]
    assert fallen == pytest.approx([20 * 2 ** np.log2(440 / 500), 20 * 2 ** np.log2(880 / 500)], rel=0.05)


def test_a_bend_moves_all_partials():
    bent = spectrum(play(voice(), (0, 1.5, 69, 1.0, 0), bend=np.full(201, 1.0))[1600:20000])
    assert bent.argmax() / 2**17 * RATE == pytest.approx(440 * 2 ** (1 / 12), abs=0.5)


def test_soft_notes_are_softer_and_duller():
    soft, loud = (spectrum(play(voice(touch=6.0), (0, 1.5, 69, v, 0))[1600:20000]) for v in (0.25, 1.0))
    first, second = (round(f / RATE * 2**17) for f in (440, 880))
    assert soft[first] / loud[first] == pytest.approx(1 / 16, rel=0.02)
    assert 20 * np.log10((soft[second] / soft[first]) / (loud[second] / loud[first])) == pytest.approx(-12, abs=0.3)


def test_drawn_voices_differ_repeat_and_are_finite():
    seen = []
    for seed in range(40):
        rng, again = np.random.default_rng(seed), np.random.default_rng(seed)
        drawn, same = Voice.draw(rng), Voice.draw(again)
        rows = (0.1, 0.6, 60, 0.7, 0), (0.7, 1.2, 67, 0.9, 0)
        sound = play(drawn, *rows, seed=seed)
        assert np.isfinite(sound).all() and np.array_equal(sound, play(same, *rows, seed=seed))
        assert drawn.levels.max() == 0 and 0.001 < np.abs(sound).max() < 3
        seen.append((len(drawn.ratios), drawn.decay > 0))
    assert len(set(seen)) >= 5


def test_modulation_makes_the_sidebands_of_bessel_functions():
    from scipy.special import jv

    modulated = voice(ratios=np.array([1.0]), levels=np.zeros(1), modulator=3.0, index=1.5)  # a fifth of it stays
    found = spectrum(play(modulated, (0, 1.5, 57, 1.0, 0))[1600:20000])
    for order, frequency in ((0, 220), (1, 880), (-1, 440)):  # the third lies below zero, and folds up
        at = round(frequency / RATE * 2**17)
        assert found[at - 60 : at + 61].max() == pytest.approx(0.1 * abs(jv(order, 0.3)), rel=0.05)


def test_a_sweep_opens_the_filter_and_a_tremolo_swells():
    swept = play(voice(levels=np.zeros(2), tilt=-12.0, corner=440.0, sweep=0.2, opening=-2.0), (0, 2, 69, 1.0, 0))
    first, second = (round(f / RATE * 2**17) for f in (440, 880))
    early, late = (spectrum(swept[at : at + 1600]) for at in (160, 25600))
    assert 20 * np.log10(late[second] / late[first]) == pytest.approx(-12, abs=0.5)
    assert 20 * np.log10(early[second] / late[second]) < -10
    level = np.abs(play(voice(tremolo=6.0, pace=5.0), (0, 2, 69, 1.0, 0)))
    assert level[1570:1630].max() / level[3170:3230].max() == pytest.approx(10 ** (-6 / 20), rel=0.1)
