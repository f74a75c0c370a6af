import pytest
import torch

from restyle.analysis.transcriber.model import (
    DRUM_CLASSES,
    LOWEST,
    PITCHES,
    HarmonicStack,
    Residual,
    Surroundings,
    Transcriber,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Transcriber(channels=4, informed=()).eval()


@pytest.mark.parametrize("frames", [1, 2, 7, 50, 101])
@pytest.mark.parametrize("batch", [1, 3])
def test_answers_for_every_frame_and_pitch(network, batch, frames):
    made = network(torch.rand(batch, frames, 294))
    assert [tuple(y.shape) for y in made] == [(batch, frames, PITCHES)] * 5 + [(batch, frames, 0)]
    assert all(bool(y.isfinite().all()) for y in made)


@pytest.mark.parametrize("frames", [1, 2, 101])
def test_drums_are_found_in_three_classes(frames):
    torch.manual_seed(0)
    network = Transcriber(channels=4, informed=(), drums=True).eval()
    made = network(torch.rand(2, frames, 294))
    assert tuple(made.drums.shape) == (2, frames, DRUM_CLASSES) and bool(made.drums.isfinite().all())
    assert Transcriber(**network.settings()).drums is not None


def test_an_odd_count_is_as_if_silence_followed(network):
    x = torch.rand(1, 21, 294)
    with_silence = torch.cat([x, torch.zeros(1, 1, 294)], dim=1)
    for odd, even in zip(network(x), network(with_silence), strict=True):
        assert torch.allclose(odd, even[:, :21], atol=1e-6)


def test_the_stack_lines_up_the_harmonics_of_a_pitch():
    bins_per_octave, harmonics = 36, (0.5, 1, 2, 3, 4)
    f0_bin = 60
    x = torch.zeros(1, 3, 294)
    for channel, shift in enumerate((-36, 0, 36, 57, 72)):  # log2(3) * 36 is 57.06
        x[0, 1, f0_bin + shift] = channel + 1.0
    stacked = HarmonicStack(bins_per_octave, harmonics)(x, 200)
    assert stacked.shape == (1, 5, 3, 200)
    assert stacked[0, :, 1, f0_bin].tolist() == [1, 2, 3, 4, 5]
    assert not stacked[:, :, [0, 2]].any()


def test_the_stack_has_zeros_beyond_the_spectrogram():
    stacked = HarmonicStack(12, (0.5, 1, 4))(torch.ones(1, 1, 40), 40)[0, :, 0]
    assert stacked[0].tolist() == [0.0] * 12 + [1.0] * 28
    assert stacked[1].tolist() == [1.0] * 40
    assert stacked[2].tolist() == [1.0] * 16 + [0.0] * 24


def test_a_residual_block_adds_to_its_input():
    block = Residual(3, time=2, pitch=5).eval()
    x = torch.randn(2, 3, 20, 88)
    assert block(x).shape == x.shape
    assert bool((block(x) >= x).all())
    block.convolution.weight.data.zero_()
    assert torch.equal(block(x), x)


def test_a_window_is_centred_on_its_pitch():
    """With an entry that only sees its middle bin, pitch p answers to bin 3 p alone (the first is A0, MIDI 21)."""
    network = Transcriber(channels=1, harmonics=(1,), dilations=(), informed=()).eval()
    with torch.no_grad():
        network.entry.weight.zero_()
        network.entry.weight[0, 0, :, 3] = 1.0
        network.heads.weight.fill_(1.0)
        network.heads.bias.zero_()
    for pitch in (21, 60, 108):
        x = torch.zeros(1, 12, 294)
        x[..., 3 * (pitch - LOWEST)] = 1.0
        onset = network(x).onset
        assert torch.nonzero(onset[0, 5]).flatten().tolist() == [pitch - LOWEST]


def test_an_event_is_answered_where_it_is(network):
    """Without surroundings, what happens at the end changes nothing more than 1.2 s before it."""
    x = torch.rand(1, 250, 294)
    changed = x.clone()
    changed[:, 200:] = 0
    before, after = network(x)[0], network(changed)[0]
    differs = (before - after).abs().amax(dim=(0, 2)) > 1e-6
    assert not differs[: 200 - 78].any() and differs[200:].all()


def test_surroundings_tell_of_the_seconds_around_and_no_more():
    torch.manual_seed(0)
    block = Surroundings(3, 11)
    x = torch.rand(1, 3, 60, 88)
    assert torch.equal(block(x), x)  # until it has learnt
    torch.nn.init.normal_(block.outer.weight)
    changed = x.clone()
    changed[:, :, 40, 7] += 1
    differs = (block(x) - x - block(changed) + changed).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert torch.nonzero(differs).flatten().tolist() == list(range(35, 46))
    bias = block(x) - x
    assert torch.allclose(bias, bias[..., :1].expand_as(bias), atol=1e-6)  # alike for all pitches


def test_settings_build_the_same_network():
    network = Transcriber(channels=4, harmonics=(1, 2, 3), dilations=((1, 1), (2, 3)), informed=(1,), around=20)
    again = Transcriber(**network.settings())
    again.load_state_dict(network.state_dict())
    x = torch.rand(1, 10, 294)
    assert torch.equal(network.eval()(x)[0], again.eval()(x)[0])
    assert again.settings() == network.settings()


def test_every_part_learns():
    network = Transcriber(channels=4)
    for block in network.surroundings.values():
        torch.nn.init.normal_(block.outer.weight)  # they begin by telling nothing
    sum(y.square().mean() for y in network(torch.rand(2, 10, 294))).backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters())
