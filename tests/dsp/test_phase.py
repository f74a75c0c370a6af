import itertools

import librosa
import numpy as np
import pytest
import torch

from restyle.dsp.phase import griffin_lim, spectral_convergence
from restyle.dsp.stft import Stft, expm1_magnitude, log1p_magnitude

RATE = 22050


def music(seconds=3.0, seed=0):
    """Chords with vibrato and noise bursts, mono."""
    chance, time = np.random.default_rng(seed), np.arange(int(seconds * RATE)) / RATE
    out = np.zeros_like(time)
    for start in np.arange(0, seconds, 0.5):
        since = np.clip(time - start, 0, None)
        for pitch in chance.choice([48, 52, 55, 60, 64, 67, 72], 3, replace=False):
            frequency = 440 * 2 ** ((pitch - 69) / 12)
            for k in range(1, 10):
                angle = 2 * np.pi * k * (frequency * since + 0.3 * np.sin(2 * np.pi * 5 * since))
                out += (since > 0) * np.exp(-3 * since) * np.sin(angle) / k * 0.1
        out += (since > 0) * 0.3 * np.exp(-40 * since) * chance.standard_normal(len(time))
    return torch.from_numpy(out).float()


@pytest.fixture(scope="module")
def stft():
    return Stft(2048, 512)


@pytest.fixture(scope="module")
def x():
    return music()


@pytest.fixture(scope="module")
def magnitude(x, stft):
    return stft(x).abs()


def random_phase(magnitude, seed=0):
    return torch.from_numpy(2 * np.pi * np.random.default_rng(seed).random(tuple(magnitude.shape)))


@pytest.mark.parametrize("momentum", [0, 0.99])
def test_equals_librosa_from_the_same_start(x, stft, magnitude, momentum):
    expected = librosa.griffinlim(
        magnitude.numpy(),
        n_iter=4,
        hop_length=512,
        momentum=momentum,
        length=len(x),
        random_state=np.random.default_rng(0),
    )
    made = griffin_lim(magnitude, stft, len(x), iterations=4, momentum=momentum, phase=random_phase(magnitude))
    assert np.corrcoef(made.numpy(), expected)[0, 1] > 0.999


@pytest.mark.parametrize("momentum", [0, 0.99])
def test_converges_as_librosa_does(x, stft, magnitude, momentum):
    theirs = librosa.griffinlim(magnitude.numpy(), n_iter=32, momentum=momentum, length=len(x), random_state=0)
    ours = griffin_lim(magnitude, stft, len(x), iterations=32, momentum=momentum)
    difference = spectral_convergence(magnitude, ours, stft) - spectral_convergence(
        magnitude, torch.tensor(theirs), stft
    )
    assert abs(difference) < 1.5


def test_plain_griffin_lim_never_gets_worse(x, stft, magnitude):
    steps = [
        spectral_convergence(magnitude, griffin_lim(magnitude, stft, len(x), iterations=n, momentum=0), stft)
        for n in (1, 2, 4, 8, 16)
    ]
    assert all(later < earlier for earlier, later in itertools.pairwise(steps))


def test_momentum_helps(x, stft, magnitude):
    plain, fast = (griffin_lim(magnitude, stft, len(x), iterations=32, momentum=m) for m in (0, 0.99))
    assert spectral_convergence(magnitude, fast, stft) < spectral_convergence(magnitude, plain, stft) - 3


@pytest.mark.parametrize("iterations", [0, 3])
@pytest.mark.parametrize("momentum", [0, 0.99])
def test_the_true_phase_is_kept(x, stft, magnitude, iterations, momentum):
    for phase in (stft(x), stft(x).angle()):
        made = griffin_lim(magnitude, stft, len(x), iterations=iterations, momentum=momentum, phase=phase)
        assert (made - x).abs().max() < 1e-4


def test_phase_of_a_similar_recording_beats_a_random_start(x, stft):
    brighter = stft(x).abs() * torch.linspace(0.2, 3, stft.bins)[:, None]  # other tone, same events
    content, chance = (griffin_lim(brighter, stft, len(x), iterations=4, phase=p) for p in (stft(x), None))
    assert spectral_convergence(brighter, content, stft) < spectral_convergence(brighter, chance, stft) - 10


def test_same_seed_same_samples(x, stft, magnitude):
    one, two, other = (griffin_lim(magnitude, stft, len(x), iterations=2, seed=s) for s in (1, 1, 2))
    assert torch.equal(one, two) and not torch.allclose(one, other, atol=1e-2)


def test_channels_are_independent(x, stft):
    both = stft(torch.stack([x, x.flip(0)])).abs()
    start = random_phase(both)
    made = griffin_lim(both, stft, len(x), iterations=3, phase=start)
    alone = griffin_lim(both[1], stft, len(x), iterations=3, phase=start[1])
    assert made.shape == (2, len(x))
    assert torch.allclose(made[1], alone, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_silence_and_few_frames(stft, frames):
    length = 512 * (frames - 1) + 3
    for magnitude in (torch.zeros(stft.bins, frames), torch.ones(stft.bins, frames)):
        made = griffin_lim(magnitude, stft, length, iterations=3)
        assert made.shape == (length,) and torch.isfinite(made).all()
        assert bool(made.abs().max() > 0) == bool(magnitude.max() > 0)


def test_refuses_frames_that_do_not_belong_to_the_length(stft):
    with pytest.raises(ValueError, match="3 frames do not belong to 5000 samples: 10 do"):
        griffin_lim(torch.zeros(stft.bins, 3), stft, 5000)


def test_spectral_convergence_knows_simple_answers(x, stft, magnitude):
    assert spectral_convergence(magnitude, x, stft) < -100
    assert spectral_convergence(magnitude, 0.9 * x, stft) == pytest.approx(-20, abs=1e-3)
    assert spectral_convergence(magnitude, 0 * x, stft) == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_the_classic_reconstruction(x, stft):
    """500 plain iterations from a random phase on a log1p spectrogram, beside the loop as it was first written."""
    log = log1p_magnitude(stft(x))
    start = random_phase(log) - np.pi
    made = griffin_lim(expm1_magnitude(log), stft, len(x), iterations=500, momentum=0, phase=start)

    magnitude, phase = np.exp(log.numpy()) - 1, start.numpy()
    for _ in range(500):
        samples = librosa.istft(magnitude * np.exp(1j * phase), n_fft=2048, hop_length=512, length=len(x))
        phase = np.angle(librosa.stft(samples, n_fft=2048, hop_length=512))
    classic = torch.from_numpy(librosa.istft(magnitude * np.exp(1j * phase), length=len(x))).float()

    ours, theirs = (spectral_convergence(expm1_magnitude(log), samples, stft) for samples in (made, classic))
    assert abs(ours - theirs) < 1
    assert -40 < ours < -20
