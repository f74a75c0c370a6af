import numpy as np
import pytest
import scipy.signal

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.methods.spectral import SpectralMethod

RATE = 22050


def noise(seconds=3.0, *, cutoff=None, level=0.1, seed=0, rate=RATE, channels=1):
    sound = np.random.default_rng(seed).normal(0, level, (channels, round(seconds * rate)))
    if cutoff:
        sound = scipy.signal.sosfilt(scipy.signal.butter(2, cutoff, fs=rate, output="sos"), sound)
    return sound


def melody(seconds=3.0):
    t = np.arange(round(seconds * RATE)) / RATE
    f0 = 220 * 2 ** (np.floor(t * 2) % 5 * 2 / 12)
    cycles = np.cumsum(f0) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * k * cycles) / k for k in range(1, 8)) * np.exp(-3 * (t % 0.5))


def levels(samples, rate=RATE):
    """Mean level in dB of bands an octave wide from 250 Hz to 8 kHz."""
    frequency, power = scipy.signal.welch(samples, rate, nperseg=2048)
    octaves = 250 * 2.0 ** np.arange(6)
    return 10 * np.log10([power[(frequency > f / 1.4) & (frequency < f * 1.4)].mean() for f in octaves])


@pytest.fixture(scope="module")
def method():
    return SpectralMethod()


@pytest.fixture(scope="module")
def profile(method):
    return method.fit([Audio(noise(cutoff=1500, level=0.2, seed=1), RATE)])


def test_strength_is_continuous(method, profile):
    content = Audio(melody(), RATE)
    made = [method.apply(content, profile, strength=s).samples for s in (0.001, 0.25, 0.5, 0.75, 0.751, 1.0)]
    near = np.sqrt(np.mean(np.square([made[0] - content.samples, made[4] - made[3]]), axis=(1, 2)))
    assert near.max() < 0.02 * np.sqrt(np.mean(content.samples**2))
    away = [np.mean((m - content.samples) ** 2) for m in made]
    assert away == sorted(away)


def test_noise_gets_the_styles_levels(method, profile):
    style = noise(cutoff=1500, level=0.2, seed=1)[0]
    content = noise(level=0.05)
    before = np.abs(levels(content[0]) - levels(style))
    after = np.abs(levels(method.apply(Audio(content, RATE), profile).samples[0]) - levels(style))
    assert before.max() > 15
    assert after.max() < 2


def test_the_contents_timing_stays(method):
    """Bursts of noise in the style of a melody, struck at the same pace, and of bursts at another."""
    t = np.arange(3 * RATE) / RATE
    content = noise()[0] * np.exp(-8 * (t % 0.5))
    struck = np.exp(-6 * ((t + 0.2) % 0.31)) * noise(cutoff=1500, seed=1)[0]
    for style in (struck, melody()):
        made = method.apply(Audio(content, RATE), method.fit([Audio(style, RATE)])).samples[0]
        envelopes = [np.sqrt(np.convolve(x**2, np.ones(512) / 512, "same"))[::512] for x in (content, made)]
        assert np.corrcoef(*envelopes)[0, 1] > 0.65


def test_a_content_in_its_own_style_stays_itself(method):
    content = Audio(melody(), RATE)
    made = method.apply(content, method.fit([content]))
    assert np.sqrt(np.mean((made.samples - content.samples) ** 2)) < 0.02 * np.sqrt(np.mean(content.samples**2))


def test_a_pause_stays_a_pause(method, profile):
    sound = melody()
    made = method.apply(Audio(np.concatenate([sound, np.zeros(RATE), sound]), RATE), profile).samples[0]
    pause = made[len(sound) + RATE // 4 : len(sound) + 3 * RATE // 4]
    assert np.abs(pause).max() < 3e-3 * np.abs(made).max()


def test_the_places_of_channels_stay(method, profile):
    left = noise(seed=3)[0]
    made = method.apply(Audio(np.stack([left, 0.25 * left]), RATE), profile).samples
    assert made[1] == pytest.approx(0.25 * made[0], abs=1e-5)


@pytest.mark.parametrize("refine", [0, 2])
def test_seams_of_blocks_are_not_heard(monkeypatch, refine):
    """Blocks of a second or one block: less than -60 dB apart where blocks meet, in their inside."""
    method = SpectralMethod(refine=refine)
    style = method.fit([Audio(noise(cutoff=1500, seed=1), RATE)])
    content = Audio(melody(8.0) + noise(8.0, level=0.005)[0], RATE)
    usual = blocks.process
    whole = method.apply(content, style).samples[0]
    for seconds in (2.0, 3.0):

        def cut(*arguments, seconds=seconds, **settings):
            return usual(*arguments, **settings | {"seconds": seconds})

        monkeypatch.setattr(blocks, "process", cut)
        parts = method.apply(content, style).samples[0]
        inside = slice(RATE, -RATE)
        assert not np.array_equal(whole, parts)
        assert np.sum((whole - parts)[inside] ** 2) < 1e-6 * np.sum(whole[inside] ** 2)


def test_clips_of_several_rates_make_one_profile(method):
    profile = method.fit([Audio(noise(rate=8000), 8000), Audio(noise(rate=44100, channels=2), 44100)])
    assert all(isinstance(value, np.ndarray) and np.isfinite(value).all() for value in profile.values())
    made = method.apply(Audio(melody(), RATE), profile)
    assert np.isfinite(made.samples).all()
    assert profile["frequencies"].max() > 20000


def test_a_pause_in_the_style_changes_nothing(method):
    style = noise(cutoff=1500, seed=1)
    content = Audio(noise(level=0.05), RATE)
    padded = np.concatenate([style, np.zeros((1, 2 * RATE))], axis=1)
    one, two = (method.apply(content, method.fit([Audio(s, RATE)])).samples[0] for s in (style, padded))
    assert np.abs(levels(one) - levels(two)).max() < 1
