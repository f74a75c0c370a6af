import math

import pytest
import torch

from restyle.dsp.cqt import Cqt, level, unit_level

RATE = 16000


def band_noise(length, low, high, *shape):
    """Noise with energy between two frequencies only."""
    spectrum = torch.fft.rfft(torch.randn(*shape, length, generator=torch.Generator().manual_seed(0)))
    frequency = torch.arange(spectrum.shape[-1]) * RATE / length
    return torch.fft.irfft(spectrum * ((frequency >= low) & (frequency <= high)), n=length)


@pytest.fixture(scope="module")
def cqt():
    return Cqt(rate=RATE, hop=10, bins=84, bins_per_octave=12, f_min=55)


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
@pytest.mark.parametrize("length", [16000, 15987, 8001])
def test_inverse_is_exact_inside_the_band(cqt, shape, length):
    total = math.ceil(length / cqt.hop) * cqt.hop  # zeros at the end would put energy beyond the band
    x = band_noise(total, cqt.frequencies[0], cqt.frequencies[-1], *shape)
    y = cqt(x)
    assert y.shape == (*shape, 84, total // cqt.hop)
    assert (cqt.inverse(y, length) - x[..., :length]).abs().max() < 1e-5 * x.abs().max()


def test_what_lies_beyond_the_band_is_lost(cqt):
    below, above = band_noise(RATE, 1, 38), band_noise(RATE, 7700, 7990)
    for x in (below, above):
        assert cqt.inverse(cqt(x), RATE).norm() < 1e-3 * x.norm()


@pytest.mark.parametrize("k", [0, 12, 40, 83])
def test_a_sine_shows_at_its_filter_at_0_db(cqt, k):
    frequency = round(cqt.frequencies[k])
    coefficients = cqt(torch.sin(2 * math.pi * frequency * torch.arange(RATE) / RATE))
    loudness = level(coefficients).mean(-1)
    assert loudness.argmax() == k
    assert abs(loudness[k]) < 0.5


def test_an_impulse_shows_at_its_time(cqt):
    x = torch.zeros(RATE)
    x[100 * cqt.hop] = 1
    energy = cqt(x).abs()[60:].sum(0)
    assert energy.argmax() == 100


def test_is_linear_and_shifts_with_time(cqt):
    x, y = band_noise(RATE, 100, 4000), band_noise(RATE, 200, 2000).flip(-1)
    assert torch.allclose(cqt(2 * x + y), 2 * cqt(x) + cqt(y), atol=1e-4)
    shifted = cqt(torch.roll(x, 50 * cqt.hop)).abs()
    assert torch.allclose(shifted, torch.roll(cqt(x).abs(), 50, -1), atol=1e-4)


def test_silence_stays_silent(cqt):
    assert cqt(torch.zeros(3000)).abs().max() == 0
    assert torch.equal(level(cqt(torch.zeros(3000))), torch.full((84, 300), -120.0))


def test_says_when_a_hop_is_too_long_for_an_inverse():
    cqt = Cqt(rate=RATE, hop=512)
    with pytest.raises(ValueError, match="the widest filter needs"):
        cqt.inverse(cqt(torch.zeros(RATE)), RATE)


def test_the_hop_that_it_names_is_short_enough():
    with pytest.raises(ValueError) as told:
        coarse = Cqt(rate=RATE, hop=512, bins=84, bins_per_octave=12)
        coarse.inverse(coarse(torch.zeros(RATE)), RATE)
    hop = int(str(told.value).split("needs ")[1].split()[0])
    fine = Cqt(rate=RATE, hop=hop, bins=84, bins_per_octave=12)
    length = RATE // hop * hop
    x = band_noise(length, 30, 3000)
    assert (fine.inverse(fine(x), length) - x).abs().max() < 1e-4


def test_refuses_filters_above_half_the_rate():
    with pytest.raises(ValueError, match="above half of 8000 Hz"):
        Cqt(rate=8000)


def test_settings_rebuild_it(cqt):
    x = band_noise(4000, 100, 4000)
    assert torch.equal(Cqt(**cqt.settings())(x), cqt(x))


def test_unit_level_spans_0_to_1():
    db = torch.tensor([-100.0, -80.0, -40.0, 0.0, 10.0])
    assert unit_level(db, 0.0).tolist() == [0, 0, 0.5, 1, 1]
