"""Which of General MIDI's drums belong to which class of hits. Floor 3."""

from __future__ import annotations

KEYS = (  # General MIDI's, of each class; those of none, as cowbells and claves, are no hits
    (35, 36),
    (37, 38, 39, 40),
    (42, 44, 46, 49, 51, 52, 53, 54, 55, 57, 59, 69, 70, 82),  # tambourine, cabasa, maracas and shaker, too
    (41, 43, 45, 47, 48, 50, 60, 61, 62, 63, 64, 65, 66),  # bongos, congas and timbales, too
)


def drum_class(pitch: float) -> int | None:
    """Return the place in `CLASSES` of a key of General MIDI's drums, or None where it is of none.

    Example:
        >>> drum_class(38), drum_class(49), drum_class(56)
        (1, 2, None)
    """
    return next((i for i, keys in enumerate(KEYS) if round(float(pitch)) in keys), None)
