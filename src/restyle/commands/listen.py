"""``restyle listen``: a blind listening test of a comparison, and what came of it. Floor 6."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restyle.commands.shared import comparisons, outputs
from restyle.commands.shared.inputs import check_input
from restyle.comparison import scoring
from restyle.comparison.ratings import read_ratings
from restyle.comparison.table import COPIES
from restyle.errors import RestyleError, warn
from restyle.io.text import write_text
from restyle.pages import listening

SECONDS = 10.0  # longer sounds are hard to keep in mind (ITU-R BS.1534)


def make(folder: Path, out: Path, *, seed: int = 0, seconds: float = SECONDS, overwrite: bool = False) -> int:
    """Write the page of a listening test.

    Args:
        folder: of a comparison.
        out: the ``.html`` file to write.
        seed: of the order of trials and sounds.
        seconds: length of the excerpts.
        overwrite: whether a file that is there may be replaced.

    Returns:
        The number of trials.

    Raises:
        RestyleError: if there is no comparison or nothing to hear in it, or the page cannot be written or exists.
    """
    if not 2 <= seconds <= 60:
        raise RestyleError(f"seconds must lie between 2 and 60, not {seconds:g}")
    comparison = comparisons.load(folder)
    outputs.check_output(out, [], [".html", ".htm"], overwrite=overwrite)
    trials = []
    for pair in comparison.pairs:
        try:
            sounds = comparisons.excerpts(pair, folder, comparison.settings, seconds)
        except RestyleError as error:
            warn(f"{pair.title} is left out: {error}")
            continue
        result = {name: sound for name, sound in sounds.items() if name not in (*COPIES, "target")}
        if result:
            trials.append(listening.Trial(pair.name, sounds["content"], sounds["style"], result, sounds.get("target")))
    if not trials:
        raise RestyleError(f"{folder} holds no results to listen to; run 'restyle compare' again")
    with outputs.together([out]) as [beside]:
        write_text(beside, listening.page(trials, title="Listening test", seed=seed))
    return len(trials)


def score(files: Sequence[Path]) -> scoring.Scores:
    """Score the ratings of any number of listeners.

    Raises:
        RestyleError: if a file is missing or broken, or two are of the same session.
    """
    ratings = []
    for path in files:
        check_input(path)
        ratings.append(read_ratings(path.read_text(encoding="utf-8", errors="replace"), str(path)))
    return scoring.score(ratings)
