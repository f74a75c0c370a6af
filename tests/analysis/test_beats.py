import numpy as np
import pytest

from restyle.analysis import beats
from restyle.audio import Audio
from restyle.notes import Notes

RATE = 22050


def strike(kind: str, rng: np.random.Generator, rate: int) -> np.ndarray:
    t = np.arange(int(0.12 * rate)) / rate
    if kind == "kick":
        return 0.8 * np.sin(2 * np.pi * (55 * t + 3 * (1 - np.exp(-40 * t)))) * np.exp(-25 * t)
    if kind == "snare":
        return 0.4 * rng.standard_normal(len(t)) * np.exp(-35 * t)
    return 0.12 * np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-90 * t)


def chord(root: float, duration: float, rate: int) -> np.ndarray:
    t = np.arange(int(duration * rate)) / rate
    tones = sum(np.sin(2 * np.pi * root * 2 ** (s / 12) * k * t) / k**1.5 for s in (0, 4, 7) for k in (1, 2, 3))
    return 0.08 * tones * np.minimum(1, t / 0.01) * np.minimum(1, (duration - t) / 0.03) * np.exp(-0.7 * t)


def song(
    bpm: float,
    *,
    seconds: float = 13.0,
    rate: int = RATE,
    swing: float = 0.5,
    syncopated: bool = False,
    drums: bool = True,
    jitter: float = 0.0,
) -> tuple[Audio, np.ndarray]:
    """A track and its true beats."""
    rng = np.random.default_rng(round(bpm))
    mix, beat = np.zeros(int(seconds * rate)), 60 / bpm

    def add(sound: np.ndarray, start: float) -> None:
        at = round(max(0.0, start + jitter * rng.standard_normal()) * rate)
        mix[at : at + len(sound)] += sound[: max(0, len(mix) - at)]

    true = np.arange(0.3, seconds - 0.2, beat)
    for i, start in enumerate(true):
        if drums:
            add(strike("snare" if i % 2 else "kick", rng, rate), start)
            add(strike("hat", rng, rate), start)
            add(strike("hat", rng, rate), start + swing * beat)
        if syncopated and i % 4 == 2:
            add(strike("kick", rng, rate), start + 0.75 * beat)
            add(strike("kick", rng, rate), start + 1.5 * beat)
        if i % 2 == 0:
            add(chord(220 * 2 ** (rng.integers(-4, 8) / 12), 1.9 * beat, rate), start)
    return Audio(mix, rate), true


def octave_error(found: float, bpm: float) -> float:
    octaves = np.log2(found / bpm)
    return abs(2 ** float(octaves - np.round(octaves)) - 1)


@pytest.mark.parametrize("kind", ["straight", "swing", "syncopated", "chords", "loose"])
def test_tempo_is_found_far_finer_than_one_percent(kind: str) -> None:
    how = {
        "straight": {},
        "swing": {"swing": 2 / 3},
        "syncopated": {"syncopated": True},
        "chords": {"drums": False},
        "loose": {"jitter": 0.008, "swing": 0.6},
    }[kind]
    for bpm in (66, 79.3, 97.7, 113, 128, 141.9, 168):
        found = beats.track(beats.onset_curve(song(bpm, **how)[0]))
        assert octave_error(found.tempo, bpm) < 0.003
        assert found.steady


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_beats_lie_on_the_true_ones_at_any_rate(rate: int) -> None:
    audio, true = song(104, rate=rate)
    found = beats.beats(audio)
    distance = np.abs(found[:, None] - true).min(1)
    assert len(found) >= len(true) - 3
    assert np.percentile(distance, 90) < 0.008


@pytest.mark.parametrize("fraction", [0.5, 0.58, 2 / 3])
def test_swing_is_measured(fraction: float) -> None:
    curve = beats.onset_curve(song(100, swing=fraction)[0])
    assert beats.swing(curve, beats.track(curve).times) == pytest.approx(fraction, abs=0.02)


def band(bass: tuple[float, ...], chords: tuple[float, ...], seconds: float = 14.0) -> Audio:
    """Bars of 2 s: where in a bar of four beats low tones and chords are struck; low tones off the beat are softer."""
    t = np.arange(int(0.6 * RATE)) / RATE
    low = 0.5 * np.sin(2 * np.pi * 55 * t) * np.exp(-4 * t) * np.minimum(1, (0.6 - t) / 0.05)
    mix = np.zeros(int(seconds * RATE))
    for start in np.arange(0.25, seconds, 2.0):
        for sound, places in ((low, bass), (chord(440, 0.24, RATE), chords)):
            for place in places:
                at, level = round((start + place / 2) * RATE), 0.75 if sound is low and place % 1 else 1.0
                mix[at : at + len(sound)] += level * sound[: max(0, len(mix) - at)]
    return Audio(mix, RATE)


