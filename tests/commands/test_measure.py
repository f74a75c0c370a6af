"""Seconds and memory of what is done."""

from __future__ import annotations

import time

import numpy as np

from restyle.commands.shared.results import measured


def test_seconds_and_memory():
    with measured() as before:
        pass
    with measured() as cost:
        held = np.ones(25_000_000)
        time.sleep(0.1)
    assert 0.1 <= cost.seconds < 5
    assert cost.memory > before.memory + 150e6 and len(held)
