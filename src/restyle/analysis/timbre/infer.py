"""How alike two recordings sound, whatever they play: a trained style embedding. Floor 3."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.threads import single

WEIGHTS = "timbre.safetensors"


@single()
def embed(audio: Audio, *, weights: str | Path | None = None) -> np.ndarray:
    """Return where a recording lies among sounds: a unit vector ``[D]``; level, tune and tempo do not matter.

    Args:
        audio: the recording; its channels are mixed to one. It counts as the mean of equal pieces of about the length
            that the network was trained on, so that the recording's own length does not matter.
        weights: an embedding's, whatever `hub.find` finds; the one that comes with the package by default.

    Raises:
        RestyleError: if there is no such file, or it holds no timbre embedding.

    Example:
        >>> embed(Audio(np.zeros(16000), 16000), weights="timbre.safetensors").shape  # doctest: +SKIP
        (116,)
    """
    path = files.bundled(WEIGHTS) if weights is None else hub.find(weights)
    if weights is None and not path.is_file():
        raise RestyleError("no timbre embedding comes with this version; train one, or give the path of a weights file")
    model, transform, seconds = _load(path, path.stat().st_mtime_ns if path.is_file() else 0)
    total = np.zeros(0)
    pieces = max(1, round(audio.duration / seconds))
    for span in blocks.spans(audio.length, -(-audio.length // pieces), 0):
        samples = blocks.mono(audio, span.start, span.stop, transform.rate)
        samples = samples / max(float(np.abs(samples).max(initial=0)), 1e-9)  # spectrograms have a floor of their own
        with torch.inference_mode():
            level = transform(torch.from_numpy(samples))
            point = model(level[None])[0].double().numpy() * (span.stop - span.start)
        total = total + point if len(total) else point
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12))


def distance(one: Audio, other: Audio, *, weights: str | Path | None = None) -> float:
    """Return 1 - cosine of two recordings' embeddings, 0..2: 0 where they sound the same.

    Raises:
        RestyleError: see `embed`.
    """
    return float(max(0.0, 1 - embed(one, weights=weights) @ embed(other, weights=weights)))


@lru_cache(maxsize=2)
def _load(path: Path, _changed: int) -> tuple[nn.Module, LogSpectrogram, float]:
    """The network, its input, and the seconds of the halves of clips that it was trained on."""
    model, settings = trained.network(path, "timbre embedding", "mel")
    try:
        transform = LogSpectrogram.of(settings["representation"])
        return model, transform, int(settings["data"]["frames"]) / 2 * transform.hop / transform.rate
    except (KeyError, TypeError, ValueError) as error:
        raise RestyleError(trained.refusal(path, "timbre embedding")) from error
