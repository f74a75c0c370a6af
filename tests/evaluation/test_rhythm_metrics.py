from __future__ import annotations

import mir_eval
import numpy as np
import pytest

from restyle.analysis import beats
from restyle.audio import Audio
from restyle.evaluation import rhythm

RATE = 16000


def clicks(bpm: float, *, seconds: float = 12.0, start: float = 0.3) -> Audio:
    """Decaying noise on every beat, over a soft floor."""
    rng = np.random.default_rng(0)
    samples = 1e-4 * rng.standard_normal(round(seconds * RATE))
    for time in np.arange(start, seconds - 0.1, 60 / bpm):
        at = round(time * RATE)
        samples[at : at + 1600] += 0.3 * rng.standard_normal(1600) * np.exp(-np.arange(1600) / 150)
    return Audio(samples, RATE)


@pytest.mark.parametrize("bpm", [80, 100, 131])
def test_tempo_ratio_and_error_are_those_of_click_tracks(bpm: float) -> None:
    scores = rhythm.evaluate(clicks(1.04 * bpm), clicks(bpm))
    assert scores["tempo_ratio"] == pytest.approx(1.04, abs=0.004)
    assert scores["tempo_error"] == pytest.approx(4, abs=0.4)
    assert rhythm.fold(scores["tempo"] / scores["tempo_wanted"]) == scores["tempo_ratio"]
    assert rhythm.fold(scores["tempo"] / (1.04 * bpm)) == pytest.approx(1, abs=0.003)


def test_octaves_are_folded() -> None:
    assert [rhythm.fold(x) for x in (1, 2, 4, 0.25, 1.5, 0.75)] == [1, 1, 1, 1, 0.75, 0.75]
    assert rhythm.tempo_error(clicks(180), clicks(90)) == pytest.approx(0, abs=0.4)
    assert max(abs(rhythm.fold(x) - 1) for x in np.geomspace(0.1, 10, 999)) <= rhythm.WORST / 100


def test_beat_f1_is_mir_evals_on_the_tracked_beats() -> None:
    output, reference = clicks(100, start=0.35), clicks(103)
    made, wanted = (beats.beats(sound) for sound in (output, reference))
    true = mir_eval.beat.f_measure(wanted, made)
    assert rhythm.beat_f1(output, reference) == pytest.approx(true, abs=1e-12)
    assert 0.1 < true < 0.9
    assert rhythm.beat_f1(clicks(103, start=0.3), reference) == 1
    assert rhythm.beat_f1(clicks(103, start=0.3 + 0.25 * 60 / 103), reference) == 0


def test_nothing_is_said_where_there_is_no_steady_beat() -> None:
    t = np.arange(8 * RATE) / RATE
    drone = Audio(0.2 * np.sin(2 * np.pi * 200 * t) + 0.2 * np.sin(2 * np.pi * 300 * t), RATE)
    assert rhythm.tempo(drone) is None
    against = rhythm.evaluate(clicks(100), drone)
    assert [against[name] for name in ("tempo_wanted", "tempo_ratio", "tempo_error", "beat_f1")] == [None] * 4
    assert against["tempo"] is not None
    lost = rhythm.evaluate(drone, clicks(100))
    assert [lost[name] for name in ("tempo", "tempo_ratio", "tempo_error")] == [None] * 3
    assert lost["beat_f1"] < 0.5


def test_beats_after_the_references_end_do_not_count() -> None:
    reference = clicks(100)
    longer = Audio(np.concatenate([reference.samples, clicks(70).samples], axis=1), RATE)
    assert rhythm.beat_f1(longer, reference) == pytest.approx(1, abs=0.06)


def test_onset_forgives_a_delay_within_48_ms_and_no_more() -> None:
    reference = clicks(100)
    for delay, low, high in ((0.0, 0, 1e-9), (0.032, 0, 0.03), (-0.048, 0, 0.06), (0.15, 0.7, 1)):
        moved = np.roll(reference.samples, round(delay * RATE), axis=1)
        assert low <= rhythm.onset(Audio(moved, RATE), reference) <= high
