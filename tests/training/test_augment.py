import numpy as np
import pytest
import torch

from restyle.training.augment import mixup, respond, spec_augment


def rng(seed=0):
    return np.random.default_rng(seed)


def spectrograms(batch=6, bins=64, frames=80):
    return torch.rand(batch, bins, frames, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("change", [respond, spec_augment])
def test_the_generator_draws_everything(change):
    x = spectrograms()
    assert torch.equal(change(x, rng(1)), change(x, rng(1)))
    assert not torch.equal(change(x, rng(1)), change(x, rng(2)))
    assert torch.equal(x, spectrograms())  # the input stays as it is


def test_a_response_is_one_smooth_factor_a_band():
    x = spectrograms(bins=257) + 0.1
    factor = torch.expm1(respond(x, rng(), gain=3.0, curve=6.0)) / torch.expm1(x)
    assert torch.allclose(factor, factor.mean(2, keepdim=True), rtol=1e-2)
    level = 20 * torch.log10(factor.mean(2))
    assert level.std() > 1 and level.diff(dim=1).abs().max() < 3
    assert level.mean(1).std() > 0.5  # each spectrogram has its own


def test_without_spread_a_response_changes_nothing():
    x = spectrograms()
    assert torch.allclose(respond(x, rng(), gain=0.0, curve=0.0), x, atol=1e-5)


def test_silence_stays_silent():
    assert not respond(torch.zeros(2, 16, 16), rng()).any()


def test_masks_cover_whole_bands_and_moments_with_the_mean():
    x = spectrograms(40)
    made = spec_augment(x, rng(), masks=1, bins=0.25, time=0.25)
    changed = made != x
    assert torch.allclose(made[changed], x.mean((1, 2), keepdim=True).expand_as(x)[changed])
    bands, moments = changed.all(2), changed.all(1)
    assert torch.equal(changed, bands[:, :, None] | moments[:, None, :])
    assert 0 < bands.sum(1).max() <= 16 and 0 < moments.sum(1).max() <= 20
    assert (bands.int().diff(dim=1) == 1).sum(1).max() <= 1  # one stretch


def test_mixup_mixes_spectrogram_and_target_alike():
    x, target = torch.eye(5)[:, :, None].repeat(1, 1, 7), torch.eye(5)
    mixed, wanted = mixup(x, target, rng(), 0.5)
    assert torch.allclose(mixed[:, :, 0], wanted, atol=1e-6)
    assert torch.allclose(wanted.sum(1), torch.ones(5))
    assert bool((wanted.diagonal() >= 0.5 - 1e-6).all()) and bool((wanted.diagonal() < 1).any())
