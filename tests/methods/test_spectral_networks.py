"""The networks on spectrograms: blocks over time, VAE-GAN, DRAW, CycleGAN, discriminator."""

import math

import pytest
import torch

from restyle.dsp.levels import levels, magnitudes
from restyle.methods.convnext import ConvNext, Tower
from restyle.methods.cyclegan.model import CycleGan, ResnetGenerator, WideGenerator
from restyle.methods.draw.model import TOP, Attention, Draw, filterbank
from restyle.methods.vae_gan.model import Normal, VaeGan, moments
from restyle.training.discriminator import Discriminator


def noise(*size, seed=0):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def test_levels_are_nepers_above_sixty_decibels_below_the_mean():
    assert levels(torch.tensor(0.0)) == 0
    assert levels(torch.tensor(0.001)).item() == pytest.approx(math.log(2))
    loud = torch.tensor([10.0, 20.0])
    assert (levels(loud)[1] - levels(loud)[0]).item() == pytest.approx(math.log(2), abs=1e-3)


def test_magnitudes_undo_levels():
    x = noise(3, 5, 7).abs()
    assert torch.allclose(magnitudes(levels(x)), x, rtol=1e-4, atol=1e-6)
    assert (magnitudes(torch.tensor([-1.0, 99.0])) >= 0).all() and magnitudes(torch.tensor(99.0)).isfinite()


def test_a_block_sees_three_dilated_frames_to_either_side():
    block, x = ConvNext(4, dilation=2), noise(1, 4, 40)
    changed = x.clone()
    changed[..., 20] += 1
    moved = (block(x) - block(changed)).abs().sum((0, 1)) > 1e-7
    assert moved.nonzero()[:, 0].tolist() == [14, 16, 18, 20, 22, 24, 26]


def test_a_condition_changes_every_frame():
    block, x = ConvNext(4, condition=3), noise(1, 4, 10)
    assert ((block(x, torch.ones(1, 3)) - block(x, torch.zeros(1, 3))).abs().sum((0, 1)) > 1e-6).all()


def test_a_tower_does_to_a_long_sound_what_it_does_to_its_pieces():
    tower, x = Tower(5, 8, 3, dilations=(1, 2, 4)), noise(1, 5, 200)
    around = 1 + 3 * (1 + 2 + 4)
    assert torch.allclose(
        tower(x)[..., 80:100], tower(x[..., 80 - around : 100 + around])[..., around:-around], atol=1e-5
    )


# VAE-GAN


def vae_gan(**changes):
    torch.manual_seed(0)
    settings = {"bins": 17, "pitches": 6, "width": 8, "encoder": 8, "content": 3, "style": 4, "dilations": (1, 2)}
    return VaeGan(**settings | changes).eval()


