"""The genres of a recording, by a trained classifier. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from restyle.analysis.genre.model import Classifier
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.threads import single

WEIGHTS = "classifier.safetensors"
BATCH = 8  # chunks that are classified at once
OVERLAP = 2  # chunks that hear each moment


@dataclass(frozen=True, eq=False)
class Genres:
    """What a recording's chunks sound like.

    Args:
        labels: names of the classes.
        probabilities: of each chunk, ``[chunks, classes]``; each row adds up to 1.
        times: the middle of each chunk in seconds, ``[chunks]``.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray
    times: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Probabilities of the whole recording ``[classes]``: the mean of its chunks."""
        return np.asarray(self.probabilities.mean(axis=0))

    @property
    def best(self) -> str:
        """The most probable class of the whole recording."""
        return self.labels[int(self.mean.argmax())]


@dataclass(frozen=True, eq=False)
class Network:
    """A trained classifier and its input.

    Args:
        model: takes log1p magnitudes ``[B, F, L]``, gives logits.
        labels: names of the classes.
        frames: L of a chunk.
        transform: what makes them of sound.
    """

    model: Classifier
    labels: tuple[str, ...]
    frames: int
    transform: LogSpectrogram

    @property
    def length(self) -> int:
        """Samples from the first frame of a chunk to the one after its last."""
        return self.frames * self.transform.hop

    @property
    def context(self) -> int:
        """Samples around a chunk, whole hops: half a window and more, so that resampling has ended."""
        hop = self.transform.hop
        return -(-(self.transform.n_fft // 2 + 512) // hop) * hop

    def spectrogram(self, samples: np.ndarray) -> torch.Tensor:
        """Return what the network takes, ``[F, L]``, of a chunk with `context` on either side, ``[T]``."""
        first = self.context // self.transform.hop
        return self.transform(torch.from_numpy(samples))[:, first : first + self.frames]


@single()
def classify(audio: Audio, *, weights: str | Path | None = None, progress: Progress | None = None) -> Genres:
    """Tell the genres of a recording, chunk by chunk.

    Args:
        audio: the recording; its channels are mixed to one. After one that is shorter than a chunk comes silence.
        weights: a weights file that `analysis/genre/train.py` made; the one that comes with the package by default.
        progress: called with the fraction done, 0..1.

    Returns:
        Probabilities of all classes for chunks that overlap by half.

    Raises:
        RestyleError: if there is no such file, or it holds no classifier.

    Example:
        >>> classify(Audio(np.zeros(22050), 22050), weights="classifier.safetensors").best  # doctest: +SKIP
        'jazz'
    """
    network = load(weights)
    rate = network.transform.rate
    total = round(audio.length * rate / audio.rate)
    starts = _starts(total, network)
    result = []
    for at in range(0, len(starts), BATCH):
        chunks = [network.spectrogram(_piece(audio, start, network)) for start in starts[at : at + BATCH]]
        with torch.inference_mode():
            result.append(network.model(torch.stack(chunks)).softmax(-1).numpy())
        if progress:
            progress(min(1.0, (at + BATCH) / len(starts)))
    middles = [min(start + network.length / 2, (start + total) / 2) / rate for start in starts]
    return Genres(network.labels, np.concatenate(result).astype(np.float64), np.array(middles))


def load(weights: str | Path | None = None) -> Network:
    """Return a classifier by whatever `hub.find` finds; a file is read once.

    Raises:
        RestyleError: if there is no such file, or it holds no classifier.
    """
    path = files.bundled(WEIGHTS) if weights is None else hub.find(weights)
    if weights is None and not path.is_file():
        raise RestyleError("no genre classifier comes with this version; train one, or give the path of a weights file")
    return _load(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2)
def _load(path: Path, _changed: int) -> Network:
    model, settings = trained.network(path, "genre classifier", "stft")
    try:
        if not isinstance(model, Classifier):
            raise TypeError(type(model).__name__)
        transform = LogSpectrogram.of(settings["representation"])
        return Network(model, tuple(settings["labels"]), int(settings["data"]["frames"]), transform)
    except (KeyError, TypeError, ValueError) as error:
        raise RestyleError(trained.refusal(path, "genre classifier")) from error


def _starts(total: int, network: Network) -> list[int]:
    """Samples at which chunks begin: every half chunk, and where the last one ends with the recording."""
    last = max(0, total - network.length)
    starts = list(range(0, last + 1, network.length // OVERLAP))
    return starts if last - starts[-1] < network.length // 8 else [*starts, last]


def _piece(audio: Audio, start: int, network: Network) -> np.ndarray:
    """A chunk with its context at the network's rate, ``[T]``; what lies beyond the recording's ends is silent."""
    first, size = start - network.context, network.length + 2 * network.context
    rate = network.transform.rate
    ratio = audio.rate / rate
    left, right = round(max(0, first) * ratio), round((first + size) * ratio)
    return np.pad(blocks.mono(audio, left, right, rate), (max(0, -first), size))[:size]
