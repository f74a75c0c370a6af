"""The methods: (content, style) to Audio, one file a method.

`METHODS` is the one table that users' names are looked up in.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from restyle.errors import RestyleError
from restyle.methods.base import Method, Profile

__all__ = ["METHODS", "Method", "Profile", "method"]

METHODS = {
    "notes": ("restyle.methods.notes", "NotesMethod", "plays the content's notes with the sound of the style's notes"),
    "note_synth": (
        "restyle.methods.note_synth",
        "NoteSynthMethod",
        "the same, played by a network that has heard them",
    ),
    "wavenet": ("restyle.methods.wavenet", "WavenetMethod", "the same, by a WaveNet that hears the style as a whole"),
    "mosaic": ("restyle.methods.mosaic", "MosaicMethod", "rebuilds the content from short pieces of the style (NMF)"),
    "spectral": ("restyle.methods.spectral", "SpectralMethod", "merges spectrograms: content's detail, style's colour"),
    "texture": ("restyle.methods.texture", "TextureMethod", "optimises a spectrogram toward the style's texture"),
    "gatys": ("restyle.methods.gatys", "GatysMethod", "the same through the features of a genre classifier"),
}


def method(name: str, **settings: Any) -> Method:
    """Make a method by its name.

    Raises:
        RestyleError: if there is no such method.

    Example:
        >>> method("shuffle")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: there is no method 'shuffle'; choose one of notes, ...
    """
    if name not in METHODS:
        raise RestyleError(f"there is no method '{name}'; choose one of {', '.join(METHODS)}")
    module, made, _ = METHODS[name]
    return cast(Method, getattr(import_module(module), made)(**settings))
