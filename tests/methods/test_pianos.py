"""A performance on one real piano, played as another one sounds: recorded notes, where there are any.

They are looked for in $RESTYLE_NOTES, else in ../shared/data/notes beside the repository: INSTRUMENT/any_60.flac.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle import Audio, Notes, transfer
from restyle.analysis.transcriber.infer import transcribe
from restyle.analysis.transcriber.train import f1
from restyle.audio import resample
from restyle.evaluation.quality import lsd

FOLDER = Path(os.environ.get("RESTYLE_NOTES", Path(__file__).parents[3] / "shared" / "data" / "notes"))
RATE, SECONDS = 16000, 8.0

pytestmark = pytest.mark.skipif(not (FOLDER / "piano").is_dir(), reason="there are no recorded notes of two pianos")


def piano(name, notes, seed=0):
    """Play recorded notes, loud and soft ones as they come: the nearest in pitch, or one beside it."""
    rng, out = np.random.default_rng(seed), np.zeros(round(SECONDS * RATE), np.float32)
    files = [
        (int(path.stem.removeprefix(f"{name}_").split("_")[0]), path) for path in sorted((FOLDER / name).iterdir())
    ]
    for onset, offset, pitch in zip(notes.onset, notes.offset, notes.pitch, strict=True):
        distance = min(abs(p - pitch) for p, _ in files)
        near = [(p, path) for p, path in files if abs(p - pitch) <= distance + 1]
        own, path = near[rng.integers(len(near))]
        recorded, rate = soundfile.read(path, dtype="float32", always_2d=True)
        sound = resample(recorded.mean(axis=1), rate * 2 ** ((pitch - own) / 12), RATE, quality="MQ")
        sound = sound[np.argmax(np.abs(sound) > 0.05 * np.abs(sound).max()) :] / np.abs(sound).max()
        start = round(onset * RATE)
        length = min(len(sound), round((offset - onset + 0.08) * RATE), len(out) - start)
        fade = np.minimum(1, np.arange(length, 0, -1) / (0.08 * RATE))
        out[start : start + length] += 0.49 * fade * sound[:length]
    return Audio(out, RATE)


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
