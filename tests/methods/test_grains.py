"""Grains beside notes, and drums struck by the style: nothing of the content itself is in the result."""

import numpy as np
import pytest

from restyle.analysis.separation import separate
from restyle.audio import Audio
from restyle.dsp.coherence import band_coherence
from restyle.dsp.follow import rms
from restyle.errors import collect, collect_warnings
from restyle.methods.drums import DrumsMethod
from restyle.methods.notewise import grains
from restyle.methods.notewise.notes import NotesMethod

RATE = 22050
HITS = np.arange(0.37, 5.5, 0.5)  # between the notes


def tune(pitches, weight, seconds=6.5):
    """Notes of half a second whose partial k has an amplitude, [T]."""
    made = np.zeros(round(seconds * RATE))
    for i, pitch in enumerate(pitches):
        time, f0 = np.arange(round(0.45 * RATE)) / RATE, 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(weight(k) * np.sin(2 * np.pi * k * f0 * time) for k in range(1, 30) if k * f0 < 0.45 * RATE)
        fade = np.minimum(1, np.minimum(time / 0.02, (0.45 - time) / 0.03))
        made[round((0.1 + 0.5 * i) * RATE) :][: len(time)] += 0.15 * tone * fade * np.exp(-time)
    return made


def sawtooth(k):
    return 1 / k


def hollow(k):
    return k % 2 * 0.7**k


def drums(times, seed, bright, seconds=6.5):
    """Bursts of noise, [T]."""
    rng, made = np.random.default_rng(seed), np.zeros(round(seconds * RATE))
    for time in times:
        burst = rng.standard_normal(RATE // 12) * np.exp(-np.arange(RATE // 12) / (0.02 * RATE))
        made[round(time * RATE) :][: len(burst)] += 0.4 * (
            np.diff(burst, append=0) if bright else np.cumsum(burst) / 20
        )
    return made


@pytest.fixture(scope="module")
def content():
    return Audio(tune([60, 64, 67, 72, 67, 64] * 2, sawtooth, 6.5) + drums(HITS, 0, bright=True), RATE)


@pytest.fixture(scope="module")
def style():
    notes = tune([55, 62, 59, 65, 62, 57] * 2, hollow, 6.5)
    return Audio(notes + drums(np.arange(0.2, 5.5, 0.25), 1, bright=False), RATE)


@pytest.fixture(scope="module")
def parts(content, style):
    return separate(content), separate(style)


def test_notes_and_grains_hold_nothing_of_the_content(parts):
    content, style = (part.harmonic for part in parts)
    notes = NotesMethod()
    profile = notes.fit_part([style])
    with collect():
        made = notes.apply(content, profile)
    assert made.samples.shape == content.samples.shape and np.isfinite(made.samples).all()
    assert rms(made) == pytest.approx(rms(content), rel=0.01)
    assert np.median(band_coherence(made, content)) < 0.3
    with collect():
        again, half = notes.apply(content, profile), notes.apply(content, profile, strength=0.5)
    assert np.array_equal(again.samples, made.samples)
    assert np.allclose(half.samples, 0.5 * (content.samples + made.samples), atol=1e-5)


def test_a_part_without_notes_is_played_by_grains(content):
    noise = Audio(np.random.default_rng(0).normal(0, 0.1, 4 * RATE), RATE)
    notes = NotesMethod()
    with collect_warnings() as warnings:
        profile = notes.fit_part([noise])
        made = notes.apply(content, profile)
    assert grains.has(profile) and not warnings
    assert np.median(band_coherence(made, content)) < 0.3
    with collect_warnings() as warnings:
        assert not grains.has(notes.fit([noise]))
    assert "no pitched notes" in warnings[0]


def test_silence_on_either_side_stays_silence(content, style):
    drums = DrumsMethod()
    silence = Audio(np.zeros((2, RATE), np.float32), RATE)
    profile = drums.fit([style])
    assert not drums.apply(silence, profile).samples.any()
    none = profile | {"samples": np.zeros(RATE, np.float32)}
    assert not drums.apply(content, none).samples.any()


def test_the_drums_of_the_style_play_when_the_content_is_struck(parts):
    content, style = (part.percussive for part in parts)
    drums = DrumsMethod()
    struck = drums.apply(content, drums.fit([style]))
    assert rms(struck) == pytest.approx(rms(content), rel=0.01)
    power = np.square(struck.samples[0]).reshape(-1, 441).mean(axis=1)  # every 20 ms
    at = (HITS * RATE / 441).astype(int)
    near = np.max([power[at + k] for k in range(3)], axis=0)
    assert np.median(near) > 10 * np.median(power)
    made, own = (np.square(np.abs(np.fft.rfft(sound.samples[0]))) for sound in (struck, content))
    half = len(made) // 2
    assert made[half:].sum() / made.sum() < 0.5 * own[half:].sum() / own.sum()  # the style's are dull


def test_strength_fades_between_the_drums(parts):
    content, style = (part.percussive for part in parts)
    drums = DrumsMethod()
    profile = drums.fit([style])
    whole, half = drums.apply(content, profile), drums.apply(content, profile, strength=0.5)
    assert np.allclose(half.samples, 0.5 * (content.samples + whole.samples), atol=1e-5)
    assert np.array_equal(drums.apply(content, profile, strength=0).samples, content.samples)
