import pytest
import torch

from restyle.analysis.genre.capsules import Capsules, route, squash
from restyle.analysis.genre.model import Modern, MultiChannel, SingleChannel

SMALL = {
    MultiChannel: {"classes": 3, "bins": 33, "frames": 41, "filters": 16, "kernel": 5},
    SingleChannel: {"classes": 3, "bins": 33, "frames": 41, "filters": 4, "kernel": 5},
    Capsules: {
        "classes": 3,
        "bins": 97,
        "frames": 105,
        "filters": [4, 6],
        "types": 3,
        "size": 4,
        "out": 5,
        "rounds": 3,
    },
    Modern: {"classes": 3, "bins": 33, "widths": [6, 8, 12], "stride": 2, "dropout": 0.1},
}
ALL = list(SMALL.items())


def spectrograms(settings, batch=4, frames=None):
    return torch.rand(batch, settings["bins"], frames or settings.get("frames", 41))


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_logits_for_every_class(made, settings):
    x = spectrograms(settings)
    y = made(**settings)(x)
    assert y.shape == (4, 3) and bool(y.isfinite().all())


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_settings_build_the_same_network(made, settings):
    network = made(**settings).eval()
    assert network.settings() == settings
    again = made(**network.settings()).eval()
    again.load_state_dict(network.state_dict())
    x = spectrograms(settings)
    assert torch.equal(network(x), again(x))


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_every_part_learns(made, settings):
    torch.manual_seed(0)
    network = made(**settings)
    torch.nn.functional.cross_entropy(network(spectrograms(settings)), torch.tensor([0, 1, 2, 0])).backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert still == []


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_a_separable_problem_is_learnt_in_a_few_steps(made, settings):
    """Three classes of noise, each with a loud band of its own: a new batch is told apart."""
    torch.manual_seed(1)
    network, generator = made(**settings), torch.Generator().manual_seed(0)

    def batch():
        labels = torch.randint(3, (24,), generator=generator)
        x = torch.rand(24, settings["bins"], settings.get("frames", 41), generator=generator)
        for row, label in enumerate(labels):
            x[row, 8 * label : 8 * label + 6] += 1.5
        return x, labels

    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(50):
        x, labels = batch()
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), labels).backward()
        optimiser.step()
    x, labels = batch()
    with torch.no_grad():
        assert (network.eval()(x).argmax(1) == labels).float().mean() > 0.95


@pytest.mark.parametrize(("made", "settings"), ALL)
def test_features_lead_back_to_the_input(made, settings):
    network = made(**settings).eval()
    x = spectrograms(settings, 2).requires_grad_()
    features = network.features(x)
    assert [f.shape[0] for f in features] == [2] * len(network.layers)
    for feature in features:
        [gradient] = torch.autograd.grad(feature.square().sum(), x, retain_graph=True)
        assert bool(gradient.abs().sum() > 0)
    deepest, first = network.features(x, [network.layers[-1], network.layers[0]])
    assert torch.equal(deepest, features[-1]) and torch.equal(first, features[0])


def test_unknown_layers_and_shapes_are_refused():
    network = Modern(**SMALL[Modern])
    with pytest.raises(ValueError, match="no layer block9; there are entry, block1, block2"):
        network.features(torch.rand(1, 33, 41), ["block9"])
    with pytest.raises(ValueError, match=r"\[B, 33, L\]"):
        network(torch.rand(1, 41, 33))
    with pytest.raises(ValueError, match="cut the frames"):
        MultiChannel(**SMALL[MultiChannel])(torch.rand(1, 33, 60))
    with pytest.raises(ValueError, match="too few"):
        SingleChannel(bins=20, frames=41)
    with pytest.raises(ValueError, match="too small"):
        Capsules(bins=33, frames=105)


