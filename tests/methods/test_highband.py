"""What lies above a network's band: made from what it made below, with the style's tone, none of the content's own."""

import numpy as np
import pytest
import torch

from restyle.audio import Audio
from restyle.dsp import highband
from restyle.dsp.coherence import band_coherence
from restyle.dsp.highband import extend, measure
from restyle.dsp.stft import Stft
from restyle.io import weights
from restyle.methods import method
from restyle.methods.cyclegan.model import CycleGan
from restyle.methods.draw.method import DrawMethod
from restyle.methods.repainting import Grid, repaint
from restyle.methods.vae_gan.method import VaeGanMethod
from restyle.methods.wavenet.method import WavenetMethod

RATE, NETWORK = 44100, 16000
LIMIT = 7200.0


def noise(seconds, rate=RATE, slope=0.0, low=500.0, high=1e9, channels=1, seed=0):
    """Noise between two frequencies, whose spectrum falls by ``slope`` dB an octave, [C, T]."""
    white = np.random.default_rng(seed).normal(size=(channels, round(seconds * rate)))
    hertz = np.fft.rfftfreq(white.shape[1], 1 / rate)
    shape = 10 ** (slope * np.log2(np.maximum(hertz, 1) / 1000) / 20) * ((hertz >= low) & (hertz < high))
    sound = np.fft.irfft(np.fft.rfft(white) * shape, white.shape[1])
    return Audio(0.1 * sound / sound.std(), rate)


def tone(seconds, frequency=440.0, rate=RATE):
    return 0.2 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def density(sound, low, high):
    """Mean power per Hz between two frequencies, in dB."""
    power = np.square(np.abs(np.fft.rfft(sound.samples * np.hanning(sound.length)))).mean(axis=0)
    hertz = np.fft.rfftfreq(sound.length, 1 / sound.rate)
    return 10 * np.log10(power[(hertz >= low) & (hertz < high)].mean() + 1e-20)


def step(sound, limit=LIMIT):
    """How the third of an octave above a frequency lies beside that below, in dB."""
    third = 2 ** (1 / 3)
    return density(sound, limit, limit * third) - density(sound, limit / third, limit)


def coherence(one, other, low=9000.0):
    """Magnitude-squared coherence above a frequency, weighted by the power of the first."""
    stft = Stft(1024, 256)
    a, b = (stft(torch.from_numpy(sound.samples[0])) for sound in (one, other))
    above = torch.arange(513) * one.rate / 1024 > low
    cross, mine, theirs = ((x * y.conj()).sum(1).abs()[above] for x, y in ((a, b), (a, a), (b, b)))
    return float((cross.square() / theirs.clamp_min(1e-20)).sum() / mine.sum().clamp_min(1e-20))


def db(part, whole):
    return 20 * np.log10(np.sqrt(np.mean(np.square(part))) / np.sqrt(np.mean(np.square(whole))) + 1e-12)


# --- the band alone


@pytest.mark.parametrize("slope", [0.0, -6.0, -18.0])
def test_without_a_style_the_slope_goes_on(slope):
    made = extend(noise(4.0, slope=slope, high=7600.0), NETWORK, {})
    wanted = noise(4.0, slope=slope)
    assert step(made) == pytest.approx(step(wanted), abs=1.5)
    assert step(made, 8000) == pytest.approx(step(wanted, 8000), abs=1.5)
    assert density(made, 15000, 19000) == pytest.approx(
        density(made, 6000, 7000) + slope * np.log2(17000 / 6500), abs=3
    )


@pytest.mark.parametrize("slope", [0.0, -9.0, -18.0])
def test_the_spectrum_above_is_that_of_the_style_beside_the_one_below(slope):
    style = noise(4.0, slope=slope, seed=1)
    made = extend(noise(4.0, slope=-6.0, high=7600.0), NETWORK, measure([style], NETWORK))
    for low in (7200, 9071, 11429, 14400):
        here, there = (density(sound, low, 1.26 * low) - density(sound, 5715, 7200) for sound in (made, style))
        assert here == pytest.approx(there, abs=1.5)
    assert step(made, 8000) < step(style, 8000) + 3


def test_what_is_below_the_limit_stays():
    sound = noise(3.0, high=7600.0)
    made = extend(sound, NETWORK, {})
    difference = Audio(made.samples - sound.samples, RATE)
    assert density(difference, 100, 6500) < density(sound, 100, 6500) - 50


def test_it_follows_the_sound_below_in_time():
    fading = noise(4.0, high=7600.0).samples * np.exp(-1.5 * np.arange(4 * RATE) / RATE)
    made = extend(Audio(fading, RATE), NETWORK, {})
    first, last = (density(made.slice(a * RATE, (a + 1) * RATE), 8000, 16000) for a in (0, 3))
    assert last - first == pytest.approx(-1.5 * 3 * 8.686, abs=1.5)


def test_tones_stay_tones_and_are_moved_by_whole_steps():
    tones = Audio(tone(4.0, 5000.0), RATE)
    made = extend(tones, NETWORK, {"highs": np.zeros(5), "highs_noise": np.zeros(1)})
    spectrum = np.abs(np.fft.rfft(made.mono() * np.hanning(made.length)))
    step_hz = 78 * RATE / 1024
    places = np.round((5000 + step_hz * np.arange(1, 6)) * 4).astype(int)
    for place in places:
        assert abs(np.argmax(spectrum[place - 400 : place + 400]) - 400) <= 1
        spectrum[place - 40 : place + 40] = 0
    assert db(spectrum[8000 * 4 :], np.array([1.0])) < -40


