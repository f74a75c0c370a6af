"""Pictures: what is where, on which scale."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.notes import DRUMS, Notes
from restyle.pages import plot


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
    sounds = {"content": tone(200), "style": tone(400, amplitude=0.01), "result": tone(300, amplitude=0.1)}
    figure = plot.compare(sounds)
    limits = {ax.images[0].get_clim() for ax in figure.axes if ax.images}
    assert len([ax for ax in figure.axes if ax.images]) == 3 and len(limits) == 1
    low, high = limits.pop()
    assert high - low == plot.RANGE and high == pytest.approx(0, abs=2)
    assert [ax.get_title(loc="left") for ax in figure.axes[:3]] == ["content", "style", "result"]


def test_silence_can_be_drawn(tmp_path):
    plot.save(plot.spectrogram(Audio(np.zeros(8000), 16000)), tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no sound"):
        plot.compare({})


def test_notes_lie_on_the_frequencies_of_their_pitches():
    sounds = {"with": tone(440), "without": tone(440)}
    figure = plot.compare(sounds, notes={"with": Notes.of([(0.2, 0.7, 69, 0.5, 0), (0, 1, 36, 1, DRUMS)])})
    [lines], nothing = (list(ax.collections) for ax in figure.axes[:2])
    assert nothing == []
    [[start, end]] = lines.get_segments()
    assert start == pytest.approx([0.2, np.log2(440)]) and end == pytest.approx([0.7, np.log2(440)])


def test_the_piano_roll_has_a_box_a_note_coloured_by_velocity():
    played = Notes.of([(0, 1, 60, 0.25, 0), (0.5, 1.5, 67, 1.0, 0), (0, 1, 36, 1, DRUMS)])
    figure = plot.notes(played, "two")
    roll = figure.axes[0]
    [boxes] = roll.collections
    extents = [path.get_extents().extents for path in boxes.get_paths()]
    assert np.allclose(extents, [[0, 59.55, 1, 60.45], [0.5, 66.55, 1.5, 67.45]])
    assert boxes.get_array().tolist() == [0.25, 1.0] and boxes.get_clim() == (0, 1)
    assert "C4" in [label.get_text() for label in roll.get_yticklabels()]
    assert roll.get_title(loc="left") == "two" and roll.get_xlim() == (0, 1.5)


def test_no_notes_can_be_drawn(tmp_path):
    plot.save(plot.notes(Notes.of([])), tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_have_high_frequencies_above_and_the_loudest_brightest():
    level, _ = plot.log_spectrogram(tone(100), bands=64, columns=10)
    pixels = plot.colours(level, float(level.max()))
    assert pixels.shape == (64, level.shape[1], 3) and pixels.dtype == np.uint8
    bright = pixels[:, 5].astype(int).sum(axis=1)
    assert bright.argmax() == 63 - level[:, 5].argmax() and bright[:20].max() < 100