def phases(found: beats.Beats) -> np.ndarray:
    """Where beats fall within the true ones, -0.5..0.5."""
    return (2 * (found.times - 0.25) + 0.5) % 1 - 0.5


OFF_BEATS = (0.5, 1.0, 1.5, 2.5, 3.5)


@pytest.mark.parametrize("bass", [(0, 3), (0, 1.5, 3), (0, 1)])
def test_beats_are_where_the_bass_is_not_where_chords_are(bass: tuple[float, ...]) -> None:
    curves = beats.onset_curves(band(bass, OFF_BEATS))
    assert np.abs(phases(beats.track(curves[0]))).min() > 0.4  # the chords alone mislead
    found = beats.track(*curves)
    assert np.abs(phases(found)).max() < 0.06 and len(found.times) >= 24
    assert found.tempo == pytest.approx(120, rel=0.003)


@pytest.mark.parametrize("bass", [(0, 1.5, 2, 3.5), (0, 2, 2.5, 3.5), (0, 1, 2, 3)])
def test_a_bass_that_leads_to_the_beat_moves_no_beats(bass: tuple[float, ...]) -> None:
    curves = beats.onset_curves(band(bass, (0, 1, 2, 2.5, 3)))
    found = beats.track(*curves)
    assert np.array_equal(found.times, beats.track(curves[0]).times) and np.abs(phases(found)).max() < 0.06


@pytest.mark.parametrize("gaps", [(0.5, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.5, 0.6)])
def test_beats_follow_a_tempo_that_changes(gaps: tuple[float, ...]) -> None:
    true = 0.3 + np.cumsum(np.repeat(gaps, 16))
    click = 0.3 * np.random.default_rng(0).standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    samples = np.zeros(round((true[-1] + 1) * RATE))
    for time in true:
        samples[round(time * RATE) :][: len(click)] += click
    found = beats.beats(Audio(samples, RATE))
    assert len(found) == len(true) and np.abs(found - true).max() < 0.02


def test_without_a_bass_beats_stay() -> None:
    curves = beats.onset_curves(band((), OFF_BEATS))
    assert np.array_equal(beats.track(*curves).times, beats.track(curves[0]).times)


def test_no_beat_is_found_in_noise_tone_silence_and_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(10 * RATE) * 0.1)
    for samples in (0.1 * rng.standard_normal(15 * RATE), tone, np.zeros(10 * RATE), np.ones(100), np.zeros(0)):
        assert not beats.track(beats.onset_curve(Audio(samples, RATE))).steady


def test_the_level_and_the_channels_make_no_difference() -> None:
    audio, _ = song(120, seconds=10)
    quiet = Audio(np.concatenate([audio.samples, audio.samples]) * 1e-4, RATE)
    np.testing.assert_allclose(beats.onset_curve(quiet), beats.onset_curve(audio), atol=1e-2)


def test_blocks_leave_no_seam_in_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    audio, _ = song(120, seconds=10)
    whole = beats.onset_curve(audio)
    real = beats.spans
    monkeypatch.setattr(beats, "spans", lambda length, block, context: real(length, 70, context))
    np.testing.assert_allclose(beats.onset_curve(audio), whole, atol=1e-4)


def test_onsets_are_those_played() -> None:
    samples = np.zeros(6 * RATE)
    true = np.array([0.5, 1.3, 2.0, 3.1, 4.4, 5.0])
    for start in true:
        at = round(start * RATE)
        samples[at : at + 2000] += np.random.default_rng(1).standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    np.testing.assert_allclose(beats.onsets(beats.onset_curve(Audio(samples, RATE))), true, atol=0.006)


def test_the_beat_of_notes() -> None:
    notes = Notes.of([(0.2 + i * 0.3, 0.4 + i * 0.3, 60 + i % 7, 1.0 if i % 2 == 0 else 0.5, 0) for i in range(40)])
    found = beats.track(beats.note_curve(notes))
    assert octave_error(found.tempo, 100) < 0.002
    assert np.abs(found.times[:, None] - notes.onset).min(1).max() < 0.006


@pytest.mark.slow
def test_agrees_with_librosa_and_is_finer() -> None:
    librosa = pytest.importorskip("librosa")
    for bpm in (83.4, 97.7, 118, 126.3):
        audio, _ = song(bpm)
        theirs = float(np.ravel(librosa.beat.beat_track(y=audio.mono(), sr=RATE)[0])[0])
        ours = beats.tempo(audio)
        assert octave_error(ours, theirs) < 0.03
        assert octave_error(ours, bpm) <= octave_error(theirs, bpm) + 1e-3
