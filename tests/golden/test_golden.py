"""The sound of what is shipped: the default on triplets with known results, and every method against its own past."""

from __future__ import annotations

import json

import numpy as np
import pytest
from make_sound_golden import GOLDEN, levels, result
from triplets import triplet

import restyle
from restyle.evaluation import evaluate
from restyle.methods import METHODS

JUDGED = ("quality.lsd", "style.mfcc", "content.pitch", "content.note_f1")


# bounds lie a tenth above what the shipped weights reach; a copy of the content has 17.0, 19.6 and 14.7 dB
@pytest.mark.parametrize(
    ("player", "other", "lsd", "mfcc", "pitch"),
    [("string", "pipe", 4.8, 0.03, 0.05), ("pipe", "reed", 10.5, 0.02, 0.18), ("reed", "string", 7.4, 0.045, 0.16)],
)
def test_the_default_comes_near_the_known_result(player, other, lsd, mfcc, pitch):
    content, style, target = triplet(player, other)
    out = restyle.transfer(content, style)
    scores = evaluate(out, content=content, style=style, target=target, only=JUDGED)
    assert scores["quality"]["lsd"] < lsd
    assert scores["style"]["mfcc"] < mfcc
    assert scores["content"]["pitch"] < pitch
    assert scores["content"]["note_f1"] == 1


@pytest.mark.parametrize("method", METHODS)
def test_every_method_sounds_as_it_did(method):
    """Where a change of sound is meant, ``make_sound_golden.py`` writes what it is after listening."""
    past = np.array(json.loads(GOLDEN.read_text(encoding="utf-8"))[method])
    difference = np.abs(levels(result(method)) - past)
    assert difference.mean() < 0.3 and difference.max() < 3
