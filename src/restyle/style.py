"""A style: what was learnt of recordings, or by a training; and its file. Floor 5.

A style is learnt from one recording or several (`learn`), read from a ``.style`` file (`load`), comes with the package
(`genre`), or is a trained model (`trained`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from restyle import __version__
from restyle.audio import Audio
from restyle.dsp.checks import check_sound, is_silent
from restyle.errors import RestyleError, collect_warnings
from restyle.io import hub as registry
from restyle.io import weights as files
from restyle.methods import METHODS, Method, taught
from restyle.methods import method as make_method
from restyle.methods.base import Taught
from restyle.threads import single

SUFFIX = ".style"
WEIGHTS = registry.SUFFIX
GENRES = "genres"  # folder of styles that come with the package, beside the weights
DEFAULT = "note_synth"
PARTS = ("method", "parts", "tone", "tempo")

log = logging.getLogger("restyle")


@dataclass(frozen=True, eq=False)
class Style:
    """What was learnt from one recording or several, for one method.

    Args:
        method: the method that learnt it.
        arrays: named arrays; the name's beginning says for whom: ``method/``, ``parts/``, ``tone/`` or ``tempo/``.
        files: names of the recordings, where they are known.
        options: settings of the method with which it was learnt.
        warnings: what was warned of as it was learnt; they belong to every result that is made with it.
    """

    method: str
    arrays: dict[str, np.ndarray]
    files: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

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


@single()
def learn(
    style: Audio | Sequence[Audio],
    *,
    method: str = DEFAULT,
    parts: Sequence[str] = PARTS,
    names: Sequence[str] = (),
    mix: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
    used: Method | None = None,
    stems: Mapping[str, Audio] | None = None,
) -> Style:
    """Learn a style from recordings.

    Args:
        style: one clip or several, of any rate and channels.
        method: a name of ``restyle methods``.
        parts: what to learn, of ``method``, ``parts`` (each part of a mix on its own), ``tone`` and ``tempo``.
        names: what to call the clips in errors, and to remember as ``files``.
        mix: how much of each clip's sound there is, for a sound between them; by default all are one style.
        options: the method's own settings, as ``{"fit": 100}``.
        used: the method, where it is built already.
        stems: of the (one) recording, where they are known.

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
    sounding = [clip for clip in clips if not is_silent(clip)]
    if not sounding:
        raise RestyleError(f"{', '.join(called)}: silent, so there is no style to learn; choose another recording")
    if mix is not None and len(mix) != len(sounding):
        raise RestyleError(
            f"{len(mix)} shares cannot mix {len(sounding)} recordings that are not silent; give one for each"
        )
    arrays: dict[str, np.ndarray] = {}
    with collect_warnings() as warnings:
        for part in [name for name in parts if name != "parts" or mix is None]:
            log.info("learning the style's %s", f"sound for '{method}'" if part == "method" else part)
            if part in ("method", "parts"):
                used = used or make_method(method, **(options or {}))
            if part == "method" and used:
                profile = used.fit(sounding) if mix is None else _mixed(used, sounding, mix)
            elif part == "parts" and used:
                profile = _parts(sounding, used, stems)
            else:
                profile = _stage(part, sounding, mix)
            arrays |= {f"{part}/{key}": array for key, array in profile.items()}
    return Style(method, arrays, tuple(names), dict(options or {}), tuple(warnings))


def _parts(clips: Sequence[Audio], used: Method, stems: Mapping[str, Audio] | None) -> dict[str, np.ndarray]:
    from restyle.stages import parts

    drums = make_method("drums") if used.plays_notes else used
    given = parts.check_stems(stems, clips[0], "the style") if stems else None
    return parts.fit(clips, used, drums, stems=given)


def _stage(part: str, clips: Sequence[Audio], mix: Sequence[float] | None) -> dict[str, np.ndarray]:
    if part == "tone":
        from restyle.stages import tone

        return tone.fit(clips, mix)
    from restyle.stages import tempo

    return tempo.fit(clips)


