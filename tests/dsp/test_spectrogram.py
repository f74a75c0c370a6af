import librosa
import numpy as np
import pytest
import torch

from restyle.dsp.spectrogram import FRAMES, LogSpectrogram

RATE = 22050


def noise(length, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32))


@pytest.mark.parametrize(("n_fft", "hop"), [(512, 256), (512, 429), (2048, 512), (512, 700)])
@pytest.mark.parametrize("length", [10, 5000, 40000])
def test_stft_agrees_with_librosa(n_fft, hop, length):
    x = noise(length)
    made = LogSpectrogram("stft", n_fft=n_fft, hop=hop)(x)
    wanted = np.log1p(np.abs(librosa.stft(x.numpy(), n_fft=n_fft, hop_length=hop)))
    np.testing.assert_allclose(made, wanted, atol=2e-5)


def test_mel_agrees_with_librosa():
    x = noise(30000)
    made = LogSpectrogram("mel", n_fft=1024, hop=300, bins=40)(x)
    wanted = np.log1p(librosa.feature.melspectrogram(y=x.numpy(), sr=RATE, n_fft=1024, hop_length=300, n_mels=40))
    np.testing.assert_allclose(made, wanted, atol=2e-5)


def test_cqt_finds_tones_wherever_they_are():
    spectrogram = LogSpectrogram("cqt", bins=84, bins_per_octave=12, f_min=32.7)
    seconds, t = 50, torch.arange(50 * RATE) / RATE
    x = torch.zeros(len(t))
    for i, key in enumerate((24, 36, 45, 60)):  # C3 ... in other blocks
        at = slice(12 * i * RATE, 12 * (i + 1) * RATE)
        x[at] = torch.sin(2 * torch.pi * 32.7 * 2 ** (key / 12) * t[at])
    made = spectrogram(x)
    assert made.shape == (84, 1 + seconds * RATE // 256)
    for i, key in enumerate((24, 36, 45, 60)):
        middle = made[:, (12 * i + 2) * RATE // 256 : (12 * i + 10) * RATE // 256]
        assert (middle.argmax(dim=0) == key).all()
        np.testing.assert_allclose(middle[key], np.log1p(128), rtol=0.02)  # also where blocks meet


@pytest.mark.parametrize("kind", ["stft", "mel"])
def test_blocks_have_no_seams(kind):
    spectrogram = LogSpectrogram(kind, n_fft=256, hop=64)
    x = noise(64 * (2 * FRAMES + 100))
    cut = 64 * FRAMES
    whole, later = spectrogram(x), spectrogram(x[cut - 64 * 8 :])
    assert len(list(spectrogram.blocks(x))) == 3
    np.testing.assert_allclose(whole[:, FRAMES : FRAMES + 50], later[:, 8:58], atol=1e-5)


@pytest.mark.parametrize("kind", ["stft", "mel", "cqt"])
def test_settings_make_the_same_again(kind):
    one = LogSpectrogram(kind, hop=300)
    two = LogSpectrogram.of(one.settings())
    x = noise(9000)
    assert torch.equal(one(x), two(x)) and one.settings() == two.settings()
    assert one(x).shape == (one.bins, one.frames(9000)) and one.settings()["log1p"] is True


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "wavelet"}, {"kind": "stft", "bins": 3}, {"hop": 0}, {"kind": "cqt", "bins": 900}, {"log1p": False},
     {"kind": "mel", "f_min": 9000, "f_max": 100}, {"kind": "stft", "power": 2}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        LogSpectrogram.of(wrong)
