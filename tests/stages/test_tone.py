import numpy as np
import pytest
import scipy.signal

from restyle.audio import Audio
from restyle.dsp.loudness import loudness, width
from restyle.stages import tone


def noise(seconds=4.0, rate=22050, channels=1, *, tilt=0.0, level=0.1, seed=0):
    """Noise [C, T] whose spectrum falls by ``tilt`` dB an octave, at an RMS of ``level``."""
    white = np.random.default_rng(seed).normal(0, 1, (channels, round(seconds * rate)))
    spectrum = np.fft.rfft(white)
    frequency = np.fft.rfftfreq(white.shape[1], 1 / rate)
    spectrum *= 10 ** (-tilt * np.log2(np.maximum(frequency, 60) / 1000) / 20)
    sound = np.fft.irfft(spectrum, white.shape[1])
    return level * sound / np.sqrt(np.mean(sound**2))


def octaves(samples, rate):
    """Level in dB of each octave from 125 Hz to 4 kHz, against their mean."""
    frequency, power = scipy.signal.welch(samples, rate, nperseg=4096)
    levels = [np.mean(power[(frequency > f / 1.4) & (frequency < f * 1.4)]) for f in (125, 250, 500, 1000, 2000, 4000)]
    levels = 10 * np.log10(levels)
    return levels - levels.mean()


def stereo(width, seconds=3.0, rate=22050):
    """Noise whose sides have a share of its amplitude."""
    middle, side = noise(seconds, rate, 2)
    middle, side = np.sqrt(1 - width**2) * middle, width * side
    return np.stack([middle + side, middle - side])


def test_no_strength_changes_nothing():
    audio = Audio(noise(channels=2), 22050)
    made = tone.apply(audio, tone.fit([Audio(noise(tilt=6, level=0.01), 22050)]), strength=0)
    assert np.array_equal(made.samples, audio.samples)


def test_bands_and_loudness_become_the_styles():
    content, style = Audio(noise(tilt=0), 22050), Audio(noise(tilt=6, level=0.02, seed=1), 22050)
    profile = tone.fit([style])
    before, wanted = octaves(content.samples[0], 22050), octaves(style.samples[0], 22050)
    made = tone.apply(content, profile)
    after = octaves(made.samples[0], 22050)
    assert np.abs(wanted - before).max() > 12
    assert np.abs(wanted - after).max() <= tone.SLACK + 1
    assert loudness(made) == pytest.approx(loudness(style), abs=0.3)


def test_what_was_played_keeps_the_spectrum_of_its_register():
    """A low instrument's tone is no reason to take the highs from notes that it plays two octaves higher."""
    time = np.arange(4 * 22050) / 22050
    low, high = (
        Audio(sum(0.1 / k * np.sin(2 * np.pi * f0 * k * time) for k in range(1, 9))[None], 22050) for f0 in (110, 440)
    )
    profile = tone.fit([low])
    before = octaves(high.samples[0], 22050)
    changed, kept = (octaves(tone.apply(high, profile, played=p).samples[0], 22050) - before for p in (False, True))
    heard = before > before.max() - 40
    assert np.ptp(changed[heard]) > 10 and np.ptp(kept[heard]) < 7


def test_a_mix_that_was_played_takes_the_tone_of_one_instrument():
    """What of it is no note has another sound than the style's."""
    time = np.arange(4 * 22050) / 22050
    flute = Audio(sum(0.1 / k**2 * np.sin(2 * np.pi * 440 * k * time) for k in range(1, 9))[None], 22050)
    content, profile = Audio(noise(tilt=0), 22050), tone.fit([flute])
    alone, played = (tone.apply(content, profile, played=p).samples for p in (False, True))
    assert np.allclose(alone, played, atol=1e-6)


def test_a_mix_gives_what_was_played_its_tone():
    content, style = Audio(noise(tilt=0), 22050), Audio(noise(tilt=-1, level=0.02, seed=1), 22050)
    profile = tone.fit([style])
    alone, played = (tone.apply(content, profile, played=p).samples for p in (False, True))
    assert np.allclose(alone, played, atol=1e-6)


