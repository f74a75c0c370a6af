"""The demonstration: its two pieces, and the whole command."""

from __future__ import annotations

import re

import numpy as np
import pytest

from commanded import chord
from restyle.analysis import beats
from restyle.audio import Audio
from restyle.commands import demo, demo_pieces
from restyle.dsp.pitch import midi_to_hz
from restyle.methods import METHODS


@pytest.mark.parametrize("play", [demo_pieces.ode_to_joy, demo_pieces.greensleeves])
def test_a_piece(play):
    piece = play()
    assert (piece.rate, piece.channels) == (44100, 2) and 9 < piece.duration < 11
    assert np.abs(piece.samples).max() == pytest.approx(0.7)
    assert not np.allclose(piece.samples[0], piece.samples[1])
    assert np.array_equal(piece.samples, play().samples)


def test_the_string_is_in_tune():
    for pitch in (45, 57, 69, 81):
        string = demo_pieces._plucked(pitch, 1.0, 1.0)
        spectrum = np.abs(np.fft.rfft(string * np.hanning(len(string)), 2**20))
        hertz = np.arange(len(spectrum)) * 44100 / 2**20
        near = np.abs(np.log2(np.maximum(hertz, 1) / midi_to_hz(pitch))) < 1 / 12
        found = hertz[near][spectrum[near].argmax()]
        assert abs(1200 * np.log2(found / midi_to_hz(pitch))) < 6  # cents


def test_the_drum_keeps_the_beat():
    tempo = beats.tempo(demo_pieces.greensleeves())
    assert min(abs(tempo / wanted - 1) for wanted in (100, 200, 50)) < 0.01


def test_files_and_page(restyle, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_pieces, "ode_to_joy", lambda: Audio(chord().T, 16000))
    monkeypatch.setattr(demo_pieces, "greensleeves", lambda: Audio(chord(root=330.0).T, 16000))
    said = []
    made = demo.run(tmp_path / "d", methods=["spectral"], report=lambda text, path: said.append(path))
    assert [path.name for path in made] == ["ode-to-joy.wav", "greensleeves.wav", "spectral.wav"]
    page = (tmp_path / "d" / "index.html").read_text()
    linked = re.findall(r'src="([^"]+)"', page)
    assert len(linked) == 4 and all((tmp_path / "d" / name).is_file() for name in linked)
    assert all(path.is_file() for path in said)


@pytest.mark.slow
def test_the_whole_command(restyle, tmp_path, monkeypatch):
    for play in (demo_pieces.ode_to_joy, demo_pieces.greensleeves):
        piece = play().slice(0, 3 * 44100)
        monkeypatch.setattr(demo_pieces, play.__name__, lambda piece=piece: piece)
    ran = restyle("demo", "-o", tmp_path / "d")
    assert ran.code == 0, ran.err
    for name in METHODS:
        assert (tmp_path / "d" / f"{name}.wav").stat().st_size > 500_000
        assert (tmp_path / "d" / f"{name}-pictures" / "spectrograms.png").is_file()
    assert "index.html" in ran.out
