"""How long something takes and how much memory it uses. Floor 6."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from restyle.dsp.blocks import trim_memory
from restyle.errors import require


@dataclass
class Measure:
    """What was measured; complete after the ``with``.

    Args:
        seconds: wall-clock time.
        memory: the largest resident size of this process meanwhile in bytes, looked at every 20 ms.
    """

    seconds: float = 0.0
    memory: float = 0.0


@contextmanager
def measured() -> Iterator[Measure]:
    """Measure what is done inside.

    Example:
        >>> with measured() as cost:
        ...     work = bytearray(10**6)
        >>> cost.seconds > 0 and cost.memory > 10**6
        True
    """
    require("evaluate", "psutil", what="measuring memory")
    import psutil

    gc.collect()
    trim_memory()
    process, done, measure = psutil.Process(), threading.Event(), Measure()

    def watch() -> None:
        while True:
            measure.memory = max(measure.memory, float(process.memory_info().rss))
            if done.wait(0.02):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begun = time.perf_counter()
    try:
        yield measure
    finally:
        measure.seconds = time.perf_counter() - begun
        done.set()
        watcher.join()
