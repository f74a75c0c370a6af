import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from restyle.analysis import multipitch as module
from restyle.analysis.multipitch import MultiPitch, multipitch, pitch_distance
from restyle.audio import Audio
from restyle.dsp.blocks import whole_mono

RATE = 16000
BENCHMARK = Path(os.environ.get("RESTYLE_BENCHMARK", Path(__file__).parents[3] / "shared" / "bench"))
benchmark = pytest.mark.skipif(not (BENCHMARK / "triplets").is_dir(), reason=f"the benchmark is not in {BENCHMARK}")


def tone(pitch: float, seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    """Ten partials, 1/k."""
    f0, t = 440 * 2 ** ((pitch - 69) / 12), np.arange(round(seconds * rate)) / rate
    return 0.1 * sum(np.sin(2 * np.pi * f0 * k * t + k) / k for k in range(1, 11) if f0 * k < rate / 2)


def phrase(*pitches: float, rate: int = RATE) -> np.ndarray:
    return np.concatenate([tone(pitch, 0.5, rate) * np.hanning(round(0.5 * rate)) ** 0.2 for pitch in pitches])


def held(found: MultiPitch) -> set[int]:
    """The pitches that sound in the frames away from the ends."""
    return set(np.flatnonzero(found.active[10:-10].all(axis=0)).tolist())


def ever(found: MultiPitch) -> set[int]:
    return set(np.flatnonzero(found.active[10:-10].any(axis=0)).tolist())


def made(*frames: set[int]) -> MultiPitch:
    active = np.zeros((len(frames), 128), bool)
    for row, pitches in zip(active, frames, strict=True):
        row[list(pitches)] = True
    return MultiPitch(active)


@pytest.mark.parametrize("pitch", [40, 52, 60, 69, 81])
def test_one_tone_is_one_pitch(pitch):
    found = multipitch(Audio(tone(pitch), RATE))
    assert held(found) == ever(found) == {pitch}


def chord(*pitches: float) -> np.ndarray:
    """Tones of the same salience: only those near the most salient one are tracked."""
    parts = [tone(pitch) for pitch in pitches]
    saliences = [module._peaks(module._weighted(soxr.resample(part, RATE, 8000))).salience.max() for part in parts]
    return sum(part * saliences[0] / salience for part, salience in zip(parts, saliences, strict=True))


@pytest.mark.parametrize("pitches", [(57, 61, 66), (62, 65, 71), (60, 63, 67)])
def test_a_chord_is_its_pitches_and_no_partials_of_them(pitches):
    assert ever(multipitch(Audio(chord(*pitches), RATE))) == set(pitches)


def test_a_major_chord_has_its_pitches_but_for_octaves():
    """Its tones are partials 4, 5 and 6 of one fundamental, which may win over the root."""
    assert {pitch % 12 for pitch in ever(multipitch(Audio(chord(60, 64, 67), RATE)))} == {0, 4, 7}


def test_a_melody_is_followed_note_by_note():
    found = multipitch(Audio(phrase(60, 64, 62, 67), RATE))
    middles = [round((0.25 + 0.5 * i) / found.hop) for i in range(4)]
    assert [np.flatnonzero(found.active[t]).tolist() for t in middles] == [[60], [64], [62], [67]]


def test_a_pitch_is_found_without_its_lowest_partial():
    t = np.arange(RATE) / RATE
    sound = 0.1 * sum(np.sin(2 * np.pi * 220 * k * t) for k in range(2, 12))
    assert held(multipitch(Audio(sound, RATE))) == {57}


def test_silence_and_rests_have_no_pitches():
    assert not multipitch(Audio(np.zeros(RATE), RATE)).active.any()
    assert multipitch(Audio(np.zeros((1, 0)), RATE)).active.shape == (0, 128)
    sound = np.concatenate([tone(60), np.zeros(2 * RATE), tone(64)])
    active = multipitch(Audio(sound, RATE)).active
    rest = slice(round(1.8 / 0.016), round(3.2 / 0.016))
    assert not active[rest].any()
    assert active[40, 60] and active[260, 64]


def test_noise_20_db_below_changes_little():
    clean = phrase(60, 64, 62, 67, 65, 60)
    noise = np.random.default_rng(1).normal(0, 0.1 * clean.std(), len(clean))
    assert pitch_distance(multipitch(Audio(clean + noise, RATE)), multipitch(Audio(clean, RATE))) < 0.1


def test_the_rate_matters_little():
    found = [multipitch(Audio(phrase(60, 64, 62, 67, rate=rate), rate)) for rate in (8000, 16000, 22050, 44100, 48000)]
    assert {len(one.active) for one in found} == {round(2 / 0.016) + 1}
    assert max(pitch_distance(one, found[-1]) for one in found) < 0.03


def test_channels_are_averaged():
    one = phrase(60, 64, 62)
    wanted = multipitch(Audio(one, RATE)).active
    assert wanted.any()
    assert (multipitch(Audio(np.stack([one, one]), RATE)).active == wanted).all()
    assert (multipitch(Audio(np.stack([2 * one, 0 * one]), RATE)).active == wanted).all()


def test_it_is_deterministic_and_leaves_its_input():
    sound = phrase(60, 64).astype(np.float32)
    before = sound.copy()
    first, second = (multipitch(Audio(sound, 8000)) for _ in range(2))
    assert (first.active == second.active).all()
    assert (sound == before).all()


def test_values_that_are_no_numbers_count_as_silence():
    sound = phrase(60, 64)
    sound[5000:5010] = np.nan
    assert multipitch(Audio(sound, RATE)).active[20, 60]


def test_blocks_do_not_show(monkeypatch):
    sound = Audio(phrase(60, 64, 62, 67), 44100)
    whole = multipitch(sound).active
    monkeypatch.setattr(module, "BLOCK", 7)
    assert (multipitch(sound).active == whole).all()


def test_sound_is_resampled_in_blocks_without_seams():
    long = np.random.default_rng(0).normal(0, 0.1, 45 * RATE).astype(np.float32)
    assert np.allclose(whole_mono(Audio(long, RATE), 8000), soxr.resample(long, RATE, 8000), atol=1e-4)


def test_the_weights_are_those_of_the_filter():
    """Levels of the published recursive filter at 8 kHz."""
    impulse = np.zeros(8000, np.float32)
    impulse[0] = 1
    level = 20 * np.log10(np.abs(np.fft.rfft(module._weighted(impulse))))
    wanted = {50: -34.7, 100: -20.0, 440: -6.1, 1000: -9.7, 2000: -6.9, 3000: -1.6}
    assert all(abs(level[hz] - db) < 0.5 for hz, db in wanted.items())


def test_salience_of_one_peak_is_at_its_pitch_and_its_subharmonics():
    bins = 360.0  # 440 Hz
    salience = module._salience(np.array([0]), np.array([bins]), np.array([2.0]), 1)[0]
    assert salience[360] == pytest.approx(2)
    assert salience[355] == pytest.approx(2 * np.cos(np.pi / 4) ** 2)
    assert salience[370] == pytest.approx(0, abs=1e-9)
    assert salience[240] == pytest.approx(2 * 0.8)
    assert salience[120] == pytest.approx(2 * 0.8**3)


def test_distance_of_known_frames():
    a = made({60, 64}, {60}, set(), {67})
    assert pitch_distance(a, a) == 0
    b = made({60}, {62}, set(), {67})
    assert pitch_distance(a, b) == pitch_distance(b, a) == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert pitch_distance(made(set()), made(set())) == 0


def test_the_shorter_one_is_without_pitches_after_its_end():
    assert pitch_distance(made({60}, {60}), made({60}, {60}, {60}, set())) == 0.25
    assert pitch_distance(made(), made({60}, set())) == 0.5
    assert pitch_distance(made(), made()) == 0


def test_other_frames_are_refused():
    with pytest.raises(ValueError, match=r"0.016 s and 0.01 s"):
        pitch_distance(made({60}), MultiPitch(np.zeros((1, 128), bool), 0.01))


def test_a_sound_is_at_no_distance_from_itself_and_far_when_detuned():
    sound = phrase(60, 64, 62, 67, 65, 60)
    found = multipitch(Audio(sound, RATE))
    distances = []
    for cents in (0, 20, 60, 100):
        moved = soxr.resample(sound, RATE * 2 ** (cents / 1200), RATE)
        distances.append(pitch_distance(multipitch(Audio(moved, RATE)), found))
    assert distances[0] == 0
    assert distances[1] < 0.15
    assert min(distances[2:]) > 0.8


def test_detuning_by_50_cents_is_seen():
    sound = phrase(60, 64, 62, 67, 65, 60)
    moved = soxr.resample(sound, RATE * 2 ** (50 / 1200), RATE)
    assert pitch_distance(multipitch(Audio(moved, RATE)), multipitch(Audio(sound, RATE))) > 0.3


def read(path: Path) -> Audio:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Audio(samples.T, rate)


def means(folder: str, output: str, reference: str, suffix: str, step: int = 1) -> tuple[int, float]:
    """Number of pairs and mean distance of two kinds of recordings; outputs have the references' length."""
    distances = []
    for path in sorted((BENCHMARK / folder).glob(f"*.{reference}.{suffix}"))[::step]:
        wanted, given = read(path), read(path.with_name(path.name.replace(reference, output)))
        given = given.slice(0, round(wanted.duration * given.rate))
        distances.append(pitch_distance(multipitch(given), multipitch(wanted)))
    return len(distances), float(np.mean(distances))


@benchmark
@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "output", "reference", "suffix", "count", "mean"),
    [
        ("triplets", "content", "target", "flac", 60, 0.5200),
        ("triplets", "style", "target", "flac", 60, 0.9241),
        ("real", "style", "content", "ogg", 16, 0.8837),
    ],
)
def test_means_are_those_of_essentias_tracker(folder, output, reference, suffix, count, mean):
    """The benchmark's own scorer, with Essentia's MultiPitchMelodia, gives these means."""
    assert means(folder, output, reference, suffix) == (count, pytest.approx(mean, abs=0.03))


@pytest.mark.parametrize("cents", [-50, -30, 40])
def test_pitches_are_told_apart_in_a_tuning(cents):
    found = multipitch(Audio(phrase(*(pitch + cents / 100 for pitch in (60, 64, 62, 67))), RATE), tuning=cents)
    middles = [round((0.25 + 0.5 * i) / found.hop) for i in range(4)]
    assert [np.flatnonzero(found.active[t]).tolist() for t in middles] == [[60], [64], [62], [67]]
