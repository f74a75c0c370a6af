import runpy
from pathlib import Path

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.notes import Notes
from restyle.stages import tempo, warp
from restyle.stages.warp import TimeMap

RATE = 22050
BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "tempo.py"))
song, measure_tempo, measure_cents = (BENCHMARK[name] for name in ("song", "measure_tempo", "measure_cents"))


def tone(seconds: float, frequency: float = 440.0) -> Audio:
    clock = np.arange(int(seconds * RATE)) / RATE
    return Audio(np.stack([0.5 * np.sin(2 * np.pi * frequency * clock), np.zeros(len(clock))]), RATE)


def hats(swing: float = 0.5, jitter: float = 0.0, bpm: float = 120.0, seconds: float = 12.0) -> Audio:
    """Noise bursts on beats (loud) and off-beats (softer)."""
    rng, beat = np.random.default_rng(3), 60 / bpm
    mix = np.zeros(int(seconds * RATE))
    for i in range(int(seconds / beat) - 1):
        for where, level in ((0.0, 0.5), (swing, 0.25)):
            at = round((0.1 + (i + where) * beat + jitter * rng.standard_normal()) * RATE)
            mix[max(0, at) : max(0, at) + 800] += level * rng.standard_normal(800) * np.exp(-np.arange(800) / 150)
    return Audio(mix, RATE)


def burst_times(audio: Audio) -> np.ndarray:
    """Onsets by a plain threshold on short-time energy, in seconds."""
    energy = np.convolve(audio.mono() ** 2, np.ones(40) / 40, "same")
    loud = np.flatnonzero(energy > 0.05 * np.percentile(energy, 99.5))
    return loud[np.concatenate([[True], np.diff(loud) > 0.06 * audio.rate])] / audio.rate


def test_a_map_of_slope_one_changes_no_sample() -> None:
    audio = song(100, seconds=4, rate=RATE)
    same = warp.warp(audio, TimeMap.scale(1.0))
    assert same.samples.shape == audio.samples.shape
    np.testing.assert_allclose(same.samples, audio.samples, atol=1e-5)


@pytest.mark.parametrize("ratio", [0.7, 0.93, 1.2, 1.41])
def test_length_channels_level_and_pitch_of_a_stretched_tone(ratio: float) -> None:
    audio = tone(4)
    result = warp.warp(audio, TimeMap.scale(ratio))
    assert (result.rate, result.channels, result.length) == (RATE, 2, round(audio.length * ratio))
    assert not result.samples[1].any()
    middle = result.samples[0, RATE // 2 : -RATE // 2]
    power = np.convolve(middle**2, np.ones(2205) / 2205, "valid")
    assert np.all(np.abs(10 * np.log10(power / 0.125)) < 0.2)  # neither dips nor bumps
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)), 8 * len(middle)))
    found = spectrum.argmax() * RATE / (8 * len(middle))
    assert abs(1200 * np.log2(found / 440)) < 1


def test_a_varying_map_makes_no_clicks() -> None:
    rng = np.random.default_rng(0)
    old = np.arange(0.0, 6.1, 0.25)
    new = np.concatenate([[0.0], np.cumsum(0.25 * rng.uniform(0.7, 1.4, len(old) - 1))])
    result = warp.warp(tone(6), TimeMap(old, new)).samples[0, 2000:-2000].astype(float)
    clean = 2 * np.cos(2 * np.pi * 440 / RATE)
    residual = result[2:] - clean * result[1:-1] + result[:-2]  # zero for an unbroken tone of 440 Hz
    assert np.abs(residual).max() < 5e-3


def test_the_blocks_of_frames_cannot_be_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = song(100, seconds=5, rate=RATE)
    whole = warp.warp(audio, TimeMap.scale(1.17)).samples
    monkeypatch.setattr(warp, "GROUP", 5)
    np.testing.assert_allclose(warp.warp(audio, TimeMap.scale(1.17)).samples, whole, atol=1e-6)


@pytest.mark.parametrize(("channels", "length"), [(1, 1), (1, 700), (6, 9000)])
def test_odd_shapes(channels: int, length: int) -> None:
    result = warp.warp(Audio(np.ones((channels, length)), 8000), TimeMap.scale(1.3))
    assert result.samples.shape == (channels, round(1.3 * length))
    assert np.isfinite(result.samples).all()


def test_maps_invert_and_must_rise() -> None:
    times = TimeMap(np.array([0.0, 1.0, 3.0]), np.array([0.5, 1.0, 4.0]))
    x = np.linspace(-2, 6, 50)
    np.testing.assert_allclose(times.back(times(x)), x)
    with pytest.raises(ValueError, match="rise"):
        TimeMap(np.array([0.0, 1.0]), np.array([1.0, 1.0]))


