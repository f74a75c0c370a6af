"""What `restyle info` tells."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from restyle import Notes, write_midi
from restyle.commands import info


def test_a_recording(tmp_path):
    t = np.arange(4 * 48000) / 48000
    tone = 0.5 * np.sin(2 * np.pi * 997 * t)
    soundfile.write(tmp_path / "tone.flac", np.stack([tone, tone], 1), 48000, subtype="PCM_24")
    facts = info.run(tmp_path / "tone.flac")
    assert (facts["rate"], facts["channels"], facts["length"], facts["seconds"]) == (48000, 2, 192000, 4.0)
    assert "FLAC" in facts["format"] and "24" in facts["format"]
    assert facts["peak_db"] == pytest.approx(-6.02, abs=0.01)
    # a full-scale 997 Hz sine in one channel has -3.01 LUFS (ITU-R BS.1770); here two channels, 6.02 dB lower
    assert facts["loudness_lufs"] == pytest.approx(-6.0, abs=0.15)


def test_tempo(tmp_path):
    clicks = np.zeros(10 * 16000)
    burst = np.random.default_rng(0).normal(0, 0.3, 800) * np.exp(-np.arange(800) / 150)
    for beat in np.arange(0.1, 9.8, 60 / 132):
        clicks[round(beat * 16000) :][:800] += burst
    soundfile.write(tmp_path / "clicks.wav", clicks, 16000)
    assert info.run(tmp_path / "clicks.wav")["tempo_bpm"] == pytest.approx(132, rel=0.01)


def test_tuning(tmp_path):
    t = np.arange(4 * 16000) / 16000
    for a4, cents in ((440, 0), (432, -31.8)):
        chord = sum(np.sin(2 * np.pi * a4 * 2 ** (q / 12) * k * t) / k for q in (-9, -5, -2) for k in range(1, 7))
        soundfile.write(tmp_path / "chord.wav", 0.1 * chord, 16000)
        assert info.run(tmp_path / "chord.wav")["tuning_cents"] == pytest.approx(cents, abs=3)
    soundfile.write(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 64000), 16000)
    assert info.run(tmp_path / "noise.wav")["tuning_cents"] is None


def test_silence_has_no_level(tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros(16000), 16000)
    facts = info.run(tmp_path / "s.wav")
    assert (facts["peak_db"], facts["loudness_lufs"], facts["tempo_bpm"]) == (None, None, None)


def test_eight_channels(tmp_path):
    soundfile.write(tmp_path / "w.wav", np.random.default_rng(0).normal(0, 0.1, (32000, 8)), 16000)
    facts = info.run(tmp_path / "w.wav")
    assert facts["channels"] == 8 and facts["loudness_lufs"] is not None


def test_json(restyle, clips):
    facts = json.loads(restyle("info", clips[0], "--json").out)
    assert facts["rate"] == 16000 and facts["file"] == str(clips[0])
    text = restyle("info", clips[0]).out
    assert "loudness lufs" in text and "16000" in text


def test_midi(tmp_path):
    write_midi(tmp_path / "t.mid", Notes.of([(i / 2, i / 2 + 0.4, 60 + i, 0.8, 5) for i in range(12)]))
    facts = info.run(tmp_path / "t.mid")
    assert (facts["notes"], facts["lowest"], facts["highest"], facts["programmes"]) == (12, 60, 71, [5])
    assert facts["seconds"] == pytest.approx(5.9, abs=0.01)


def test_a_style(restyle, clips, tmp_path):
    restyle("learn", clips[1], "-o", tmp_path / "s.style", "-m", "spectral")
    facts = info.run(tmp_path / "s.style")
    assert (facts["method"], facts["learnt_from"]) == ("spectral", ["style.wav"])
