"""Sounds and pictures of a page: how much fits, equally loud, at the same time, and what the pictures say."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from restyle.audio import Audio
from restyle.comparison.table import Pair, Result
from restyle.dsp.loudness import loudness
from restyle.notes import Notes
from restyle.pages import media
from restyle.pages.pictures import OUTLINE

PAIR = Pair(name="p", content="c.wav", style="s.wav", results=(Result(method="notes"),))


def tone(hertz: float, seconds: float = 1.0, rate: int = 22050, amplitude: float = 0.3, channels: int = 1) -> Audio:
    t = np.arange(round(seconds * rate)) / rate
    return Audio(np.tile(amplitude * np.sin(2 * np.pi * hertz * t), (channels, 1)), rate)


def noise(seconds: float, rate: int = 44100, channels: int = 2, seed: int = 0) -> Audio:
    return Audio(np.random.default_rng(seed).normal(0, 0.2, (channels, round(seconds * rate))).clip(-1, 1), rate)


def decoded(sound: media.SoundMedia | media.PartMedia) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(base64.b64decode(sound.mp3)), always_2d=True)


def picture(sound: media.SoundMedia) -> np.ndarray:
    head, data = sound.spectrogram.split(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int).sum(axis=2)


def test_what_must_fit():
    assert media.plan(24, 30) == (30, 128)
    assert media.plan(112, 10)[0] == 10
    assert media.plan(1, 10) == (10, 128)


@given(st.integers(1, 400), st.floats(3, 600), st.floats(1e6, 1e8))
def test_a_plan_keeps_its_limit_and_lowers_the_bit_rate_first(sounds, seconds, limit):
    fitting, kbps = media.plan(sounds, seconds, limit)
    assert fitting <= seconds and kbps in media.BITRATES
    assert (
        fitting == 0 or media.PAGE + sounds * (media.PICTURES + fitting * (media.NOTES + kbps * 125 * 4 / 3)) <= limit
    )
    assert fitting == seconds or kbps == min(media.BITRATES)
    assert fitting == 0 or fitting >= media.SHORTEST


@pytest.mark.parametrize("kbps", media.BITRATES)
def test_noise_takes_no_more_than_planned(kbps):
    sounds = {"content": noise(6), "notes": noise(6, seed=1)}
    for sound in media.prepare(PAIR, sounds, {}, kbps=kbps).sounds:
        assert len(sound.mp3) <= 6 * (media._bytes(kbps) - media.NOTES) * 1.02
        assert len(sound.spectrogram) + len(sound.outline) <= media.PICTURES


def test_the_excerpt_begins_where_it_is_loud():
    quiet, loud = noise(5).samples * 0.01, noise(3).samples
    sound = Audio(np.concatenate([quiet, loud, quiet], axis=1), 44100)
    assert media.excerpt_start(sound, 3) == pytest.approx(5, abs=0.11)
    assert media.excerpt_start(sound, 13) == 0 and media.excerpt_start(sound, 20) == 0
    assert media.excerpt_start(Audio(np.zeros((1, 50000)), 10000), 2) == 0


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.5), st.integers(0, 9))
def test_an_excerpt_lies_inside(extra, seed):
    sound = noise(1.0 + extra, 8000, 1, seed)
    assert 0 <= media.excerpt_start(sound, 1.0) <= sound.duration - 1.0 + 1e-9


def test_equally_loud_and_not_clipped():
    click = np.zeros((1, 88200), np.float32)
    click[0, ::4410] = 1.0
    sounds = {"a": noise(2), "b": tone(300, 2, amplitude=0.001), "c": Audio(click, 44100), "d": tone(300, 2)}
    loud, gains = media.matched(sounds)
    heard = [loudness(Audio(np.repeat(x.samples, 3 - x.channels, axis=0), x.rate)) for x in loud.values()]
    assert np.ptp(heard) < 0.01
    assert max(np.abs(x.samples).max() for x in loud.values()) <= media.PEAK + 1e-6
    assert gains["b"] - gains["d"] == pytest.approx(20 * np.log10(300), abs=0.01)


def test_mono_is_as_loud_as_the_same_in_two_channels():
    _, gains = media.matched({"mono": tone(500, 2), "stereo": tone(500, 2, channels=2)})
    assert gains["mono"] == pytest.approx(gains["stereo"])


def test_parts_add_up_to_their_result_at_its_gain():
    parts = {"drums": noise(2, channels=2).samples * 0.2, "bass": tone(200, 2, 44100, channels=2).samples}
    sounds = {"content": tone(500, 2, 44100), "notes": Audio(sum(parts.values()), 44100)}
    apart = {"notes": {name: Audio(samples, 44100) for name, samples in parts.items()}}
    made = media.prepare(PAIR, sounds, {}, parts=apart, kbps=128)
    assert {method: [part.name for part in of] for method, of in made.parts.items()} == {"notes": ["drums", "bass"]}
    whole = decoded(made.sounds[1])[0]
    total = sum(decoded(part)[0] for part in made.parts["notes"])
    assert total.shape == whole.shape
    assert np.std(total - whole) < 0.2 * np.std(whole)  # MP3 loses some noise
    assert np.std(total) == pytest.approx(np.std(whole), rel=0.05)


def test_parts_are_not_clipped_and_keep_their_balance():
    loud, soft = (
        np.abs(decoded(part)[0]).max()
        for part in media.tracks(
            {"a": tone(500, 1, 44100, 0.5), "b": tone(500, 1, 44100, 0.05)}, seconds=1, kbps=128, gain=20
        )
    )
    assert 0.9 * media.PEAK < loud <= media.PEAK and loud / soft == pytest.approx(10, rel=0.05)


def test_a_sound_without_parts_has_none():
    assert media.prepare(PAIR, {"content": tone(500), "notes": tone(300)}, {}, kbps=128).parts == {}


def test_silence_stays_silence():
    made = media.prepare(PAIR, {"content": Audio(np.zeros((1, 8000)), 8000), "notes": tone(500)}, {}, kbps=128)
    assert np.abs(decoded(made.sounds[0])[0]).max() < 1e-4
    assert np.abs(decoded(made.sounds[1])[0]).max() > 0.1


def test_all_sounds_are_at_the_same_time_whatever_their_rate():
    def burst(rate: int) -> Audio:
        samples = np.zeros(2 * rate)
        samples[rate // 2 : rate] = np.random.default_rng(0).normal(0, 0.2, rate - rate // 2)
        return Audio(samples, rate)

    made = media.prepare(PAIR, {"content": burst(8000), "style": burst(48000), "notes": burst(44100)}, {}, kbps=128)
    for sound in made.sounds:
        samples, rate = decoded(sound)
        assert rate == 44100 and len(samples) == 2 * rate
        loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.1 * np.abs(samples).max())
        assert loud[0] / rate == pytest.approx(0.5, abs=0.015) and loud[-1] / rate == pytest.approx(1, abs=0.015)


def test_order_and_what_is_missing():
    pair = Pair(name="p", content="c", style="s", results=tuple(Result(method=m) for m in ("content", "b", "a", "x")))
    sounds = {"a": tone(1), "target": tone(2), "content": tone(3), "b": tone(4), "unknown": tone(5)}
    made = media.prepare(pair, sounds, {}, kbps=128)
    assert [sound.name for sound in made.sounds] == ["content", "target", "b", "a"]
    assert all(sound.notes is None for sound in made.sounds)
    with pytest.raises(ValueError, match="no sound"):
        media.prepare(pair, {}, {}, kbps=128)


def test_a_short_style_repeats_in_sound_pictures_and_notes():
    half = np.concatenate([tone(1000, 0.5).samples, np.zeros((1, 11025))], axis=1)
    sounds = {"content": tone(200, 3.5), "style": Audio(half, 22050)}
    notes = {"style": Notes.of([(0, 0.5, 84, 0.5, 0)]), "content": Notes.of([(0, 1, 55, 0.5, 0)])}
    made = media.prepare(PAIR, sounds, notes, kbps=128)
    content, style = made.sounds
    assert made.seconds == 3.5 and style.loop and not content.loop
    assert len(decoded(style)[0]) == 44100
    assert [(box.onset, box.kind) for box in style.notes] == [(k, "plain") for k in (0, 1, 2, 3)]
    columns = picture(style).max(axis=0)
    at = [columns[int(len(columns) * t / 3.5)] for t in (0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25)]
    assert [value > 400 for value in at] == [True, False, True, False, True, False, True]


def test_a_long_style_is_cut():
    made = media.prepare(PAIR, {"content": tone(200, 1), "style": tone(300, 2)}, {}, kbps=128)
    assert made.seconds == 1 and not made.sounds[1].loop
    assert len(decoded(made.sounds[1])[0]) == 44100


def test_notes_are_held_against_the_contents():
    rows = [(0, 1, 60, 0.5, 0), (1, 2, 62, 0.5, 0), (2, 3, 64, 0.5, 0)]
    other = [(0.04, 1, 60.4, 0.5, 0), (1.06, 2, 62, 0.5, 0), (2, 3, 65, 0.5, 0)]
    notes = {"content": Notes.of(rows), "notes": Notes.of(other)}
    made = media.prepare(PAIR, {"content": tone(200, 3), "notes": tone(300, 3)}, notes, kbps=128)
    assert [box.kind for box in made.sounds[0].notes] == ["same"] * 3
    found = [(box.kind, box.pitch) for box in made.sounds[1].notes]
    assert found == [("missing", 62), ("missing", 64), ("same", 60.4), ("added", 62), ("added", 65)]
    low, high = made.pitches
    assert low < 60 and high > 65


@pytest.mark.parametrize("hertz", [100, 1000, 8000])
def test_the_spectrogram_is_bright_at_the_tone(hertz):
    made = media.prepare(PAIR, {"content": tone(hertz, 1, 44100)}, {}, kbps=128)
    bright = picture(made.sounds[0])
    low, high = made.frequencies
    row = bright[:, bright.shape[1] // 2].argmax()
    place = 1 - row / (bright.shape[0] - 1)
    assert low * (high / low) ** place == pytest.approx(hertz, rel=0.08)


def test_the_outline_is_the_waveform():
    samples = np.concatenate([np.full(22050, 0.5), np.full(22050, -0.25)])
    outline = media.prepare(PAIR, {"content": Audio(samples, 44100)}, {}, kbps=128).sounds[0].outline
    points = np.array(re.findall(r"(\d+) (-?[\d.]+)", outline), float)
    assert len(points) == 2 * OUTLINE
    quarter, three = (points[points[:, 0] == x, 1] for x in (OUTLINE // 4, 3 * OUTLINE // 4))
    assert quarter == pytest.approx(-1, abs=0.01) and three == pytest.approx(0.5, abs=0.01)
