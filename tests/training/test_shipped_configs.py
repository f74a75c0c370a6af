"""Every config of the classifiers and the timbre embeddings: two steps, exported, used."""

import numpy as np
import pytest

from restyle.analysis.genre import infer as genre
from restyle.analysis.timbre import infer as timbre
from restyle.audio import Audio
from restyle.data.store import Store, StoreWriter
from restyle.training import config as configs
from restyle.training.run import train

CLASSIFIERS = ["classifier_multi_original", "classifier_single_original", "classifier_capsules", "classifier_modern"]
LABELS = ("blues", "jazz", "rock")


def store(folder, config):
    """Three sources of each label, a chunk and a half each."""
    form, frames = config["representation"], config["data"]["frames"]
    bins, rng = form.get("bins") or form["n_fft"] // 2 + 1, np.random.default_rng(0)
    with StoreWriter(folder, form | {"log1p": True}) as writer:
        for i in range(9):
            array = rng.random((frames * 3 // 2, bins)) * (1 + i % 3)
            writer.add(f"{LABELS[i % 3]}/{i}.wav", (LABELS[i % 3],), f"{i}.wav", "", array)
    return Store.open(folder)


def trained(name, tmp_path):
    steps = ("data.batch=3", "data.validation=0.34", "trainer.max_epochs=1", "trainer.max_steps=2")
    config = configs.read(name, steps)
    return train(config, store(tmp_path / "store", config), tmp_path / "run")


def noise():
    return Audio(np.random.default_rng(1).normal(0, 0.1, (2, 44100 * 9)), 44100)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_is_taught_and_used(name, tmp_path):
    made = trained(name, tmp_path)
    assert {"val_loss", "val_accuracy", "val_track_accuracy"} <= set(made.scores)
    assert made.weights.name == ("classifier.safetensors" if name == "classifier_modern" else f"{name}.safetensors")
    found = genre.classify(noise(), weights=made.weights)
    assert found.labels == LABELS and found.probabilities.shape == (len(found.times), 3)
    assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-5) and len(found.times) == 3


@pytest.mark.parametrize("name", ["timbre", "timbre_original"])
def test_an_embedding_is_taught_and_used(name, tmp_path):
    made = trained(name, tmp_path)
    assert 0 <= made.scores["val_accuracy"] <= 1
    point = timbre.embed(noise(), weights=made.weights)
    assert len(point) in (64, 116) and np.linalg.norm(point) == pytest.approx(1)
