import tracemalloc

import numpy as np
import pytest
import torch

from restyle.analysis.transcriber.infer import Transcription
from restyle.audio import Audio
from restyle.dsp.pianoroll import notes_to_roll
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.methods.notewise.performance import Played
from restyle.methods.wavenet.autoregressive import WaveNet
from restyle.methods.wavenet.generation import Generator
from restyle.methods.wavenet.method import WavenetMethod, _add, _balance
from restyle.methods.wavenet.parallel import ParallelWaveNet
from restyle.methods.wavenet.samplewise import _tanh
from restyle.notes import Notes

RATE = 16000
FORM = {"kind": "mel", "rate": RATE, "n_fft": 1024, "hop": 256, "bins": 80}
TINY = {"channels": 8, "skip": 8, "condition": 8, "dilations": [1, 2, 4]}


def tune(seconds, root=220, channels=1, rate=RATE):
    """Two struck notes a second, [C, T]."""
    t = np.arange(round(seconds * rate)) / rate
    f0 = root * 2 ** (np.floor(t * 2) % 3 * 4 / 12)
    cycles = np.cumsum(f0) / rate
    tone = sum(np.sin(2 * np.pi * k * cycles) / k for k in range(1, 7)) * np.exp(-3 * (t % 0.5))
    return 0.15 * tone * np.linspace(1, 0.5, channels)[:, None]


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def written(path, network):
    kind = "wavenet_parallel" if isinstance(network, ParallelWaveNet) else "wavenet_autoregressive"
    settings = {"model": network.settings(), "kind": kind, "representation": FORM}
    weights.save(path, {name: value.numpy() for name, value in network.state_dict().items()}, settings)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights of both decoders, as they are before any training."""
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("weights")
    written(made / "parallel", ParallelWaveNet(**TINY, width=16))
    written(made / "autoregressive", WaveNet(**TINY, code=0))
    return made


@pytest.fixture(scope="module", params=["parallel", "autoregressive"])
def used(request, folder):
    return WavenetMethod(decoder=request.param, weights=folder / request.param)


@pytest.fixture(scope="module")
def profile(used):
    return used.fit([Audio(tune(3, 330), RATE)])


@pytest.fixture(scope="module")
def parallel(folder):
    return WavenetMethod(weights=folder / "parallel")


# --- generation


def network(**settings):
    torch.manual_seed(1)
    made = WaveNet(channels=12, skip=16, condition=8, dilations=(1, 2, 4, 8, 1, 2, 4, 8), embedding=0, **settings)
    with torch.no_grad():  # as far from linear as a taught one
        for value in made.stack.parameters():
            value.mul_(2)
        made.outer.weight.mul_(10)
    return made.eval()


def test_the_compiled_tanh_is_the_true_one():
    x = np.linspace(-12, 12, 5001).astype(np.float32)
    assert max(abs(float(_tanh(v)) - np.tanh(float(v))) for v in x) < 1e-6


def test_cached_logits_are_those_of_the_parallel_network():
    made = network()
    told, classes = torch.randn(1, 8, 4), torch.randint(0, 256, (1, 1024))
    for tuned in (None, torch.randn(1, 12, 1024)):
        with torch.no_grad():
            expected = made(classes, told, tuned)[0].T.numpy()
        found = Generator(made).logits(told, classes[0].numpy(), tuned)
        assert np.abs(expected).max() > 5
        assert np.abs(found - expected).max() < 1e-4


def test_generation_goes_on_from_block_to_block():
    made, told = network(), torch.randn(1, 8, 6)
    whole = Generator(made, seed=5).classes(told)
    generator = Generator(made, seed=5)
    parts = [generator.classes(told[..., :2]), generator.classes(told[..., 2:3]), generator.classes(told[..., 3:])]
    assert np.array_equal(np.concatenate(parts), whole)


def test_what_is_drawn_has_the_networks_probabilities():
    made, told = network(), torch.zeros(1, 8, 40)
    with torch.no_grad():
        for value in made.parameters():
            value.zero_()
        made.outer.bias[:4] = torch.tensor([2.0, 1.0, 0.0, 3.0])
        made.outer.bias[4:] = -50
    drawn = np.bincount(Generator(made, seed=2).classes(told), minlength=256) / (40 * 256)
    expected = np.exp([2.0, 1, 0, 3]) / np.exp([2.0, 1, 0, 3]).sum()
    assert drawn[:4] == pytest.approx(expected, abs=0.015)
    sharp = np.bincount(Generator(made, temperature=0.5, seed=2).classes(told), minlength=256) / (40 * 256)
    assert sharp[:4] == pytest.approx(np.exp([4.0, 2, 0, 6]) / np.exp([4.0, 2, 0, 6]).sum(), abs=0.015)
    assert set(Generator(made, temperature=0, seed=2).classes(told)) == {3}


def test_seeds_differ():
    made, told = network(), torch.randn(1, 8, 2)
    one, same, other = (Generator(made, seed=seed).classes(told) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_generation_follows_the_notes_that_it_is_told():
    """Logits that depend on the condition alone: each frame's class is the one its condition asks for."""
    made = network()
    with torch.no_grad():
        for value in made.parameters():
            value.zero_()
        made.stack.condition.bias[:] = 1.0
        made.stack.condition.weight[:12, 0, 0] = 100.0  # the first layer's waves
        made.stack.mix[0].weight[12, :, 0] = 1.0  # to the first skip channel
        made.inner.weight[0, 0, 0], made.outer.weight[200, 0, 0], made.outer.bias[100] = 1.0, 100.0, 50.0
    told = torch.zeros(1, 8, 3)
    told[0, 0] = torch.tensor([-1.0, 1.0, -1.0])
    found = Generator(made, temperature=0).classes(told).reshape(3, 256)
    assert [set(row) for row in found.tolist()] == [{100}, {200}, {100}]