def test_half_strength_lies_between():
    content, style = Audio(noise(), 22050), Audio(noise(tilt=6, level=0.02, seed=1), 22050)
    profile = tone.fit([style])
    loud = [loudness(tone.apply(content, profile, strength=s)) for s in (0.001, 0.25, 0.5, 0.75, 1)]
    assert loud[0] == pytest.approx(loudness(content), abs=0.1)
    assert np.diff(loud) == pytest.approx((loud[-1] - loud[0]) / 4, abs=0.2)
    tilt = [np.ptp(octaves(tone.apply(content, profile, strength=s).samples[0], 22050)) for s in (0.001, 0.5, 1)]
    assert tilt[0] + 3 < tilt[1] < tilt[2] - 3


def test_the_content_is_not_touched():
    audio = Audio(noise(), 22050)
    before = audio.samples.copy()
    tone.apply(audio, tone.fit([Audio(noise(tilt=6), 22050)]))
    assert np.array_equal(audio.samples, before)


def test_a_sound_like_the_style_stays_as_it_is():
    audio = Audio(noise(tilt=3), 22050)
    made = tone.apply(audio, tone.fit([Audio(noise(tilt=3, seed=1), 22050)]))
    assert np.sqrt(np.mean((made.samples - audio.samples) ** 2)) < 0.1 * np.sqrt(np.mean(audio.samples**2))


@pytest.mark.parametrize("length", [1, 500, 44100])
def test_silence_stays_silent(length):
    made = tone.apply(Audio(np.zeros((2, length)), 22050), tone.fit([Audio(noise(), 22050)]))
    assert made.samples.shape == (2, length) and not made.samples.any()


def test_a_silent_style_does_no_harm():
    made = tone.apply(Audio(noise(), 22050), tone.fit([Audio(np.zeros((1, 44100)), 44100)]))
    assert np.isfinite(made.samples).all()
    assert loudness(made) > -60


@pytest.mark.parametrize("wanted", [0.15, 0.5])
def test_width_becomes_the_styles(wanted):
    content = Audio(stereo(0.3), 22050)
    made = tone.apply(content, tone.fit([Audio(stereo(wanted), 22050)]))
    assert width(content) == pytest.approx(0.3, abs=0.02)
    assert width(made) == pytest.approx(wanted, abs=0.05)


def test_width_knows_mono_and_its_opposite():
    left = noise()[0]
    assert width(Audio(left, 22050)) == 0
    assert width(Audio(np.stack([left, left]), 22050)) == 0
    assert width(Audio(np.stack([left, -left]), 22050)) == pytest.approx(1)
    assert width(Audio(np.stack([left, 0 * left]), 22050)) == pytest.approx(np.sqrt(0.5))


def test_a_mono_content_stays_mono_in_a_wide_style():
    left = noise()[0]
    made = tone.apply(Audio(np.stack([left, left]), 22050), tone.fit([Audio(stereo(0.7), 22050)]))
    assert np.abs(made.samples[0] - made.samples[1]).max() < 1e-5


SIZES = [(8000, 1, 9001), (44100, 2, 50001), (96000, 4, 100003), (22050, 8, 300)]


@pytest.mark.parametrize(("rate", "channels", "length"), SIZES)
@pytest.mark.parametrize("style_rate", [8000, 48000])
def test_any_rate_channels_and_length(rate, channels, length, style_rate):
    content = Audio(noise(length / rate, rate, channels)[:, :length], rate)
    made = tone.apply(content, tone.fit([Audio(noise(rate=style_rate, channels=2, tilt=3), style_rate)]))
    assert (made.rate, made.samples.shape) == (rate, content.samples.shape)
    assert np.isfinite(made.samples).all() and made.samples.any()


def test_several_clips_count_by_their_length():
    long, short = Audio(noise(8.0, level=0.1), 22050), Audio(noise(2.0, rate=44100, level=0.01), 44100)
    each = [float(tone.fit([clip])["loudness"][0]) for clip in (long, short)]
    assert tone.fit([long, short])["loudness"][0] == pytest.approx(0.8 * each[0] + 0.2 * each[1], abs=0.01)


def test_twice_the_amplitude_is_six_lu():
    for seconds in (0.2, 3.0):
        quiet, loud = (loudness(Audio(gain * noise(seconds), 22050)) for gain in (1, 2))
        assert loud - quiet == pytest.approx(6.02, abs=0.05)
    assert loudness(Audio(np.zeros(50000), 22050)) == -np.inf


def test_progress_reaches_one():
    seen = []
    tone.apply(Audio(noise(), 22050), tone.fit([Audio(noise(tilt=3), 22050)]), progress=seen.append)
    assert seen[-1] == 1
