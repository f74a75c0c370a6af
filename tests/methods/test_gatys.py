import numpy as np
import pytest
import torch

from restyle.analysis.genre import infer as genre
from restyle.audio import Audio
from restyle.dsp.gram import gram
from restyle.errors import RestyleError
from restyle.methods.gatys import GatysMethod

RATE = 22050
CHANCE = np.random.default_rng(5)
T = np.arange(4 * RATE) / RATE
HISS = np.diff(CHANCE.normal(0, 0.1, len(T) + 1))
STYLE = (HISS * np.exp(-(T % 0.25) / 0.03)).astype("f4")  # a texture that a long-term spectrum cannot tell
SAW = sum(np.sin(2 * np.pi * 330 * k * T) / k for k in range(1, 25))
CONTENT = (0.1 * SAW * (1 + np.sin(2 * np.pi * T)) + CHANCE.normal(0, 0.01, len(T))).astype("f4")


@pytest.fixture(scope="module")
def method():
    return GatysMethod(content_weight=1, iterations=20)


@pytest.fixture(scope="module")
def profile(method):
    return method.fit([Audio(STYLE, RATE)])


def features(samples, layers):
    """What the classifier's layers see of a sound that is as loud as what the method shows it."""
    network = genre.load()
    level = samples * (0.1 / np.sqrt(np.mean(samples.astype(float) ** 2)))
    with torch.no_grad():
        return network.model.features(network.transform(torch.from_numpy(level.astype("f4")))[None], layers)


def test_a_profile_is_what_the_layers_see(method, profile):
    for layer, feature in zip(method.layers, features(STYLE, method.layers), strict=True):
        flat = feature[0].flatten(1)
        np.testing.assert_allclose(profile[f"gram.{layer}"], (flat @ flat.T / flat.shape[1]).numpy(), rtol=1e-3)
        np.testing.assert_allclose(profile[f"mean.{layer}"], feature[0].mean(-1).numpy(), rtol=1e-3, atol=1e-5)
        deviation = feature[0].std(-1, correction=0).numpy()
        np.testing.assert_allclose(profile[f"deviation.{layer}"], deviation, rtol=1e-2, atol=1e-3)


def test_several_clips_count_by_their_length(method):
    one, two = Audio(STYLE, RATE), Audio(CONTENT[: 2 * RATE], RATE)
    both, a, b = method.fit([one, two]), method.fit([one]), method.fit([two])
    np.testing.assert_allclose(both["gram.block2"], (2 * a["gram.block2"] + b["gram.block2"]) / 3, rtol=1e-4)


def distance(samples):
    """How far the Gram matrix of a layer is from the style's, relative to it."""
    made, wanted = (gram(features(x, ["block2"])[0][0].flatten(1)) for x in (samples, STYLE))
    return float((made - wanted).square().sum() / wanted.square().sum())


def test_comes_nearer_to_what_the_layers_see_in_the_style(method, profile):
    content = Audio(CONTENT, RATE)
    tilted = GatysMethod(iterations=0).apply(content, profile).samples[0]
    assert distance(method.apply(content, profile).samples[0]) < 0.75 * min(distance(tilted), distance(CONTENT))


def test_content_weight_keeps_the_content(profile):
    content = Audio(CONTENT, RATE)
    start, free, held = (
        GatysMethod(iterations=i, content_weight=w).apply(content, profile).samples
        for i, w in ((0, 1), (20, 0), (20, 1000))
    )
    assert np.sum((held - start) ** 2) < 0.3 * np.sum((free - start) ** 2)


def test_a_sound_in_its_own_style_stays_much_as_it_is(method):
    content = Audio(STYLE, RATE)
    made = method.apply(content, method.fit([content])).samples[0]
    assert np.sum((made - STYLE) ** 2) < 0.02 * np.sum(STYLE**2)


def test_channels_get_the_same_gain(method, profile):
    made = method.apply(Audio(np.stack([CONTENT, 0.25 * CONTENT]), RATE), profile).samples
    np.testing.assert_allclose(made[1], 0.25 * made[0], atol=1e-5)


def lost(made, content, *bands):
    """How much less there is between frequencies, in dB."""
    hz = np.fft.rfftfreq(content.length, 1 / content.rate)
    power = [np.abs(np.fft.rfft(sound.samples[0])) ** 2 for sound in (made, content)]
    parts = [[p[(hz > low) & (hz < high)].sum() for p in power] for low, high in bands]
    return [10 * np.log10(before / after) for after, before in parts]


def test_what_is_above_the_networks_range_follows_what_is_below(method):
    """A style without highs takes them from a content of 44.1 kHz, too."""
    rng = np.random.default_rng(1)
    dull = np.cumsum(rng.normal(0, 0.01, 4 * RATE)).astype("f4")
    dull -= np.convolve(dull, np.ones(2000) / 2000, "same")
    content = Audio(rng.normal(0, 0.1, 4 * 44100), 44100)
    made = method.apply(content, method.fit([Audio(dull, RATE)]))
    below, above = lost(made, content, (8500, 9500), (12000, 20000))
    assert below > 10 and above == pytest.approx(below, abs=3)


def test_a_style_of_a_lower_rate_does_not_take_the_highs(method):
    rng = np.random.default_rng(1)
    content = Audio(rng.normal(0, 0.1, 4 * 44100), 44100)
    made = method.apply(content, method.fit([Audio(rng.normal(0, 0.1, 4 * 12000), 12000)]))
    assert np.abs(lost(made, content, (1000, 4000), (7000, 10000), (12000, 20000))).max() < 3


def test_silence_in_a_content_stays_silent_and_a_quiet_part_is_not_brought_up(method, profile):
    quiet = np.concatenate([CONTENT, np.zeros(4 * RATE, "f4")])
    made = method.apply(Audio(quiet, RATE), profile).samples[0]
    assert np.abs(made[5 * RATE :]).max() < 1e-4 and np.isfinite(made).all()


def test_a_style_of_another_classifier_is_refused(method, profile):
    other = profile | {"network": np.zeros(8, np.uint8)}
    with pytest.raises(RestyleError, match="another classifier"):
        method.apply(Audio(CONTENT, RATE), other)
    with pytest.raises(RestyleError, match="other layers"):
        GatysMethod(layers=["entry"]).apply(Audio(CONTENT, RATE), profile)


@pytest.mark.parametrize("setting", [{"content_weight": -1}, {"layers": []}, {"scales": [0]}, {"layers": ["deep"]}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(RestyleError):
        GatysMethod(**setting)


def test_a_silent_style_is_refused(method):
    with pytest.raises(RestyleError, match="silent"):
        method.fit([Audio(np.zeros(RATE), RATE)])