def _mixed(used: Method, clips: Sequence[Audio], mix: Sequence[float]) -> dict[str, np.ndarray]:
    from restyle.methods.notewise.mixing import mixture
    from restyle.methods.notewise.notes import NotesMethod

    if not isinstance(used, NotesMethod):
        raise RestyleError(
            f"the method '{used.name}' cannot mix styles; choose notes or note_synth, or leave out the mix"
        )
    return mixture([used.fit([clip]) for clip in clips], mix)


def save(path: Path, style: Style) -> None:
    """Write a style as a safetensors file, whole or not at all.

    Raises:
        RestyleError: if the file cannot be written.
    """
    settings: dict[str, Any] = {
        "kind": "style",
        "method": style.method,
        "restyle": __version__,
        "files": list(style.files),
    }
    settings |= {"options": dict(style.options)} if style.options else {}
    settings |= {"warnings": list(style.warnings)} if style.warnings else {}
    files.save(path, style.arrays, settings)


def load(path: Path) -> Style:
    """Read a style that :func:`save` wrote.

    Raises:
        RestyleError: if the file is missing, damaged or no style, or was learnt by a method that this version lacks.
    """
    arrays, settings = files.load(path)
    if settings.get("kind") != "style" or not all(np.isfinite(array).all() for array in _floats(arrays)):
        raise RestyleError(f"{path} is damaged or not a style that restyle learnt; make it again with restyle learn")
    method = settings.get("method")
    if method not in METHODS:
        raise RestyleError(f"{path} was learnt for the method '{method}', which this version does not have")
    return Style(
        method,
        arrays,
        tuple(settings.get("files", ())),
        settings.get("options", {}),
        tuple(settings.get("warnings", ())),
    )


def genres() -> dict[str, Path]:
    """Return the genres whose styles come with the package, and their files."""
    return {path.stem: path for path in sorted(files.bundled(GENRES).glob(f"*{SUFFIX}"))}


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


def is_learnt(path: Path) -> bool:
    """Return whether a style's path names what was learnt: a ``.style`` file, a run's folder or a weights file."""
    return path.suffix in (SUFFIX, WEIGHTS) or path.is_dir()


@single()
def read(path: Path, options: Mapping[str, Any] | None = None) -> Style:
    """Read a style that was learnt.

    Args:
        path: a ``.style`` file, the folder of a finished run of ``restyle train``, or its weights file.
        options: settings of the method, for a trained model.

    Raises:
        RestyleError: if it is missing, damaged or unfinished, or was trained for something else.
    """
    if path.suffix == SUFFIX:
        return load(path)
    return _style(registry.run_weights(path), options or {}, path.name)


def trained(model: str | Path, **options: Any) -> Style:
    """Return the style that a trained model is.

    Args:
        model: the folder of a finished run of ``restyle train``, a weights file, or a name of ``restyle models``.
        options: settings of the method, as ``named="jazz"``.

    Raises:
        RestyleError: if there is none, or it was trained for something else.

    Example:
        >>> trained("draw_strings").method
        'draw'
    """
    return read(named(Path(model)), options)


def named(path: Path) -> Path:
    """Return the weights file of a model that is a style by its bare name, as ``draw_strings``; any other path itself.

    Example:
        >>> named(Path("draw_strings")).name, named(Path("song.wav")).name
        ('draw_strings.safetensors', 'song.wav')
    """
    if path.suffix or path.parent != Path() or path.exists():
        return path
    found = (model.path for model in registry.models() if model.name == path.name)
    return next(found, path)


def _style(path: Path, options: Mapping[str, Any], name: str) -> Style:
    """The style of a weights file, remembered by a name."""
    if not path.is_file():
        raise RestyleError(f"{path}: there is no such file; check the name")
    kind = str(registry.header(path).get("kind", ""))
    if kind not in METHODS or not taught(kind):
        held = f"a model of kind '{kind}'" if kind else "no model that restyle trained"
        styles = ", ".join(method for method in METHODS if taught(method))
        raise RestyleError(f"{path} holds {held}, which is no style; train one of {styles}, or give recordings")
    own = {**options, "weights": str(path)}
    used = cast(Taught, make_method(kind, **own))
    return Style(kind, {f"method/{key}": array for key, array in used.taught().items()}, (name,), own)
