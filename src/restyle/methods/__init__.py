"""The methods: (content, style) to Audio; one file or folder a method. Floor 4.

`METHODS` is the one table that users' names are looked up in. Packages add methods of their own to it by an entry point
of the group ``restyle.methods``, as ``NAME = "package.module:Class"`` (an example lies in ``examples/``).
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any, NamedTuple, cast

from restyle.errors import RestyleError
from restyle.methods.base import Method, Profile

__all__ = ["METHODS", "Method", "Profile", "check", "method", "taught"]

GROUP = "restyle.methods"


class Entry(NamedTuple):
    """Where a method's class is, as ``module:Class``, and what it does in a few words."""

    target: str
    text: str


OWN = {
    "notes": Entry(
        "restyle.methods.notewise.notes:NotesMethod", "plays the content's notes with the sound of the style's"
    ),
    "note_synth": Entry("restyle.methods.notewise.note_synth:NoteSynthMethod", "the same, played by a network"),
    "wavenet": Entry("restyle.methods.wavenet.method:WavenetMethod", "the same, by a WaveNet conditioned on the style"),
    "mosaic": Entry("restyle.methods.mosaic:MosaicMethod", "rebuilds the content from short pieces of the style (NMF)"),
    "drums": Entry("restyle.methods.drums:DrumsMethod", "plays the hits of drums by the style's drums"),
    "spectral": Entry("restyle.methods.spectral:SpectralMethod", "merges spectrograms: content's detail, style's tone"),
    "texture": Entry("restyle.methods.texture:TextureMethod", "optimises a spectrogram toward the style's texture"),
    "gatys": Entry("restyle.methods.gatys:GatysMethod", "the same through the features of a genre classifier"),
    "vae_gan": Entry(
        "restyle.methods.vae_gan.method:VaeGanMethod", "decodes the content with the style's vector (VAE-GAN)"
    ),
    "draw": Entry(
        "restyle.methods.draw.method:DrawMethod", "draws the content anew with a network of one style (DRAW)"
    ),
    "cyclegan": Entry("restyle.methods.cyclegan.method:CycleGanMethod", "from one kind of music to another (CycleGAN)"),
}


def _installed() -> dict[str, Entry]:
    """Methods that other packages add; none takes the name of one of ours."""
    found = metadata.entry_points(group=GROUP)
    return {one.name: Entry(one.value, f"of the package {one.dist.name}" if one.dist else "") for one in found}


METHODS = {**_installed(), **OWN}


def check(name: str) -> None:
    """Refuse a name that is no method's.

    Raises:
        RestyleError: naming those there are.
    """
    if name not in METHODS:
        raise RestyleError(f"there is no method '{name}'; choose one of {', '.join(METHODS)}")


def method(name: str, **settings: Any) -> Method:
    """Make a method by its name.

    Args:
        name: one of `METHODS`.
        settings: the method's own (see its class); `methods.settings.checked` reads and checks them.

    Raises:
        RestyleError: if there is no such method, or it has no such setting or refuses its value.

    Example:
        >>> method("vae_gan", loudness=3)
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: the method 'vae_gan' has no setting 'loudness'; choose one of named, weights
    """
    return cast(Method, load(name)(**settings))


def load(name: str) -> type:
    """Return a method's class.

    Raises:
        RestyleError: if there is no such method, or its package is broken.
    """
    check(name)
    module, _, built = METHODS[name].target.partition(":")
    try:
        return cast(type, getattr(import_module(module), built))
    except (ImportError, AttributeError) as error:
        if name in OWN:
            raise
        raise RestyleError(
            f"the method '{name}' {METHODS[name].text} cannot be loaded ({error}); install it again"
        ) from error


def taught(name: str) -> bool:
    """Return whether a method's weights can be a style by themselves (see `methods.base.Taught`).

    Example:
        >>> taught("draw"), taught("notes")
        (True, False)
    """
    return hasattr(load(name), "taught")
