"""One mono mix for a whole recording: the mean, unless its channels cancel one another."""

from __future__ import annotations

import gc
import pickle
import weakref

import numpy as np
import pytest
import soundfile

from restyle.analysis.beats import onset_curve
from restyle.analysis.genre.infer import classify
from restyle.analysis.multipitch import multipitch
from restyle.analysis.partials import measure
from restyle.analysis.transcriber.infer import transcribe
from restyle.audio import Audio
from restyle.commands.shared import spectrograms
from restyle.data import recorded
from restyle.downmix import BLOCK
from restyle.dsp import blocks
from restyle.errors import collect_warnings
from restyle.evaluation import common
from restyle.io.mp3 import encode_mp3
from restyle.io.sound import write
from restyle.methods.excerpt import excerpt
from restyle.methods.notewise.performance import listen
from restyle.notes import Notes
from restyle.pages import plot
from restyle.pipeline import transfer

RATE = 22050
NOTES = Notes.of([(0.2, 1.0, 60, 0.8, 0), (1.1, 1.9, 67, 0.8, 0)])


def melody(rate: int = RATE) -> np.ndarray:
    t = np.arange(2 * rate) / rate
    sound = np.zeros(len(t))
    for onset, offset, hertz in ((0.2, 1.0, 261.63), (1.1, 1.9, 392.0)):
        held = ((t >= onset) & (t < offset)) * np.exp(-2 * (t - onset))
        sound += held * sum(0.2 / k * np.sin(2 * np.pi * k * hertz * t) for k in range(1, 6))
    return sound.astype(np.float32)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def mix(*channels: np.ndarray) -> tuple[np.ndarray, list[str]]:
    with collect_warnings() as warnings:
        return Audio(np.stack(channels), RATE).mono(), warnings


@pytest.mark.parametrize("correlation", [1.0, 0.3, 0.0, -0.5])
def test_ordinary_channels_give_exactly_their_mean(correlation: float) -> None:
    a, b = noise(2, 5 * BLOCK)
    channels = np.stack([a, correlation * a + np.sqrt(1 - correlation**2, dtype=np.float32) * b])
    made, warnings = mix(*channels)
    assert np.array_equal(made, channels.mean(axis=0, dtype=np.float32)) and not warnings


def test_a_pan_to_one_side_or_a_slow_beating_is_no_cancelling() -> None:
    t = np.arange(20 * RATE) / RATE
    for left, right in (
        (melody(), 0 * melody()),
        (melody(), -0.2 * melody()),
        (np.sin(2764 * t), np.sin(2764.7 * t)),
    ):
        assert not mix(left.astype(np.float32), right.astype(np.float32))[1]


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_an_inverted_channel_is_turned_and_said_once(offset: float) -> None:
    m = melody()
    made, warnings = mix(m + np.float32(offset), np.float32(offset) - m)
    assert np.allclose(made, m, atol=1e-6)
    assert warnings == ["the channels of a recording cancel one another: for its analysis, channel 2 is inverted"]


def test_a_correlation_of_minus_nine_tenths() -> None:
    a, b = noise(2, 3 * BLOCK)
    made, warnings = mix(a, -0.9 * a + np.sqrt(0.19, dtype=np.float32) * b)
    assert len(warnings) == 1 and np.corrcoef(made, a)[0, 1] > 0.9


def test_inverted_rears_of_five_one() -> None:
    left, right, middle, low = noise(4, 3 * BLOCK)
    made, warnings = mix(left, right, 0.5 * middle, 0.1 * low, -left, -right)
    assert "channel 5 and 6 is inverted" in warnings[0]
    for channel in (left, right):
        assert np.corrcoef(made, channel)[0, 1] > 0.6


def test_where_no_polarity_helps_throughout_one_channel_is_taken() -> None:
    a = noise(8 * BLOCK)
    turned = np.concatenate([a[: 4 * BLOCK], -a[4 * BLOCK :]])
    made, warnings = mix(a, turned)
    assert np.array_equal(made, a) and "only channel 1 is analysed" in warnings[0]


