"""Pictures of what a classifier says, as matplotlib figures that need no screen. Floor 6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from restyle.io.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 8  # classes with a colour of their own


def probabilities(labels: Sequence[str], values: np.ndarray, times: np.ndarray, title: str = "") -> Figure:
    """Draw the probabilities of classes over time, one on top of the other.

    Args:
        labels: names of the classes.
        values: ``[chunks, classes]``, each row adds up to 1.
        times: the middle of each chunk in seconds.
        title: above the picture.

    Returns:
        A figure; `plot.save` writes it. The most probable classes have colours of their own.

    Example:
        >>> figure = probabilities(["jazz", "rock"], np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([2.5, 5.0]))
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['jazz 40 %', 'rock 60 %']
    """
    from matplotlib.figure import Figure

    mean = values.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    shown, others = order[:SHOWN], order[SHOWN:]
    bands = [values[:, i] for i in shown] + ([values[:, others].sum(axis=1)] if len(others) else [])
    names = [f"{labels[i]} {100 * mean[i]:.0f} %" for i in shown]
    names += [f"{len(others)} others {100 * mean[others].sum():.0f} %"] if len(others) else []
    if len(times) == 1:  # an area needs two moments
        times, bands = np.array([0.0, 2 * times[0]]), [np.repeat(band, 2) for band in bands]
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    ax = figure.subplots()
    ax.stackplot(times, *bands, labels=names, colors=_colours(len(bands), len(others) > 0))
    ax.set(xlim=(times[0], times[-1]), ylim=(0, 1), xlabel="time (s)", ylabel="probability")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, reverse=True)
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold")
    return figure


def confusion(labels: Sequence[str], table: np.ndarray, title: str = "") -> Figure:
    """Draw a confusion matrix; colours are parts of a row, numbers are counts.

    Args:
        labels: names of the classes.
        table: counts ``[classes, classes]``: a row is what it is, a column what it was taken for.
        title: above the picture.

    Returns:
        A figure; `plot.save` writes it.

    Raises:
        ValueError: if the table does not fit the labels.

    Example:
        >>> figure = confusion(["jazz", "rock"], np.array([[9, 1], [0, 10]]))
        >>> [text.get_text() for text in figure.axes[0].texts]  # zeros are left out
        ['9', '1', '10']
    """
    from matplotlib.figure import Figure

    table, labels = np.asarray(table), [printable(label) for label in labels]
    if table.shape != (len(labels),) * 2:
        raise ValueError(f"a table of {len(labels)} classes must be square of that size, not {table.shape}")
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    size = max(4.0, 0.5 * len(labels) + 2.5)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    ax = figure.subplots()
    image = ax.imshow(part, vmin=0, vmax=1, cmap="Blues")
    for row, column in np.argwhere(table > 0):
        colour = "white" if part[row, column] > 0.5 else "black"
        ax.text(column, row, f"{table[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlabel="taken for", ylabel="is")
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold")
    figure.colorbar(image, ax=ax, label="part of the row", shrink=0.8)
    return figure


def _colours(count: int, others: bool) -> list[Any]:
    import matplotlib

    colours: list[Any] = list(matplotlib.colormaps["tab10"].colors)[: count - others]  # type: ignore[attr-defined]
    return [*colours, "#cccccc"] if others else colours
