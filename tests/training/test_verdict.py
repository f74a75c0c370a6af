"""Judging curves."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.training.verdict import best_row, verdict

EPOCH = np.arange(1, 21)
NOISE = np.random.default_rng(0).normal(0, 0.004, 20)


def rows(train: np.ndarray, validation: np.ndarray) -> list[dict[str, float]]:
    pairs = zip(train, validation, strict=True)
    return [{"epoch": i + 1, "train_loss": float(a), "val_loss": float(b)} for i, (a, b) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("expected", "train", "validation"),
    [
        ("still improving", 2 * 0.93**EPOCH, 2.1 * 0.94**EPOCH + NOISE),
        ("flat", 0.5 + 2 * 0.4**EPOCH, 0.6 + 2 * 0.4**EPOCH + NOISE),
        ("overfitting", 2 * 0.85**EPOCH, 0.5 + 0.003 * (EPOCH - 6.0) ** 2 + NOISE),
        ("flat", 2 * 0.85**EPOCH, 0.5 + np.exp(-EPOCH) + NOISE),  # training gets better, validation stays
    ],
)
def test_curves(expected, train, validation):
    word, sentence = verdict(rows(train, validation))
    assert word == expected and sentence.endswith(".")


def test_an_overfitting_epoch_is_named():
    word, sentence = verdict(rows(2 * 0.85**EPOCH, 0.5 + 0.003 * (EPOCH - 6.0) ** 2))
    assert word == "overfitting" and "since epoch 6" in sentence


def test_two_epochs_tell_nothing():
    assert verdict(rows(EPOCH[:2], EPOCH[:2]))[0] == "too early" and verdict([])[0] == "too early"


def test_a_score_that_is_better_high():
    made = [{"epoch": i, "val_accuracy": 0.4 + 0.02 * i, "train_loss": 1.0, "val_loss": 1.0} for i in range(1, 11)]
    assert verdict(made, "val_accuracy", "max")[0] == "still improving"
    assert best_row(made, "val_accuracy", "max")["epoch"] == 10
    assert verdict(made, "val_accuracy", "min")[0] == "flat"
