import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restyle.dsp.stft import Stft, expm1_magnitude, log1p_magnitude


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(0, 6000),
    shape=st.sampled_from([(), (1,), (3,), (2, 2)]),
    sizes=st.sampled_from([(2048, 512), (1024, 256), (400, 160), (1000, 333), (511, 100), (256, 32)]),
)
def test_inverse_is_exact_for_any_length_and_shape(length, shape, sizes):
    stft, x = Stft(*sizes), noise(*shape, length).clamp(-1, 1)
    spectrum = stft(x)
    back = stft.inverse(spectrum, length)
    assert spectrum.shape == (*shape, stft.bins, stft.frames(length))
    assert spectrum.dtype == torch.complex64 and back.dtype == torch.float32
    assert back.shape == x.shape
    assert length == 0 or (back - x).abs().max() < 1e-5


@pytest.mark.parametrize(("n_fft", "hop", "length"), [(2048, 512, 22050), (2048, 512, 700), (1024, 200, 9999)])
@pytest.mark.filterwarnings("ignore:n_fft")
def test_equals_librosa(n_fft, hop, length):
    x = noise(2, length)
    expected = librosa.stft(x.numpy(), n_fft=n_fft, hop_length=hop)
    assert np.allclose(Stft(n_fft, hop)(x).numpy(), expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("n_fft", "hop"), [(2048, 512), (1000, 333)])
def test_inverse_of_an_arbitrary_spectrum_is_the_least_squares_estimate(n_fft, hop):
    length = 20 * hop
    stft = Stft(n_fft, hop)
    spectrum = torch.complex(noise(stft.bins, 21), noise(stft.bins, 21, seed=1))
    expected = librosa.istft(spectrum.numpy(), n_fft=n_fft, hop_length=hop, length=length)
    # librosa takes the window of the ends differently: compare where all windows overlap
    inside = slice(n_fft, length - n_fft)
    assert np.allclose(stft.inverse(spectrum, length).numpy()[inside], expected[inside], atol=1e-5)


def test_frame_is_centred_on_its_hop():
    x = torch.zeros(4096)
    x[3 * 256] = 1
    energy = Stft(1024, 256)(x).abs().square().sum(0)
    assert energy.argmax() == 3
    assert torch.allclose(energy[2], energy[4])


def test_inverse_fits_other_lengths():
    stft, x = Stft(512, 128), noise(1000)
    spectrum = stft(x)
    assert torch.allclose(stft.inverse(spectrum, 400), x[:400], atol=1e-5)
    longer = stft.inverse(spectrum, 3000)
    assert longer.shape == (3000,) and longer[2000:].abs().max() == 0


def test_a_gradient_passes_through():
    stft, x = Stft(256, 64), noise(500).requires_grad_()
    log1p_magnitude(stft(x)).sum().backward()
    assert torch.isfinite(x.grad).all() and x.grad.abs().max() > 0


def test_settings_rebuild_it():
    stft = Stft(**Stft(400, 160).settings())
    assert (stft.n_fft, stft.hop) == (400, 160)


@pytest.mark.parametrize("hop", [0, -1, 205, 512])
def test_refuses_a_hop_that_cannot_be_inverted(hop):
    with pytest.raises(ValueError, match="hop must be 1 to 204"):
        Stft(512, hop)


def test_log1p_and_back():
    spectrum = torch.complex(noise(5, 4), noise(5, 4, seed=1))
    log = log1p_magnitude(spectrum)
    assert torch.allclose(log, torch.log(1 + spectrum.abs()))
    assert torch.allclose(expm1_magnitude(log), spectrum.abs(), atol=1e-6)
    assert expm1_magnitude(torch.tensor([-0.5])) == 0
