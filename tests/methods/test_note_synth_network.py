import pytest
import torch

from restyle.methods.notewise.model import Heard, NoteSynth, Played

K, M = 6, 5
CENTRES = torch.log2(torch.tensor([100.0, 400.0, 1600.0, 3200.0, 7000.0]))


def heard(rows=8, batch=1, seed=0):
    torch.manual_seed(seed)
    facts = torch.zeros(batch, rows, 9)
    facts[..., 0] = torch.linspace(48, 72, rows)
    facts[..., 2], facts[..., 4] = 0.2, 0.5
    facts[..., 3] = facts[..., 2] - facts[..., 4]
    amplitude = torch.randn(batch, rows, K) * 5 - 20 * torch.arange(K) / K
    levels = (amplitude, torch.ones(batch, rows, K), torch.randn(batch, rows, M) - 20, torch.randn(batch, rows, M) - 70)
    return Heard(facts, *levels, torch.ones(batch, M), torch.ones(batch, rows, dtype=torch.bool))


@pytest.fixture
def network():
    torch.manual_seed(1)
    return NoteSynth(partials=K, bands=M, width=16, heads=2, hidden=24).eval()


def wanted(*pitches, time=0.2, duration=0.5):
    return torch.tensor([[[p, time, time - duration, duration, 0.0] for p in pitches]])


def test_untaught_it_copies_the_nearest_note(network):
    """What is asked for was heard: the amplitudes lie between those of its neighbours and are nearest to its own."""
    told = heard(5)
    with torch.no_grad():
        network.near.fill_(8.0)
        network.share.weight.zero_()
        network.share.bias.copy_(torch.tensor([9.0] * 3 + [0.0] * 3))  # by number
        made = network(told, wanted(54, 60, 66), CENTRES)
    for i, row in enumerate((1, 2, 3)):
        assert torch.allclose(made.amplitude[0, i], told.amplitude[0, row], atol=0.3)
        assert torch.allclose(made.noise[0, i], told.noise[0, row], atol=0.3)


def test_rows_that_are_not_there_and_their_order_do_not_count(network):
    told = heard(6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    mixed = Heard(*(x[:, order] for x in told[:5]), told.known, told.there)
    more = heard(9, seed=5)
    padded = Heard(
        *(torch.cat([a, b[:, :3]], dim=1) for a, b in zip(told[:5], more[:5], strict=True)), told.known, None
    )
    padded = padded._replace(there=torch.tensor([[True] * 6 + [False] * 3]))
    with torch.no_grad():
        first = network(told, wanted(50, 61), CENTRES)
        for other in (mixed, padded):
            for a, b in zip(first, network(other, wanted(50, 61), CENTRES), strict=True):
                assert torch.allclose(a, b, atol=1e-4)


def test_clips_of_a_batch_do_not_meet(network):
    one, two = heard(6, seed=1), heard(6, seed=2)
    both = Heard(*(torch.cat(pair) for pair in zip(one, two, strict=True)))
    with torch.no_grad():
        made = network(both, wanted(50, 61).expand(2, -1, -1), CENTRES)
        alone = network(two, wanted(50, 61), CENTRES)
    assert torch.allclose(made.amplitude[1], alone.amplitude[0], atol=1e-4)


def test_an_envelope_is_read_at_the_partials(network):
    envelope = torch.tensor([0.0, -10.0, -20.0, -30.0, -40.0])
    read = network.at(envelope[None, None], torch.tensor([[[69.0 - 24]]]), CENTRES)[0, 0]  # 110 Hz and multiples
    for k in range(K):
        place = torch.log2(torch.tensor(110.0 * (k + 1)))
        high = int(torch.searchsorted(CENTRES, place).clamp(1, M - 1))
        part = (place - CENTRES[high - 1]) / (CENTRES[high] - CENTRES[high - 1])
        assert float(read[k]) == pytest.approx(float(envelope[high - 1] * (1 - part) + envelope[high] * part), abs=1e-4)


def test_partials_above_those_told_one_by_one_follow_the_envelope(network):
    played = Played(torch.zeros(1, 1, K), torch.full((1, 1, M), -33.0), torch.zeros(1, 1, M))
    made = network.partials_of(played, torch.tensor([[[60.0]]]), CENTRES, K + 4)
    assert made[0, 0].tolist() == pytest.approx([0.0] * K + [-33.0] * 4)


def test_a_bias_moves_what_it_is_of(network):
    bias = torch.zeros(network.biases)
    bias[network.width + 2] = 0.5  # the third partial, in units of 20 dB
    with torch.no_grad():
        plain, moved = (network(heard(), wanted(60), CENTRES, b) for b in (None, bias))
    change = moved.amplitude - plain.amplitude
    assert change[0, 0].tolist() == pytest.approx([0, 0, 10, 0, 0, 0], abs=1e-4)
    assert torch.equal(moved.noise, plain.noise)


def test_a_note_is_heard_from_its_onset_until_its_release_is_over(network):
    frames, rate = 150, 16000
    time = torch.arange(frames) * 128 / rate
    asked = torch.stack([torch.full((frames,), 60.0), time - 0.3, time - 0.6, torch.full((frames,), 0.3), 0 * time], 1)
    told = heard()._replace(noise=torch.full((1, 8, M), -90.0))
    with torch.no_grad():
        made = network.sound(told, asked[None], torch.arange(1.0, 9.0)[None], 0.0, 2**CENTRES, rate=rate)
    level = made.abs()
    assert float(level[: round(0.27 * rate)].max()) < 1e-4 < 0.01 < float(level[round(0.4 * rate) :].max())
    assert float(level[round(0.95 * rate) :].max()) < 1e-4


def test_settings_build_the_same_network_and_every_part_learns(network):
    again = NoteSynth(**network.settings())
    again.load_state_dict(network.state_dict())
    torch.nn.init.normal_(again.correction.weight)
    torch.nn.init.normal_(again.chooser.weight)
    made = again(heard(), wanted(55, 64), CENTRES)
    sum(x.square().mean() for x in made).backward()
    still = [name for name, p in again.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert still == ["hiss"]  # only the sound knows it
