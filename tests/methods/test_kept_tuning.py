"""The tuning of the content is kept by every method, whatever that of the style."""

import numpy as np
import pytest

from restyle.analysis.tuning import estimate_tuning
from restyle.audio import Audio
from restyle.methods import METHODS, method

RATE = 16000
QUICK = {
    "mosaic": {"semitones": 4, "iterations": 6},
    "texture": {"filters": 16, "iterations": 12},
    "gatys": {"iterations": 12},
    "draw": {"fit": 0},
    "note_synth": {"fit": 0},
}


def chords(cents, partials, roots=(57, 62, 52, 59, 55, 60)):
    """Decaying chords, half a second each; partials fade as 1 / k ** partials."""
    t = np.arange(RATE // 2) / RATE
    made = []
    for root in roots:
        f = 440 * 2 ** ((np.array([root, root + 4, root + 7])[:, None, None] + cents / 100 - 69) / 12)
        k = np.arange(1, 9)[:, None]
        made.append((np.sin(2 * np.pi * f * k * t + k**2) / k**partials).sum((0, 1)) * np.exp(-2 * t))
    return Audio(0.06 * np.concatenate(made), RATE)


def apart(one, other):
    return abs((one - other + 50) % 100 - 50)


@pytest.fixture(scope="module", params=METHODS)
def used(request):
    return method(request.param, **QUICK.get(request.param, {}))


@pytest.mark.parametrize(("own", "other"), [(-32, 0), (40, -32)])
def test_the_contents_tuning_is_kept(used, own, other):
    made = used.apply(chords(own, 1.2), used.fit([chords(other, 0.7, roots=(52, 57, 60, 55))]), seed=1)
    found = estimate_tuning(made)
    assert found.known and apart(found.cents, own) < 3
