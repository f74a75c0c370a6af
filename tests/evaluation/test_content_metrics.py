from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from make_golden import note_scores
from pieces import noisy, small, triplet

from restyle.analysis import multipitch
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.evaluation import content
from restyle.notes import DRUMS, Notes


def tables(seed: int) -> tuple[Notes, Notes]:
    """Notes, and what a bad transcriber makes of them."""
    rng = np.random.default_rng(seed)
    onset = np.sort(rng.uniform(0, 20, 60))
    wanted = Notes(onset, onset + rng.uniform(0.05, 2, 60), rng.integers(40, 80, 60), np.ones(60), np.zeros(60))
    kept = wanted.select(rng.random(60) < 0.8)
    moved = kept.onset + 0.04 * rng.standard_normal(len(kept))
    pitch = kept.pitch + rng.choice([0, 0, 0, 0.4, 0.6, 12], len(kept))
    offset = np.maximum(kept.offset + 0.1 * rng.standard_normal(len(kept)), moved + 0.01)
    return Notes(np.abs(moved), np.abs(moved) + offset - moved, pitch, kept.velocity, kept.programme), wanted


@pytest.mark.parametrize("seed", range(5))
def test_note_scores_are_mir_evals(seed: int) -> None:
    played, wanted = tables(seed)
    true = note_scores(played, wanted)
    assert list(content.note_scores(played, wanted)) == pytest.approx(true["_no_offset"], abs=1e-12)
    assert list(content.note_scores(played, wanted, offsets=True)) == pytest.approx(true[""], abs=1e-12)
    assert 0 < true[""][2] < true["_no_offset"][2] < 1


def test_no_notes_wanted_and_none_played_is_right() -> None:
    some, none = tables(0)[0], Notes.of([])
    assert content.note_scores(none, none) == (1, 1, 1)
    assert content.note_scores(none, some) == content.note_scores(some, none) == (0, 0, 0)


def test_notes_given_are_the_truth_and_drums_do_not_count() -> None:
    made = triplet(4)
    drums = Notes(
        *(getattr(made.notes, name) for name in ("onset", "offset", "pitch", "velocity")), made.notes.onset * 0
    )
    drums = Notes(drums.onset, drums.offset, drums.pitch + 1, drums.velocity, np.full(len(drums), DRUMS))
    both = Notes(*(np.concatenate([getattr(made.notes, n), getattr(drums, n)]) for n in vars(drums)))
    alone = content.evaluate(made.target, None, both)
    assert alone == content.evaluate(made.target, None, made.notes)
    assert alone["note_f1"] > 0.8
    assert [alone[name] for name in ("melody", "beat_chroma", "pitch", "onset_f1")] == [None] * 4
    played = content.transcription.transcribe(small(made.target)).notes
    assert alone["note_f1"] == pytest.approx(note_scores(played, made.notes)["_no_offset"][2], abs=0.03)
    assert set(content.evaluate(made.target, None, drums).values()) == {None}


def test_the_references_transcription_stands_in_for_notes() -> None:
    made = triplet(5)
    reference, output = small(made.content), small(made.target)
    scores = content.evaluate(output, reference)
    found = [content.transcription.transcribe(sound).notes for sound in (output, reference)]
    true = note_scores(*found)
    names = [f"note_offset_{part}" for part in content.PARTS]
    assert [scores[name] for name in names] == pytest.approx(true[""], abs=1e-12)
    assert 0.3 < scores["note_f1"] <= 1


def test_notes_cannot_be_judged_where_only_noise_sounds() -> None:
    noise = Audio(0.1 * np.random.default_rng(0).standard_normal(32000), 16000)
    wanted = content.transcription.transcribe(noise).notes
    assert len(wanted) == 0
    scores = content.evaluate(noise, noise)
    assert all(scores[name] is None for name in content.NOTES)
    assert scores["chroma"] == pytest.approx(0, abs=1e-9)


def test_onset_f1_is_mir_evals_on_clicks_that_were_moved() -> None:
    rng = np.random.default_rng(0)
    times = 0.2 + 0.25 * np.arange(20)
    moved = times + np.where(np.arange(20) % 4 == 0, 0.1, 0.0)

    def clicks(at: np.ndarray) -> Audio:
        samples = 0.001 * rng.standard_normal(6 * 16000)
        for start in np.round(at * 16000).astype(int):
            samples[start : start + 800] += rng.standard_normal(800) * np.exp(-np.arange(800) / 100)
        return Audio(0.3 * samples, 16000)

    assert content.onset_f1(clicks(times), clicks(times)) == 1
    assert content.onset_f1(clicks(moved), clicks(times)) == mir_eval.onset.f_measure(times, moved)[0] == 0.75
    assert content.onset_f1(clicks(times[::2]), clicks(times)) == pytest.approx(2 / 3)


def test_pitch_and_chroma_see_wrong_notes_and_not_the_instrument() -> None:
    same, other = triplet(6), triplet(7)
    for metric in (content.pitch, content.chroma):
        assert metric(same.target, same.content) < 0.5 * metric(other.target, same.content) <= 1


def test_the_melody_is_mir_evals_overall_accuracy() -> None:
    made = triplet(6)
    for output in (made.target, made.content, noisy(made.target)):
        ours = content.melody(output, made.target)
        f0 = [multipitch.melody(sound) for sound in content.common.pair(output, made.target)]
        time = np.arange(len(f0[1])) * multipitch.HOP / multipitch.RATE
        theirs = mir_eval.melody.evaluate(time, f0[1], time, f0[0])["Overall Accuracy"]
        assert ours == pytest.approx(theirs, abs=0.02)


def test_melody_and_chroma_of_beats_do_not_mind_another_instrument_but_another_tune() -> None:
    made, other = triplet(6), triplet(7)
    assert content.melody(made.content, made.target) > content.melody(other.target, made.target) + 0.3
    assert content.beat_chroma(made.content, made.target) < 0.3 * content.beat_chroma(other.target, made.target)


def test_pitch_is_that_of_the_tones_played() -> None:
    t = np.arange(3 * 16000) / 16000

    def chord(*pitches: float) -> Audio:
        hz = 440 * 2 ** ((np.array(pitches) - 69) / 12)
        return Audio(sum(0.1 * np.sin(2 * np.pi * f * k * t) / k for f in hz for k in range(1, 7)), 16000)

    assert content.pitch(chord(60), chord(60)) == 0
    assert content.pitch(chord(60), chord(65)) > 0.9
    assert content.pitch(noisy(chord(60), 40), chord(60)) < 0.1


def test_notes_with_times_that_are_not_finite_are_refused() -> None:
    bad = Notes(np.array([0.0]), np.array([np.inf]), np.array([60]), np.array([1]), np.array([0]))
    with pytest.raises(RestyleError, match=r"^the notes hold times or pitches that are not finite: repair the MIDI"):
        content.evaluate(Audio(np.ones(16000), 16000), None, bad)
