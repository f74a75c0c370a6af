"""Evaluation: how good is a transfer? One file a question, in mir_eval's form. Floor 4.

Each file begins with its conventions and has metrics, which are functions of `Audio` values, and ``evaluate``, which
returns them all. `METRICS` says how each is read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from restyle.audio import Audio
from restyle.errors import RestyleError, require
from restyle.notes import Notes
from restyle.threads import single

__all__ = ["METRICS", "Metric", "evaluate"]

require("evaluate", "librosa", "mir_eval", what="evaluation")


@dataclass(frozen=True)
class Metric:
    """How a metric is read.

    Args:
        better: ``lower``, ``higher``, or ``""`` for a plain fact.
        unit: for headings; empty for none.
        text: what it is, in a few words.
    """

    better: str
    unit: str
    text: str


METRICS = {
    "content.melody": Metric("higher", "", "the predominant voice within 50 cents, part of the time"),
    "content.beat_chroma": Metric("lower", "", "1 - mean cosine of the chroma of each beat"),
    "content.pitch": Metric("lower", "", "pitches per frame, 1 - Jaccard index"),
    "content.chroma": Metric("lower", "", "1 - mean cosine of chroma frames"),
    "content.note_precision": Metric("higher", "", "notes with right onset and pitch"),
    "content.note_recall": Metric("higher", "", "notes with right onset and pitch"),
    "content.note_f1": Metric("higher", "", "notes with right onset and pitch"),
    "content.note_offset_precision": Metric("higher", "", "notes with right onset, pitch and offset"),
    "content.note_offset_recall": Metric("higher", "", "notes with right onset, pitch and offset"),
    "content.note_offset_f1": Metric("higher", "", "notes with right onset, pitch and offset"),
    "content.onset_f1": Metric("higher", "", "onsets, whatever their pitch"),
    "content.coherence": Metric("", "", "1: the content's own waveform, equalised; 0: played anew"),
    "style.embedding": Metric("lower", "", "1 - cosine of embeddings learnt from recordings, bands and instruments"),
    "style.mfcc": Metric("lower", "", "1 - cosine of mean MFCCs 2..13"),
    "style.mfcc_frechet": Metric("lower", "", "Fréchet distance of the MFCCs' distributions"),
    "style.envelope": Metric("lower", "dB", "long-term spectra, levelled, RMS difference"),
    "style.centroid": Metric("lower", "octaves", "difference of the mean spectral centroids"),
    "style.bandwidth": Metric("lower", "octaves", "difference of the mean spectral bandwidths"),
    "style.flatness": Metric("lower", "dB", "difference of the mean spectral flatnesses"),
    "style.dynamics": Metric("lower", "dB", "distance of the distributions of short-term levels"),
    "style.gram": Metric("lower", "", "distance of Gram matrices of random convolutional features"),
    "rhythm.tempo": Metric("", "BPM", "tempo of the result"),
    "rhythm.tempo_wanted": Metric("", "BPM", "tempo of what it is held against"),
    "rhythm.tempo_ratio": Metric("", "", "tempo over the wanted one, octaves folded"),
    "rhythm.tempo_error": Metric("lower", "%", "distance of that ratio from 1"),
    "rhythm.beat_f1": Metric("higher", "", "beats within 70 ms"),
    "rhythm.onset": Metric("lower", "", "1 - correlation of onset curves, best lag within 50 ms"),
    "quality.lsd": Metric("lower", "dB", "log-spectral distance to the target per mel band, as transfer papers do"),
    "quality.lsd_frames": Metric("lower", "dB", "log-spectral distance to the target, frame by frame"),
    "quality.stft": Metric("lower", "", "multi-scale STFT distance to the target"),
    "quality.si_sdr": Metric("higher", "dB", "scale-invariant signal-to-distortion ratio to the target"),
    "quality.clipping": Metric("lower", "%", "samples at full scale in a row"),
    "quality.silence": Metric("", "%", "of the time nothing is heard"),
    "quality.loudness": Metric("", "LUFS", "integrated loudness"),
    "quality.noise_floor": Metric("lower", "dB", "level of what sounds between notes and partials, relative to all"),
    "quality.bandwidth": Metric("", "Hz", "frequency up to which there is sound"),
    "quality.width": Metric("", "", "share of the sides in a stereo sound"),
}


@single()
def evaluate(
    output: Audio,
    *,
    content: Audio | None = None,
    style: Audio | None = None,
    target: Audio | None = None,
    notes: Notes | None = None,
    rhythm: str = "content",
    timbre: str | Path | None = None,
    only: Collection[str] | None = None,
) -> dict[str, dict[str, float | None]]:
    """Evaluate a transfer by all questions that can be names with what is given.

    Args:
        output: the transfer's result.
        content: what should be played.
        style: how it should sound.
        target: what the result should be, where that is known; content and style are then compared with it.
        notes: what should be played, where that is known as notes; else it is transcribed.
        rhythm: ``content`` or ``style``: whose tempo and beats the result should have.
        timbre: weights of a style embedding of your own, for ``style.embedding``; those of the package by default.
        only: full names of the metrics to compute, which saves the time of the others; all by default.

    Returns:
        ``{"content": {...}, "style": {...}, "rhythm": {...}, "quality": {...}}``, the names of `METRICS`; None where
        a metric cannot be computed (there is no target, no note, no beat ...) or is not in ``only``.

    Raises:
        RestyleError: if a sound cannot be evaluated, or there is no such metric.
    """
    from restyle.evaluation import common
    from restyle.evaluation import content as of_content
    from restyle.evaluation import quality as of_quality
    from restyle.evaluation import rhythm as of_rhythm
    from restyle.evaluation import style as of_style

    chosen = _by_question(METRICS if only is None else only)
    named = {"the output": output, "the content": content, "the style": style, "the target": target}
    for name, sound in named.items():
        if sound is not None:
            common.check(sound, name)
    return {
        "content": of_content.evaluate(output, target or content, notes, content=content, only=chosen["content"]),
        "style": of_style.evaluate(output, target or style, timbre=timbre, only=chosen["style"]),
        "rhythm": of_rhythm.evaluate(output, style if rhythm == "style" else content, only=chosen["rhythm"]),
        "quality": of_quality.evaluate(output, target, only=chosen["quality"]),
    }


def _by_question(names: Collection[str]) -> dict[str, list[str]]:
    """Return the metrics' short names by question."""
    chosen: dict[str, list[str]] = {name.partition(".")[0]: [] for name in METRICS}
    for name in names:
        if name not in METRICS:
            raise RestyleError(f"there is no metric '{name}'; choose from {', '.join(METRICS)}")
        question, _, short = name.partition(".")
        chosen[question].append(short)
    return chosen
