import librosa
import numpy as np
import pytest
import torch

from restyle.analysis import separation
from restyle.analysis.separation import masks, separate, transform
from restyle.audio import Audio

RATE = 22050


def decibels(signal, rest):
    return 10 * np.log10(np.sum(signal**2) / np.sum(rest**2))


def chords(seconds=4.0, rate=RATE):
    t = np.arange(round(seconds * rate)) / rate
    return 0.1 * sum(np.sin(2 * np.pi * f * k * t) / k for f in (220, 277.2, 329.6) for k in (1, 2, 3, 4))


def clicks(seconds=4.0, rate=RATE, every=0.5):
    sound = np.zeros(round(seconds * rate))
    burst = np.random.default_rng(0).normal(0, 0.8, rate // 200) * np.hanning(rate // 200)
    for start in np.arange(0.25, seconds - 0.1, every):
        first = round(start * rate)
        sound[first : first + len(burst)] += burst
    return sound


@pytest.mark.parametrize("margin", [1.0, 2.0, 3.0])
@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 44100), (3, 22050)])
def test_the_parts_add_up_to_the_whole(margin, channels, rate):
    sound = Audio(np.random.default_rng(0).normal(0, 0.2, (channels, 30011)), rate)
    parts = separate(sound, margin=margin)
    total = parts.harmonic.samples + parts.percussive.samples + parts.residual.samples
    assert total.shape == sound.samples.shape
    assert np.abs(total - sound.samples).max() < 1e-6
    assert {parts.harmonic.rate, parts.percussive.rate, parts.residual.rate} == {rate}


def test_a_margin_of_one_leaves_no_residual_and_a_larger_one_does():
    sound = Audio(np.random.default_rng(0).normal(0, 0.2, 40000), RATE)
    assert np.abs(separate(sound).residual.samples).max() < 1e-5
    assert np.sqrt(np.mean(separate(sound, margin=3.0).residual.samples ** 2)) > 0.05


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_a_tone_is_harmonic_and_clicks_are_percussive(rate):
    tone, click = chords(rate=rate), clicks(rate=rate)
    inside = slice(rate // 4, -rate // 4)  # where a tone starts and stops it is percussive
    of_tone, of_clicks = separate(Audio(tone, rate)), separate(Audio(click, rate))
    assert decibels(of_tone.harmonic.samples[0][inside], of_tone.percussive.samples[0][inside]) > 10
    assert decibels(of_clicks.percussive.samples[0], of_clicks.harmonic.samples[0]) > 10


def test_a_mixture_comes_apart():
    tone, click = chords(), clicks()
    parts = separate(Audio(tone + click, RATE))
    assert decibels(tone, parts.harmonic.samples[0] - tone) > 10
    assert decibels(click, parts.percussive.samples[0] - click) > 10


def test_agrees_with_median_filtering():
    """Both parts within 1.5 dB SDR of librosa's medians with the same windows and soft masks."""
    tone, click = chords(), clicks()
    mix = (tone + click).astype(np.float32)
    stft = transform(RATE)
    spectrum = librosa.stft(mix, n_fft=stft.n_fft, hop_length=stft.hop)
    split = librosa.decompose.hpss(spectrum, kernel_size=17)
    medians = [librosa.istft(x, hop_length=stft.hop, length=len(mix)) for x in split]
    parts = separate(Audio(mix, RATE))
    for mine, theirs, true in zip((parts.harmonic, parts.percussive), medians, (tone, click), strict=True):
        assert decibels(true, mine.samples[0] - true) > decibels(true, theirs - true) - 1.5


def test_masks_lie_between_zero_and_one_and_complete_each_other():
    magnitude = torch.rand(2, 257, 60)
    harmonic, percussive = masks(magnitude)
    assert harmonic.shape == magnitude.shape
    assert float((harmonic + percussive - 1).abs().max()) < 1e-5
    strict = masks(magnitude, margin=2.0)
    assert float((strict[0] + strict[1]).max()) < 1
    assert bool((strict[0] <= harmonic + 1e-6).all())


def test_channels_share_their_masks():
    left = chords() + clicks()
    parts = separate(Audio(np.stack([left, 0.25 * left]), RATE))
    assert parts.harmonic.samples[1] == pytest.approx(0.25 * parts.harmonic.samples[0], abs=1e-6)


def test_blocks_are_not_heard(monkeypatch):
    sound = Audio(chords(9.0) + clicks(9.0), RATE)
    whole = separate(sound).harmonic.samples
    monkeypatch.setattr(separation, "BLOCK", 3.0)
    parts = separate(sound).harmonic.samples
    assert not np.array_equal(whole, parts)
    assert decibels(whole, whole - parts) > 60


def test_silence_and_next_to_nothing():
    for length in (1, 100, 5000):
        parts = separate(Audio(np.zeros((2, length)), RATE))
        assert parts.harmonic.samples.shape == (2, length)
        assert not parts.harmonic.samples.any() and not parts.percussive.samples.any()


@pytest.mark.parametrize(("rate", "size"), [(8000, 512), (22050, 1024), (44100, 2048), (96000, 4096), (192000, 8192)])
def test_windows_are_about_46_milliseconds(rate, size):
    stft = transform(rate)
    assert (stft.n_fft, stft.hop) == (size, size // 4)
