from itertools import pairwise
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch

from restyle.analysis.genre.accuracy import evaluate
from restyle.analysis.genre.model import Modern
from restyle.analysis.genre.train import ClassifierTraining, margin
from restyle.training import config as configs
from restyle.training.optimisers import cosine, optimiser

LABELS = ["blues", "jazz", "rock"]
OURS = ["classifier_multi_original", "classifier_single_original", "classifier_capsules", "classifier_modern"]


def network():
    torch.manual_seed(0)
    return Modern(classes=3, bins=33, widths=[6, 8], stride=2, dropout=0.2)


def batches(count, size=6, bins=33, frames=41):
    generator = torch.Generator().manual_seed(1)
    made = []
    for i in range(count):
        labels = torch.arange(size) % 3
        x = torch.rand(size, bins, frames, generator=generator)
        for row, label in enumerate(labels):
            x[row, 8 * label : 8 * label + 6] += 2
        made.append((x, labels, torch.arange(size) // 3 + 2 * i))
    return made


def loader(made):
    return torch.utils.data.DataLoader(made, batch_size=None)


def trainer(**settings):
    plain = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    return lightning.Trainer(accelerator="cpu", devices=1, num_sanity_val_steps=0, **plain, **settings)


def test_margin_loss_of_known_lengths():
    """(0.9 - 0.5)^2 for what is there, half of (0.3 - 0.1)^2 for what is not."""
    logits = torch.logit(torch.tensor([[0.5, 0.3, 0.05]]))
    assert margin(logits, torch.tensor([[1.0, 0, 0]])).item() == pytest.approx(0.16 + 0.5 * 0.04, abs=1e-6)


def test_smoothing_is_for_training_only():
    module = ClassifierTraining(network(), labels=LABELS, smoothing=0.3)
    logits, target = torch.tensor([[4.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    plain = torch.nn.functional.cross_entropy(logits, torch.tensor([0]))
    smooth = torch.nn.functional.cross_entropy(logits, torch.tensor([0]), label_smoothing=0.3)
    assert module.train()._loss(logits, target) == pytest.approx(smooth.item(), abs=1e-6)
    assert module.eval()._loss(logits, target) == pytest.approx(plain.item(), abs=1e-6)


def test_changes_follow_from_seed_and_step():
    module = ClassifierTraining(network(), labels=LABELS, mixup=0.4, spec_augment=True, respond=True)
    x, target = batches(1)[0][0], torch.eye(3).repeat(2, 1)

    def changed(*seed):
        return module.changed(x, target, np.random.default_rng(seed))

    assert all(torch.equal(a, b) for a, b in zip(changed(0, 5), changed(0, 5), strict=True))
    assert not torch.equal(changed(0, 5)[0], changed(0, 6)[0])


def test_it_learns_and_tells_chunks_and_tracks(tmp_path):
    settings = {"rate": 1e-2, "schedule": "cosine", "weight_decay": 0.01, "mixup": 0.2, "spec_augment": True}
    module = ClassifierTraining(network(), labels=LABELS, respond=True, **settings)
    runner = trainer(max_epochs=10, default_root_dir=tmp_path)
    runner.fit(module, loader(batches(10)), loader(batches(3)))
    found = {name: float(value) for name, value in runner.callback_metrics.items()}
    assert found["val_accuracy"] > 0.9 and found["val_track_accuracy"] > 0.9 and found["val_loss"] < 0.8
    told = module.exports()
    assert told["labels"] == LABELS and np.sum(told["confusion"]) == 3 * 6  # a source has one track a label
    assert told["track_accuracy"][0] == pytest.approx(found["val_track_accuracy"])


def test_the_report_names_what_is_mistaken():
    module = ClassifierTraining(network(), labels=LABELS)
    assert module.examples() == []
    probabilities = np.eye(3)[[0, 1, 1, 1, 2]]
    module.accuracy = evaluate(probabilities, np.array([0, 0, 1, 1, 2]), range(5))
    assert module.examples()[0]["text"] == "blues for jazz (50 %)"


def test_unknown_words_are_refused():
    for settings in ({"loss": "square"}, {"schedule": "wavy"}):
        with pytest.raises(ValueError, match="must be"):
            ClassifierTraining(network(), labels=LABELS, **settings)


def test_weights_decay_but_biases_and_norms_do_not():
    model = network()
    made = optimiser(model, 1e-3, 0.1, "constant", 10)["optimizer"]
    decayed, kept = made.param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    kept_ids = {id(value) for value in kept["params"]}
    assert {name for name, value in model.named_parameters() if id(value) in kept_ids} >= {
        "head.linear.bias",
        "stages.entry.norm.weight",
    }
    assert len(decayed["params"]) + len(kept["params"]) == len(list(model.parameters()))


def test_the_rate_rises_then_falls_to_nothing():
    curve = [cosine(step, 200) for step in range(201)]
    top = int(np.argmax(curve))
    assert curve[top] == 1.0 and 8 <= top <= 10 and curve[-1] == 0.0 and min(curve) >= 0
    assert all(a < b for a, b in pairwise(curve[:9])) and all(a >= b for a, b in pairwise(curve[top:]))
    with pytest.raises(ValueError, match="needs an end"):
        optimiser(network(), 1e-3, 0.0, "cosine", float("inf"))


@pytest.mark.parametrize("name", OURS)
def test_two_steps_of_every_config(name, tmp_path):
    config = configs.read(name)
    assert Path(configs.find(name)).is_file()
    frames = config["data"]["frames"]
    seconds = frames * config["representation"]["hop"] / config["representation"]["rate"]
    assert seconds == pytest.approx(5, abs=0.02)
    facts = {"labels": LABELS, "classes": 3, "bins": 257, "frames": frames, "seed": 0}
    model = configs.built(config, "model", facts)
    module = configs.built(config, "module", facts, model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    data = batches(2, size=3, bins=257, frames=frames)
    runner = trainer(max_steps=2, max_epochs=1, default_root_dir=tmp_path)
    runner.fit(module, loader(data), loader(data[:1]))
    assert runner.global_step == 2 and bool(torch.isfinite(runner.callback_metrics["val_loss"]))
    moved = [key for key, value in model.named_parameters() if not torch.equal(before[key], value)]
    assert len(moved) >= 0.9 * len(list(model.parameters()))
