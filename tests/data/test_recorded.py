import numpy as np
import pytest
import soundfile

from restyle.data.recorded import RENDER_RATE, NoteSamples
from restyle.notes import Notes


@pytest.fixture
def samples(tmp_path):
    """One instrument with recorded notes at 60 and 67, a sine each; and a folder without notes."""
    t = np.arange(22050) / 22050
    (tmp_path / "sine").mkdir()
    (tmp_path / "empty").mkdir()
    for pitch in (60, 67):
        tone = 0.4 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t)
        soundfile.write(tmp_path / "sine" / f"sine_{pitch}_a.wav", np.concatenate([np.zeros(2205), tone]), 22050)
    soundfile.write(tmp_path / "empty" / "noise.wav", t, 22050)
    return NoteSamples(tmp_path)


def test_recorded_notes_are_found_by_their_names(samples):
    assert list(samples.instruments) == ["sine"]
    assert [pitch for pitch, _ in samples.instruments["sine"]] == [60, 67]


def test_recorded_notes_play_at_pitch_and_time(samples):
    notes = Notes.of([(0.2, 0.7, 62, 1.0, 0), (0.8, 1.2, 69, 0.5, 0), (0.3, 0.5, 80, 1.0, 0)])
    sound, played = samples.render(notes, "sine", 1.5, np.random.default_rng(0))
    assert len(sound) == round(1.5 * RENDER_RATE)
    assert played.pitch.tolist() == [62, 69]  # 80 is too far from any recording
    assert np.abs(sound[: round(0.199 * RENDER_RATE)]).max() == 0
    for onset, pitch, loudest in ((0.2, 62, 1.0), (0.8, 69, 0.25)):
        piece = sound[round((onset + 0.05) * RENDER_RATE) :][:12000]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(12000), 2**18))
        f0 = spectrum.argmax() * RENDER_RATE / 2**18
        assert 12 * np.log2(f0 / 440) + 69 == pytest.approx(pitch, abs=0.05)
        assert np.abs(piece).max() == pytest.approx(loudest, rel=0.05)
