import numpy as np
import pytest

from restyle.analysis import tuning
from restyle.analysis.tuning import Tuning, estimate_tuning
from restyle.audio import Audio

RATE = 16000
OFFSETS = range(-50, 51, 10)


def note(pitch, seconds=0.6, partials=10, stretch=0.0, vibrato=0.0, rate=RATE):
    """A decaying harmonic tone, [T]; stretch is the inharmonicity of its string, vibrato in cents at 5.5 Hz."""
    t = np.arange(round(seconds * rate)) / rate
    cents = vibrato * np.sin(2 * np.pi * 5.5 * t)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69 + cents / 100) / 12)) / rate
    k = np.arange(1, partials + 1)[:, None]
    tone = np.sin(k * np.sqrt(1 + stretch * k**2) * phase + k**2) / k
    return 0.1 * tone.sum(0) * np.exp(-2 * t) * np.minimum(1, t / 0.005)


def chords(cents, rate=RATE, **settings):
    roots = (45, 52, 57, 50, 64, 59)
    made = [sum(note(root + q + cents / 100, rate=rate, **settings) for q in (0, 4, 7)) for root in roots]
    return Audio(np.concatenate(made), rate)


def apart(one, other):
    """Cents between two tunings, which go round."""
    return abs((one - other + 50) % 100 - 50)


@pytest.mark.parametrize("cents", OFFSETS)
def test_the_tuning_of_chords_is_found(cents):
    found = estimate_tuning(chords(cents))
    assert found.known and apart(found.cents, cents) < 1


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_at_any_rate(rate):
    assert estimate_tuning(chords(-31.8, rate)).cents == pytest.approx(-31.8, abs=1)


@pytest.mark.parametrize("cents", [0, 40])
def test_vibrato_leaves_the_tuning_where_it_is(cents):
    found = estimate_tuning(chords(cents, vibrato=30))
    assert found.known and apart(found.cents, cents) < 3


def test_stiff_strings_and_stretched_octaves_are_no_large_offset():
    """A piano: partials are sharp, the bass is tuned flat and the treble sharp by up to ten cents."""
    pitches = range(33, 97, 3)
    made = [note(p + (p - 64) / 32 * 0.1, stretch=4e-4 * 2 ** ((p - 60) / 24)) for p in pitches]
    found = estimate_tuning(Audio(np.concatenate(made), RATE))
    assert abs(found.cents) < 6


def test_noise_behind_the_notes_does_no_harm():
    music = chords(40)
    noise = np.random.default_rng(0).normal(0, 0.02, music.samples.shape)
    assert apart(estimate_tuning(Audio(music.samples + noise, RATE)).cents, 40) < 3


def drum(rng):
    """A struck skin: a mode that falls in pitch, inharmonic ones above, and noise."""
    t = np.arange(RATE // 4) / RATE
    f = rng.uniform(80, 300)
    modes = sum(np.sin(2 * np.pi * f * r * t) / r for r in (1, 1.59, 2.14, 2.3, 2.65)) * np.exp(-12 * t)
    return 0.2 * modes + rng.normal(0, 0.2, len(t)) * np.exp(-25 * t)


def percussion(seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([drum(rng) for _ in range(40)])


NOISE = np.random.default_rng(0).normal(0, 0.1, 20 * RATE)
PITCHLESS = {
    "silence": np.zeros(RATE),
    "nothing": np.zeros(0),
    "ten samples": np.ones(10),
    "noise": NOISE,
    "clicks": NOISE * (np.arange(len(NOISE)) % 4000 == 0),
    "drums": percussion(0),
    "other drums": percussion(1),
}


@pytest.mark.parametrize("sound", PITCHLESS.values(), ids=PITCHLESS)
def test_what_has_no_pitch_has_no_tuning(sound):
    found = estimate_tuning(Audio(sound, RATE))
    assert not found.known and found.offset == 0


def test_long_recordings_are_read_in_blocks(monkeypatch):
    music = Audio(np.tile(chords(25).samples, 3), RATE)
    whole, seen = estimate_tuning(music), []
    monkeypatch.setattr(tuning, "BLOCK", 2.0)
    original = tuning.blocks.mono
    monkeypatch.setattr(tuning.blocks, "mono", lambda *given: seen.append(given[2] - given[1]) or original(*given))
    assert estimate_tuning(music).cents == pytest.approx(whole.cents, abs=0.5)
    assert max(seen) == 2 * RATE


def test_what_is_near_to_440_hz_or_doubtful_is_left():
    assert [Tuning(2, 1).offset, Tuning(-2, 1).offset, Tuning(30, 0.1).offset, Tuning(30, 1).offset] == [0, 0, 0, 30]


def test_distances_go_round_and_need_two_tunings():
    assert Tuning(-32, 1).distance(Tuning(0, 1)) == -32
    assert Tuning(49, 1).distance(Tuning(-49, 1)) == 0  # two cents apart
    assert Tuning(-32, 1).distance(Tuning(0, 0.2)) == Tuning(-32, 0.2).distance(Tuning(0, 1)) == 0
