"""Pictures: what is where, on which scale."""

from __future__ import annotations

import numpy as np
import pytest

from restyle import plot
from restyle.audio import Audio


def tone(hertz: float, rate: int = 44100, seconds: float = 1.0, amplitude: float = 1.0) -> Audio:
    return Audio(amplitude * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate), rate)


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("hertz", [100, 440, 3000])
def test_a_tone_shows_at_its_frequency_and_level(hertz, rate):
    level, frequencies = plot.log_spectrogram(tone(hertz, rate, amplitude=0.1))
    middle = level[:, level.shape[1] // 2]
    assert frequencies[middle.argmax()] == pytest.approx(hertz, rel=0.05)
    assert middle.max() == pytest.approx(-20, abs=2)


def test_time_runs_along_the_columns():
    sound = np.zeros(44100)
    sound[33075:] = tone(1000).samples[0, 33075:]
    level, _ = plot.log_spectrogram(Audio(sound, 44100))
    loud = level.max(axis=0) > -40
    assert not loud[: int(0.7 * len(loud))].any() and loud[int(0.8 * len(loud)) : -2].all()


def test_a_long_sound_has_no_more_columns():
    assert plot.log_spectrogram(tone(440, 8000, 300))[0].shape[1] == plot.COLUMNS


def test_one_scale_for_all_panels():
    figure = plot.spectrograms(tone(200), tone(400, amplitude=0.01), tone(300, amplitude=0.1))
    limits = {ax.images[0].get_clim() for ax in figure.axes if ax.images}
    assert len([ax for ax in figure.axes if ax.images]) == 3 and len(limits) == 1
    low, high = limits.pop()
    assert high - low == plot.RANGE and high == pytest.approx(0, abs=2)
    assert [ax.get_title(loc="left") for ax in figure.axes[:3]] == ["content", "style", "result"]


def test_silence_can_be_drawn(tmp_path):
    plot.save(plot.spectrogram(Audio(np.zeros(8000), 16000), "nothing"), tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no sound"):
        plot.spectrograms(None, None, None)
