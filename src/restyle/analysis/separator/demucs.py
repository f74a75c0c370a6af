"""Stems by Demucs (extra ``demucs``), whose weights that package downloads. Floor 3.

Source: Rouard, Massa, Défossez, "Hybrid transformers for music source separation", ICASSP 2023.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from restyle.analysis.separator.model import STEMS
from restyle.audio import Audio, resample
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.errors import RestyleError, require

MODEL = "htdemucs"
BLOCK, CONTEXT = 60.0, 8.0  # seconds


def separate_stems(audio: Audio, *, weights: str | None = None, progress: Progress | None = None) -> dict[str, Audio]:
    """Take a recording apart into `STEMS`, which add up to it: what Demucs leaves over joins ``other``.

    Args:
        audio: the recording; of more than two channels the first two.
        weights: a name of Demucs's models; ``htdemucs`` by default.
        progress: called with the fraction done, 0..1.

    Raises:
        RestyleError: if Demucs is not installed, or its weights cannot be had.
    """
    model = _model(weights or MODEL)
    output = {name: blocks.empty(audio.channels, audio.length) for name in STEMS}
    block, around = round(BLOCK * audio.rate), round(CONTEXT * audio.rate)
    for span in blocks.spans(audio.length, block, around):
        piece = audio.slice(span.left, span.right).samples
        found = _applied(model, piece, audio.rate)
        rest = piece[:, span.start - span.left : span.stop - span.left].copy()
        for name in STEMS[:-1]:
            stem = found[name][:, span.start - span.left : span.stop - span.left]
            output[name][:, span.start : span.stop] = stem
            rest -= stem
        output["other"][:, span.start : span.stop] = rest
        if progress:
            progress(span.stop / audio.length)
    return {name: Audio(sound, audio.rate) for name, sound in output.items()}


def _applied(model: Any, piece: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    """What Demucs finds in ``[C, T]``, by name, of the same form."""
    from demucs.apply import apply_model

    own = int(model.samplerate)
    both = np.stack([resample(channel, rate, own) for channel in piece[[0, min(1, len(piece) - 1)]]])
    mean, deviation = both.mean(), both.std() + 1e-8
    with torch.inference_mode():
        asked = torch.from_numpy(((both - mean) / deviation).astype(np.float32))[None]
        found = apply_model(model, asked, shifts=0, split=True, overlap=0.25, progress=False)[0]
    result = {}
    for name, stem in zip(model.sources, found.numpy() * deviation + mean, strict=True):
        back = np.stack([resample(channel, own, rate) for channel in stem])
        back = np.pad(back, ((0, 0), (0, max(0, piece.shape[1] - back.shape[1]))))[:, : piece.shape[1]]
        result[name] = back.mean(0, keepdims=True) if len(piece) == 1 else back
    return result


@lru_cache(maxsize=1)
def _model(name: str) -> Any:
    require("demucs", "demucs", what="separating by Demucs")
    from demucs.pretrained import get_model

    try:
        model = get_model(name)
    except (Exception, SystemExit) as error:  # it ends the program where it knows no such model
        why = " ".join(str(error).split()) or type(error).__name__
        problem = f"Demucs's model '{name}' cannot be had ({why})"
        raise RestyleError(f"{problem}; connect to the internet once, or leave out --model") from error
    missing = set(STEMS) - set(model.sources)
    if missing:
        raise RestyleError(f"Demucs's model '{name}' knows no {', '.join(sorted(missing))}; choose another one")
    return model.eval()
