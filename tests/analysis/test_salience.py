"""What the transcriber hears, at other frames."""

import numpy as np
import pytest

from restyle.analysis.transcriber.salience import ROWS, salience
from restyle.audio import Audio


def two_notes(rate=16000):
    time = np.arange(2 * rate) / rate
    sound = np.zeros(len(time))
    for start, pitch in ((0.2, 60), (1.2, 67)):
        since = time - start
        wave = sum(np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * k * since) / k for k in range(1, 7))
        sound += 0.2 * ((since > 0) & (since < 0.6)) * wave * np.exp(-3 * np.maximum(since, 0))
    return Audio(sound, rate)


@pytest.mark.parametrize("hop", [0.016, 0.01, 0.032])
def test_notes_are_where_they_sound_and_begin(hop):
    frames = round(2 / hop)
    found = salience(two_notes(), frames, hop).astype(float)
    assert found.shape == (frames, ROWS) and found.min() >= 0 and found.max() <= 1
    time = np.arange(frames) * hop
    for start, pitch in ((0.2, 60), (1.2, 67)):
        assert found[(time > start + 0.1) & (time < start + 0.4), pitch - 21].mean() > 0.5
        onset = found[:, 88 + pitch - 21]
        assert time[onset.argmax()] == pytest.approx(start, abs=0.05)
    assert found[(time > 0.9) & (time < 1.1), :88].max() < 0.5


def test_more_frames_than_there_is_sound_repeat_the_last():
    found = salience(two_notes(), 200, 0.016)
    assert np.array_equal(found[-1], found[-10])
