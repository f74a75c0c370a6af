"""The methods: (content, style) to Audio, one file a method.

`METHODS` is the one table that users' names are looked up in.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from restyle.errors import RestyleError
from restyle.methods.base import Method, Profile

__all__ = ["METHODS", "Method", "Profile", "method", "taught"]

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
    "vae_gan": ("restyle.methods.vae_gan", "VaeGanMethod", "decodes the content with the style's vector (VAE-GAN)"),
    "draw": ("restyle.methods.draw", "DrawMethod", "paints the content anew, with one style that was taught (DRAW)"),
    "cyclegan": ("restyle.methods.cyclegan", "CycleGanMethod", "from one kind of music to another, both taught (GAN)"),
}


def method(name: str, **settings: Any) -> Method:
    """Make a method by its name.

    Args:
        name: one of `METHODS`.
        settings: the method's own (see its class); `methods.settings.checked` reads and checks them.

    Raises:
        RestyleError: if there is no such method, or it has no such setting or refuses its value.

    Example:
        >>> method("notes", loudness=3)
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: the method 'notes' has no setting 'loudness'; choose one of unpitched, fallback
    """
    if name not in METHODS:
        raise RestyleError(f"there is no method '{name}'; choose one of {', '.join(METHODS)}")
    module, made, _ = METHODS[name]
    built = getattr(import_module(module), made)
    return cast(Method, built(**settings))


def taught(name: str) -> bool:
    """Return whether a method's weights can be a style by themselves (see `methods.base.Taught`).

    Example:
        >>> taught("draw"), taught("notes")
        (True, False)
    """
    module, made, _ = METHODS[name]
    return hasattr(getattr(import_module(module), made), "taught")
