import numpy as np
import pytest
import torch

from restyle.models.excitation import tones
from restyle.training.phases import phases

RATE, HOP = 16000, 256
NOTES = torch.tensor([[[-0.1, 0.3, 57.0, 1.0, 0], [0.2, 0.45, 63.0, 1.0, 0], [float("nan")] * 5]])


def partials(onset, offset, pitch, detune=1.0, seed=0):
    """Ten partials that begin at an onset, with random phases."""
    rng, time = np.random.default_rng(seed), np.arange(RATE // 2) / RATE
    start, f0 = rng.random(10), 440 * 2 ** ((pitch - 69) / 12) * detune
    waves = [np.sin(2 * np.pi * (k * f0 * (time - onset) + start[k - 1])) for k in range(1, 11)]
    return np.array(waves) * ((time >= onset) & (time < offset)), start


@pytest.mark.parametrize("detune", [1.0, 1.004])
def test_tones_with_the_phases_of_a_sound_lie_upon_it(detune):
    first, _ = partials(-0.1, 0.3, 57, detune, seed=0)
    second, _ = partials(0.2, 0.45, 63, detune, seed=1)
    sound = torch.from_numpy((first + second).sum(0)[None]).float()
    known = phases(NOTES, sound, rate=RATE)
    for note, (wave, held) in enumerate(((first, slice(0, 4800)), (second, slice(3200, 7200)))):
        own = slice(note, note + 1)
        made = tones(NOTES[:, own], RATE // 2 // HOP, hop=HOP, rate=RATE, phases=known[:, own])[0]
        for group in range(4):  # the first groups have one partial each
            assert np.corrcoef(wave[group][held], made[group].numpy()[held])[0, 1] > 0.97


def test_phases_are_told_in_turns_and_frequencies_in_hertz():
    first, start = partials(-0.1, 0.45, 57, 1.005)
    found = phases(NOTES[:, :1], torch.from_numpy(first.sum(0)[None]).float(), rate=RATE)[0, 0, :10]
    assert found[:, 1].numpy() == pytest.approx(220 * 0.005 * np.arange(1, 11), abs=0.15)
    apart = (found[:, 0].numpy() - start + 0.5) % 1 - 0.5
    assert np.abs(apart).max() < 0.06
    silent = phases(NOTES, torch.zeros(1, 8000), rate=RATE)
    assert torch.isfinite(silent).all()
