"""What `methods.base.Method` promises, of every method."""

import numpy as np
import pytest

from commanded import QUICK
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.methods import METHODS, method
from restyle.notes import Notes

RATE = 16000


def tune(seconds, root, channels=1, rate=RATE):
    """Two struck notes a second with six partials and a little noise, [C, T]."""
    t = np.arange(round(seconds * rate)) / rate
    f0 = root * 2 ** (np.floor(t * 2) % 3 * 4 / 12)
    cycles = np.cumsum(f0) / rate
    tone = sum(np.sin(2 * np.pi * k * cycles) / k for k in range(1, 7)) * np.exp(-3 * (t % 0.5))
    noise = np.random.default_rng(0).normal(0, 0.003, (channels, len(t)))
    return 0.15 * tone * np.linspace(1, 0.5, channels)[:, None] + noise


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@pytest.fixture(scope="module", params=METHODS)
def used(request):
    return method(request.param, **QUICK.get(request.param, {}))


@pytest.fixture(scope="module")
def profile(used):
    return used.fit([Audio(tune(2.0, 262), RATE)])


@pytest.fixture(scope="module")
def content():
    return Audio(tune(2.0, 220, channels=2), RATE)


@pytest.fixture(scope="module")
def made(used, profile, content):
    return used.apply(content, profile, seed=3)


def test_its_name_is_the_registers(used):
    assert METHODS[used.name].target.endswith(f":{type(used).__name__}")


def test_a_profile_survives_its_file(used, profile, content, made, tmp_path):
    weights.save(tmp_path / "own.style", profile, {})
    again, _ = weights.load(tmp_path / "own.style")
    assert set(again) == set(profile)
    assert np.array_equal(used.apply(content, again, seed=3).samples, made.samples)


def test_no_strength_gives_the_content(used, profile, content):
    assert np.array_equal(used.apply(content, profile, strength=0).samples, content.samples)


def test_full_strength_changes_it(made, content):
    assert np.isfinite(made.samples).all()
    assert rms(made.samples - content.samples) > 0.1 * rms(content.samples)


def test_repeats_to_the_sample_and_leaves_the_content_alone(used, profile, content, made):
    before = content.samples.copy()
    assert np.array_equal(used.apply(content, profile, seed=3).samples, made.samples)
    assert np.array_equal(content.samples, before)


@pytest.mark.parametrize(
    ("rate", "channels", "length"), [(8000, 1, 7001), (44100, 2, 50007), (22050, 3, 13000), (48000, 4, 700)]
)
def test_keeps_rate_channels_and_length(used, profile, rate, channels, length):
    sound = tune(length / rate, 220, channels, rate)
    made = used.apply(Audio(sound, rate), profile)
    assert (made.rate, made.samples.shape) == (rate, (channels, length))
    assert np.isfinite(made.samples).all()
    assert 0.2 * rms(sound) < rms(made.samples) < 5 * rms(sound)


def test_noise_stays_heard(used, profile):
    noise = np.random.default_rng(0).normal(0, 0.1, (1, RATE))
    assert 0.01 < rms(used.apply(Audio(noise, RATE), profile).samples) < 0.5


def test_silence_stays_silent(used, profile):
    made = used.apply(Audio(np.zeros((2, 9000)), RATE), profile)
    assert made.samples.shape == (2, 9000) and np.abs(made.samples).max() < 1e-6


def test_a_silent_style_is_refused(used):
    with pytest.raises(RestyleError, match="style is silent"):
        used.fit([Audio(np.zeros((2, 30000)), RATE)])


def test_notes_are_played_or_refused(used, profile):
    notes = Notes.of([(0, 0.5, 60, 0.5, 0)])
    if used.plays_notes:
        assert rms(used.apply(notes, profile).samples) > 0
    else:
        with pytest.raises(RestyleError, match=f"'{used.name}' needs a recording"):
            used.apply(notes, profile)


def test_progress_rises_to_one(used, profile, content):
    seen = []
    used.apply(content, profile, progress=seen.append)
    assert seen == sorted(seen) and seen[0] >= 0 and seen[-1] == pytest.approx(1)