def test_the_originals_have_the_outlined_size():
    """Two convolutions of 32 filters with kernel 9, pooling 2, one dense layer of 10: 257 -> 249/2 -> 116/2 = 58."""
    multi = 257 * 32 * 9 + 32 + 32 * 32 * 9 + 32 + 32 * 58 * 10 + 10
    single = 81 * 32 + 32 + 32 * 32 * 81 + 32 + 32 * 58 * 58 * 10 + 10
    for network, wanted in ((MultiChannel(), multi), (SingleChannel(), single)):
        assert sum(p.numel() for p in network.parameters()) == wanted
    assert sum(p.numel() for p in Modern().parameters()) < 1_200_000


def test_the_multi_channel_network_does_not_know_the_order_of_frequencies_the_single_channel_one_does():
    """Shuffled bins with equally shuffled filters: the same logits; a picture has no such freedom."""
    settings = SMALL[MultiChannel]
    order, x = torch.randperm(33), spectrograms(settings)
    network = MultiChannel(**settings).eval()
    before = network(x)
    weight = network.stages["first"][0].weight.data
    weight.copy_(weight[:, order].clone())
    assert torch.allclose(network(x[:, order]), before, atol=1e-5)
    picture = SingleChannel(**SMALL[SingleChannel]).eval()
    assert not torch.allclose(picture(x[:, order]), picture(x), atol=1e-4)


def test_the_modern_network_takes_any_length_and_any_scale_that_it_was_told():
    network = Modern(**SMALL[Modern]).eval()
    assert network(torch.rand(2, 33, 300)).shape == network(torch.rand(2, 33, 5)).shape == (2, 3)
    x = torch.rand(2, 33, 41)
    before, mean, deviation = network(x), torch.rand(33), torch.rand(33) + 0.5
    network.standardise(mean, deviation)
    assert torch.allclose(network(x * deviation[:, None] + mean[:, None]), before, atol=1e-4)
    assert torch.equal(Modern(**SMALL[Modern]).mean, torch.zeros(33, 1)) and "mean" in network.state_dict()


def test_squash_keeps_directions_and_shortens():
    x = torch.tensor([[0.0, 0.0], [0.3, 0.4], [30.0, 40.0]], requires_grad=True)
    made = squash(x)
    lengths = made.norm(dim=-1)
    assert torch.allclose(lengths, torch.tensor([0, 0.25 / 1.25, 2500 / 2501]), atol=1e-4)
    assert torch.allclose(made[1] / lengths[1], torch.tensor([0.6, 0.8]), atol=1e-3)
    made.sum().backward()
    assert bool(x.grad.isfinite().all())


def test_couplings_of_each_capsule_add_up_to_one():
    capsules, couplings = route(torch.randn(2, 20, 4, 6), 3)
    assert torch.allclose(couplings.sum(-1), torch.ones(2, 20))
    assert capsules.shape == (2, 4, 6) and bool((capsules.norm(dim=-1) < 1).all())


def test_one_round_couples_evenly_and_more_follow_agreement():
    """All capsules vote alike for class 0 and against one another for class 1."""
    votes = torch.zeros(1, 10, 2, 3)
    votes[0, :, 0] = torch.tensor([1.0, 2.0, 0.0])
    votes[0, ::2, 1], votes[0, 1::2, 1] = torch.tensor([2.0, 1.0, 0.0]), torch.tensor([-2.0, -1.0, 0.0])
    assert torch.equal(route(votes, 1)[1], torch.full((1, 10, 2), 0.5))
    three = route(votes, 3)[1]
    assert bool((three[..., 0] > 0.9).all())
    lengths = [route(votes, rounds)[0].norm(dim=-1)[0] for rounds in (1, 3)]
    assert lengths[1][0] >= lengths[0][0] and lengths[1][1] < 1e-3


def test_lengths_are_the_sigmoids_of_the_logits():
    network = Capsules(**SMALL[Capsules])
    x = spectrograms(SMALL[Capsules])
    lengths = network.lengths(x)
    assert bool((lengths > 0).all()) and bool((lengths < 1).all())
    assert torch.allclose(network(x).sigmoid(), lengths, atol=1e-5)
