"""Each kind of damage to a good transfer worsens the metric that should see it, on at least 19 of 20 pairs.

The transfer is the true one where the music is generated: the content's notes on the style's instrument. Of recordings
it is made by the method 'spectral'. It is held against the content and the style, never against itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import benchmark
import librosa
import numpy as np
import pytest
import scipy.signal
from pieces import noisy, triplet

from restyle.audio import Audio
from restyle.evaluation import content, quality, style
from restyle.methods import method

PAIRS, SEEN = 20, 19
RECORDED = [("real", i) for i in range(16)] + [("triplets", i) for i in range(PAIRS - 16)]


@dataclass(frozen=True, eq=False)
class Pair:
    """A content, a style, and a transfer: as it should be, with the style of another pair, and 50 cents too high."""

    content: Audio
    style: Audio
    output: Audio
    swapped: Audio
    detuned: Audio


def generated() -> Iterator[Pair]:
    for seed in range(100, 100 + PAIRS):
        made = triplet(seed, seconds=4.0)
        yield Pair(made.content, made.style, made.target, made.swapped, made.detuned)


def recorded() -> Iterator[Pair]:
    spectral = method("spectral")
    contents, styles = ([benchmark.read(k, f"{i:03}.{part}") for k, i in RECORDED] for part in ("content", "style"))
    profiles = [spectral.fit([sound]) for sound in styles]
    for i, played in enumerate(contents):
        output, swapped = (spectral.apply(played, profiles[which]) for which in (i, i - 1))
        detuned = np.stack([librosa.effects.pitch_shift(x, sr=output.rate, n_steps=0.6) for x in output.samples])
        yield Pair(played, styles[i], output, swapped, Audio(detuned, output.rate))


@cache
def pairs(kind: str) -> list[Pair]:
    return list({"generated": generated, "recorded": recorded}[kind]())


def lowpassed(audio: Audio) -> Audio:
    filters = scipy.signal.butter(8, 2000, fs=audio.rate, output="sos")
    return Audio(scipy.signal.sosfilt(filters, audio.samples), audio.rate)


DAMAGE: dict[str, Callable[[Pair], Audio]] = {
    "noise": lambda pair: noisy(pair.output, 20),
    "detuning": lambda pair: pair.detuned,
    "low-pass": lambda pair: lowpassed(pair.output),
    "other style": lambda pair: pair.swapped,
}


def note_errors(output: Audio, reference: Audio) -> float:
    return 1 - (content.evaluate(output, reference, only=["note_f1"])["note_f1"] or 0)


METRICS: dict[str, Callable[[Audio, Pair], float]] = {
    "quality.noise_floor": lambda output, pair: quality.noise_floor(output) or 0,
    "content.pitch": lambda output, pair: content.pitch(output, pair.content),
    "content.chroma": lambda output, pair: content.chroma(output, pair.content),
    "content.note_f1": lambda output, pair: note_errors(output, pair.content),
    "style.mfcc": lambda output, pair: style.mfcc(output, pair.style),
    "style.envelope": lambda output, pair: style.envelope(output, pair.style),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["generated", pytest.param("recorded", marks=benchmark.needed)])
@pytest.mark.parametrize(
    ("damage", "metric"),
    [
        ("noise", "quality.noise_floor"),
        ("detuning", "content.chroma"),
        ("detuning", "content.note_f1"),
        ("low-pass", "style.envelope"),
        ("other style", "style.envelope"),
    ],
)
def test_damage_worsens_the_metric_that_should_see_it(kind: str, damage: str, metric: str) -> None:
    seen = []
    for pair in pairs(kind):
        good, bad = (METRICS[metric](output, pair) for output in (pair.output, DAMAGE[damage](pair)))
        seen.append(bad > good)
    assert sum(seen) >= SEEN, f"unseen in {np.flatnonzero(~np.array(seen)).tolist()} of {len(seen)}"
