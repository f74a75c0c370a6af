"""What holds for every metric."""

from __future__ import annotations

import gc
import json
import math
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pieces import Triplet, small, triplet

from restyle import evaluation
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.evaluation import METRICS, common, content, evaluate, quality, rhythm, style

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())["generated"]
WORST = {  # of silence against sound
    "content.pitch": 1,
    "content.chroma": 1,
    "content.note_f1": 0,
    "content.note_offset_recall": 0,
    "content.onset_f1": 0,
    "content.melody": 0,
    "content.beat_chroma": 1,
    "style.embedding": 1,
    "style.mfcc": 1,
    "style.envelope": 80,
    "style.centroid": 8,
    "style.bandwidth": 8,
    "style.flatness": 80,
    "style.dynamics": 60,
    "style.gram": 1,
    "rhythm.beat_f1": 0,
    "rhythm.onset": 1,
    "quality.si_sdr": -100,
}


def flat(scores: dict[str, dict[str, float | None]]) -> dict[str, float | None]:
    return {f"{question}.{name}": value for question, found in scores.items() for name, value in found.items()}


def judge(output: Audio, reference: Audio) -> dict[str, float | None]:
    """Hold a sound against one reference in every respect."""
    return flat(evaluate(output, content=reference, style=reference, target=reference))


def perfect(name: str) -> float | None:
    """What a sound scores against itself; None for a fact about one sound."""
    if name in ("quality.clipping", "quality.noise_floor") or not METRICS[name].better:
        return None
    if name == "quality.si_sdr":
        return 100.0
    return 0.0 if METRICS[name].better == "lower" else 1.0


@pytest.fixture(scope="module")
def made() -> Triplet:
    return triplet(3)


def test_every_question_answers_for_exactly_its_metrics(made: Triplet) -> None:
    names = [f"{m.__name__.rpartition('.')[2]}.{name}" for m in (content, style, rhythm, quality) for name in m.NAMES]
    assert names == list(METRICS)
    alone = flat(evaluate(made.target))
    assert list(alone) == names
    known = {name for name, value in alone.items() if value is not None}
    facts = {"clipping", "silence", "loudness", "noise_floor", "bandwidth", "width"}
    assert known == {"rhythm.tempo"} | {f"quality.{name}" for name in facts}


def test_a_sound_is_perfect_against_itself_and_against_a_copy(made: Triplet) -> None:
    for reference in (made.target, Audio(made.target.samples.copy(), made.target.rate)):
        scores = judge(made.target, reference)
        for name, value in scores.items():
            if perfect(name) is not None:
                assert value == pytest.approx(perfect(name), abs=1e-9), name
        assert scores["rhythm.tempo_ratio"] == 1
        assert scores["rhythm.tempo"] == scores["rhythm.tempo_wanted"] is not None


@pytest.mark.parametrize("seed", list(GOLDEN))
def test_values_agree_with_other_implementations(seed: str) -> None:
    pieces = triplet(int(seed))
    scores = judge(small(pieces.content), small(pieces.target))
    for name, value in GOLDEN[seed].items():
        assert scores[name] == pytest.approx(value, rel=1e-3), name


def test_rate_and_channels_hardly_count(made: Triplet) -> None:
    full = judge(made.content, made.target)
    for output, reference in (
        (small(made.content), small(made.target)),
        (small(made.content), made.target),
        (made.content, small(made.target)),
    ):
        scores = judge(output, reference)
        for name, value in full.items():
            if perfect(name) is not None:
                assert scores[name] == pytest.approx(value, rel=0.02, abs=0.005), name


