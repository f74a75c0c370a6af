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


def test_a_beat_gives_a_tempo_map_and_a_grid(restyle, tmp_path):
    t = np.arange(4800) / 16000
    notes = [
        np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * np.outer(np.arange(1, 8), t)).T @ (1 / np.arange(1, 8))
        for p in (48, 64, 67, 64)
    ]
    beats = [np.pad(note * np.exp(-6 * t) * np.minimum(1, t / 0.005), (0, 4800)) for note in notes]
    soundfile.write(tmp_path / "b.wav", 0.2 * np.concatenate(beats * 4), 16000)  # 100 beats a minute
    ran = restyle("transcribe", tmp_path / "b.wav", "-o", tmp_path / "b.mid", "--quantise", "4", "--pedal")
    assert ran.code == 0, ran.err
    onset = read_midi(tmp_path / "b.mid").onset
    assert len(onset) >= 12 and np.abs(onset / 0.6 - np.round(onset / 0.6)).max() < 0.1
    assert b"\xff\x58\x04" in (tmp_path / "b.mid").read_bytes()


def test_a_grid_that_is_none_is_refused(restyle, tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros(16000), 16000)
    ran = restyle("transcribe", tmp_path / "s.wav", "-o", tmp_path / "s.mid", "--quantise", "5")
    assert ran.code == 2 and "quantise must be one of 4, 6, 8" in ran.err and not (tmp_path / "s.mid").exists()
