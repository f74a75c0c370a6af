"""Losses of codes and of the game, against plain forms."""

import math

import pytest
import torch
from torch import nn

from restyle.training.adversarial import (
    check_loss,
    discriminator_loss,
    feature_loss,
    frozen,
    generator_loss,
    scaled_gradient,
)
from restyle.training.latent import annealed, free_bits, kl_divergence


def test_the_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(4, 5), torch.randn(4, 5)
    normal = torch.distributions.Normal
    wanted = torch.distributions.kl_divergence(normal(mean, (0.5 * log_variance).exp()), normal(0.0, 1.0))
    assert torch.allclose(kl_divergence(mean, log_variance), wanted, atol=1e-5)


def test_the_divergence_is_what_samples_say():
    mean, log_variance = torch.tensor(0.7), torch.tensor(-1.2)
    deviation = (0.5 * log_variance).exp()
    x = mean + deviation * torch.randn(400000, generator=torch.Generator().manual_seed(0))
    own, prior = torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0.0, 1.0)
    assert (own.log_prob(x) - prior.log_prob(x)).mean().item() == pytest.approx(
        kl_divergence(mean, log_variance).item(), abs=0.01
    )


def test_free_bits_take_the_mean_of_each_channel_first():
    kl = torch.tensor([[[0.0, 0.2], [3.0, 1.0]], [[0.4, 0.2], [1.0, 1.0]]])  # [B, D, L]
    assert free_bits(kl, 0.0).item() == pytest.approx(0.2 + 1.5)
    assert free_bits(kl, 0.5).item() == pytest.approx(0.5 + 1.5)


def test_a_channel_that_is_free_is_not_pushed():
    kl = torch.tensor([[0.1, 2.0]], requires_grad=True)
    free_bits(kl, 0.5).backward()
    assert kl.grad.tolist() == [[0.0, 1.0]]


def test_annealing_rises_in_a_line():
    assert [annealed(step, 10) for step in (0, 5, 10, 20)] == [0, 0.5, 1, 1]


def test_the_games_losses_are_those_of_the_papers():
    real, made = torch.tensor([2.0, -0.5]), torch.tensor([0.3, -3.0])
    sigmoid = [1 / (1 + math.exp(-x)) for x in (2.0, -0.5, 0.3, -3.0)]
    bce = -(math.log(sigmoid[0]) + math.log(sigmoid[1])) / 2 - (math.log(1 - sigmoid[2]) + math.log(1 - sigmoid[3])) / 2
    assert discriminator_loss(real, made, "bce").item() == pytest.approx(bce, rel=1e-5)
    assert generator_loss(made, "bce").item() == pytest.approx(
        -(math.log(sigmoid[2]) + math.log(sigmoid[3])) / 2, rel=1e-5
    )
    assert discriminator_loss(real, made, "least_squares").item() == pytest.approx((1 + 2.25) / 2 + (0.09 + 9) / 2)
    assert generator_loss(made, "least_squares").item() == pytest.approx((0.49 + 16) / 2)
    assert discriminator_loss(real, made, "hinge").item() == pytest.approx((0 + 1.5) / 2 + (1.3 + 0) / 2)
    assert generator_loss(made, "hinge").item() == pytest.approx(2.7 / 2)


def test_another_game_is_refused():
    with pytest.raises(ValueError, match="bce, least_squares, hinge"):
        check_loss("wasserstein")


def test_features_count_relative_to_their_size():
    wanted = [torch.ones(2, 3), 100 * torch.ones(4)]
    assert feature_loss([1.1 * part for part in wanted], wanted).item() == pytest.approx(0.1, rel=1e-4)
    assert feature_loss(wanted, wanted).item() == 0


def test_frozen_weights_let_gradients_through_and_take_none():
    layer, still, x = nn.Linear(2, 1), nn.Linear(1, 1), torch.ones(1, 2, requires_grad=True)
    still.bias.requires_grad_(False)
    with frozen(layer, still):
        still(layer(x)).sum().backward()
    assert x.grad is not None and layer.weight.grad is None and still.weight.grad is None
    assert layer.weight.requires_grad and still.weight.requires_grad and not still.bias.requires_grad


def test_a_scaled_gradient_leaves_the_value():
    x = torch.tensor([2.0], requires_grad=True)
    y = scaled_gradient(x, 0.25)
    (3 * y).backward()
    assert y.item() == 2 and x.grad.item() == pytest.approx(0.75)
