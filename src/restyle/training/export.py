"""A trained model as one weights file, and its model card. Floor 3."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from restyle.errors import RestyleError, warn
from restyle.io import weights
from restyle.io.atomic import writing
from restyle.io.networks import fill, some
from restyle.io.text import spell, write_text

SHOWN = 24  # labels in a card


def export(
    path: Path, model: nn.Module, facts: Mapping[str, Any], scores: Mapping[str, float], *, bits: int = 32
) -> dict[str, Any]:
    """Write a model's weights with all that is needed to use them, without Lightning.

    Args:
        path: the ``.safetensors`` file.
        model: what was trained; ``settings()`` returns its constructor's arguments.
        facts: ``kind``, ``name``, ``representation``, ``labels``, ``data``, ``training``, ``licence``; and ``more``,
            what the training's ``exports()`` gave: arrays are stored beside the weights, the rest joins the settings.
        scores: name to value.
        bits: of a number, 8, 16 or 32 (`io.weights.rounded`); :func:`round_to` makes the model that will be read.

    Returns:
        The settings that were written: ``model`` (the arguments), ``scores`` and the facts.

    Raises:
        RestyleError: if the file cannot be written.
    """
    arrays = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    arrays = weights.rounded(arrays, bits)
    given = getattr(model, "settings", None)
    own = given() if callable(given) else {}
    settings: dict[str, Any] = {"model": own}
    settings |= {**facts, "scores": {name: value for name, value in scores.items() if math.isfinite(value)}}
    for name, value in settings.pop("more", {}).items():
        if isinstance(value, (np.ndarray, torch.Tensor)):
            arrays[name] = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        else:
            settings[name] = value
    weights.save(path, arrays, settings)
    return settings


def round_to(model: nn.Module, bits: int) -> None:
    """Round a model's numbers in place, as a file of so many bits a number would."""
    arrays = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    read = weights.whole(weights.rounded(arrays, bits))
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(torch.from_numpy(read[name]))


def load_into(model: nn.Module, path: Path) -> None:
    """Load weights that a run kept as its best into the object they came from.

    Raises:
        RestyleError: if the file cannot be read, or holds others.
    """
    fill(model, weights.load(path)[0], path)


def grow(model: nn.Module, path: Path) -> None:
    """Take over the weights of a file, in place, those of the same name as far as they reach: a smaller model's, too.

    New parts do not reach the old ones at first, so that a wider model begins as the smaller was.

    Raises:
        RestyleError: if the file cannot be read, or holds nothing of such a model.

    Source: Chen et al., "Net2Net: accelerating learning via knowledge transfer", ICLR 2016.
    """
    arrays, _ = weights.load(path)
    if not arrays.keys() & model.state_dict().keys():
        raise RestyleError(f"{path} holds no weights of a {type(model).__name__}; give another file as start")
    new = sorted(model.state_dict().keys() - arrays.keys())
    if new:
        warn(f"{path} lacks {some(new)} of a {type(model).__name__}; they begin untrained")
    with torch.no_grad():
        for name, value in model.state_dict().items():
            old = torch.from_numpy(arrays[name]) if name in arrays else None
            if old is not None and old.dim() == value.dim():
                shared = tuple(slice(min(a, b)) for a, b in zip(old.shape, value.shape, strict=True))
                value[shared] = old[shared].to(value)
                if value.dim() > 1:
                    value[shared[0], shared[1].stop :] = 0


def card(path: Path, model: nn.Module, settings: Mapping[str, Any], limits: str = "") -> None:
    """Write the model card beside a weights file, filled from the run.

    Args:
        path: the ``.md`` file; the weights file has the same name.
        model: what was trained.
        settings: as :func:`export` returned them.
        limits: what the model cannot do, where the module says so.

    Raises:
        RestyleError: if the file cannot be written.
    """
    with writing(path) as beside:
        write_text(beside, _card(path, model, settings, limits))


def _card(path: Path, model: nn.Module, settings: Mapping[str, Any], limits: str) -> str:
    file = path.with_suffix(".safetensors")
    parameters = sum(value.numel() for value in model.parameters())
    data, training = settings["data"], settings["training"]
    arguments = ", ".join(f"{name} {value}" for name, value in settings["model"].items())
    form = ", ".join(f"{name} {value}" for name, value in settings["representation"].items())
    scores = "\n".join(f"  - {name.replace('_', ' ')}: {value:.4g}" for name, value in settings["scores"].items())
    labels = ", ".join(settings["labels"][:SHOWN]) + (", ..." if len(settings["labels"]) > SHOWN else "")
    parted = f"parted by source, {data['cut']} of them cut in time" if data["cut"] else "parted by source"
    return f"""# Model card: {settings["name"]}

- **File**: `{file.name}`, {parameters:,} parameters, {file.stat().st_size / 1e6:.1f} MB; settings of model and
  representation in its metadata. Licence: {settings["licence"]}.
- **Model**: `{settings["kind"]}` ({arguments}).
- **Input**: {form}; {data["frames"]} frames.
- **Labels** ({len(settings["labels"])}): {labels or "none"}.
- **Data**: {data["entries"]} recordings of {data["sources"]} sources ({data["train"]} to learn from,
  {data["validation"]} for validation, {parted}), {data["hours"]:.2f} hours; {data["chunks"]} chunks an epoch.
- **Command**: `{training["command"]}`
- **Training**: {training["epochs"]} epochs, {training["steps"]} steps of {training["batch"]} chunks, seed
  {training["seed"]}; the best epoch was {training["best_epoch"]} ({training["monitor"]}).
  Verdict: {training["verdict"]}.
- **Hardware, time**: {training["hardware"]}; {spell(training["seconds"])}.
- **Scores** (on data that was not learnt from):
{scores}
- **Limits**: {limits or "not examined: say here what it was not tested on, and what it gets wrong"}.
"""
