"""The separator: shares that add up, blocks that change nothing, any rate; what its training compares."""

import numpy as np
import pytest
import torch

from restyle.analysis.separator import demucs, infer
from restyle.analysis.separator.infer import STEMS, check_model, separate_stems, transform
from restyle.analysis.separator.model import Separator, band_groups
from restyle.analysis.separator.train import Powers, SeparatorTraining, errors_to_loss, sdr, vary
from restyle.audio import Audio
from restyle.data import stems as data
from restyle.errors import RestyleError

RATE = 44100


def small():
    torch.manual_seed(0)
    return Separator(channels=4, blocks=2, hidden=8, dilations=[1, 2]).eval()


def song(seconds, rate=RATE, channels=2, seed=0):
    """A kick, a bass and a chord, [C, T]."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * rate)) / rate
    kick = np.sin(2 * np.pi * 50 * t) * np.exp(-20 * (t % 0.5))
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330)) / 3
    one = 0.3 * kick + 0.2 * np.sin(2 * np.pi * 110 * t) + 0.1 * chord
    return Audio((one + rng.normal(0, 0.01, (channels, len(t)))).astype(np.float32), rate)


def test_the_stems_are_the_same_for_data_and_network():
    assert data.STEMS == STEMS


def test_bands_cover_every_bin_once():
    for n_fft, rate in ((4096, 44100), (2048, 44100), (4096, 22050)):
        assert sum(count * width for count, width in band_groups(n_fft, rate)) == n_fft // 2 + 1


def test_what_is_far_away_changes_nothing():
    network, x = small(), torch.rand(1, 2, 2049, 60)
    other = x.clone()
    other[..., network.context + 21 :] = torch.rand(1, 2, 2049, 60 - network.context - 21)
    with torch.no_grad():
        one, two = network(x), network(other)
    assert torch.allclose(one[..., :20], two[..., :20], atol=1e-6)
    assert not torch.allclose(one[..., 21:], two[..., 21:], atol=1e-4)


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 1), (22050, 2), (96000, 2)])
def test_stems_add_up_at_every_rate(rate, channels):
    audio = song(2.0, rate, channels)
    stems = separate_stems(audio)
    assert list(stems) == ["vocals", "drums", "bass", "other"]
    total = sum(stem.samples.astype(np.float64) for stem in stems.values())
    assert total.shape == audio.samples.shape
    assert np.abs(total - audio.samples).max() < 1e-4


def test_blocks_give_what_the_whole_gives(monkeypatch):
    audio, many = song(9.0), []
    whole = separate_stems(audio)
    monkeypatch.setattr(infer, "BLOCK", 2.0)
    blocks = separate_stems(audio, progress=many.append)
    assert len(many) > 3 and many[-1] == 1.0
    for name, stem in whole.items():
        assert np.abs(stem.samples - blocks[name].samples).max() < 1e-4


def test_level_does_not_matter_and_silence_stays_silence():
    audio = song(2.0)
    loud, soft = (separate_stems(Audio(gain * audio.samples, RATE)) for gain in (1.0, 0.01))
    for name, stem in loud.items():
        assert np.allclose(stem.samples, 100 * soft[name].samples, atol=1e-3)
    assert not any(stem.samples.any() for stem in separate_stems(Audio(np.zeros((1, RATE)), RATE)).values())


def test_a_kick_is_drums_and_a_low_tone_is_bass():
    t = np.arange(6 * RATE) / RATE
    rng = np.random.default_rng(0)
    kick = np.sin(2 * np.pi * (50 * (t % 0.5) + 6 * (1 - np.exp(-40 * (t % 0.5))))) * np.exp(-12 * (t % 0.5))
    hat = np.diff(rng.standard_normal(len(t)), prepend=0) * np.exp(-80 * (t % 0.125))
    low = sum(np.sin(2 * np.pi * 55 * k * t) / k**1.5 for k in range(1, 8)) * np.exp(-2 * (t % 1.0))
    drums, bass = 0.4 * kick + 0.05 * hat, 0.15 * low
    stems = separate_stems(Audio(np.tile((drums + bass).astype(np.float32), (2, 1)), RATE))
    for name, own, other in (("drums", drums, bass), ("bass", bass, drums)):
        error = own - stems[name].samples[0]
        assert np.square(error).sum() < 0.6 * np.square(other).sum()  # beside the mix itself


def test_bins_lie_at_the_same_frequencies_at_every_rate():
    network = small()
    for rate in (22050, 44100, 48000, 96000):
        stft = transform(rate, network)
        assert rate / stft.n_fft == pytest.approx(44100 / 4096, rel=1e-3)


def test_loss_and_ratio_of_known_shares():
    stems = torch.rand(3, 4, 2, 2049, 6, dtype=torch.complex64)
    mix = stems.sum(1)
    common = (stems * mix[:, None].conj()).real
    powers = Powers(mix.abs().square(), common, stems.abs().square())
    equal = torch.full((3, 4, 2, 2049, 6), 0.25)
    error = (stems - mix[:, None] / 4).abs().square().sum((2, 3, 4))
    wanted = 10 * torch.log10(stems.abs().square().sum((2, 3, 4)) / error)
    assert torch.allclose(sdr(powers, equal), wanted, atol=1e-3)
    alone = torch.zeros(1, 4, 2, 2049, 6, dtype=torch.complex64)
    alone[:, 1] = torch.rand(1, 2, 2049, 6, dtype=torch.complex64)
    mix = alone.sum(1)
    powers = Powers(mix.abs().square(), (alone * mix[:, None].conj()).real, alone.abs().square())
    right = torch.zeros(1, 4, 2, 2049, 6)
    right[:, 1] = 1
    assert errors_to_loss(powers, right) < 0.03 < errors_to_loss(powers, right.flip(1))
    ratios = sdr(powers, right)[0]
    assert ratios[1] > 60 and ratios[[0, 2, 3]].isnan().all()  # those that are not there are not scored


def test_varying_exchanges_whole_stems_only():
    stems = torch.arange(1.0, 33).reshape(8, 4, 1, 1).expand(8, 4, 2, 16).clone()
    made = vary(stems, np.random.default_rng(0))
    sources = set()
    for row in range(8):
        for stem in range(4):
            values = made[row, stem].unique()
            assert len(values) == 1
            if values[0] > 0:
                sources.add(stem)
    assert sources == {0, 1, 2, 3} and (made == 0).any()


def test_a_step_of_training_lessens_the_loss():
    torch.manual_seed(0)
    module = SeparatorTraining(Separator(channels=4, blocks=2, hidden=8, dilations=[1]))
    optimiser = torch.optim.Adam(module.model.parameters(), 1e-2)
    rng = np.random.default_rng(0)
    t = np.arange(16 * 1024) / RATE
    stems = np.zeros((2, 4, 2, 16 * 1024), np.float32)
    stems[:, 1] = 0.1 * rng.standard_normal((2, 2, len(t))) * np.exp(-30 * (t % 0.1))
    stems[:, 3] = 0.2 * np.sin(2 * np.pi * 880 * t)
    frames = torch.from_numpy(stems).reshape(2, 4, 2, 16, 1024).transpose(3, 4).reshape(2, -1, 16)
    losses = []
    for _ in range(8):
        powers, magnitude = module._mixed(frames, None)
        loss = errors_to_loss(powers, module.model(magnitude))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]


def test_demucs_says_what_it_lacks(monkeypatch):
    with pytest.raises(RestyleError, match=r"separating by Demucs needs demucs; install it with .*\[demucs\]"):
        demucs.separate_stems(song(1.0))
    with pytest.raises(RestyleError, match="there is no separator 'spleeter'; choose restyle or demucs"):
        check_model("spleeter")


def test_demucs_fills_the_stems_and_other_takes_what_is_left(monkeypatch):
    class Model:
        samplerate, sources = RATE, ["drums", "bass", "other", "vocals"]

    def halves(model, piece, rate):
        return dict.fromkeys(model.sources, 0.2 * piece)

    monkeypatch.setattr(demucs, "_model", lambda name: Model())
    monkeypatch.setattr(demucs, "_applied", halves)
    audio = song(2.0, channels=1)
    stems = demucs.separate_stems(audio)
    assert np.allclose(stems["drums"].samples, 0.2 * audio.samples)
    assert np.allclose(stems["other"].samples, 0.4 * audio.samples, atol=1e-6)
