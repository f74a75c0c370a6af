"""`restyle transcribe`: file to file."""

from __future__ import annotations

import numpy as np
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
    soft = np.clip(np.minimum(t / 0.005, (0.5 - t) / 0.05), 0, 1)  # no clicks
    notes = [
        sum(np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * k * t) / k for k in range(1, 8)) * np.exp(-4 * t) * soft
        for p in pitches
    ]
    soundfile.write(tmp_path / "scale.wav", 0.2 * np.concatenate([np.zeros(1600), *notes, np.zeros(4800)]), 16000)
    ran = restyle("transcribe", tmp_path / "scale.wav", "-o", tmp_path / "scale.mid")
    assert ran.code == 0, ran.err
    heard = read_midi(tmp_path / "scale.mid")
    assert len(heard) <= 6  # one more than was played is forgiven
    for i, pitch in enumerate(pitches):
        assert np.abs(heard.onset[heard.pitch == pitch] - 0.1 - 0.5 * i).min() < 0.05
