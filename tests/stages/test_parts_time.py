"""Parts and time together: mixes in any metre, and stems of any form, played at another tempo and groove."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.audio import Audio, resample
from restyle.dsp.loudness import loudness
from restyle.errors import RestyleError
from restyle.pipeline import Given, Result, transfer
from restyle.stages.parts import BASS, DRUMS, OTHER, STEMS

RATE = 16000
LATE = 0.03  # s by which a hit may stray


def played(times, sound, seconds):
    """A sound that begins at each of some times."""
    track = np.zeros(round(seconds * RATE))
    for time in times:
        at = round(time * RATE)
        track[at : at + len(sound)] += sound[: max(0, len(track) - at)]
    return Audio(track, RATE)


def stems(beats, bar, seconds, seed=0):
    """Hits and chords on beats, and half a beat after the last of them; a bass on downbeats."""
    t = np.arange(round(0.3 * RATE)) / RATE
    fade = np.minimum(1, (0.3 - t) / 0.05)
    hit = 0.5 * np.random.default_rng(seed).standard_normal(len(t)) * np.exp(-80 * t)
    bass = 0.4 * np.sin(2 * np.pi * 65 * t) * np.exp(-5 * t) * fade
    chord = 0.1 * sum(np.sin(2 * np.pi * f * t) for f in (262, 330, 392)) * np.exp(-3 * t) * fade
    hits = np.append(beats, beats[-1] + (beats[-1] - beats[-2]) / 2)
    return {
        DRUMS: played(hits, hit, seconds),
        BASS: played(beats[::bar], bass, seconds),
        OTHER: played(beats, chord, seconds),
    }


def mixed(sounds):
    return Audio(sum(sound.samples for sound in sounds.values()), RATE)


def pulse(gap, count, start=0.2):
    return start + gap * np.arange(count)


def silence(like):
    return Audio(np.zeros_like(like.samples), like.rate)


STYLE = stems(pulse(0.6, 14, 0.1), 4, 8.5, seed=1)  # 100 beats a minute
CONTENT = stems(pulse(0.5, 17), 4, 9.0)
SETTINGS = {"method": "spectral", "parts": "on", "tone": False, "keep_parts": True}


def transferred(content, sounds, *, style=None, **settings) -> Result:
    """A transfer to the style, which holds what every result must."""
    style = style or STYLE
    result = transfer(content, mixed(style), given=Given(content=sounds, style=style), **SETTINGS | settings)
    assert (result.rate, result.channels) == (content.rate, content.channels)
    assert np.isfinite(result.samples).all() and result.samples.any()
    assert set(result.parts) <= set(STEMS) and {DRUMS, OTHER} <= set(result.parts)
    assert np.allclose(sum(part.samples for part in result.parts.values()), result.samples, atol=1e-5)
    made = result.record["facts"]["parts"]
    assert set(made["content"]) == set(made["style"]) and made["style"][DRUMS] == DRUMS
    assert result.record["warnings"] == list(result.warnings)
    return result


def hits(sound):
    """When hits begin, in seconds, by a threshold on their short-time power."""
    power = np.convolve(sound.mono() ** 2, np.ones(64) / 64, "same")
    loud = np.flatnonzero(power > 0.08 * np.percentile(power, 99.8))
    return loud[np.concatenate([[True], np.diff(loud) > 0.1 * RATE])] / RATE


def assert_hits(result, wanted):
    strayed = np.abs(hits(result.parts[DRUMS])[:, None] - wanted).min(axis=0)
    assert strayed.max() < LATE


@pytest.mark.parametrize(
    ("gap", "bar", "count"), [(0.5, 3, 17), (0.25, 6, 34), (0.5, 4, 17)], ids=["3/4", "6/8", "4/4"]
)
@pytest.mark.parametrize("groove", [False, True])
def test_every_metre_comes_to_the_styles_tempo(gap, bar, count, groove):
    sounds = stems(pulse(gap, count), bar, 9.5)
    result = transferred(mixed(sounds), sounds, tempo="style", groove=groove)
    assert result.duration == pytest.approx(1.2 * 9.5, abs=0.05)  # 120 to 100 beats a minute
    assert_hits(result, 1.2 * pulse(gap, count))
    assert result.warnings == ()
    settings = result.record["settings"]
    assert (settings["tempo"], settings["groove"], settings["parts"]) == ("style", groove, "on")


def test_the_separator_finds_the_same_hits_where_no_stems_are_given():
    result = transferred(mixed(CONTENT), {}, tempo="style", groove=True)
    assert_hits(result, 1.2 * pulse(0.5, 17))


def test_a_tempo_that_changes_midway_changes_there_still():
    beats = np.concatenate([pulse(0.5, 10), pulse(0.4, 11, 5.1)])
    sounds = stems(beats, 4, 9.9)
    result = transferred(mixed(sounds), sounds, tempo=100)
    ratio = result.length / mixed(sounds).length
    assert 0.95 < ratio < 1.55  # of 120 or 150, or in between, to 100
    assert_hits(result, ratio * beats)


def test_groove_evens_a_tempo_that_changes_midway():
    beats = np.concatenate([pulse(0.5, 10), pulse(0.4, 11, 5.1)])
    sounds = stems(beats, 4, 9.9)
    result = transferred(mixed(sounds), sounds, tempo="style", groove=True)
    found = hits(result.parts[DRUMS])
    assert len(found) == len(beats) + 1
    assert np.abs(found[:-1] - found[0] - 0.6 * np.arange(len(beats))).max() < LATE


def test_a_swell_has_no_tempo_to_change():
    noise = np.random.default_rng(2).standard_normal(12 * RATE)
    swell = Audio(0.1 * noise * np.sin(np.pi * np.arange(len(noise)) / len(noise)), RATE)
    for settings in ({"tempo": "style"}, {"groove": True}):
        with pytest.raises(RestyleError, match="the content has no steady beat"):
            transferred(swell, {OTHER: swell}, **settings)
    with pytest.raises(RestyleError, match="the style has no steady beat"):
        transferred(mixed(CONTENT), CONTENT, style={OTHER: swell}, tempo="style")
    assert transferred(swell, {OTHER: swell}).length == swell.length


def test_a_stem_that_ends_early_is_followed_by_silence():
    short = CONTENT | {DRUMS: CONTENT[DRUMS].slice(0, 5 * RATE)}
    result = transferred(mixed(CONTENT), short)
    assert result.warnings == ("the stems differ in length: drums has 5.00 of 9.00 s",)
    assert result.length == mixed(CONTENT).length
    assert_hits(result, pulse(0.5, 10))
    assert hits(result.parts[DRUMS]).max() < 5


def test_stems_of_another_rate_land_at_their_times():
    other = {name: Audio(resample(stem.samples[0], RATE, 22050)[None], 22050) for name, stem in CONTENT.items()}
    for sounds in (other, CONTENT | {DRUMS: other[DRUMS]}):
        result = transferred(mixed(CONTENT), sounds)
        assert result.length == mixed(CONTENT).length and result.warnings == ()
        assert_hits(result, pulse(0.5, 17))


@pytest.mark.parametrize("silent", [False, True], ids=["missing", "silent"])
def test_a_stem_that_does_not_sound_is_no_part(silent):
    rest = {DRUMS: CONTENT[DRUMS], OTHER: CONTENT[OTHER]}
    result = transferred(mixed(rest), rest | ({BASS: silence(CONTENT[BASS])} if silent else {}))
    assert set(result.parts) == set(result.record["facts"]["parts"]["style"]) == {DRUMS, OTHER}
    assert_hits(result, pulse(0.5, 17))


def test_a_content_without_drums_gets_none_of_the_styles_rhythm():
    result = transferred(mixed(CONTENT), CONTENT | {DRUMS: silence(CONTENT[DRUMS])})
    strayed = np.abs(hits(result.parts[DRUMS])[:, None] - pulse(0.5, 17)).min(axis=1)
    assert strayed.max() < LATE  # what strikes is the attacks of the content's chords


def test_mono_content_stays_mono_beside_a_stereo_style():
    style = {name: Audio(np.stack([stem.samples[0], 0.5 * stem.samples[0]]), RATE) for name, stem in STYLE.items()}
    one, other = (transferred(mixed(CONTENT), CONTENT, style=s, tempo="style", groove=True) for s in (style, STYLE))
    assert one.channels == 1 and one.length == other.length
    assert_hits(one, 1.2 * pulse(0.5, 17))


def test_groove_where_the_last_beat_is_the_last_hit():
    sounds = {DRUMS: played(pulse(0.5, 17), CONTENT[DRUMS].samples[0, 3200:4800], 9.0), OTHER: CONTENT[OTHER]}
    result = transferred(mixed(sounds), sounds, tempo="style", groove=True)
    assert_hits(result, 1.2 * pulse(0.5, 17))


@pytest.mark.parametrize("seconds", [7.0, 11.0])
def test_stems_that_are_all_shorter_or_longer_than_the_content(seconds):
    length = round(seconds * RATE)
    samples = {name: np.pad(stem.samples, ((0, 0), (0, length)))[:, :length] for name, stem in CONTENT.items()}
    result = transferred(mixed(CONTENT), {name: Audio(one, RATE) for name, one in samples.items()})
    assert result.length == mixed(CONTENT).length


def test_stereo_stems_of_mono_content():
    wide = {name: Audio(np.concatenate([stem.samples, stem.samples]), RATE) for name, stem in CONTENT.items()}
    result = transferred(mixed(CONTENT), wide)
    assert_hits(result, pulse(0.5, 17))


def test_given_stems_are_used_at_another_tempo():
    result = transferred(mixed(CONTENT), CONTENT, tempo="style")
    levels = result.record["facts"]["parts"]["content"]
    wanted = {name: loudness(CONTENT[name]) for name in levels}
    assert all(abs(levels[name] - wanted[name]) < 2 for name in levels)
