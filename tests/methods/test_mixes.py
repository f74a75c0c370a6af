"""Mixes: what rings by notes and grains, what strikes by grains that follow the content's hits."""

import numpy as np
import pytest

from restyle.analysis.facts import Analysis, Transcribed
from restyle.audio import Audio
from restyle.dsp.coherence import band_coherence
from restyle.errors import RestyleError, collect
from restyle.methods import method
from restyle.methods.notewise import mixes
from restyle.methods.notewise.notes import NotesMethod
from restyle.notes import Notes

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
def result(content, style):
    notes = NotesMethod(parts="on")
    profile = notes.fit([style])
    with collect() as collected:
        made = notes.apply(content, profile)
    return made, collected.facts


def test_drums_beside_unclear_notes_make_a_mix_and_notes_alone_do_not(content):
    solo = Audio(tune([60, 64, 67, 72], sawtooth, 3.0), RATE)
    assert Analysis.of(content).transcription().hits > 1.5 and Analysis.of(solo).transcription().hits == 0
    assert not Analysis.of(solo).transcription().is_mix
    for doubt, hits in ((0.0, 4.0), (0.2, 1.5)):
        assert Transcribed(Notes.of([]), doubt, hits).is_mix
    for doubt, hits in ((0.0, 0.0), (0.0, 2.0), (0.9, 0.5)):
        assert not Transcribed(Notes.of([]), doubt, hits).is_mix
    assert mixes.apart("auto", False, {"mixed": np.array([True])})
    assert not mixes.apart("off", True, {"mixed": np.array([True])})
    assert mixes.apart("on", False, {"mixed": np.array([False])})


def test_nothing_of_the_content_itself_is_left(content, result):
    made, facts = result
    assert -mixes.SOFTER <= facts["parts"]["balance"] - facts["parts"]["content"] <= mixes.LOUDER
    assert made.samples.shape == content.samples.shape and np.isfinite(made.samples).all()
    assert np.median(band_coherence(made, content)) < 0.3
    left = NotesMethod(parts="off")
    with collect():
        kept = left.apply(content, left.fit([Audio(content.samples.copy(), RATE)]))
    assert np.median(band_coherence(kept, content)) > np.median(band_coherence(made, content))


def test_the_drums_of_the_style_play_when_the_content_is_struck(content, result):
    struck = mixes.split(result[0]).percussive.samples[0]
    power = np.square(struck).reshape(-1, 441).mean(axis=1)  # every 20 ms
    at = (HITS * RATE / 441).astype(int)
    near = np.max([power[at + k] for k in range(3)], axis=0)
    assert np.median(near) > 10 * np.median(power)
    spectrum = np.square(np.abs(np.fft.rfft(struck)))
    own = np.square(np.abs(np.fft.rfft(mixes.split(content).percussive.samples[0])))
    half = len(spectrum) // 2
    assert spectrum[half:].sum() / spectrum.sum() < 0.5 * own[half:].sum() / own.sum()  # the style's are dull


def test_the_same_seed_gives_the_same_and_strength_fades(content, style, result):
    notes = NotesMethod(parts="on")
    profile = notes.fit([style])
    assert np.array_equal(notes.apply(content, profile).samples, result[0].samples)
    half = notes.apply(content, profile, strength=0.5).samples
    assert np.allclose(half, 0.5 * (content.samples + result[0].samples), atol=1e-5)


def test_what_follows_keeps_each_bands_power():
    rng = np.random.default_rng(0)
    steady = Audio(rng.normal(0, 0.1, (2, 30 * RATE)).astype(np.float32), RATE)
    swell = np.sin(np.arange(30 * RATE) / RATE * 3) ** 2
    struck = Audio((rng.normal(0, 0.1, 30 * RATE) * swell)[None], RATE)
    made = mixes.followed(steady, struck, mixes.HITS)
    level = np.sqrt(np.square(made.samples).mean(axis=0).reshape(-1, 2205).mean(axis=1))
    assert np.corrcoef(level, swell.reshape(-1, 2205).mean(axis=1))[0, 1] > 0.95
    powers = [np.square(np.abs(np.fft.rfft(sound.samples[0]))).reshape(-1)[: 10 * 33000] for sound in (made, steady)]
    bands = [power.reshape(10, -1).sum(axis=1) for power in powers]
    assert 10 * np.log10(bands[0] / bands[1]) == pytest.approx(np.zeros(10), abs=1.0)


def test_silence_on_either_side_stays_silence(content, style):
    profile = mixes.fit([style], True)
    grains = mixes.Grains.of(profile)
    silence = Audio(np.zeros((2, RATE), np.float32), RATE)
    assert not grains.play(silence, grains.harmonic, 0, lambda _: None).samples.any()
    none = grains.percussive | {"samples": np.zeros(RATE, np.float32)}
    assert not grains.play(content, none, 0, lambda _: None).samples.any()


def test_a_style_learnt_without_grains_still_plays(content, style):
    learnt = NotesMethod(parts="off")
    profile = learnt.fit([style])
    assert "mixed" not in profile
    with collect() as collected:
        made = NotesMethod(parts="on").apply(content, profile)
    assert "learnt without grains" in collected.warnings[0]
    assert np.array_equal(made.samples, learnt.apply(content, profile).samples)


def test_other_words_are_refused():
    with pytest.raises(RestyleError, match="'parts' of 'note_synth' must be one of auto, on, off, not 'some'"):
        method("note_synth", parts="some")
