"""Weights and profiles: safetensors files with their settings in the metadata, never pickle. Floor 2.

The settings hold ``format``, a whole number, and ``kind``: ``style``, or what kind of model the weights are of (see
`io.kinds`). Format 1 says no number, and names a model by ``class_path``; it is read as if it were format 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from restyle.errors import RestyleError
from restyle.io import kinds
from restyle.io.atomic import writing

FORMAT = 2
BITS = (8, 16, 32)  # of a stored number
SCALE = ".scale"  # ends the name of what the rows of an array of 8 bits are multiplied by
LARGEST = float(np.finfo("f2").max)  # number that is rounded
ROW = 16  # numbers of a row for which a scale is worth its place


def save(path: str | Path, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> None:
    """Write named arrays and JSON settings as one safetensors file, whole or not at all.

    Raises:
        RestyleError: if the file cannot be written.
    """
    from safetensors.numpy import save as pack

    shaped = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    packed = pack(shaped, {"settings": json.dumps({"format": FORMAT, **settings})})
    with writing(path) as beside:
        beside.write_bytes(packed)  # unlike safetensors' own writing, fails with an OSError that tells why


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read arrays and settings that :func:`save` wrote, of this format or an older one.

    Raises:
        RestyleError: if the file is missing or damaged, or of a newer format, or of a kind that there is not.
    """
    with _opened(path) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        settings = _settings(file)
    return whole(arrays), _upgraded(settings, path)


def header(path: str | Path) -> dict[str, Any]:
    """Read the settings alone.

    Raises:
        RestyleError: see `load`.
    """
    with _opened(path) as file:
        settings = _settings(file)
    return _upgraded(settings, path)


def rounded(arrays: Mapping[str, np.ndarray], bits: int) -> dict[str, np.ndarray]:
    """Return arrays as a file of so many bits a number holds them; `whole` undoes it.

    Args:
        arrays: by name; those of 32-bit floats are rounded.
        bits: 32 for as they are, 16 for half precision, 8 for whole numbers -127..127 and a scale each row of a matrix
            (the rest has 16). Arrays of numbers that half precision does not have stay as they are.

    Example:
        >>> row = np.linspace(-1, 1, 16, dtype="f4")
        >>> float(np.abs(whole(rounded({"w": row[None]}, 8))["w"] - row).max()) <= 0.5 / 127 + 1e-6
        True
    """
    stored: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if bits == 32 or array.dtype != np.float32 or not (np.abs(array) <= LARGEST).all():
            stored[name] = array
        elif bits == 16 or array.ndim < 2 or array.size < ROW * len(array) or not array.size:
            stored[name] = array.astype("f2")
        else:
            rows = array.reshape(len(array), -1)
            scale = np.maximum(np.abs(rows).max(axis=1) / 127, np.finfo("f4").tiny)
            stored[name] = np.rint(rows / scale[:, None]).astype("i1").reshape(array.shape)
            stored[name + SCALE] = scale
    return stored


def whole(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays that `rounded` gave as the numbers that they stand for."""
    scaled = {name for name, array in stored.items() if array.dtype == np.int8 and name + SCALE in stored}
    arrays = {name: array for name, array in stored.items() if name.removesuffix(SCALE) not in scaled or name in scaled}
    for name in scaled:
        scale = stored[name + SCALE]
        arrays[name] = stored[name] * scale.reshape(-1, *[1] * (stored[name].ndim - 1))
    return arrays


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    from safetensors import safe_open

    if not Path(path).is_file():
        raise RestyleError(f"{path}: there is no such file; check the name")
    try:
        with safe_open(str(path), framework="numpy") as file:
            yield file
    except Exception as error:  # of a damaged file, whatever the library says
        raise RestyleError(f"{path} is damaged or was not written by restyle; make it again") from error


def _settings(file: Any) -> dict[str, Any]:
    settings = dict(json.loads((file.metadata() or {})["settings"]))
    settings["format"] = int(settings.get("format", 1))
    return settings


def _upgraded(settings: dict[str, Any], path: str | Path) -> dict[str, Any]:
    """Settings of any format as this version writes them."""
    version = settings.pop("format")
    if version > FORMAT:
        raise RestyleError(f"{path} has format {version}, which a newer restyle wrote; update restyle to read it")
    if version == 1 and "class_path" in settings:
        settings["kind"] = kinds.of_class_path(str(settings.pop("class_path")), path)
    return settings


def bundled(name: str) -> Path:
    """Return the path of weights that come with the package."""
    return Path(str(resources.files("restyle") / "weights" / name))
