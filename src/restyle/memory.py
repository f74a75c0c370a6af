"""Memory that is no longer needed goes back to the system. Floor 1."""

from __future__ import annotations

import ctypes
import mmap
import time
from typing import Any

import numpy as np


def release(samples: np.ndarray) -> None:
    """Let the pages of a file-backed array, and what the work on it left unused, leave memory.

    An ordinary array stays as it is.
    """
    base: Any = samples
    while isinstance(base, np.ndarray) and not isinstance(getattr(base, "_mmap", None), mmap.mmap):
        base = base.base
    mapped = getattr(base, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
    _give_back()


_given_back = 0.0  # when


def _give_back() -> None:
    """Return unused memory to the system, at most once a second: a heap full of holes grows with every block."""
    global _given_back
    if time.monotonic() - _given_back < 1:
        return
    trim_memory()
    _given_back = time.monotonic()


def trim_memory() -> None:
    """Return to the system what earlier work has left unused in the heap; only glibc can."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return
