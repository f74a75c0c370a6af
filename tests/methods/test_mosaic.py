import numpy as np
import pytest

from restyle.audio import Audio
from restyle.methods.mosaic import MosaicMethod

RATE = 16000


def harmonic(pitch, seconds, weights, rate=RATE):
    """A steady tone whose partials have given amplitudes, faded at both ends."""
    t = np.arange(round(seconds * rate)) / rate
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    tone = sum(w * np.sin(2 * np.pi * f0 * (k + 1) * t) for k, w in enumerate(weights))
    fade = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    return (0.3 * tone * fade).astype(np.float32)


DULL, BRIGHT = [1.0, 0.05, 0.02, 0.01, 0.01], [0.4, 0.2, 1.0, 0.1, 0.8]
MELODY = np.concatenate([harmonic(p, 0.6, DULL) for p in (57, 64, 60)])
SCALE = np.concatenate([harmonic(p, 0.6, BRIGHT) for p in (55, 57, 60, 62, 64)])


@pytest.fixture(scope="module")
def method():
    return MosaicMethod(semitones=2)


@pytest.fixture(scope="module")
def profile(method):
    return method.fit([Audio(SCALE, RATE)])


def partial_level(samples, start, pitch, number):
    """Amplitude of a partial in half a second from ``start``."""
    piece = samples[round(start * RATE) :][: RATE // 2] * np.hanning(RATE // 2)
    f = number * 440 * 2 ** ((pitch - 69) / 12)
    return abs(np.sum(piece * np.exp(-2j * np.pi * f * np.arange(len(piece)) / RATE)))


def test_plays_the_contents_notes_with_the_styles_partials(method, profile):
    made = method.apply(Audio(MELODY, RATE), profile).samples[0]
    for i, pitch in enumerate((57, 64, 60)):
        first, third = (partial_level(made, 0.6 * i + 0.05, pitch, k) for k in (1, 3))
        assert third / first > 1  # 2.5 in the style, 0.02 in the content
        others = [partial_level(made, 0.6 * i + 0.05, p, 1) for p in (57, 60, 64) if p != pitch]
        assert first > 5 * max(others)


def test_transposed_templates_reach_pitches_the_style_lacks():
    style, content = Audio(harmonic(60, 1.5, BRIGHT), RATE), Audio(harmonic(64, 1.5, BRIGHT), RATE)
    levels = []
    for semitones in (0, 5):
        method = MosaicMethod(semitones=semitones)
        made = method.apply(content, method.fit([style])).samples[0]
        levels.append(partial_level(made, 0.4, 64, 1) / partial_level(made, 0.4, 60, 1))
    assert levels[1] > 20 * levels[0]


def test_keeps_the_stereo_placement(method, profile):
    left, right = MELODY.copy(), MELODY.copy()
    left[: len(left) // 3] = 0  # the first note is right only, the second is louder on the left
    right[len(right) // 3 : 2 * len(right) // 3] *= 0.25
    made = method.apply(Audio(np.stack([left, right]), RATE), profile).samples
    energy = (made.reshape(2, 3, -1)[:, :, 2000:-2000] ** 2).sum(-1) ** 0.5
    ratio = energy[0] / energy[1]
    assert ratio[0] < 0.05
    assert 2.5 < ratio[1] < 6
    assert 0.9 < ratio[2] < 1.1


def test_strength_goes_from_the_content_continuously(method, profile):
    content = Audio(MELODY, RATE)
    assert np.array_equal(method.apply(content, profile, strength=0).samples, content.samples)
    near, half, full = (method.apply(content, profile, strength=s).samples for s in (0.01, 0.5, 1.0))
    assert np.abs(near - content.samples).max() < 0.02
    np.testing.assert_allclose(half, (content.samples + full) / 2, atol=1e-5)


def test_a_pause_stays_a_pause(method, profile):
    made = method.apply(Audio(np.concatenate([MELODY, np.zeros(RATE, np.float32), MELODY]), RATE), profile).samples[0]
    pause = made[len(MELODY) + RATE // 4 : len(MELODY) + 3 * RATE // 4]
    assert np.abs(pause).max() < 1e-3 * np.abs(made).max()


def test_a_profile_is_bounded_and_plain():
    method = MosaicMethod(style_seconds=2)
    clips = [Audio(np.random.default_rng(0).normal(0, 0.1, (2, 8000 * 9)), 8000), Audio(SCALE, RATE)]
    profile = method.fit(clips)
    assert all(isinstance(value, np.ndarray) for value in profile.values())
    assert int(profile["rate"][0]) == RATE
    assert len(profile["samples"]) == 2 * RATE
    assert profile["starts"].tolist() == [0, RATE]


def test_seams_of_blocks_are_not_heard(method, profile, monkeypatch):
    """In several blocks and in one, less than -60 dB apart where blocks meet."""
    from restyle.methods import mosaic
    from restyle.methods.bandwise import Bandwise

    content = Audio(np.tile(MELODY, 3), RATE)
    whole = method.apply(content, profile).samples[0]
    monkeypatch.setattr(mosaic, "Bandwise", lambda rate: Bandwise(rate, seconds=2.0))
    parts = method.apply(content, profile).samples[0]
    for seam in (2.0, 4.0):  # half a second around each
        here = slice(round((seam - 0.25) * RATE), round((seam + 0.25) * RATE))
        assert np.sum((whole - parts)[here] ** 2) < 1e-6 * np.sum(whole[here] ** 2)
    assert not np.array_equal(whole, parts)  # there were blocks
