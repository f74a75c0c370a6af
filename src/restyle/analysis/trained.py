"""Networks as `restyle train` exports them, ready to use. Floor 3."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from restyle.errors import RestyleError
from restyle.files import weights

ROOM = "restyle.models."  # no other classes are made of what a file says


def network(path: Path, what: str, kind: str, *, spare: tuple[str, ...] = ()) -> tuple[nn.Module, dict[str, Any]]:
    """Build a network from its weights file.

    Args:
        path: the file.
        what: it should hold, for the sentence where it does not.
        kind: of spectrogram that it should take, as ``stft`` or ``mel``.
        spare: names of arrays that are kept beside the weights; they join what is told of them.

    Returns:
        The network, for use: its weights take no gradients; and all that the file says of it.

    Raises:
        RestyleError: if there is no such file, or it holds something else.
    """
    arrays, settings = weights.load(path)
    try:
        module, _, name = str(settings["class_path"]).rpartition(".")
        if not module.startswith(ROOM) or settings["representation"]["kind"] != kind:
            raise KeyError(name)
        model: nn.Module = getattr(import_module(module), name)(**settings["model"])
        settings |= {key: arrays.pop(key) for key in spare if key in arrays}
        model.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
        return model.eval().requires_grad_(False), settings
    except (KeyError, TypeError, ValueError, AttributeError, ImportError, RuntimeError) as error:
        raise RestyleError(refusal(path, what)) from error


def refusal(path: Path, what: str) -> str:
    """Return the sentence for a file that holds something else."""
    return f"{path} holds no {what}; give weights that 'restyle train' made of one"