def test_channels_must_suit_the_compiled_loop():
    with pytest.raises(RestyleError, match="multiples of four"):
        Generator(WaveNet(channels=6, skip=8, dilations=(1,), embedding=0))


# --- the method


def test_it_keeps_rate_channels_and_length(used, profile):
    content = Audio(tune(1.5, channels=2, rate=22050)[:, :-3], 22050)
    made = used.apply(content, profile, seed=1)
    assert made.rate == 22050 and made.samples.shape == content.samples.shape
    assert np.isfinite(made.samples).all() and rms(made.samples) > 0.001


def test_no_strength_gives_the_content_and_seeds_repeat(used, profile):
    content = Audio(tune(1.0), RATE)
    assert used.apply(content, profile, strength=0) is content
    one, same, other = (used.apply(content, profile, seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_half_the_strength_lies_between(parallel):
    content, known = Audio(tune(1.0), RATE), parallel.fit([Audio(tune(2), RATE)])
    full, half = (parallel.apply(content, known, strength=s).samples for s in (1.0, 0.5))
    assert np.allclose(half, (full + content.samples) / 2, atol=1e-6)


def test_silence_stays_silent(used, profile):
    made = used.apply(Audio(np.zeros((1, RATE)), RATE), profile)
    assert np.abs(made.samples).max() < 1e-4


def test_a_silent_style_is_refused(parallel):
    with pytest.raises(RestyleError, match="style is silent"):
        parallel.fit([Audio(np.zeros((1, RATE)), RATE)])


def test_midi_is_played_at_its_pitches(parallel):
    known = parallel.fit([Audio(tune(2), RATE)])
    made = parallel.apply(Notes.of([(0.25, 1.0, 69, 0.8, 0), (0.0, 2.0, 40, 0.8, 128)]), known)
    assert made.rate == RATE and made.duration == pytest.approx(2.0)  # a second more than its notes
    assert rms(made.samples[:, : RATE // 5]) < 1e-4 < 1e-3 < rms(made.samples[:, RATE // 2 : RATE])
    spectrum = np.abs(np.fft.rfft(made.samples[0, RATE // 2 : RATE] * np.hanning(RATE // 2)))
    strong = np.flatnonzero(spectrum > 0.2 * spectrum.max()) * 2
    assert np.abs(strong / 440 - np.round(strong / 440)).max() < 0.02


def test_the_level_of_midi_does_not_depend_on_the_weights_scale(parallel, folder, tmp_path):
    network = ParallelWaveNet(**TINY, width=16)
    arrays, _ = weights.load(folder / "parallel")
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    with torch.no_grad():
        network.gains.outer.bias += 1.0
    louder = WavenetMethod(weights=written(tmp_path / "louder", network))
    notes, style = Notes.of([(0.1, 0.8, 60, 0.8, 0)]), [Audio(tune(2), RATE)]
    one, other = (rms(m.apply(notes, m.fit(style)).samples) for m in (parallel, louder))
    assert other == pytest.approx(one, rel=0.1)


def test_the_notes_are_as_loud_as_the_contents(parallel):
    known = parallel.fit([Audio(tune(2), RATE)])
    loud, quiet = (rms(parallel.apply(Audio(g * tune(2), RATE), known).samples) for g in (1.0, 0.1))
    assert quiet == pytest.approx(0.1 * loud, rel=0.2)
    assert 0.2 < loud / rms(tune(2)) < 5


def test_blocks_cannot_be_heard(parallel, monkeypatch):
    """A result made of many blocks is that of one."""
    known = parallel.fit([Audio(tune(2), RATE)])
    content = Audio(tune(4.0, rate=22050), 22050)
    whole = parallel.apply(content, known).samples
    monkeypatch.setattr("restyle.methods.wavenet.method.BLOCK", 50)
    monkeypatch.setattr("restyle.methods.wavenet.method.SECONDS", 0.7)
    parts = parallel.apply(content, known).samples
    assert rms(parts - whole) < 1e-3 * rms(whole)


def test_one_channel_is_added_at_its_place():
    """A tone at 16 kHz, added to silence at 44.1 kHz in several blocks, is that tone."""
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(5 * RATE) / RATE)
    result = Audio(np.zeros((2, 5 * 44100 - 17)), 44100)
    _add(result, Audio(tone, RATE), 2.0, np.array([[1.0] * 252, [0.5] * 252]))
    expected = 0.6 * np.sin(2 * np.pi * 500 * np.arange(result.length) / 44100)
    inside = slice(500, -1000)
    assert np.abs(result.samples[0] - expected)[inside].max() < 1e-3
    assert np.abs(result.samples[1] - 0.5 * expected)[inside].max() < 1e-3


def test_places_follow_the_notes_that_sound():
    notes = Notes.of([(0.0, 1.0, 60, 0.8, 0), (3.0, 4.0, 64, 0.8, 0)])
    flat, left, right = np.zeros(1), np.array([np.sqrt(2), 0.0]), np.array([0.0, np.sqrt(2)])
    played = [Played(0.0, flat, 60.0, flat, left), Played(0.0, flat, 64.0, flat, right)]
    found = _balance(notes, played, 2, 5.0)
    assert found[:, 25] == pytest.approx(left, abs=1e-3)
    assert found[:, 100] == pytest.approx([1, 1])
    assert found[:, 175] == pytest.approx(right, abs=1e-3)


def test_a_profile_is_for_its_own_network(used, profile, tmp_path):
    weights.save(tmp_path / "own.style", profile, {})
    again, _ = weights.load(tmp_path / "own.style")
    content = Audio(tune(0.5), RATE)
    assert np.array_equal(used.apply(content, again).samples, used.apply(content, profile).samples)
    with pytest.raises(RestyleError, match="another WaveNet"):
        used.apply(content, profile | {"network": np.zeros(8, np.uint8)})


def test_wrong_weights_are_refused(folder, tmp_path):
    with pytest.raises(RestyleError, match="holds no autoregressive WaveNet"):
        WavenetMethod(decoder="autoregressive", weights=folder / "parallel")
    with pytest.raises(RestyleError, match="there is no such file"):
        WavenetMethod(weights=tmp_path / "missing")
    with pytest.raises(RestyleError, match="temperature"):
        WavenetMethod(weights=folder / "parallel", temperature=-1)


def test_without_bundled_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("restyle.methods.wavenet.method.files.bundled", lambda name: tmp_path / name)
    with pytest.raises(RestyleError, match="train one"):
        WavenetMethod()


@pytest.mark.slow
def test_memory_does_not_grow_with_length(parallel, monkeypatch):
    """Five times as long takes hardly more memory: what is made lies in files. (The transcription is not looked at.)"""
    known = parallel.fit([Audio(tune(2), RATE)])
    monkeypatch.setattr("restyle.dsp.blocks.IN_MEMORY", 0)
    peaks = []
    for seconds in (60, 300):
        notes = Notes.of([(t, t + 0.4, 57 + t % 3, 0.8, 0) for t in range(seconds)])
        found = Transcription(notes, notes_to_roll(notes, 1, 1.0), 0.0, Notes.of([]))
        monkeypatch.setattr("restyle.analysis.transcriber.infer.transcribe", lambda *_, own=found, **__: own)
        content = Audio(np.tile(tune(60), (1, seconds // 60)).astype(np.float32), RATE)
        tracemalloc.start()
        parallel.apply(content, known)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4 * 60 * RATE  # not even one more minute of sound, of four
