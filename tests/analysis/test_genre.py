import librosa
import numpy as np
import pytest
import torch

from restyle.analysis.genre import infer as genre
from restyle.analysis.genre.model import MultiChannel, SingleChannel
from restyle.audio import Audio
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import weights

RATE, FRAMES = 22050, 43


def settings_of(model):
    representation = {"kind": "stft", "rate": RATE, "n_fft": 512, "hop": 256, "log1p": True}
    kind = "classifier_multi" if isinstance(model, MultiChannel) else "classifier_single"
    told = {"model": model.settings(), "kind": kind, "representation": representation}
    return told | {"labels": ["low", "high"], "data": {"frames": FRAMES}}


def save(path, network, **changes):
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    weights.save(path, arrays, settings_of(network) | changes)
    return path


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    """A network that compares what is below 3 kHz with what is above 6 kHz."""
    model = MultiChannel(classes=2, frames=FRAMES, filters=2, kernel=1)
    first, second = model.stages["first"][0], model.stages["second"][1]
    dense = model.head[1].linear
    for part in (first, second, dense):
        part.weight.data.zero_()
        part.bias.data.zero_()
    first.weight.data[0, :70], first.weight.data[1, 140:] = 1 / 70, 1 / 117
    second.weight.data[:, :, 0] = torch.eye(2)
    dense.weight.data[0, : dense.in_features // 2] = 1.0
    dense.weight.data[1, dense.in_features // 2 :] = 1.0
    return save(tmp_path_factory.mktemp("weights") / "bands.safetensors", model)


def noise(seconds, low, high, rate=RATE, seed=0):
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=round(seconds * rate)))
    hz = np.fft.rfftfreq(round(seconds * rate), 1 / rate)
    sound = np.fft.irfft(spectrum * ((hz >= low) & (hz < high)), round(seconds * rate))
    return 0.3 * sound / np.abs(sound).max()


def test_what_it_hears_is_told_where_it_is(bands):
    sound = np.concatenate([noise(3, 100, 2500), noise(2, 7000, 10000)])
    found = genre.classify(Audio(sound, RATE), weights=bands)
    assert np.allclose(found.probabilities.sum(axis=1), 1)
    assert (found.probabilities[found.times < 2.7, 0] > 0.7).all()
    assert (found.probabilities[found.times > 3.3, 1] > 0.7).all()
    assert found.best == "low" and found.labels == ("low", "high")
    assert 0.2 < found.times[0] < 0.3 and 4.6 < found.times[-1] < 4.8
    assert (np.diff(found.times) > 0).all() and np.diff(found.times).max() < 0.26


def test_rate_and_channels_do_not_matter(bands):
    sound = noise(2, 100, 2500) + 0.3 * noise(2, 7000, 10000, seed=1)
    double = librosa.resample(sound, orig_sr=RATE, target_sr=44100)
    one = genre.classify(Audio(sound, RATE), weights=bands)
    two = genre.classify(Audio(np.stack([double, double]), 44100), weights=bands)
    assert np.abs(one.probabilities - two.probabilities).max() < 0.02
    assert np.allclose(one.times, two.times, atol=1e-3)


def test_a_recording_shorter_than_a_chunk(bands):
    found = genre.classify(Audio(noise(0.2, 7000, 10000), RATE), weights=bands)
    assert len(found.times) == 1 and found.times[0] == pytest.approx(0.1, abs=1e-3) and found.best == "high"


@pytest.mark.parametrize("hop", [256, 429, 431, 100])
def test_spectrograms_are_librosas(bands, hop):
    network = genre.Network(torch.nn.Identity(), ("a",), 20, LogSpectrogram("stft", rate=RATE, n_fft=512, hop=hop))
    sound = noise(1, 100, 9000).astype(np.float32)
    begin = network.context
    made = network.spectrogram(sound[: network.length + 2 * network.context]).numpy()
    whole = np.log1p(np.abs(librosa.stft(sound, n_fft=512, hop_length=hop, pad_mode="constant")))
    assert begin % hop == 0 and np.abs(made - whole[:, begin // hop :][:, :20]).max() < 1e-4


def test_a_file_is_read_once_and_again_when_it_changed(bands, tmp_path):
    path = tmp_path / "own.safetensors"
    path.write_bytes(bands.read_bytes())
    assert genre.load(path) is genre.load(path)
    before = genre.load(path)
    save(path, MultiChannel(classes=2, frames=FRAMES, filters=3))
    assert genre.load(path) is not before


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "timbre"},
        {"kind": "classifier_of_tomorrow"},
        {"kind": "os.system"},
        {"kind": None},
        {"representation": {"kind": "mel", "rate": 1, "n_fft": 1, "hop": 1}},
        {"model": {"classes": 5}},
        {"data": {}},
    ],
)
def test_other_weights_are_refused_in_one_sentence(tmp_path, changes):
    path = save(tmp_path / "other.safetensors", SingleChannel(classes=2, bins=33, frames=33), **changes)
    with pytest.raises(RestyleError, match=r"other\.safetensors"):
        genre.load(path)


def test_missing_weights_are_told(tmp_path):
    with pytest.raises(RestyleError, match="no such file"):
        genre.load(tmp_path / "none.safetensors")
    with pytest.raises(RestyleError, match="holds no genre classifier"):
        genre.load(weights.bundled("transcriber.safetensors"))
