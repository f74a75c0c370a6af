"""Whether a run still improves, stands still or overfits. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence

EARLY = 3  # epochs before a verdict
CLEAR = 0.01  # relative change of a loss that is more than chance
WORSE = 0.03  # relative rise of the validation's loss that is overfitting

Row = dict[str, float]


def best_row(rows: Sequence[Row], key: str, mode: str) -> Row | None:
    """Return the first row with the lowest (mode ``min``) or highest value; None if no row has it.

    Example:
        >>> best_row([{"x": 2.0}, {"x": 1.0}, {"x": 1.0, "y": 0.0}], "x", "min")
        {'x': 1.0}
    """
    known = [row for row in rows if key in row]
    if not known:
        return None
    return (min if mode == "min" else max)(known, key=lambda row: row[key])


def verdict(rows: Sequence[Row], monitor: str = "val_loss", mode: str = "min") -> tuple[str, str]:
    """Classify the curves of a run.

    Args:
        rows: an epoch's numbers each: ``epoch``, ``train_loss``, ``val_loss``, the monitored one.
        monitor: metric of the best epoch.
        mode: whether a low (min) or a high (max) one is good.

    Returns:
        One of ``too early``, ``still improving``, ``flat``, ``overfitting``, and a sentence.

    Example:
        >>> rows = [{"epoch": i + 1, "train_loss": 1 / (i + 1), "val_loss": abs(i - 3) + 1} for i in range(9)]
        >>> verdict(rows)[0]
        'overfitting'
    """
    best = best_row(rows, monitor, mode)
    if len(rows) < EARLY or best is None:
        return "too early", "There are too few epochs yet to tell."
    recent = max(2, len(rows) // 5)  # epochs
    since = int(rows[-1]["epoch"] - best["epoch"])
    fell = _falls(rows, "train_loss", recent)
    lowest, name = best_row(rows, "val_loss", "min"), monitor.replace("_", " ")
    if lowest is not None and rows[-1]["epoch"] - lowest["epoch"] >= recent and fell:
        rise = _mean(rows[-recent:], "val_loss") - lowest["val_loss"]
        if rise > WORSE * abs(lowest["val_loss"]):
            at = int(lowest["epoch"])
            return "overfitting", f"Validation has become worse since epoch {at} while training still gets better."
    if since < recent and _moved(rows, monitor, mode, recent):
        return "still improving", f"The best epoch is {'the last' if not since else 'recent'}; more may help."
    return "flat", f"No clearly better {name} in the last {max(since, recent)} epochs; more will hardly help."


def _falls(rows: Sequence[Row], key: str, recent: int) -> bool:
    before, now = rows[: -recent or None], rows[-recent:]
    return bool(before) and _mean(now, key) < _mean(before[-recent:], key)


def _moved(rows: Sequence[Row], key: str, mode: str, recent: int) -> bool:
    """Whether the best of the last epochs beats the best of those before clearly."""
    before = best_row(rows[:-recent], key, mode)
    now = best_row(rows[-recent:], key, mode)
    if before is None or now is None:
        return True
    gain = (before[key] - now[key]) * (1 if mode == "min" else -1)
    return gain > CLEAR * abs(before[key])


def _mean(rows: Sequence[Row], key: str) -> float:
    values = [row[key] for row in rows if key in row]
    return sum(values) / len(values) if values else 0.0