def test_all_parts_of_a_recording_are_mixed_alike() -> None:
    a, b = noise(2, 8 * BLOCK)
    odd = slice(3 * BLOCK, 4 * BLOCK)  # what the channels share here does not turn the mix
    samples = np.stack([a, -0.5 * a + 0.1 * b])
    samples[:, odd] = a[odd]
    audio = Audio(samples, RATE)
    parts = [audio.slice(at, at + BLOCK).mono() for at in range(0, audio.length, BLOCK)]
    assert np.array_equal(np.concatenate(parts), audio.mono())
    alone = Audio(audio.samples[:, odd], RATE).mono()
    part = blocks.mono(audio, odd.start, odd.stop, RATE)
    assert np.array_equal(part, audio.mono()[odd]) and np.array_equal(alone, a[odd])


def test_each_work_is_told_once() -> None:
    audio = Audio(np.stack([melody(), -melody()]), RATE)
    for _ in range(2):
        with collect_warnings() as warnings:
            audio.mono(), audio.slice(0, 1000).mono()
        assert len(warnings) == 1


def test_a_part_does_not_keep_the_recording_once_it_is_mixed() -> None:
    samples = noise(2, 1000)
    known = weakref.ref(samples)
    part = Audio(samples, RATE).slice(0, 10)
    part.mono()
    del samples
    gc.collect()
    assert known() is None


@pytest.mark.parametrize("samples", [np.zeros((2, 0)), np.zeros((6, 100)), np.full((2, 100), np.nan)])
def test_nothing_to_go_by_gives_the_mean(samples: np.ndarray) -> None:
    audio = Audio(samples, RATE)
    assert np.array_equal(audio.mono(), audio.samples.mean(axis=0), equal_nan=True)


def test_it_can_be_sent_to_another_process() -> None:
    audio = pickle.loads(pickle.dumps(Audio(np.stack([melody(), -melody()]), RATE)))
    assert np.allclose(audio.mono(), melody())


ANALYSES = {
    "onset curve": onset_curve,
    "pitches": lambda audio: multipitch(audio).active,
    "notes": lambda audio: transcribe(audio).notes.onset,
    "partials": lambda audio: measure(audio, NOTES)[0].amplitude,
    "levels": lambda audio: listen(audio, NOTES)[1],
    "genre": lambda audio: classify(audio).probabilities,
    "evaluation": lambda audio: common.mono_16k(audio).samples,
    "picture": lambda audio: plot.log_spectrogram(audio)[0],
    "excerpt": lambda audio: excerpt([audio], seconds=1)["samples"],
}


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_hears_what_cancels(name: str) -> None:
    m = melody()
    found, wanted = (ANALYSES[name](Audio(samples, RATE)) for samples in (np.stack([m, -m]), m))
    assert np.size(wanted) and np.allclose(found, wanted, atol=1e-4)


def test_training_hears_what_cancels(tmp_path) -> None:
    m = melody()
    soundfile.write(tmp_path / "a.wav", np.stack([m, -m], axis=1), RATE, subtype="FLOAT")
    assert np.allclose(spectrograms.mono(tmp_path / "a.wav", RATE), m, atol=1e-6)
    assert np.abs(recorded._sample(tmp_path / "a.wav", 0.0, RATE)).max() > 0.9


def test_an_mp3_of_many_channels_holds_what_cancels(tmp_path) -> None:
    m = melody(44100)
    (tmp_path / "a.mp3").write_bytes(encode_mp3(Audio(np.stack([m, 0 * m, -m]), 44100)))
    assert np.abs(soundfile.read(tmp_path / "a.mp3")[0]).max() > 0.1


@pytest.mark.parametrize("method", ["notes", "spectral"])
def test_a_transfer_of_what_cancels(tmp_path, method: str) -> None:
    m = melody()
    content, style = Audio(np.stack([m, -m]), RATE), Audio(np.stack([np.sign(m) * 0.1, np.sign(-m) * 0.1]), RATE)
    made = transfer(content, style, method=method)
    assert made.channels == 2 and np.sqrt(np.mean(made.samples**2)) > 0.01
    assert sum("cancel" in warning for warning in made.warnings) == (2 if method == "notes" else 0)
    assert not any("no pitched notes" in warning for warning in made.warnings)
    write(tmp_path / "a.wav", made)
