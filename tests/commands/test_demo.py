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
from restyle.io.sound import read
from restyle.methods import METHODS
from restyle.stages.parts import mix


def shorten(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Cut the arrangements."""
    for play in (demo_pieces.band, demo_pieces.club):
        stems = {name: stem.slice(0, round(seconds * 44100)) for name, stem in play().items()}
        monkeypatch.setattr(demo_pieces, play.__name__, lambda stems=stems: stems)


@pytest.mark.parametrize("play", [demo_pieces.ode_to_joy, demo_pieces.greensleeves])
def test_a_piece(play):
    piece = play()
    assert (piece.rate, piece.channels) == (44100, 2) and 9 < piece.duration < 11
    assert np.abs(piece.samples).max() == pytest.approx(0.7)
    assert not np.allclose(piece.samples[0], piece.samples[1])
    assert np.array_equal(piece.samples, play().samples)


@pytest.mark.parametrize("play, tempo", [(demo_pieces.band, 100), (demo_pieces.club, 120)])
def test_an_arrangement(play, tempo):
    stems = play()
    assert list(stems) == ["drums", "bass", "other"]
    whole = mix(list(stems.values()))
    assert (whole.rate, whole.channels, whole.duration) == (44100, 2, 12.0)
    assert np.abs(whole.samples).max() == pytest.approx(0.7)
    assert all(np.array_equal(stems[name].samples, again.samples) for name, again in play().items())
    loud = {name: 20 * np.log10(np.std(stem.samples) / np.std(whole.samples)) for name, stem in stems.items()}
    assert min(loud.values()) > -12  # each can be heard beside the others
    found = beats.tempo(whole)
    assert min(abs(found / wanted - 1) for wanted in (tempo, 2 * tempo, tempo / 2)) < 0.01


def test_the_lines_fill_the_arrangements():
    for text, beat in (("BAND", 0.6), ("CLUB", 0.5)):
        for line in ("TUNE", "BASS"):
            lengths = getattr(demo_pieces, f"{text}_{line}").split()[1::2]
            assert sum(map(float, lengths)) * beat == pytest.approx(demo_pieces.SECONDS)
        assert 4 * beat * len(getattr(demo_pieces, f"{text}_CHORDS")) == pytest.approx(demo_pieces.SECONDS)


def test_a_modulated_tone_is_in_tune():
    sound = demo_pieces._modulated(ratio=2, index=1.5, decay=1)(69, 1.0, 0.5)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    hertz = np.arange(len(spectrum)) * 44100 / len(sound)
    near = (hertz > 400) & (hertz < 480)
    assert hertz[near][spectrum[near].argmax()] == pytest.approx(440, abs=1)


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
    shorten(monkeypatch, 1.0)
    monkeypatch.setattr(demo, "DEFAULT", "spectral")
    said = []
    made = demo.run(tmp_path / "d", methods=["spectral"], report=lambda text, path: said.append(path))
    names = ("ode-to-joy", "greensleeves", "spectral", "band", "club", "band-club")
    assert [path.stem for path in made] == list(names)
    page = (tmp_path / "d" / "index.html").read_text()
    linked = re.findall(r'src="([^"]+)"', page)
    assert len(linked) == 7 and all((tmp_path / "d" / name).is_file() for name in linked)
    assert all(path.is_file() for path in said)
    parts = {path.stem: read(path) for path in (tmp_path / "d" / "band-club-parts").iterdir()}
    assert re.findall(r'data-part="([^"]+)"', page) == ["drums", "bass", "other"] and len(parts) == 3
    whole = read(tmp_path / "d" / "band-club.wav")
    assert np.abs(sum(part.samples for part in parts.values()) - whole.samples).max() < 1e-3


@pytest.mark.slow
def test_the_whole_command(restyle, tmp_path, monkeypatch):
    for play in (demo_pieces.ode_to_joy, demo_pieces.greensleeves):
        piece = play().slice(0, 3 * 44100)
        monkeypatch.setattr(demo_pieces, play.__name__, lambda piece=piece: piece)
    shorten(monkeypatch, 3.0)
    ran = restyle("demo", "-o", tmp_path / "d")
    assert ran.code == 0, ran.err
    for name in METHODS:
        assert (tmp_path / "d" / f"{name}.wav").stat().st_size > 500_000
        assert (tmp_path / "d" / f"{name}-pictures" / "spectrograms.png").is_file()
    assert "index.html" in ran.out
