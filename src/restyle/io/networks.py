"""Networks as `restyle train` exports them, ready to use. Floor 2."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from restyle.errors import RestyleError
from restyle.io import kinds, weights

NAMED = 3  # names of weights in a sentence


def network(path: Path, what: str, kind: str, *, spare: tuple[str, ...] = ()) -> tuple[nn.Module, dict[str, Any]]:
    """Build a network from its weights file.

    Args:
        path: the file.
        what: it should hold, for the sentence where it does not.
        kind: of spectrogram that it should take, as ``stft`` or ``mel``.
        spare: names of arrays that are kept beside the weights; they join its settings.

    Returns:
        The network, for use: its weights take no gradients; and all that the file says of it.

    Raises:
        RestyleError: if there is no such file, or it holds something else.
    """
    arrays, settings = weights.load(path)
    try:
        if settings["representation"]["kind"] != kind:
            raise ValueError(kind)
        with _Uninitialised():
            model: nn.Module = kinds.network(settings["kind"], path)(**settings["model"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise RestyleError(refusal(path, what)) from error
    settings |= {key: arrays.pop(key) for key in spare if key in arrays}
    fill(model, arrays, path)
    return model.eval().requires_grad_(False), settings


class _Uninitialised(TorchFunctionMode):
    """Networks built inside draw no first weights: they would come from a generator that belongs to the caller."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs.get("tensor", args[0] if args else None)
        return func(*args, **kwargs)


def fill(model: nn.Module, arrays: Mapping[str, np.ndarray], where: object) -> None:
    """Put weights into a network: all of them, and no others.

    Args:
        model: the network.
        arrays: its weights by name.
        where: what holds them, for the error.

    Raises:
        RestyleError: if some are missing, of another shape, or of another network.
    """
    own = model.state_dict()
    faults = {
        "lacks": sorted(own.keys() - arrays.keys()),
        "has besides": sorted(arrays.keys() - own.keys()),
        "has in other shapes": [
            name
            for name in sorted(own.keys() & arrays.keys())
            if (own[name].shape or (1,)) != (arrays[name].shape or (1,))  # format 1 keeps a number as a row of one
        ],
    }
    differences = [f"{fault} {some(names)}" for fault, names in faults.items() if names]
    if differences:
        differ = f"{where} does not hold the weights of this {type(model).__name__}: it {', '.join(differences)}"
        raise RestyleError(f"{differ}; give what was written for it, or make it again")
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})


def fingerprint(model: nn.Module, more: str = "") -> np.ndarray:
    """Return what tells a network's weights (and how it is used: ``more``) from others, uint8 ``[8]``."""
    digest = hashlib.sha256(more.encode())
    for value in model.state_dict().values():
        digest.update(value.numpy().tobytes())
    return np.frombuffer(digest.digest()[:8], np.uint8)


def refusal(path: Path, what: str) -> str:
    """Return the sentence for a file that holds something else."""
    return f"{path} holds no {what}; give weights that 'restyle train' made of one"


def some(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
