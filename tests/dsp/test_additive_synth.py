import numpy as np
import pytest
import torch

from restyle.dsp.additive import synthesise

RATE, CENTRES = 16000, torch.tensor([50.0, 1000.0, 3000.0, 8000.0])


def play(amplitudes, frequencies, frames=250, density=0.0, **options):
    level = torch.tensor(amplitudes).expand(1, frames, -1)
    lines = torch.tensor(frequencies)[None, None]
    noise = torch.full((1, frames, len(CENTRES)), density)
    return synthesise(level, lines, noise, CENTRES, rate=RATE, **options)[0]


def spectrum(samples):
    piece = samples[4000:20000].numpy() * np.hanning(16000)
    return np.abs(np.fft.rfft(piece, 2**18)) / np.hanning(16000).sum() * 2


def test_tones_have_the_pitch_and_amplitude_asked_for():
    found = spectrum(play([0.5, 0.1, 0.02], [440.0, 883.7, 3456.7]))
    for amplitude, frequency in ((0.5, 440.0), (0.1, 883.7), (0.02, 3456.7)):
        at = round(frequency / RATE * 2**18)
        peak = at - 40 + found[at - 40 : at + 41].argmax()
        assert abs(1200 * np.log2(peak * RATE / 2**18 / frequency)) < 3  # cents
        assert found[peak] == pytest.approx(amplitude, rel=0.02)
    assert found.max() == pytest.approx(0.5, rel=0.02)


def test_noise_has_the_density_asked_for():
    made = play([0.0], [440.0], frames=2000, density=1e-6, generator=torch.Generator().manual_seed(0))
    assert float(made.square().mean()) == pytest.approx(1e-6 * RATE / 2, rel=0.05)


def test_noise_follows_its_bands():
    noise = torch.zeros(1, 800, len(CENTRES))
    noise[..., 2] = 1e-6
    made = synthesise(torch.zeros(1, 800, 1), torch.full((1, 1, 1), 440.0), noise, CENTRES, rate=RATE)[0]
    power = np.abs(np.fft.rfft(made.numpy())) ** 2
    at = np.arange(len(power)) / len(made) * RATE
    assert at[power.argmax()] == pytest.approx(3000, abs=600)
    assert power[at < 800].sum() < 1e-3 * power.sum()


def test_a_tone_that_glides_is_where_it_is_told():
    frames = 250
    lines = torch.linspace(400, 800, frames)[None, :, None]
    none = torch.zeros(1, frames, len(CENTRES))
    made = synthesise(torch.ones(1, frames, 1), lines, none, CENTRES, rate=RATE)[0].numpy()
    for frame in (50, 125, 200):
        piece = made[frame * 128 - 512 : frame * 128 + 512] * np.hanning(1024)
        found = np.abs(np.fft.rfft(piece, 2**16)).argmax() * RATE / 2**16
        assert found == pytest.approx(float(lines[0, frame, 0]), rel=0.01)


def test_nothing_is_heard_from_half_the_rate_on():
    assert float(play([1.0, 1.0], [8000.0, 12000.0]).abs().max()) < 1e-6


def test_the_seed_decides_and_gradients_flow():
    one, two, three = (
        play([0.5], [440.0], density=1e-6, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, two) and not torch.equal(one, three)
    level = torch.full((1, 60, 2), 0.3, requires_grad=True)
    noise = torch.full((1, 60, 4), 1e-6, requires_grad=True)
    synthesise(level, torch.tensor([[[440.0, 880.0]]]), noise, CENTRES, rate=RATE).square().sum().backward()
    assert bool((level.grad[:, 5:-5] > 0).all()) and bool((noise.grad.abs() > 0).any())
