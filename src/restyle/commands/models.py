"""``restyle models``: the models that are there."""

from __future__ import annotations

from pathlib import Path

from restyle.io import hub as registry
from restyle.io.hub import Model, Progress


def run() -> list[Model]:
    """Return all models: bundled with the package, in the user's folder, downloaded.

    Example:
        >>> "transcriber" in [model.name for model in run()]
        True
    """
    return registry.models()


def fetch(name: str, *, progress: Progress | None = None) -> Path:
    """Return the weights file of a name, path or address; ``hf:org/name`` is downloaded if it is not there yet.

    Raises:
        RestyleError: if there is no such model, or it cannot be downloaded.
    """
    return registry.find(name, progress=progress)


def rows(models: list[Model]) -> list[list[str]]:
    """Return a table's rows: name, where, kind, size, licence.

    Example:
        >>> rows([Model("a", Path("a.safetensors"), "local", "classifier", 1_500_000, "")])
        [['a', 'local', 'classifier', '1.5 MB', '-']]
    """
    return [[m.name, m.where, m.kind or "-", f"{m.size / 1e6:.1f} MB", m.licence or "-"] for m in models]
