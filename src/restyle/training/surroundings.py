"""Around a training: silence, and sentences for what goes wrong. Floor 3."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from restyle.errors import RestyleError


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's announcements and tips."""
    names = ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    before = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn what can go wrong while training into a sentence; Ctrl-C stays what it is."""
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:  # Lightning makes this of Ctrl-C, and ignores further ones
        if isinstance(error.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, interrupt)
            raise KeyboardInterrupt from None
        raise
    except torch.OutOfMemoryError as error:
        raise RestyleError("the GPU's memory is too small; use a smaller --set data.batch=...") from error
    except OSError as error:
        again = "free some space and give the command again: it goes on from its last checkpoint"
        raise RestyleError(f"{out}: the run could not be written ({error.strerror or error}); {again}") from error
