import numpy as np
import pytest
import torch

from restyle.audio import Audio
from restyle.dsp.gram import TextureNet, gram, style_loss
from restyle.errors import RestyleError
from restyle.methods.bandwise import Bandwise
from restyle.methods.texture import TextureMethod

RATE = 16000
CHANCE = np.random.default_rng(5)


def pulses(seconds, every, rate=RATE):
    """High noise in short bursts: a texture that a long-term spectrum cannot tell."""
    noise = np.diff(CHANCE.normal(0, 0.1, round(seconds * rate) + 1))
    t = np.arange(len(noise)) / rate
    return (noise * np.exp(-(t % every) / 0.03)).astype(np.float32)


STYLE = pulses(3, 0.25)
T = np.arange(3 * RATE) / RATE
CONTENT = (0.2 * np.sin(2 * np.pi * 330 * T) * (1 + np.sin(2 * np.pi * T)) + CHANCE.normal(0, 0.002, len(T))).astype(
    "f4"
)


@pytest.fixture(scope="module")
def method():
    return TextureMethod(filters=64, iterations=30)


@pytest.fixture(scope="module")
def profile(method):
    return method.fit([Audio(STYLE, RATE)])


def distance(samples):
    """How far a random network of another seed finds a sound from the style."""
    grid = Bandwise(RATE)
    net = TextureNet(grid.bands.count, filters=128, seed=99)

    def grams(x):
        bands = grid.bands(grid.spectrum(Audio(x, RATE)).abs()[0])
        return net(torch.log1p(1000 * bands / bands.max()))

    return float(style_loss(grams(samples), [gram(f) for f in grams(STYLE)]))


def test_comes_nearer_to_the_styles_texture(method, profile):
    content = Audio(CONTENT, RATE)
    tilted = TextureMethod(iterations=0).apply(content, profile).samples[0]
    made = method.apply(content, profile).samples[0]
    assert distance(tilted) < distance(CONTENT)
    assert distance(made) < 0.9 * distance(tilted)


def test_content_weight_keeps_the_content(profile):
    content = Audio(CONTENT, RATE)
    start, free, held = (
        TextureMethod(filters=64, iterations=i, content_weight=w).apply(content, profile).samples
        for i, w in ((0, 1), (30, 0), (30, 1000))
    )
    assert np.sum((held - start) ** 2) < 0.2 * np.sum((free - start) ** 2)


def test_keeps_the_stereo_placement(method, profile):
    made = method.apply(Audio(np.stack([CONTENT, 0.25 * CONTENT]), RATE), profile).samples
    np.testing.assert_allclose(made[1], 0.25 * made[0], atol=1e-5)


def test_strength_goes_from_the_content_continuously(method, profile):
    content = Audio(CONTENT, RATE)
    assert np.array_equal(method.apply(content, profile, strength=0).samples, CONTENT[None])
    away = [
        np.sqrt(np.mean((method.apply(content, profile, strength=s).samples - CONTENT) ** 2)) for s in (0.01, 0.5, 1)
    ]
    assert away[0] < 0.05 * np.sqrt(np.mean(CONTENT**2))
    assert away[0] < away[1] < away[2]


def test_the_seed_decides(method, profile):
    content = Audio(CONTENT, RATE)
    first, again, other = (method.apply(content, profile, seed=s).samples for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_stops_when_nothing_improves(profile, monkeypatch):
    calls = []
    forward = TextureNet.forward
    monkeypatch.setattr(TextureNet, "forward", lambda self, x: calls.append(1) or forward(self, x))
    TextureMethod(filters=16, iterations=200, patience=1.0).apply(Audio(CONTENT, RATE), profile)
    assert 10 < len(calls) < 30


def test_even_widths_are_refused():
    with pytest.raises(RestyleError, match="odd"):
        TextureMethod(widths=(4,))


def test_filters_depend_on_the_seed_alone():
    x = torch.rand(40, 30)
    first, again, other = (TextureNet(40, filters=8, seed=s)(x) for s in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
