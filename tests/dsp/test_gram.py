import pytest
import torch

from restyle.dsp.gram import content_loss, gram, style_loss


def test_gram_is_the_mean_outer_product():
    features = torch.randn(5, 7, generator=torch.Generator().manual_seed(1))
    expected = sum(torch.outer(frame, frame) for frame in features.T) / 7
    torch.testing.assert_close(gram(features), expected)


def test_gram_forgets_when_but_not_what():
    features = torch.rand(4, 9, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(gram(features[:, torch.randperm(9)]), gram(features))
    assert not torch.allclose(gram(features.flip(0)), gram(features))


def test_losses_are_relative_to_their_targets():
    features = [torch.rand(3, 6), torch.rand(2, 6)]
    assert style_loss(features, [gram(f) for f in features]) == 0
    assert content_loss(features, features) == 0
    # nothing at all is exactly as far from each of two layers as the layer is large
    nothing = [torch.zeros_like(f) for f in features]
    assert style_loss(nothing, [gram(f) for f in features]) == pytest.approx(2)
    assert content_loss(nothing, features) == pytest.approx(2)


def test_a_target_of_silence_gives_no_nan():
    silence = [torch.zeros(3, 6, requires_grad=True)]
    loss = style_loss(silence, [torch.zeros(3, 3)]) + content_loss(silence, [torch.zeros(3, 6)])
    loss.backward()
    assert loss == 0
    assert torch.isfinite(silence[0].grad).all()


def test_layers_must_pair_up():
    with pytest.raises(ValueError):
        style_loss([torch.rand(3, 6)], [])
