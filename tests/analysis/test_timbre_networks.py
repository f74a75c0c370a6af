import librosa
import numpy as np
import pytest
import torch

from restyle.analysis.timbre.model import Timbre, TimbreMfcc, decibels

SMALL = {
    TimbreMfcc: {"bins": 64, "coefficients": 8, "width": 16, "power": 2.0},
    Timbre: {
        "bins": 64,
        "widths": [4, 6, 8],
        "step": 2,
        "hidden": 16,
        "size": 12,
        "power": 2.0,
        "shares": [0.5, 0.25, 0.25],
    },
}
ALL = list(SMALL.items())


@pytest.mark.parametrize(("made", "settings"), ALL)
@pytest.mark.parametrize("frames", [3, 50, 128])
def test_unit_vectors_of_any_length_of_clip(made, settings, frames):
    network = made(**settings).eval()
    points = network(torch.rand(3, 64, frames))
    assert torch.allclose(points.norm(dim=1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_the_level_does_not_matter(made, settings):
    network, power = made(**settings).eval(), torch.rand(2, 64, 60) + 0.01
    loud, quiet = network(torch.log1p(1000 * power)), network(torch.log1p(power))
    assert torch.allclose(loud, quiet, atol=1e-3)


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_silence_gives_a_point(made, settings):
    assert bool(made(**settings).eval()(torch.zeros(1, 64, 40)).isfinite().all())


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_settings_build_the_same_network(made, settings):
    network = made(**settings).eval()
    assert network.settings() == settings
    again = made(**network.settings()).eval()
    again.load_state_dict(network.state_dict())
    x = torch.rand(2, 64, 40)
    assert torch.equal(network(x), again(x))


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_every_part_learns(made, settings):
    torch.manual_seed(0)
    network = made(**settings)
    points = network(torch.rand(4, 64, 40))
    (points[0] @ points[1] - points[2] @ points[3] + points[:, 0].sum()).backward()
    still = [name for name, p in network.named_parameters() if p.grad is None]
    assert still == []


def test_the_papers_network_has_the_papers_size():
    """Its authors' notebook counts 44,800 trainable parameters."""
    assert sum(p.numel() for p in TimbreMfcc().parameters()) == 44_800


def test_its_input_is_librosas_mfcc():
    mel = np.random.default_rng(0).random((128, 40)).astype(np.float32) * 100
    wanted = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=13)[1:]
    x = torch.log1p(torch.from_numpy(mel))[None]
    made = TimbreMfcc().mfcc(decibels(x, 2))[0, 1:].numpy()
    assert np.abs(made - wanted).max() < 0.02


def test_magnitudes_and_powers_give_the_same_decibels():
    magnitude = torch.rand(2, 8, 8) + 0.1
    first, second = decibels(torch.log1p(magnitude), 1), decibels(torch.log1p(magnitude**2), 2)
    assert torch.allclose(first, second, atol=1e-3) and first.max() == 0
