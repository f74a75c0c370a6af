import librosa
import numpy as np
import pytest
import torch

from restyle.dsp.mel import Mel, db_to_power, hz_to_mel, mel_to_hz, power_to_db
from restyle.dsp.stft import Stft, log1p_magnitude

SETTINGS = [
    (22050, 2048, 128, 0, None),
    (44100, 2048, 80, 30, 16000),
    (16000, 400, 40, 0, 8000),
    (8000, 512, 32, 50, 4000),
]


@pytest.fixture(scope="module")
def power():
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(22050) / 22050
    tone = sum(torch.sin(2 * torch.pi * 220 * k * time) / k for k in range(1, 30))
    return Stft()(tone + 0.05 * torch.randn(22050, generator=generator)).abs() ** 2


@pytest.mark.parametrize(("rate", "n_fft", "bins", "f_min", "f_max"), SETTINGS)
def test_filters_equal_librosa(rate, n_fft, bins, f_min, f_max):
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bins, fmin=f_min, fmax=f_max)
    mel = Mel(rate, n_fft, bins, f_min=f_min, f_max=f_max)
    assert np.allclose(mel.filters.numpy(), expected, atol=1e-7)
    centres = librosa.mel_frequencies(n_mels=bins + 2, fmin=f_min, fmax=f_max or rate / 2)[1:-1]
    assert np.allclose(mel.frequencies().numpy(), centres, rtol=1e-5)


def test_scale_equals_librosa_and_turns_back():
    hz = torch.cat([torch.linspace(0, 999, 50), torch.linspace(1000, 20000, 50)])
    assert np.allclose(hz_to_mel(hz).numpy(), librosa.hz_to_mel(hz.numpy()), atol=1e-4)
    assert torch.allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-5, atol=1e-3)


def test_mel_spectrogram_equals_librosa():
    x = torch.randn(2, 11025, generator=torch.Generator().manual_seed(1))
    expected = librosa.feature.melspectrogram(y=x.numpy(), sr=22050)
    assert np.allclose(Mel()(Stft()(x).abs() ** 2).numpy(), expected, rtol=1e-4, atol=1e-5)


def missed(mel, bands, spectrogram):
    """Relative distance of a spectrogram's bands from the bands asked for."""
    return ((mel(spectrogram) - bands).norm() / bands.norm()).item()


def test_inverse_comes_nearer_with_iterations(power):
    mel = Mel()
    bands = mel(power)
    errors = [missed(mel, bands, mel.inverse(bands, iterations=n)) for n in (0, 8, 32, 128)]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.06


def test_inverse_finds_the_spectrum_as_well_as_other_ways(power):
    mel, part = Mel(), power[:, ::8]
    bands = mel(part)
    clipped = (torch.linalg.pinv(mel.filters) @ bands).clamp_min(0)
    exact = torch.from_numpy(librosa.feature.inverse.mel_to_stft(bands.numpy(), sr=22050)) ** 2

    def wrong(spectrogram):
        return (log1p_magnitude(spectrogram.sqrt()) - log1p_magnitude(part.sqrt())).abs().mean()

    error = wrong(mel.inverse(bands))
    assert error < wrong(clipped)
    assert error < 1.1 * wrong(exact)


def test_inverse_is_non_negative_finite_and_linear_in_level(power):
    mel = Mel()
    made = mel.inverse(mel(power))
    assert made.shape == power.shape and made.min() >= 0 and torch.isfinite(made).all()
    assert torch.allclose(mel.inverse(100 * mel(power)), 100 * made, rtol=1e-3)


def test_inverse_of_silence_is_silence():
    assert Mel().inverse(torch.zeros(2, 128, 5)).abs().max() == 0


@pytest.mark.parametrize(("low", "high"), [(-1, 8000), (4000, 4000), (0, 12000)])
def test_refuses_edges_out_of_order(low, high):
    with pytest.raises(ValueError, match="must lie between 0 and 11025 Hz"):
        Mel(22050, f_min=low, f_max=high)


def test_settings_rebuild_it():
    mel = Mel(16000, 512, 40, f_min=60)
    assert torch.equal(Mel(**mel.settings()).filters, mel.filters)


@pytest.mark.parametrize("span", [80.0, 30.0, None])
def test_decibels_equal_librosa(power, span):
    expected = librosa.power_to_db(power.numpy(), top_db=span)
    assert np.allclose(power_to_db(power, span=span).numpy(), expected, atol=1e-3)


def test_decibels_turn_back_and_know_silence():
    assert torch.allclose(db_to_power(power_to_db(torch.tensor([[2.0, 1e-3]]))), torch.tensor([[2.0, 1e-3]]))
    assert torch.equal(power_to_db(torch.zeros(2, 3)), torch.full((2, 3), -100.0))


def test_loudness_of_one_item_does_not_cut_another():
    quiet, loud = torch.full((4, 4), 1e-6), torch.full((4, 4), 1e6)
    assert torch.equal(power_to_db(torch.stack([quiet, loud]))[0], power_to_db(quiet))