def test_the_share_of_noise_is_the_styles():
    chord = Audio(sum(tone(3.0, 1100.0 * k) for k in range(1, 19)), RATE)
    assert measure([chord], NETWORK)["highs_noise"][0] < 0.1
    assert measure([noise(3.0)], NETWORK)["highs_noise"][0] > 0.9


def test_a_style_that_does_not_reach_so_high_says_nothing():
    assert measure([noise(2.0, rate=16000)], NETWORK) == {}
    assert measure([noise(2.0, high=4000.0), Audio(np.zeros((1, RATE)), RATE)], NETWORK) == {}
    assert len(measure([noise(2.0, rate=22050), noise(2.0, rate=16000)], NETWORK)["highs"]) == 2
    both = measure([noise(2.0, slope=-6.0), noise(2.0, slope=-12.0)], NETWORK)["highs"]
    assert both[0] == pytest.approx(-3.0, abs=0.7)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_rate_that_the_network_covers_stays(rate):
    sound = noise(1.0, rate=rate)
    assert extend(sound, NETWORK, {}) is sound


@pytest.mark.parametrize(
    ("rate", "channels", "length"), [(16500, 1, 5001), (22050, 2, 1), (48000, 1, 300), (96000, 2, 48000)]
)
def test_every_rate_and_length(rate, channels, length):
    sound = Audio(noise(1.0, rate=rate, high=7600.0, channels=channels).samples[:, :length], rate)
    made = extend(sound, NETWORK, {})
    assert made.rate == rate and made.samples.shape == sound.samples.shape and np.isfinite(made.samples).all()


def test_silence_stays_silent_and_equal_channels_equal():
    assert not extend(Audio(np.zeros((2, RATE)), RATE), NETWORK, {}).samples.any()
    sound = noise(1.0, high=7600.0)
    made = extend(Audio(np.repeat(sound.samples, 2, axis=0), RATE), NETWORK, {})
    assert np.array_equal(made.samples[0], made.samples[1])


def test_the_seed_says_which_noise():
    sound = noise(1.0, high=7600.0)
    one, same, other = (extend(sound, NETWORK, {}, seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


@pytest.mark.parametrize("rate", [22050, 44100])
def test_seams_cannot_be_heard(rate, monkeypatch):
    content, sound = noise(9.0, rate=rate, seed=1), noise(9.0, rate=rate, high=7600.0)
    whole = extend(sound, NETWORK, {}, content=content, strength=0.7)
    monkeypatch.setattr(highband, "SECONDS", 2.0)
    parts = extend(sound, NETWORK, {}, content=content, strength=0.7)
    assert db(parts.samples - whole.samples, whole.samples) < -60


# --- the methods


def high_content(seconds=4.0):
    """A tune with some noise below 7 kHz, and loud noise of its own above 9 kHz."""
    below = 0.05 * noise(seconds, slope=-3.0, high=7000.0, seed=3).samples
    return Audio(below + tone(seconds) + noise(seconds, low=9000.0, seed=4).samples, RATE)


def test_a_painted_content_has_none_of_its_own_highs():
    content = high_content()
    made = repaint(content, Grid(Stft(1024, 256), NETWORK), lambda x, first: x, strength=1.0)
    assert coherence(content, content) == pytest.approx(1)
    assert coherence(made, content) < 0.1
    assert abs(step(made)) < 3 and abs(step(made, 8000)) < 3


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A CycleGAN at 16 kHz, both of whose generators change nothing."""
    model = CycleGan(bins=129, width=4, depth=(1,), fixed=0)
    for generator in (model.there, model.back):
        torch.nn.init.zeros_(generator.tower.out.weight)
        torch.nn.init.zeros_(generator.tower.out.bias)
    arrays = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    arrays["means"] = np.zeros((2, 129), np.float32)
    form = {"kind": "stft", "rate": NETWORK, "n_fft": 256, "hop": 64}
    path = tmp_path_factory.mktemp("weights") / "pair.safetensors"
    named = {"kind": "cyclegan", "representation": form, "labels": ["one", "other"]}
    weights.save(path, arrays, {"model": model.settings()} | named)
    return path


@pytest.fixture(scope="module", params=["draw", "vae_gan", "cyclegan", "wavenet"])
def used(request, pair):
    make = {"draw": lambda: DrawMethod(fit=2), "vae_gan": VaeGanMethod, "wavenet": WavenetMethod}
    return make[request.param]() if request.param in make else method("cyclegan", weights=pair)


@pytest.fixture(scope="module")
def profile(used):
    return used.fit([Audio(noise(3.0, slope=-9.0, seed=5).samples + tone(3.0, 330.0), RATE)])


def test_no_method_leaves_the_contents_own_highs(used, profile):
    content = high_content()
    style = Audio(noise(3.0, slope=-9.0, seed=5).samples, RATE)
    made = used.apply(content, profile)
    assert len(profile["highs"]) == 5
    assert coherence(made, content) < 0.3
    assert band_coherence(made, content)[-1] < 0.3
    assert abs(step(made)) < abs(step(style)) + 3
    assert density(made, 9000, 16000) < density(content, 9000, 16000) - 10


def test_a_style_without_highs_and_no_strength(used, profile):
    content = high_content(1.5)
    old = {name: array for name, array in profile.items() if not name.startswith("highs")}
    made = used.apply(content, old)
    assert made.samples.shape == content.samples.shape and coherence(made, content) < 0.3
    assert used.apply(content, profile, strength=0) is content
    assert np.array_equal(used.apply(content, old, seed=3).samples, used.apply(content, old, seed=3).samples)
