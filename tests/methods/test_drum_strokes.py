"""Drums: strokes of a style's kit play the content's hits, or hits of which there is no sound."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.analysis.drums.infer import KEYS
from restyle.audio import Audio
from restyle.methods.drums import PIECES_ONLY, DrumsMethod, Kit, Strokes
from restyle.notes import DRUMS, Notes

RATE = 44100
KICK, SNARE, HAT = KEYS[:3]
BEAT = 0.5


def drum(kind, seed=0, pitch=55.0):
    """One stroke: a falling sine, noise with a tone, or bright noise."""
    rng, t = np.random.default_rng(seed), np.arange(round(0.3 * RATE)) / RATE
    if kind == KICK:
        return np.sin(2 * np.pi * (pitch * t + 3 * (1 - np.exp(-50 * t)))) * np.exp(-14 * t)
    noise = rng.standard_normal(len(t))
    if kind == SNARE:
        return (0.3 * noise + 0.4 * np.sin(2 * np.pi * 400 * t)) * np.exp(-22 * t)
    return 0.2 * np.diff(noise, 2, prepend=[0, 0]) * np.exp(-60 * t)


def bars(count, *, seed=0, pitch=55.0, start=0.1):
    """Kick on one and three, snare on two and four, a hat between."""
    sound = np.zeros(round((start + count * 4 * BEAT + 0.3) * RATE))
    for beat in range(4 * count):
        for kind, time in ((SNARE if beat % 2 else KICK, beat), (HAT, beat + 0.5)):
            at = round((start + time * BEAT) * RATE)
            sound[at : at + round(0.3 * RATE)] += drum(kind, seed + beat, pitch)[: len(sound) - at]
    return Audio(0.5 * sound, RATE)


@pytest.fixture(scope="module")
def profile():
    return DrumsMethod().fit([bars(4, seed=9, pitch=80.0)])


def hits(*rows):
    return Notes.of([(time, time + 0.1, kind, velocity, DRUMS) for time, kind, velocity in rows])


def powers(sound, time):
    """Shares of the power below 250 Hz and above 5 kHz in what follows a time."""
    piece = sound[round(time * RATE) : round((time + 0.1) * RATE)]
    power, hertz = np.abs(np.fft.rfft(piece)) ** 2, np.fft.rfftfreq(len(piece), 1 / RATE)
    return power[hertz < 250].sum() / power.sum(), power[hertz > 5000].sum() / power.sum()


def test_strokes_are_found_with_their_drums():
    found = Strokes.of(bars(2))
    expected = 0.1 + BEAT / 2 * np.arange(16)
    assert np.allclose(found.time, expected, atol=0.012)
    assert (found.drums[::4, KEYS.index(KICK)] > 0).all() and (found.drums[2::4, KEYS.index(SNARE)] > 0).all()
    assert not found.drums[1::2, KEYS.index(KICK)].any()
    assert (found.level[::4] > found.level[1::2].max()).all()


def test_hits_without_a_sound_are_played_by_their_drums(profile):
    asked = hits((0.25, KICK, 1.0), (0.75, HAT, 1.0), (1.25, SNARE, 1.0))
    made = DrumsMethod().play(asked, profile, rate=RATE, channels=2, length=2 * RATE, seed=0)
    assert made.samples.shape == (2, 2 * RATE) and np.array_equal(*made.samples)
    sound = made.samples[0]
    assert not sound[: round(0.24 * RATE)].any()
    low, high = zip(*(powers(sound, time) for time in (0.25, 0.75, 1.25)), strict=True)
    assert low[0] > 0.8 and high[1] > 0.5 and max(low[1:]) < 0.1
    assert max(np.abs(sound[round(t * RATE) :][: round(0.01 * RATE)]).max() for t in (0.25, 0.75, 1.25)) > 0.05


def test_softer_hits_are_softer(profile):
    asked = hits(*((0.25 + 0.5 * i, KICK, 1.0 if i % 2 else 0.25) for i in range(6)))
    sound = DrumsMethod().play(asked, profile, rate=RATE, channels=1, length=4 * RATE, seed=0).samples[0]
    level = [np.abs(sound[round((0.25 + 0.5 * i) * RATE) :][: RATE // 5]).max() for i in range(6)]
    assert max(level[::2]) < 0.4 * min(level[1::2])


def test_the_kit_of_the_style_plays_the_rhythm_of_the_content(profile):
    content = bars(2)
    made = DrumsMethod().apply(content, profile).samples[0]
    for beat in range(0, 8, 2):  # the style's kick sounds at 80 Hz, the content's at 55
        piece = made[round((0.13 + beat * BEAT) * RATE) :][: RATE // 5]
        power, hertz = np.abs(np.fft.rfft(piece, 4 * RATE)) ** 2, np.fft.rfftfreq(4 * RATE, 1 / RATE)
        low = hertz < 150
        assert abs(hertz[low][power[low].argmax()] - 80) < 12
    again = DrumsMethod().apply(content, profile)
    assert np.array_equal(made, again.samples[0])


def test_what_is_no_kit_plays_no_hits(profile):
    few = DrumsMethod().fit([Audio(bars(4).samples[:, : round(1.2 * RATE)], RATE)])
    asked, form = hits((0.2, KICK, 1.0)), {"rate": RATE, "channels": 1, "length": RATE, "seed": 0}
    assert DrumsMethod().play(asked, few, **form) is None
    assert DrumsMethod().play(asked, profile | {PIECES_ONLY: np.array([True])}, **form) is None
    assert DrumsMethod().play(hits(), profile, **form) is None


def test_a_kit_of_several_clips_has_the_strokes_of_all():
    clips = [bars(1, seed=1), bars(1, seed=2)]
    kit = Kit.of(DrumsMethod().fit(clips), RATE)
    assert len(kit.strokes.time) == 16
    assert (np.diff(kit.strokes.time) > 0).all() and (kit.stop > kit.strokes.time * RATE).all()
