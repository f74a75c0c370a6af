import numpy as np

from restyle.data import effects


def tone(seconds=1.0, rate=8000):
    return np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def test_the_same_seed_gives_the_same_and_seeds_differ():
    made = [effects.apply(tone(), 8000, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])


def test_length_and_pitch_stay_at_any_rate():
    for seed in range(30):
        rate = (8000, 22050, 44100)[seed % 3]
        made = effects.apply(tone(rate=rate), rate, np.random.default_rng(seed))
        assert made.shape == (rate,) and made.dtype == np.float32 and np.isfinite(made).all()
        peak = np.abs(np.fft.rfft(made)).argmax()
        assert peak % 440 == 0 or abs(peak - 440) <= 2  # drive makes harmonics, a swell broadens the line


def test_silence_stays_silence():
    assert not effects.apply(np.zeros(100), 8000, np.random.default_rng(0)).any()


def test_a_wavering_pitch_stays_within_its_cents_and_in_time():
    rate, cents = 16000, 12.0
    t = np.arange(4 * rate) / rate
    made = effects.wavering(np.sin(2 * np.pi * 1000 * t), rate, np.random.default_rng(3), cents=cents)
    crossings = np.flatnonzero((made[:-1] < 0) & (made[1:] >= 0))
    exact = crossings - made[crossings] / (made[crossings + 1] - made[crossings])
    pitch = 1200 * np.log2(rate / np.diff(exact) / 1000)
    assert 1 < np.ptp(pitch[10:-10]) < 2.6 * cents
    assert np.abs(np.diff(exact, prepend=0)[1:].cumsum() - rate / 1000 * np.arange(1, len(exact))).max() < 0.01 * rate
    assert len(made) == len(t)


def test_every_change_keeps_length_and_finite_values():
    for change, _ in effects.CHANGES:
        made = change(tone(), 8000, np.random.default_rng(0))
        assert len(made) == 8000 and np.isfinite(made).all() and np.abs(made).max() > 0.01


def test_a_room_of_walls_fades_evenly_and_has_no_direct_sound():
    for seed in range(6):
        echoes = effects.shoebox(16000, np.random.default_rng(seed))
        early, late = np.array_split(np.square(echoes), 2)
        assert echoes[0] == 0 and np.isfinite(echoes).all() and early.sum() > 30 * late.sum() > 0
        joint = round(effects.EARLY * 16000)
        before, after = (np.sqrt(np.mean(echoes[at : at + 320] ** 2)) for at in (joint - 320, joint))
        assert 0.3 < after / before < 3


def test_the_noise_floor_is_what_sounds_between_notes():
    noise = np.random.default_rng(0).normal(0, 0.01, 32000)
    low = np.fft.irfft(np.fft.rfft(noise) * (np.arange(16001) < 4000))  # below 1 kHz at 8 kHz
    notes = tone(4.0) * (np.arange(32000) // 4000 % 2)
    floor = effects.noise_floor(low + notes)
    assert floor.shape == (513,) and floor[:120].mean() > 0.3 and floor[140:].max() < 0.05
    made = effects.apply(tone(4.0), 8000, np.random.default_rng(2), floor=floor)
    assert not np.array_equal(made, effects.apply(tone(4.0), 8000, np.random.default_rng(2)))


def test_silence_has_a_noise_floor_like_any_other():
    assert np.isfinite(effects.noise_floor(np.zeros(100))).all()
