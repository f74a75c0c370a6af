"""`restyle transcribe`: file to file."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from restyle import read_midi


def test_silence_has_no_notes(restyle, tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros(16000), 16000)
    ran = restyle("transcribe", tmp_path / "s.wav", "-o", tmp_path / "s.mid")
    assert ran.code == 0 and "silent" in ran.err
    assert len(read_midi(tmp_path / "s.mid")) == 0


def test_a_scale(restyle, tmp_path):
    pitches = [60, 62, 64, 65, 67]
    t = np.arange(8000) / 16000
    notes = [
        sum(np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * k * t) / k for k in range(1, 8)) * np.exp(-4 * t)
        for p in pitches
    ]
    soundfile.write(tmp_path / "scale.wav", 0.2 * np.concatenate([np.zeros(1600), *notes]), 16000)
    ran = restyle("transcribe", tmp_path / "scale.wav", "-o", tmp_path / "scale.mid")
    assert ran.code == 0, ran.err
    heard = read_midi(tmp_path / "scale.mid")
    assert heard.pitch.tolist() == pitches
    assert heard.onset == pytest.approx(0.1 + 0.5 * np.arange(5), abs=0.05)
