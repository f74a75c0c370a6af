"""``restyle learn``: recordings to a style that can be used again. Floor 6."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restyle import __version__
from restyle.audio import Audio
from restyle.commands.inputs import check_sound, is_silent, read_sound
from restyle.commands.outputs import check_output
from restyle.errors import RestyleError
from restyle.methods import METHODS, Method
from restyle.methods import method as make_method

SUFFIX = ".style"
GENRES = "genres"  # folder of styles that come with the package, beside the weights
DEFAULT = "note_synth"
PARTS = ("method", "tone", "tempo")

log = logging.getLogger("restyle")


@dataclass(frozen=True, eq=False)
class Style:
    """What was learnt from one recording or several, for one method.

    Args:
        method: the method that learnt it.
        arrays: named arrays; the name's beginning says for whom: ``method/``, ``tone/`` or ``tempo/``.
        files: names of the recordings, where they are known.
        options: settings of the method with which it was learnt.
    """

    method: str
    arrays: dict[str, np.ndarray]
    files: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Return whether it was learnt with a part, ``method``, ``tone`` or ``tempo``."""
        return any(key.startswith(f"{name}/") for key in self.arrays)

    def part(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of one part, ``method``, ``tone`` or ``tempo``, by their own names.

        Raises:
            RestyleError: if the style was learnt without it.
        """
        own = {key.removeprefix(f"{name}/"): array for key, array in self.arrays.items() if key.startswith(f"{name}/")}
        if not own:
            raise RestyleError(f"the style knows nothing of {name}; learn it again from recordings with a clear {name}")
        return own


def learn(
    style: Audio | Sequence[Audio],
    *,
    method: str = DEFAULT,
    parts: Sequence[str] = PARTS,
    names: Sequence[str] | None = None,
    mix: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Style:
    """Learn a style from recordings.

    Args:
        style: one clip or several, of any rate and channels.
        method: a name of ``restyle methods``.
        parts: what to learn, of ``method``, ``tone`` and ``tempo``.
        names: what to call the clips in errors, and to remember as ``files``.
        mix: how much of each clip's sound there is, for a sound between them; by default all are one style.
        options: the method's own settings, as ``{"fit": 100}``.

    Raises:
        RestyleError: if a clip is unusable, or all are silent (with ``mix``: or one), or the method cannot mix.
    """
    clips = [style] if isinstance(style, Audio) else list(style)
    if not clips:
        raise RestyleError("there is no style to learn from; give at least one recording")
    called = (
        list(names) if names else ["the style"] if len(clips) == 1 else [f"style {i + 1}" for i in range(len(clips))]
    )
    for clip, name in zip(clips, called, strict=True):
        check_sound(clip, name)
    heard = [clip for clip in clips if not is_silent(clip)]
    if not heard:
        raise RestyleError(f"{', '.join(called)}: silent, so there is no style to learn; choose another recording")
    if mix is not None and len(mix) != len(heard):
        raise RestyleError(f"{len(mix)} shares cannot mix {len(heard)} recordings that are heard; give one for each")
    arrays: dict[str, np.ndarray] = {}
    for part in parts:
        log.info("learning the style's %s", f"sound for '{method}'" if part == "method" else part)
        arrays |= {f"{part}/{key}": array for key, array in _fit(part, method, options or {}, heard, mix).items()}
    return Style(method, arrays, tuple(names or ()), dict(options or {}))


def _fit(
    part: str, name: str, options: Mapping[str, Any], clips: Sequence[Audio], mix: Sequence[float] | None
) -> dict[str, np.ndarray]:
    if part == "method":
        used = make_method(name, **options)
        return used.fit(clips) if mix is None else _mixed(used, clips, mix)
    if part == "tone":
        from restyle.stages import tone

        return tone.fit(clips, mix)
    from restyle.stages import tempo

    return tempo.fit(clips)


def _mixed(used: Method, clips: Sequence[Audio], mix: Sequence[float]) -> dict[str, np.ndarray]:
    from restyle.methods.mixing import mixture
    from restyle.methods.notes import NotesMethod

    if not isinstance(used, NotesMethod):
        raise RestyleError(
            f"the method '{used.name}' cannot mix styles; choose notes or note_synth, or leave out the mix"
        )
    return mixture([used.fit([clip]) for clip in clips], mix)


def run(
    paths: Sequence[Path],
    out: Path,
    *,
    method: str = DEFAULT,
    mix: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Style:
    """Learn from files and write a ``.style`` file; see `learn`.

    Raises:
        RestyleError: if an input cannot be used or the output cannot be written.
    """
    _check_method(method)
    check_output(out, paths, [SUFFIX])
    names = [path.name for path in paths]
    learnt = learn([read_sound(path) for path in paths], method=method, names=names, mix=mix, options=options)
    save(out, learnt)
    return learnt


def shares(text: str | None) -> list[float] | None:
    """Read the shares of a mixture.

    Raises:
        RestyleError: if they are no numbers.

    Example:
        >>> shares(".3,.7")
        [0.3, 0.7]
    """
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError as error:
        raise RestyleError(f"--mix {text}: write a number for each recording, as .3,.7") from error


def _check_method(name: str) -> None:
    if name not in METHODS:
        raise RestyleError(f"there is no method '{name}'; choose one of {', '.join(METHODS)}")


def save(path: Path, style: Style) -> None:
    """Write a style as a safetensors file, whole or not at all.

    Raises:
        RestyleError: if the file cannot be written.
    """
    from restyle.files.weights import save as save_arrays

    settings: dict[str, Any] = {
        "kind": "style",
        "method": style.method,
        "restyle": __version__,
        "files": list(style.files),
    }
    settings |= {"options": dict(style.options)} if style.options else {}
    save_arrays(path, style.arrays, settings)


def load(path: Path) -> Style:
    """Read a style that :func:`save` wrote.

    Raises:
        RestyleError: if the file is missing, damaged or no style, or was learnt by a method that this version lacks.
    """
    from restyle.files.weights import load as load_arrays

    arrays, settings = load_arrays(path)
    if settings.get("kind") != "style" or not all(np.isfinite(array).all() for array in _floats(arrays)):
        raise RestyleError(f"{path} is damaged or not a style that restyle learnt; make it again with restyle learn")
    if settings.get("method") not in METHODS:
        raise RestyleError(
            f"{path} was learnt for the method '{settings.get('method')}', which this version does not have"
        )
    return Style(settings["method"], arrays, tuple(settings.get("files", ())), settings.get("options", {}))


def genres() -> dict[str, Path]:
    """Return the genres whose styles come with the package, and their files."""
    from restyle.files.weights import bundled

    return {path.stem: path for path in sorted(bundled(GENRES).glob(f"*{SUFFIX}"))}


def genre(name: str) -> Style:
    """Return the style of a genre: what a genre classifier sees on average in many pieces of it.

    Args:
        name: one of `genres`.

    Raises:
        RestyleError: if no such genre comes with the package.

    Example:
        >>> genre("jazz").method
        'gatys'
    """
    return load(genre_file(name))


def genre_file(name: str) -> Path:
    """Return the file of a genre's style.

    Raises:
        RestyleError: if no such genre comes with the package.
    """
    known = genres()
    if name not in known:
        raise RestyleError(f"there is no genre '{name}'; choose one of {', '.join(known)}, or give recordings of it")
    return known[name]


def _floats(arrays: dict[str, Any]) -> list[np.ndarray]:
    return [array for array in arrays.values() if np.issubdtype(array.dtype, np.floating)]
