"""Sound to levels, to other levels, and back to sound."""

import numpy as np
import pytest
import soxr
import torch

from restyle.audio import Audio
from restyle.dsp.stft import Stft
from restyle.methods import repainting
from restyle.methods.repainting import Grid, cut, repaint

GRID = Grid(Stft(1024, 256), 16000)


def music(seconds, rate, channels=1, top=4000.0):
    """Struck chords, higher and higher, in each channel at another level, [C, T]."""
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.0
    for i, f0 in enumerate((220.0, 277.2, 329.6, 440.0, 1100.0, 2600.0, top)):
        sound = sound + np.sin(2 * np.pi * f0 * time + i) * np.exp(-2 * ((time + 0.1 * i) % 0.8)) / (i + 1)
    return Audio(np.stack([0.2 * sound / (c + 1) for c in range(channels)]), rate)


def db(part, whole):
    return 20 * np.log10(np.sqrt(np.mean(np.square(part))) / np.sqrt(np.mean(np.square(whole))) + 1e-12)


def painted(content, paint, strength=1.0):
    return repaint(content, GRID, paint, strength=strength)


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2), (48000, 1), (8000, 2), (11025, 1)])
def test_levels_that_stay_give_the_content_back(rate, channels):
    content = music(3.0, rate, channels, top=3000.0)
    made = painted(content, lambda x, first: x)
    assert (made.rate, made.samples.shape) == (rate, content.samples.shape)
    assert db(made.samples - content.samples, content.samples) < -40


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("cents", [-32, 40])
def test_a_tuning_is_undone_for_the_network_and_comes_back(rate, cents, monkeypatch):
    played = music(4.0, 48000, top=3000.0)
    content = Audio(soxr.resample(played.mono(), 48000 * 2 ** (cents / 1200), rate), rate)
    grid = GRID.tuned(content)
    assert grid.cents == pytest.approx(cents, abs=4)
    pairs = (grid, content), (GRID, content), (GRID, played)
    seen, untuned, there = (g.magnitudes(a)[:, 4:200].numpy() for g, a in pairs)
    assert db(seen - there, there) < db(untuned - there, there) - 10
    monkeypatch.setattr(repainting, "SECONDS", 1.3)
    made = repaint(content, grid, lambda x, first: x, strength=1.0)
    assert db(made.samples - content.samples, content.samples) < -40


def test_the_contents_own_highs_fade_with_the_strength():
    content = music(3.0, 44100, top=12000.0)
    high = np.exp(2j * np.pi * 12000 * np.arange(content.length) / 44100)

    def amplitude(sound):
        return abs(np.mean(sound.mono() * high))

    for strength, left in ((0.0, 1.0), (0.36, 0.8), (1.0, 0.0)):
        made = painted(content, lambda x, first: x, strength)
        assert amplitude(made) == pytest.approx(left * amplitude(content), abs=0.05 * amplitude(content))


def test_louder_levels_are_louder():
    content = music(3.0, 16000)
    made = painted(content, lambda x, first: torch.log1p(2 * torch.expm1(x)))
    assert db(made.samples, content.samples) == pytest.approx(6.02, abs=0.3)


def test_half_the_strength_is_half_the_way_in_decibels():
    content = music(3.0, 16000)
    made = painted(content, lambda x, first: torch.log1p(4 * torch.expm1(x)), strength=0.5)
    assert db(made.samples, content.samples) == pytest.approx(6.02, abs=0.5)


def test_channels_keep_their_balance():
    content = music(3.0, 44100, channels=2)
    made = painted(content, lambda x, first: (x - 1).relu())
    assert db(made.samples[1], made.samples[0]) == pytest.approx(-6.02, abs=0.1)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_seams_cannot_be_heard(rate, monkeypatch):
    content = music(14.0, rate)
    seen = []

    def paint(x, first):
        seen.append((first, x.shape[-1]))
        return (x - torch.linspace(0, 2, x.shape[0])[:, None]).relu()

    whole = painted(content, paint)
    monkeypatch.setattr(repainting, "SECONDS", 4.0)
    cut_up = painted(content, paint)
    assert len(seen) > 4 and seen[2][0] > 0
    assert db(cut_up.samples - whole.samples, whole.samples) < -45


def test_a_block_is_told_which_frames_it_holds(monkeypatch):
    monkeypatch.setattr(repainting, "SECONDS", 4.0)
    content, starts = music(10.0, 44100), []

    def paint(x, first):
        starts.append(first)
        return x

    painted(content, paint)
    frames = 16000 / 256
    assert starts == [0, *(pytest.approx(at * frames, abs=6) for at in (2, 6))]


def test_the_mean_is_that_of_all_blocks():
    content = music(5.0, 16000)
    wanted = GRID.magnitudes(content).square().mean().sqrt()
    assert GRID.mean(content) == pytest.approx(float(wanted), rel=0.02)
    assert GRID.mean(Audio(np.zeros((2, 16000)), 44100)) == 0


def test_beyond_its_end_nothing_is_played():
    played = np.ones((5, 176), np.float16)
    found = cut(played, 3, 4)
    assert found.shape == (1, 176, 4) and found[0, 0].tolist() == [1, 1, 0, 0]
