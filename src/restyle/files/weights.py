"""Weights and profiles: safetensors files with their settings in the metadata, never pickle. Floor 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from restyle.errors import RestyleError
from restyle.files.safely import writing


def save(path: str | Path, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> None:
    """Write named arrays and JSON settings as one safetensors file, whole or not at all.

    Raises:
        RestyleError: if the file cannot be written.
    """
    from safetensors.numpy import save as pack

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    packed = pack(whole, {"settings": json.dumps(settings)})
    with writing(path) as beside:
        beside.write_bytes(packed)  # unlike safetensors' own writing, fails with an OSError that tells why


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read arrays and settings that :func:`save` wrote.

    Raises:
        RestyleError: if the file is missing or damaged.
    """
    from safetensors import safe_open

    if not Path(path).is_file():
        raise RestyleError(f"{path}: there is no such file; check the name")
    try:
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            settings = json.loads((file.metadata() or {})["settings"])
    except Exception as error:
        raise RestyleError(f"{path} is damaged or was not written by restyle; make it again") from error
    return arrays, settings


def bundled(name: str) -> Path:
    """Return the path of weights that come with the package."""
    return Path(str(resources.files("restyle") / "weights" / name))
