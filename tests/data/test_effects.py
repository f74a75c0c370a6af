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
