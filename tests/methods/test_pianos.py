"""A performance on one real piano, played as another one sounds: recorded notes, where there are any.

They are looked for in $RESTYLE_NOTES, else in ../shared/data/notes beside the repository: INSTRUMENT/any_60.flac.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from restyle import Audio, Notes, transfer
from restyle.analysis.transcriber.infer import transcribe
from restyle.analysis.transcriber.train import f1
from restyle.data.recorded import NoteSamples
from restyle.evaluation.quality import lsd

FOLDER = Path(os.environ.get("RESTYLE_NOTES", Path(__file__).parents[3] / "shared" / "data" / "notes"))
RATE, SECONDS = 16000, 8.0

pytestmark = pytest.mark.skipif(not (FOLDER / "piano").is_dir(), reason="there are no recorded notes of two pianos")


def piano(name, notes, seed=0):
    samples, _ = NoteSamples(FOLDER).render(notes, name, SECONDS, np.random.default_rng(seed), rate=RATE)
    return Audio(samples, RATE)


@pytest.fixture(scope="module")
def pianos():
    """A piece on one piano, the same on another, and another piece on that."""
    chords = ((48, 64, 67, 72), (45, 64, 69, 72), (41, 65, 69, 74), (43, 62, 67, 71))
    piece = Notes.of(
        [(0.1 + 1.9 * i + 0.25 * k, 1.7 + 1.9 * i, p, 0.7, 0) for i, c in enumerate(chords) for k, p in enumerate(c)]
    )
    other = Notes.of([(0.4 * i, 0.4 * i + 0.5, 50 + (i * 7) % 26, 0.7, 0) for i in range(18)])
    return piece, piano("piano_salamander", piece), piano("piano", piece), piano("piano", other)


@pytest.mark.parametrize("method", ["note_synth", "wavenet"])
def test_one_piano_becomes_the_other(pianos, method):
    piece, content, target, style = pianos
    made = transfer(content, style, method=method)
    assert made.length == content.length
    assert f1(piece, transcribe(made).notes) > 0.7
    before, after = (lsd(sound, target) for sound in (content, made))
    assert after < before
