import librosa
import numpy as np
import pytest
import torch

from restyle.analysis.timbre import infer as timbre
from restyle.analysis.timbre.model import TimbreMfcc
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.io import weights

FORM = {"kind": "mel", "rate": 16000, "n_fft": 2048, "hop": 500, "bins": 128, "log1p": True}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    torch.manual_seed(0)
    model = TimbreMfcc()
    told = {"model": model.settings(), "kind": "timbre_mfcc", "representation": FORM}
    told["data"] = {"frames": 256}  # halves of 4 seconds
    path = tmp_path_factory.mktemp("weights") / "timbre.safetensors"
    weights.save(path, {name: value.numpy() for name, value in model.state_dict().items()}, told)
    return path


def tone(seconds=4.0, rate=16000, partials=(1, 0.5, 0.3), seed=0):
    t = np.arange(round(seconds * rate)) / rate
    sound = sum(a * np.sin(2 * np.pi * 220 * (k + 1) * t) for k, a in enumerate(partials))
    return 0.2 * sound * np.exp(-3 * (t % 0.5)) + np.random.default_rng(seed).normal(0, 1e-3, len(t))


def test_it_hears_what_librosa_hears(network):
    """The embedding of the sound is the network's of librosa's mel spectrogram."""
    sound = tone().astype(np.float32)
    mel = librosa.feature.melspectrogram(y=sound, sr=16000, n_fft=2048, hop_length=500)
    model, transform, _ = timbre._load(network, network.stat().st_mtime_ns)
    with torch.inference_mode():
        wanted = model(torch.log1p(torch.from_numpy(mel))[None])[0].numpy()
    assert transform.settings()["power"] == model.power
    assert timbre.embed(Audio(sound, 16000), weights=network) @ wanted > 0.9999


def test_distances(network):
    one, other = Audio(tone(), 16000), Audio(tone(partials=(0.1, 0, 1, 0, 1, 0, 1)), 16000)
    assert timbre.distance(one, one, weights=network) < 1e-6
    assert timbre.distance(one, other, weights=network) == pytest.approx(timbre.distance(other, one, weights=network))
    assert timbre.distance(one, other, weights=network) > 1e-3


def test_level_rate_and_channels_hardly_matter(network):
    sound = tone()
    double = librosa.resample(sound, orig_sr=16000, target_sr=48000)
    given = timbre.embed(Audio(sound, 16000), weights=network)
    assert timbre.embed(Audio(0.1 * sound, 16000), weights=network) @ given > 0.9999
    assert timbre.embed(Audio(np.stack([double, double]), 48000), weights=network) @ given > 0.99


def test_a_long_recording_is_the_mean_of_its_pieces(network):
    first, second = tone(), tone(partials=(0.1, 0, 1, 0, 1), seed=1)
    both = timbre.embed(Audio(np.concatenate([first, second]), 16000), weights=network)
    mean = sum(timbre.embed(Audio(part, 16000), weights=network) for part in (first, second))
    assert both == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_other_weights_are_refused(tmp_path):
    with pytest.raises(RestyleError, match="holds no timbre embedding"):
        timbre.embed(Audio(tone(), 16000), weights=weights.bundled("transcriber.safetensors"))
    with pytest.raises(RestyleError, match="no such file"):
        timbre.embed(Audio(tone(), 16000), weights=tmp_path / "none.safetensors")
