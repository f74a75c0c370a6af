"""``restyle models``: the models that are there. Floor 6."""

from __future__ import annotations

from restyle.io import hub, weights
from restyle.io.hub import Model, Progress

INPUT = ("kind", "rate", "n_fft", "hop", "bins")  # what is shown of a spectrogram
NAMED = {
    "vae_gan": "styles (--set named=NAME)",
    "cyclegan": "domains (--set to=NAME)",
    "classifier": "genres",
    "symbolic_genre": "genres",
}


def run() -> list[Model]:
    """Return all models: bundled with the package, in the user's folder, downloaded.

    Example:
        >>> "transcriber" in [model.name for model in run()]
        True
    """
    return hub.models()


def describe(name: str, *, progress: Progress | None = None) -> dict[str, str | list[str]]:
    """Return what a model is: file, kind, what it takes, what it was trained on, its styles, licence, card.

    Args:
        name: whatever `hub.find` finds.
        progress: called with the part that is downloaded, 0..1.

    Raises:
        RestyleError: if there is no such model, or the file is damaged.

    Example:
        >>> describe("cyclegan")["domains (--set to=NAME)"]
        ['jazz', 'trance']
    """
    path = hub.find(name, progress=progress)
    settings, card = weights.header(path), path.with_suffix(".md")
    form, data, kind = settings.get("representation", {}), settings.get("data", {}), str(settings.get("kind", ""))
    model = hub.model(path, name, "")
    facts = {
        "file": str(path),
        "kind": kind or "-",
        "size": f"{model.size / 1e6:.1f} MB",
        "licence": model.licence or "-",
        "input": ", ".join(f"{key} {form[key]}" for key in INPUT if key in form) or "-",
        "trained on": f"{data['entries']} recordings, {data.get('hours', 0):.1f} h" if "entries" in data else "-",
        "card": str(card) if card.is_file() else "-",
    }
    return facts | ({NAMED[kind]: [str(label) for label in settings.get("labels", [])]} if kind in NAMED else {})


def rows(models: list[Model]) -> list[list[str]]:
    """Return a table's rows: name, where, kind, size, licence.

    Example:
        >>> from pathlib import Path
        >>> rows([Model("a", Path("a.safetensors"), "local", "classifier", 1_500_000, "")])
        [['a', 'local', 'classifier', '1.5 MB', '-']]
    """
    return [[m.name, m.where, m.kind or "-", f"{m.size / 1e6:.1f} MB", m.licence or "-"] for m in models]