def test_silence_is_silence_and_worst_against_sound(made: Triplet) -> None:
    silence = Audio(np.zeros((2, made.target.length)), 44100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alike = judge(silence, Audio(np.zeros(5 * 16000), 16000))
        lost, invented = judge(silence, made.target), judge(made.target, silence)
    for name, value in alike.items():
        if perfect(name) is not None and not name.startswith(("rhythm.tempo", "rhythm.beat")):
            assert value == perfect(name), name
    for scores in (lost, invented):
        assert all(value is None or math.isfinite(value) for value in scores.values())
        for name, value in WORST.items():
            if scores is lost or not name.startswith("rhythm.beat"):
                assert scores[name] == value, name
        for name, value in scores.items():
            if value is not None and METRICS[name].better == "lower" and perfect(name) is not None:
                assert value > 0, name
    assert lost["rhythm.tempo_error"] == pytest.approx(41.42, abs=0.01)
    assert invented["rhythm.beat_f1"] is None
    facts = {name: lost[f"quality.{name}"] for name in quality.NAMES[4:]}
    assert facts == {
        "clipping": 0,
        "silence": 100,
        "loudness": -70,
        "noise_floor": None,
        "bandwidth": 0,
        "width": 0,
    }


def test_the_scores_of_silence_are_the_worst_that_other_sounds_get(made: Triplet) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(3 * 16000) / 16000
    odd = [0.5 * np.sin(2 * np.pi * 60 * t), 0.1 * rng.standard_normal(len(t)), np.sin(2 * np.pi * 7000 * t)]
    odd.append(np.where(t == 1, 1.0, 0.0))
    for first in odd:
        for second in odd:
            scores = flat(evaluate(Audio(first, 16000), style=Audio(second, 16000)))
            for name in style.NAMES:
                assert math.isfinite(scores[f"style.{name}"])
                if f"style.{name}" in WORST and name not in ("mfcc", "embedding"):  # opposites reach 2
                    assert scores[f"style.{name}"] <= WORST[f"style.{name}"], name


def test_unequal_lengths_are_cut_or_filled_for_frames_and_free_for_style(made: Triplet) -> None:
    reference = made.target
    longer = Audio(np.concatenate([reference.samples, made.content.samples], axis=1), 44100)
    scores = judge(longer, reference)
    for name in ("content.pitch", "content.chroma", "quality.lsd", "quality.stft", "rhythm.onset"):
        assert scores[name] == pytest.approx(0, abs=0.02), name
    assert scores["content.note_f1"] == pytest.approx(1, abs=0.05)
    shorter = reference.slice(0, reference.length // 2)
    scores = judge(shorter, reference)
    filled = judge(Audio(np.pad(shorter.samples, ((0, 0), (0, reference.length - shorter.length))), 44100), reference)
    for name in ("content.pitch", "content.note_recall", "quality.lsd", "quality.si_sdr"):
        assert scores[name] == pytest.approx(filled[name], rel=5e-3), name
    assert scores["content.chroma"] == pytest.approx(filled["content.chroma"], rel=0.05)  # noise in the silence
    assert scores["content.note_recall"] < 0.7
    twice = Audio(np.tile(reference.samples, 2), 44100)
    for name in style.NAMES:
        if name != "mfcc_frechet":  # of another order of magnitude
            assert getattr(style, name)(twice, reference) == pytest.approx(0, abs=0.02), name


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.zeros((2, 0)), "holds no samples: choose a recording of at least 0.5 s"),
        (np.ones(3000), "lasts 0.19 s, too short to be judged: choose one of at least 0.5 s"),
        (np.where(np.arange(16000) == 9000, np.nan, 0.1), "holds samples that are NaN or infinite: repair it"),
        (np.where(np.arange(16000) == 9000, np.inf, 0.1), "holds samples that are NaN or infinite: repair it"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(made: Triplet, samples: np.ndarray, sentence: str) -> None:
    bad = Audio(samples, 16000)
    with pytest.raises(RestyleError, match=f"^the output {sentence}"):
        evaluate(bad, content=made.content)
    for name in ("content", "style", "target"):
        with pytest.raises(RestyleError, match=f"^the {name} {sentence}"):
            evaluate(made.content, **{name: bad})
    for module in (content, style, rhythm, quality):
        with pytest.raises(RestyleError, match=sentence):
            module.evaluate(bad)
        for metric in module.NAMES:
            function = getattr(module, metric, None)  # notes are judged together
            takes = 1 if metric in (*quality.NAMES[4:], "tempo") and module is not style else 2
            if function and metric != "tempo_wanted":
                with pytest.raises(RestyleError, match=sentence):
                    function(*[bad, made.content][:takes])


def test_only_what_is_asked_for_is_computed(made: Triplet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content.transcription, "transcribe", lambda *_, **__: pytest.fail("not asked for"))
    wanted = ("style.mfcc", "quality.lsd", "content.chroma")
    scores = flat(evaluate(made.content, content=made.content, style=made.style, target=made.target, only=wanted))
    assert list(scores) == list(METRICS)
    assert {name for name, value in scores.items() if value is not None} == set(wanted)
    with pytest.raises(RestyleError, match=r"there is no metric 'style.colour'; choose from content.melody, "):
        evaluate(made.content, only=["style.colour"])


def test_target_content_and_style_are_asked_what_they_know(made: Triplet) -> None:
    asked = {"only": ("style.mfcc", "content.chroma", "rhythm.onset", "rhythm.tempo_wanted", "quality.lsd")}
    with_target = flat(evaluate(made.target, content=made.content, style=made.style, target=made.target, **asked))
    assert with_target["style.mfcc"] == pytest.approx(0) and with_target["content.chroma"] == pytest.approx(0)
    assert with_target["rhythm.onset"] == rhythm.onset(made.target, made.content) > 0
    without = flat(evaluate(made.target, content=made.content, style=made.style, rhythm="style", **asked))
    assert without["style.mfcc"] == style.mfcc(made.target, made.style) > 0
    assert without["content.chroma"] == content.chroma(made.target, made.content) > 0
    assert without["rhythm.tempo_wanted"] == rhythm.tempo(made.style) != rhythm.tempo(made.content)
    assert without["quality.lsd"] is None


def test_what_was_measured_is_kept_as_long_as_the_sound_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = content.transcription.transcribe
    monkeypatch.setattr(
        content.transcription, "transcribe", lambda audio, **_: calls.append(audio.length) or real(audio)
    )
    sounds = [small(triplet(seed, seconds=1.0).content) for seed in (0, 1)]
    for output in (sounds[0], sounds[1], sounds[0]):
        content.evaluate(output, sounds[1])
        judge(output, sounds[1])
    assert len(calls) == 2
    calls.clear()
    watched = [weakref.ref(sound) for sound in sounds]
    watched += [weakref.ref(common.mono_16k(sound)) for sound in sounds]
    del sounds, output
    gc.collect()
    assert [watch() for watch in watched] == [None] * 4


def test_scores_are_plain_numbers_that_json_takes(made: Triplet) -> None:
    scores = evaluate(made.content, content=made.content, style=made.style, target=made.target)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert all(type(value) in (float, type(None)) for value in flat(scores).values())


def test_metrics_say_how_they_are_read() -> None:
    assert all(metric.better in ("lower", "higher", "") and metric.text for metric in evaluation.METRICS.values())


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_scores_do_not_depend_on_the_number_of_threads(two_threads: None) -> None:
    made = triplet(15, seconds=2.0)
    output, reference = small(made.target), small(made.content)
    both = content.evaluate(output, reference)
    torch.set_num_threads(1)
    fresh = [Audio(sound.samples.copy(), sound.rate) for sound in (output, reference)]
    assert content.evaluate(*fresh) == pytest.approx(both, abs=1e-9)
