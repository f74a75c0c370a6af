"""Safetensors files that are written as a stream and read memory-mapped: of any size, in little memory. Floor 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from restyle.errors import RestyleError
from restyle.io.atomic import writing

TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I64": np.int64}
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}


def write(path: str | Path, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> None:
    """Write named arrays and JSON settings, whole or not at all; `weights.load` reads such files too.

    Raises:
        RestyleError: if the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": {"settings": json.dumps(settings)}}
    at = 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)  # so that values lie at multiples of 8 bytes
    with writing(path) as beside, beside.open("wb") as file:
        file.write(len(packed).to_bytes(8, "little") + packed)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return the settings that were written with the arrays, without reading those.

    Raises:
        RestyleError: if the file is missing, damaged or cut off.
    """
    return dict(json.loads(_header(str(path))[0]["__metadata__"]["settings"]))


def array(path: str | Path, name: str) -> np.ndarray:
    """Return one array, memory-mapped, read-only: only what is looked at is read.

    Raises:
        RestyleError: if the file is missing, damaged or cut off, or has no such array.
    """
    header, first, whole = _open(str(path))
    if name not in header:
        raise RestyleError(f"{path} holds no array '{name}'; make the file again")
    start, stop = header[name]["data_offsets"]
    return whole[first + start : first + stop].view(TYPES[header[name]["dtype"]]).reshape(header[name]["shape"])


@lru_cache(maxsize=128)  # each keeps a file open
def _open(path: str) -> tuple[dict[str, Any], int, np.ndarray]:
    header, first = _header(path)
    return header, first, np.memmap(path, np.uint8, "r")


def _header(path: str) -> tuple[dict[str, Any], int]:
    """What a file tells of itself, and where its values begin."""
    try:
        with Path(path).open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, 2**28)))
        header["__metadata__"]["settings"]
        ends = [array["data_offsets"][1] for name, array in header.items() if name != "__metadata__"]
    except FileNotFoundError as error:
        raise RestyleError(f"{path}: there is no such file; make it again") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RestyleError(f"{path} is damaged or was not written by restyle; make it again") from error
    if Path(path).stat().st_size != 8 + size + max(ends, default=0):
        raise RestyleError(f"{path} is cut off; make it again")
    return header, 8 + size
