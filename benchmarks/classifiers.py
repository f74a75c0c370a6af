"""Scores classifiers on songs that they were not taught: accuracy by chunk and by track, 95 % intervals.

    python benchmarks/classifiers.py WEIGHTS... --test STORE [--test STORE] [--pictures DIR]

STOREs are what ``restyle data spectrograms`` made of the same songs; each network takes the one whose settings it was
taught with. With --pictures, DIR gets a confusion matrix of each. The table is Markdown.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from restyle.analysis.genre import infer as genre
from restyle.analysis.genre.accuracy import Accuracy, evaluate
from restyle.data.store import Store
from restyle.io import weights
from restyle.pages.plot import save
from restyle.pages.plot_genres import confusion
from restyle.training.data import Chunks

BATCH = 32


def fitting(network: genre.Network, stores: list[Store]) -> Store:
    wanted = network.transform.settings()
    for store in stores:
        if all(store.settings.get(name, value) == value for name, value in wanted.items()):
            return store
    raise SystemExit(f"none of the stores has {wanted}")


def score(network: genre.Network, store: Store) -> tuple[Accuracy, float]:
    """Return the accuracies, and milliseconds a chunk."""
    known = [i for i, entry in enumerate(store.entries) if entry.labels[0] in network.labels]
    chunks = Chunks(store, known, network.frames, network.labels)
    made, spent = [], 0.0
    for at in range(0, len(chunks), BATCH):
        x, _ = chunks.batch(np.arange(at, min(at + BATCH, len(chunks))), 0)
        started = time.process_time()
        with torch.inference_mode():
            made.append(network.model(x).softmax(-1).numpy())
        spent += time.process_time() - started
    found = evaluate(np.concatenate(made), chunks.labels[chunks.owner], chunks.owner)
    return found, 1000 * spent / len(chunks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--test", type=Path, action="append", required=True)
    parser.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    stores = [Store.open(path) for path in args.test]
    print("| network | parameters | epochs | seconds of training | ms a chunk | chunks | tracks |")
    print("|---|---|---|---|---|---|---|")
    for path in args.weights:
        network, training = genre.load(path), weights.load(path)[1].get("training", {})
        found, pace = score(network, fitting(network, stores))
        size = sum(value.numel() for value in network.model.parameters())
        run = f"{training.get('epochs', '?')} | {training.get('seconds', '?')}"
        print(f"| {path.stem} | {size:,} | {run} | {pace:.1f} | {found.chunk} | {found.track} |", flush=True)
        if args.pictures:
            args.pictures.mkdir(parents=True, exist_ok=True)
            picture = confusion(network.labels, found.confusion, f"{path.stem}, {found.tracks} tracks")
            save(picture, args.pictures / f"{path.stem}.png")


if __name__ == "__main__":
    main()
