import lightning
import numpy as np
import pytest
import torch

from restyle.analysis.timbre.model import Timbre
from restyle.analysis.timbre.train import TimbreTraining, contrastive, halves, triplet
from restyle.training import config as configs

UNIT = torch.nn.functional.normalize


def rng():
    return np.random.default_rng(0)


def test_halves_of_an_odd_length_are_equal():
    made = halves(torch.arange(10.0).reshape(1, 2, 5))
    assert made.shape == (2, 2, 2) and made[1].tolist() == [[2, 3], [7, 8]]


def test_triplet_loss_of_known_points():
    """Two instruments; their halves lie 0 and 60 degrees apart, the instruments 90."""
    cos, sin = np.cos(np.pi / 3), np.sin(np.pi / 3)
    points = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [0, cos, sin]])
    labels = torch.tensor([0, 1, 0, 1])
    # likenesses: 1 within the first, 0.5 within the second, 0 between
    assert triplet(points, labels, rng(), 0.1).item() == 0
    assert triplet(points, labels, rng(), 0.7).item() == pytest.approx((0 + 0.2 + 0 + 0.2) / 4)


def test_triplets_need_another_instrument():
    points = UNIT(torch.randn(6, 4), dim=1)
    assert triplet(points, torch.zeros(6, dtype=torch.long), rng(), 0.1).item() == 0


def test_a_triplets_third_is_never_of_its_own_instrument():
    """All of an instrument in one place, the two places opposite: no draw can give a loss."""
    labels = torch.tensor([0, 1, 0, 1, 0, 1] * 2)
    points = torch.where(labels[:, None] == 0, torch.tensor([[1.0, 0]]), torch.tensor([[-1.0, 0]]))
    for seed in range(20):
        assert triplet(points, labels, np.random.default_rng(seed), 1.9).item() == 0


def test_contrastive_loss_of_known_points():
    """Two pairs, each in one place, the places at right angles: -log(e / (e + 2))."""
    points, labels = torch.eye(2).repeat_interleave(2, 0), torch.tensor([0, 0, 1, 1])
    wanted = -np.log(np.e / (np.e + 2))
    assert contrastive(points, labels, 1.0).item() == pytest.approx(wanted, abs=1e-6)
    assert contrastive(points, torch.arange(4), 1.0).item() == 0  # nobody has a partner


def test_contrastive_loss_does_not_depend_on_the_order():
    points, labels = UNIT(torch.randn(9, 5), dim=1).requires_grad_(), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 3])
    order = torch.randperm(9)
    loss = contrastive(points, labels, 0.1)
    assert torch.allclose(loss, contrastive(points[order], labels[order], 0.1), atol=1e-5)
    [gradient] = torch.autograd.grad(loss, points)
    assert bool(gradient.isfinite().all())


def batches(count, size=8, bins=64, frames=64):
    """Instruments are places of loud bands; what is played moves in time."""
    generator, made = torch.Generator().manual_seed(0), []
    for i in range(count):
        labels = torch.arange(size) % 4
        x = torch.rand(size, bins, frames, generator=generator)
        for row, label in enumerate(labels):
            x[row, 12 * label : 12 * label + 6] += 4 * torch.rand(frames, generator=generator)
        made.append((x, labels, torch.arange(size) + size * i))
    return made


def loader(made):
    return torch.utils.data.DataLoader(made, batch_size=None)


def trainer(**settings):
    plain = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    return lightning.Trainer(accelerator="cpu", devices=1, num_sanity_val_steps=0, **plain, **settings)


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_instruments_come_apart(loss, tmp_path):
    torch.manual_seed(0)
    model = Timbre(bins=64, widths=[4, 6, 8], hidden=16, size=12)
    module = TimbreTraining(model, labels=list("abcd"), loss=loss, rate=5e-3, respond=True)
    runner = trainer(max_epochs=4, default_root_dir=tmp_path)
    runner.fit(module, loader(batches(8)), loader(batches(2)))
    assert runner.callback_metrics["val_accuracy"] > 0.95
    assert module.exports()["triplet_accuracy"][0] > 0.95 and module.exports()["labels"] == list("abcd")


@pytest.mark.parametrize("name", ["timbre", "timbre_original"])
def test_two_steps_of_every_config(name, tmp_path):
    config = configs.read(name)
    facts = {"labels": list("abcd"), "classes": 4, "bins": config["representation"]["bins"], "seed": 0}
    model = configs.built(config, "model", facts)
    module = configs.built(config, "module", facts, model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    data = [
        (
            torch.rand(8, config["representation"]["bins"], config["data"]["frames"]),
            torch.arange(8) % 4,
            torch.arange(8),
        )
        for _ in range(2)
    ]
    runner = trainer(max_steps=2, max_epochs=1, default_root_dir=tmp_path)
    runner.fit(module, loader(data), loader(data[:1]))
    assert runner.global_step == 2 and bool(torch.isfinite(runner.callback_metrics["val_loss"]))
    moved = [key for key, value in model.named_parameters() if not torch.equal(before[key], value)]
    assert len(moved) >= 0.8 * len(list(model.parameters()))


def test_with_one_clip_of_each_instrument_its_halves_are_the_pairs(tmp_path):
    module = TimbreTraining(Timbre(bins=64, widths=[4, 6], hidden=8, size=6), labels=list("abcd"))
    [found] = trainer(default_root_dir=tmp_path).validate(module, loader(batches(1, size=4)), verbose=False)
    assert 0 < found["val_accuracy"] <= 1 and module.accuracy.mean == pytest.approx(found["val_accuracy"])


def test_unknown_words_are_refused():
    for settings in ({"loss": "square"}, {"schedule": "wavy"}):
        with pytest.raises(ValueError, match="must be"):
            TimbreTraining(Timbre(bins=64), labels=["a"], **settings)