@pytest.mark.parametrize(("content_bpm", "style_bpm"), [(90, 117), (150, 64), (120, 120)])
def test_the_result_has_the_tempo_of_the_style(content_bpm: float, style_bpm: float) -> None:
    row = BENCHMARK["run"](content_bpm, style_bpm)
    assert abs(row["error %"]) < 0.3
    assert row["cents"] < 5
    assert row["late ms"] < 9
    assert 0.7 < row["ratio"] < 1.42


@pytest.mark.slow
def test_twelve_pairs_and_more() -> None:
    rows = [BENCHMARK["run"](*pair) for pair in BENCHMARK["PAIRS"]]
    assert len(rows) >= 12
    assert sum(abs(row["error %"]) < 1 for row in rows) >= len(rows) - 1
    assert max(row["cents"] for row in rows) < 5
    assert max(row["late ms"] for row in rows) < 10


def test_a_tempo_by_number_takes_the_nearest_octave() -> None:
    content = hats(bpm=100)
    for bpm in (125, 62.5, 250):
        result = tempo.apply(content, {}, bpm=bpm)
        assert result.length == pytest.approx(0.8 * content.length, rel=2e-3)


def test_notes_go_the_same_way() -> None:
    notes = Notes.of([(0.2 + i * 0.5, 0.6 + i * 0.5, 60, 0.9, 0) for i in range(30)])
    moved = tempo.apply(notes, {}, bpm=150)
    np.testing.assert_allclose(moved.onset, notes.onset * 0.8, atol=0.02)
    np.testing.assert_allclose(moved.offset - moved.onset, 0.32, atol=0.002)


def test_groove_moves_the_off_beats_and_keeps_the_tempo() -> None:
    profile = tempo.fit([hats(swing=0.66, bpm=110)])
    assert profile["swing"][1] == pytest.approx(0.66, abs=0.02)
    found = burst_times(tempo.apply(hats(swing=0.5, bpm=120), profile, groove=True))
    gaps = np.diff(found)
    share = np.median(gaps[::2]) / (np.median(gaps[::2]) + np.median(gaps[1::2]))
    assert max(share, 1 - share) == pytest.approx(0.66, abs=0.025)
    assert np.median(found[2:] - found[:-2]) == pytest.approx(60 / 110, rel=5e-3)


def test_groove_of_a_tight_style_tightens_loose_beats() -> None:
    profile = tempo.fit([hats()])
    loose = hats(jitter=0.012)
    result = tempo.apply(loose, profile, groove=True)

    def spread(audio: Audio) -> float:
        return float(np.std(np.diff(burst_times(audio)[::2])))  # beats only, off-beats go along

    assert spread(result) < 0.6 * spread(loose)


@pytest.mark.parametrize("seed", range(20))
def test_attacks_keep_their_place_in_any_map_and_it_still_rises(seed: int) -> None:
    rng = np.random.default_rng(seed)
    old = np.sort(rng.uniform(0, 20, 60)) + np.arange(60) * 0.05
    times = TimeMap(old, np.cumsum(np.diff(old, prepend=0) * rng.uniform(0.25, 2.0, 60)))
    attacks = np.sort(rng.uniform(0, 23, seed * 5))
    held = tempo._hold_attacks(times, attacks)  # raises if it does not rise
    alone = attacks[np.abs(attacks[:, None] - attacks + 9 * np.eye(len(attacks))).min(1, initial=9) > 0.5]
    np.testing.assert_allclose(held(alone), times(alone), atol=1e-9)
    np.testing.assert_allclose(held(alone + 0.03) - held(alone - 0.015), 0.045, atol=1e-9)


def test_several_clips_the_clearest_speaks() -> None:
    noise = Audio(0.1 * np.random.default_rng(0).standard_normal(30 * RATE), RATE)
    profile = tempo.fit([noise, hats(bpm=96)])
    assert profile["tempo"][0] == pytest.approx(96, rel=2e-3)


def test_without_a_beat_there_is_one_clear_sentence() -> None:
    noise = Audio(0.1 * np.random.default_rng(0).standard_normal(12 * RATE), RATE)
    none = tempo.fit([noise])
    with pytest.raises(RestyleError, match="style has no steady beat; give a number with --tempo"):
        tempo.apply(hats(), none)
    with pytest.raises(RestyleError, match="groove"):
        tempo.apply(hats(), none, bpm=100, groove=True)
    with pytest.raises(RestyleError, match="content has no steady beat"):
        tempo.apply(noise, {}, bpm=100)
    with pytest.raises(RestyleError, match="out of range"):
        tempo.apply(hats(), {}, bpm=5)


def test_progress_rises_to_one() -> None:
    seen: list[float] = []
    tempo.apply(hats(), {}, bpm=130, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
