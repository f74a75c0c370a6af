"""Agreement with the benchmark's own scorers, whose figures are in golden.json, on real recordings."""

from __future__ import annotations

import json
from pathlib import Path

import benchmark
import numpy as np
import pytest

from restyle.evaluation import content, quality, rhythm, style

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
TRIPLETS = [(kind, row) for kind in ("content", "style") for row in GOLDEN[f"triplets-{kind}"][:6]]
REAL = GOLDEN["real-style"]

pytestmark = benchmark.needed


@pytest.mark.parametrize(("kind", "row"), TRIPLETS, ids=lambda x: x if isinstance(x, str) else x["id"])
def test_copies_score_against_targets_as_the_benchmark_says(kind: str, row: dict[str, float]) -> None:
    output, target = (benchmark.read("triplets", f"{row['id']}.{part}") for part in (kind, "target"))
    assert quality.lsd(output, target) == pytest.approx(row["lsd"], rel=1e-4)
    assert style.mfcc(output, target) == pytest.approx(row["mfcc"], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["id"])
def test_copies_of_the_style_score_against_contents_as_the_benchmark_says(row: dict[str, float]) -> None:
    output, played = (benchmark.read("real", f"{row['id']}.{part}") for part in ("style", "content"))
    assert content.chroma(output, played) == pytest.approx(row["chroma"], rel=0.01)
    assert rhythm.onset(output, played) == pytest.approx(row["rhythm"], rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["content", "style"])
def test_pitch_is_near_the_benchmarks_though_found_by_another_tracker(kind: str) -> None:
    rows, found = GOLDEN[f"triplets-{kind}"], []
    for row in rows:
        output, target = (benchmark.read("triplets", f"{row['id']}.{part}") for part in (kind, "target"))
        found.append(content.pitch(output, target))
    assert len(rows) == 60
    assert np.mean(found) == pytest.approx(np.mean([row["pitch"] for row in rows]), abs=0.03)
