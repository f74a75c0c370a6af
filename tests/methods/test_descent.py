import torch

from restyle.methods.descent import Adam


def test_adam_agrees_with_pytorch_s():
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, 7, generator=generator)
    ours, theirs = start.clone().requires_grad_(True), start.clone().requires_grad_(True)
    optimisers = Adam([ours], step=0.05), torch.optim.Adam([theirs], lr=0.05)
    for _ in range(50):
        for value, optimiser in zip((ours, theirs), optimisers, strict=True):
            optimiser.zero_grad()
            ((value - 2).abs() + value.square().sin()).sum().backward()
            optimiser.step()
    assert torch.allclose(ours, theirs, atol=1e-6) and not torch.allclose(ours, start, atol=0.1)


def test_what_has_no_gradient_stays():
    value = torch.ones(3, requires_grad=True)
    Adam([value], step=0.1).step()
    assert value.tolist() == [1, 1, 1]
