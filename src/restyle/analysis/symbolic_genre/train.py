"""Trains the network of `analysis/symbolic_genre/model.py` on folders of MIDI files. Floor 3."""

from __future__ import annotations

from restyle.analysis.genre.train import ClassifierTraining
from restyle.analysis.symbolic_genre.windows import Windows


class SymbolicGenreTraining(ClassifierTraining):
    """Cross-entropy on profiles of bars; `windows.changed` tells what becomes of them."""

    chunks = Windows
    limits = (
        "It knows the patterns that it has learnt from rather than genres: other patterns of a genre it names less "
        "surely, and everything gets one of its names. Programmes, tempo and loudness do not count"
    )
