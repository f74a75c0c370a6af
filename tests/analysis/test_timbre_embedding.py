import librosa
import numpy as np
import pytest
import torch

from restyle.analysis.timbre import infer as timbre
from restyle.analysis.timbre.model import TimbreMfcc
from restyle.audio import Audio
from restyle.data.synthetic import Voice
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.notes import Notes

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


# the weights that come with the package

VOICES, CHANGES = 6, 4


@pytest.fixture(scope="module")
def voices() -> list[list[Audio]]:
    """Six synthetic instruments: a tune; the same louder, through another equaliser, higher, faster; another tune."""

    def tune(seed: int, shift: float = 0.0, speed: float = 1.0) -> Notes:
        rng = np.random.default_rng(seed)
        onset, pitch = np.arange(12) * 0.5 / speed, 60 + rng.choice([0, 2, 4, 5, 7, 9, 12], 12) + shift
        return Notes(onset, onset + 0.45 / speed, pitch, np.full(12, 0.7), np.zeros(12))

    def played(seed: int, notes: Notes) -> np.ndarray:
        voice = Voice.draw(np.random.default_rng(seed))
        return voice.render(notes, 6.0, 16000, None, np.random.default_rng(1))

    def tilted(sound: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(sound)
        return np.fft.irfft(spectrum * np.linspace(1, 0.6, len(spectrum)), len(sound))

    made = []
    for seed in range(VOICES):
        plain = played(seed, tune(0))
        changed = [0.1 * plain, tilted(plain), played(seed, tune(0, shift=1)), played(seed, tune(0, speed=1.1))]
        made.append([Audio(sound, 16000) for sound in (plain, *changed, played(seed, tune(7)))])
    return made


def test_what_must_not_matter_does_not(voices):
    points = np.array([[timbre.embed(sound) for sound in sounds] for sounds in voices])
    others = 1 - points[:, 0] @ points[:, 0].T + 2 * np.eye(VOICES)
    changed = np.array([[1 - a @ b for b in row[1:]] for a, row in zip(points[:, 0], points, strict=True)])
    assert changed[:, 0].max() < 1e-3  # the level
    assert np.all(changed < others.min(axis=1)[:, None])
    assert np.median(changed[:, 1:CHANGES]) < 0.2 * np.median(others[others < 2])


def test_silence_and_a_moment_have_a_place():
    for audio in (Audio(np.zeros(16000), 16000), Audio(np.ones(10), 16000)):
        point = timbre.embed(audio)
        assert point.shape == (116,) and np.isfinite(point).all()
