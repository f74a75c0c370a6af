import librosa
import numpy as np
import pytest
import scipy.fft
import torch

from restyle.dsp.mel import Mel, power_to_db
from restyle.dsp.mfcc import Mfcc
from restyle.dsp.stft import Stft


def levels(*shape):
    return 20 * torch.randn(*shape, generator=torch.Generator().manual_seed(0)) - 40


@pytest.mark.parametrize("n_mfcc", [13, 20, 128])
def test_equals_librosa(n_mfcc):
    x = torch.randn(22050, generator=torch.Generator().manual_seed(1)) * torch.linspace(0, 1, 22050) ** 4
    made = Mfcc(n_mfcc=n_mfcc)(power_to_db(Mel()(Stft()(x).abs() ** 2)))
    assert np.allclose(made.numpy(), librosa.feature.mfcc(y=x.numpy(), sr=22050, n_mfcc=n_mfcc), atol=2e-2)


def test_is_the_orthonormal_cosine_transform():
    level = levels(2, 40, 7)
    expected = scipy.fft.dct(level.numpy(), axis=-2, type=2, norm="ortho")[:, :13]
    assert np.allclose(Mfcc(40, 13)(level).numpy(), expected, atol=1e-3)


def test_inverse_is_exact_with_all_coefficients():
    mfcc, level = Mfcc(64, 64), levels(3, 64, 9)
    assert torch.allclose(mfcc.inverse(mfcc(level)), level, atol=1e-3)


def test_inverse_is_the_least_squares_solution_with_fewer():
    mfcc, coefficients = Mfcc(64, 20), levels(20, 9)
    expected = torch.linalg.pinv(mfcc.cosines) @ coefficients
    assert torch.allclose(mfcc.inverse(coefficients), expected, atol=1e-3)
    assert torch.allclose(mfcc(mfcc.inverse(coefficients)), coefficients, atol=1e-3)


@pytest.mark.parametrize("count", [0, 41])
def test_refuses_an_impossible_number(count):
    with pytest.raises(ValueError, match="take 1 to 40"):
        Mfcc(40, count)


def test_settings_rebuild_it():
    assert torch.equal(Mfcc(**Mfcc(40, 13).settings()).cosines, Mfcc(40, 13).cosines)