@pytest.mark.parametrize("frames", [1, 3, 4, 21])
def test_a_vae_gan_takes_any_length(frames):
    model, x, pitch = vae_gan(), noise(2, 17, frames).abs(), noise(2, 6, frames).sigmoid()
    z, style = model.content(x), model.style(x, pitch)
    assert z.mean.shape == (2, 3, -(-frames // 4)) and style.mean.shape == (2, 4)
    made = model.decode(z.mean, style.mean, pitch)
    assert made.shape == (2, 17, frames) and (made >= 0).all()


def test_a_style_is_the_same_however_long_it_is_heard():
    model, x, pitch = vae_gan(), noise(1, 17, 400).abs(), noise(1, 6, 400).sigmoid()
    once, twice = model.style(x, pitch).mean, model.style(x.repeat(1, 1, 2), pitch.repeat(1, 1, 2)).mean
    assert torch.allclose(once, twice, atol=1e-2)


def test_moments_are_means_and_deviations():
    x = noise(2, 3, 1000) * 2 + 5
    assert torch.allclose(moments(x), torch.cat([x.mean(-1), x.std(-1, unbiased=False)], 1), atol=1e-4)


def test_sampling_adds_noise_by_its_deviation():
    code = Normal(torch.tensor([1.0, 2.0]), torch.tensor([0.0, math.log(9)]))
    assert code.sample(torch.ones(2)).tolist() == pytest.approx([2, 5])


def test_without_notes_a_vae_gan_is_told_nothing_else():
    model, x, nothing = vae_gan(pitches=0), noise(1, 17, 12).abs(), torch.zeros(1, 0, 12)
    assert model.decode(model.content(x).mean, model.style(x, nothing).mean, nothing).shape == (1, 17, 12)


# DRAW


def test_the_filterbank_is_the_papers_loop():
    centre, stride, variance = torch.tensor([3.0, 10.5]), torch.tensor([1.5, 4.0]), torch.tensor([0.7, 6.0])
    count, size = 5, 19
    found = filterbank(centre, stride, variance, count=count, size=size)
    for b in range(2):
        for i in range(count):
            mu = centre[b] + (i + 1 - count / 2 - 0.5) * stride[b]  # the paper counts from 1
            row = [math.exp(-((a - mu) ** 2) / (2 * variance[b])) for a in range(size)]
            assert torch.allclose(found[b, i], torch.tensor(row) / sum(row), atol=1e-5)


def test_attention_begins_with_the_whole_piece():
    attention = Attention(4, 5, bins=41, frames=21)
    torch.nn.init.zeros_(attention.out.weight)
    torch.nn.init.zeros_(attention.out.bias)
    high, along, intensity = attention(torch.zeros(1, 4))
    assert (high[0] @ torch.arange(41.0)).tolist() == pytest.approx(
        [0, 10, 20, 30, 40], abs=4
    )  # the edges cut Gaussians
    assert (high[0] @ torch.arange(41.0))[1:-1].tolist() == pytest.approx([10, 20, 30], abs=0.5)
    assert (along[0] @ torch.arange(21.0))[2].item() == pytest.approx(10, abs=1e-3)
    assert intensity.item() == 1


def draw(**changes):
    torch.manual_seed(0)
    settings = {"bins": 17, "frames": 8, "pitches": 6, "width": 8, "dilations": (1,), "hidden": 12, "latent": 3}
    return Draw(**settings | {"glimpses": 4, "grid": 5, "told": 4} | changes).eval()


@pytest.mark.parametrize("grid", [0, 5])
@pytest.mark.parametrize("pitches", [0, 6])
def test_a_drawing_with_and_without_attention_and_notes(grid, pitches):
    model, x = draw(grid=grid, pitches=pitches), noise(2, 17, 8).abs()
    canvas = model.first(noise(2, pitches, 8).sigmoid())
    made = model(x, canvas, noise(4, 2, 3))
    assert made.canvases.shape == (4, 2, 17, 8) and made.codes.mean.shape == (4, 2, 3)
    shown = model.levels(made.canvases[-1])
    assert (shown >= 0).all() and (shown <= TOP).all()


def test_the_decoder_paints_every_canvas_from_the_codes_alone():
    model, x, drawn = draw(), noise(2, 17, 8).abs(), noise(4, 2, 3)
    canvas = model.first(noise(2, 6, 8).sigmoid())
    made = model(x, canvas, drawn)
    told, (hidden, cell) = model.told(canvas.mean(-1)), model.start[:, None].expand(2, 2, 12)
    for z, wanted in zip(made.codes.sample(drawn), made.canvases, strict=True):
        hidden, cell = model.decoder(torch.cat([z, told], 1), (hidden, cell))
        canvas = canvas + model._write(hidden)
        assert torch.allclose(canvas, wanted, atol=1e-5)


def test_what_a_glimpse_adds_lies_where_it_looks():
    model = draw(bins=65, frames=32, grid=3)
    with torch.no_grad():
        model.writing.out.weight.zero_()
        model.writing.out.bias.copy_(torch.tensor([0.5, 0.0, -3.0, -3.0, 0.0]))  # high up, narrow
        model.patch.weight.zero_()
        model.patch.bias.fill_(1.0)
        added = model._write(torch.zeros(1, 12))[0]
    assert added.sum(1).argmax().item() == 48 and added.sum(0).argmax().item() in (15, 16)
    assert added.max().item() == pytest.approx(1, abs=0.05) and added[:20].abs().max() < 1e-3


def test_the_first_canvas_is_of_any_length_and_without_notes_constant():
    assert draw().first(noise(1, 6, 50)).shape == (1, 17, 50)
    canvas = draw(pitches=0).first(torch.zeros(2, 0, 30))
    assert canvas.shape == (2, 17, 30) and (canvas == canvas[:1, :, :1]).all()


# CycleGAN


def test_a_wide_generator_lets_all_frequencies_change_all():
    torch.manual_seed(0)
    model, x = WideGenerator(bins=33, width=8, dilations=(1, 2)), 4 + noise(1, 33, 30)
    changed = x.clone()
    changed[:, 30] += 3
    moved = (model(x) - model(changed)).abs().amax(-1)[0]
    assert (moved > 1e-5).float().mean() > 0.9


def test_the_lowest_bins_can_be_left_alone():
    x = 4 + noise(2, 33, 20)
    made = WideGenerator(bins=33, width=8, dilations=(1,), fixed=5)(x)
    assert torch.equal(made[:, :5], x[:, :5]) and (made[:, 5:] != x[:, 5:]).any(1).all()


@pytest.mark.parametrize(("bins", "frames"), [(33, 50), (32, 17), (35, 64)])
def test_the_papers_generator_takes_any_size(bins, frames):
    x = noise(2, bins, frames).abs()
    made = ResnetGenerator(bins=bins, width=4, blocks=1)(x)
    assert made.shape == x.shape and (made >= 0).all()


def test_a_generator_that_there_is_not():
    with pytest.raises(ValueError, match="wide, resnet"):
        CycleGan(generator="deep")


def test_the_settings_make_the_same_model_again():
    for model in (vae_gan(), draw(), CycleGan(bins=9, width=4, depth=(1,))):
        again = type(model)(**model.settings())
        again.load_state_dict(model.state_dict())
        assert again.settings() == model.settings()


# discriminator


def test_a_discriminator_judges_patches_and_knows_the_height():
    torch.manual_seed(0)
    judge, x = Discriminator(widths=(4, 8)).eval(), torch.full((1, 65, 40), 4.0)
    score, features = judge(x)
    assert score.shape == (1, 1, 5, 20) and [f.shape[1] for f in features] == [4, 8]
    inner = score[0, 0, 1:-1, 10]
    assert (inner.diff().abs() > 1e-6).all()  # the same everywhere but for where it is


def test_spectral_normalisation_bounds_what_a_layer_can_do():
    judge = Discriminator(widths=(4, 8)).train()
    for _ in range(30):
        judge(noise(2, 65, 20))
    for layer in judge.layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
