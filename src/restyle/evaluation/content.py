"""Is played what should be played? Floor 4.

Conventions:

* The output is held against a reference recording (the content, or a target), against notes, or both; it is cut, or
  lengthened with zeros, to the recording's length. All else as in `restyle.evaluation.common`.
* Distances (``beat_chroma``, ``pitch``, ``chroma``) are 0 for the same content and 1 at worst. ``melody``, precision,
  recall and F1 are 1 at best.
* ``melody`` and ``beat_chroma`` ask for tune and harmony, whatever instruments play them; ``pitch`` counts every voice.
* ``coherence`` asks how the output was made: 1 where it is the content's own waveform, equalised, near 0 where it was
  played anew. It is no measure of what is played.
* Notes are found in the output by `restyle.analysis.transcriber`, so note scores hold the transcriber's mistakes as
  well. The true notes are those given, without drums, or else the transcription of the reference. Scores are those
  of ``mir_eval.transcription``: a note is right if its onset is within 50 ms and its pitch within 50 cents; with
  offsets also if it ends within 50 ms or 20 % of its length. Velocities and programmes do not count.
* Where no note is expected although something sounds (drums alone), notes cannot be scored.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection

import librosa
import mir_eval
import numpy as np

from restyle.analysis import beats, multipitch
from restyle.analysis.transcriber import infer as transcription
from restyle.analysis.tuning import estimate_tuning
from restyle.audio import Audio
from restyle.dsp.coherence import band_coherence
from restyle.errors import RestyleError
from restyle.evaluation import common
from restyle.evaluation.common import compares, remembered
from restyle.notes import Notes

WINDOW = 0.05  # seconds within which an onset is right
APART = 0.06  # seconds between two onsets: sixteenths at 240 BPM
MISTUNED = 50.0  # cents from which a melody's pitch is another one
BEAT = 0.5  # seconds that stand for a beat where there is none
AUDIBLE = 0.01  # of the loudest beat, from which one counts
HOP, BINS = 512, 36  # samples of a frame of chroma; bins of an octave
TINY = 1e-6  # added to samples, so that chroma are defined in pauses

PARTS = ("precision", "recall", "f1")
NOTES = tuple(f"{kind}_{part}" for kind in ("note", "note_offset") for part in PARTS)
NAMES = ("melody", "beat_chroma", "pitch", "chroma", *NOTES, "onset_f1", "coherence")


@compares(perfect=1.0, silence=0.0)
def melody(output: Audio, reference: Audio) -> float:
    """Return in what part of the time the predominant voice is as in the reference, 0..1.

    That is: both have one within 50 cents of the other, or neither has one.

    Source: Poliner et al., "Melody transcription from music audio: approaches and evaluation", IEEE TASLP 2007 (overall
    accuracy, as in ``mir_eval.melody``).
    """
    found, target = _melody(output), _melody(reference)
    length = max(len(found), len(target))
    found, target = (np.pad(x, (0, length - len(x))) for x in (found, target))
    both = (found > 0) & (target > 0)
    cents = 1200 * np.abs(np.log2(np.where(both, found, 1) / np.where(both, target, 1)))
    return float(np.mean(np.where(both, cents < MISTUNED, (found > 0) == (target > 0))))


@compares(perfect=0.0, silence=1.0)
def beat_chroma(output: Audio, reference: Audio) -> float:
    """Return 1 - mean cosine of the mean chroma of each beat of the reference, 0..1; half seconds where it has no beat.

    Source: Ellis, Poliner, "Identifying cover songs with chroma features and dynamic programming beat tracking", ICASSP
    2007.
    """
    found, target = _constant_q(output), _constant_q(reference)
    beat = _beats(reference)
    edges = beat.times if beat.steady else np.arange(0, reference.duration, BEAT)
    frames = np.unique(np.concatenate([[0], np.round(edges * reference.rate / HOP)]).astype(int))
    frames = frames[frames < min(found.shape[1], target.shape[1])]
    chroma = [librosa.feature.chroma_cqt(C=c, bins_per_octave=BINS, norm=None) for c in (found, target)]
    means = [np.add.reduceat(c, frames, axis=1) for c in chroma]
    norms = [np.linalg.norm(mean, axis=0) for mean in means]
    heard = norms[1] > AUDIBLE * norms[1].max()
    cosine = np.sum(means[0] * means[1], axis=0) / np.maximum(norms[0] * norms[1], 1e-9)
    return max(0.0, 1 - float(np.mean(cosine[heard])))


@compares(perfect=0.0, silence=1.0)
def pitch(output: Audio, reference: Audio) -> float:
    """Return the distance of the pitches that sound at each moment: 1 - Jaccard index, mean over frames, 0..1.

    Pitches are semitones in the tuning of the reference.

    Source: Cífka et al., "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP 2021, section 4 (with
    another multipitch tracker than theirs).
    """
    tuning = _tuning(reference)
    return multipitch.pitch_distance(_multipitch(output, tuning), _multipitch(reference, tuning))


@compares(perfect=0.0, silence=1.0)
def chroma(output: Audio, reference: Audio) -> float:
    """Return 1 - mean cosine of the chroma frames, 0..1; frames without any energy in both are alike.

    Source: Müller, Ewert, "Chroma toolbox: MATLAB implementations for extracting variants of chroma-based audio
    features", ISMIR 2011 (CENS, as in ``librosa.feature.chroma_cens``).
    """
    found, target = _chroma(output), _chroma(reference)
    norms = np.linalg.norm(found, axis=0), np.linalg.norm(target, axis=0)
    cosine = np.sum(found * target, axis=0) / np.maximum(norms[0] * norms[1], 1e-9)
    cosine[(norms[0] == 0) & (norms[1] == 0)] = 1
    return max(0.0, 1 - float(np.mean(cosine)))


@compares(perfect=1.0, silence=0.0)
def onset_f1(output: Audio, reference: Audio) -> float:
    """Return the F-measure of onsets within 50 ms, whatever their pitch, 0..1; 1 where neither has any.

    Source: Raffel et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.
    """
    found, target = _onsets(output), _onsets(reference)
    if not len(found) or not len(target):
        return float(len(found) == len(target))
    return float(mir_eval.onset.f_measure(target, found, window=WINDOW)[0])


def note_scores(played: Notes, target: Notes, *, offsets: bool = False) -> tuple[float, float, float]:
    """Return precision, recall and F1 of notes, 0..1: ``mir_eval.transcription``'s with its default tolerances.

    Args:
        played: the notes found.
        target: the true notes.
        offsets: whether a note must also end at the right time.

    Returns:
        All 1 where no note should sound and none is played; all 0 where only one of them has notes.

    Example:
        >>> target = Notes.of([(0.0, 1.0, 60, 1, 0), (1.0, 2.0, 64, 1, 0)])
        >>> played = Notes.of([(0.02, 0.5, 60, 1, 0), (1.0, 1.9, 64, 1, 0), (1.0, 2.0, 72, 1, 0)])
        >>> [round(score, 2) for score in note_scores(played, target)]
        [0.67, 1.0, 0.8]
        >>> [round(score, 2) for score in note_scores(played, target, offsets=True)]
        [0.33, 0.5, 0.4]

    Source: Bay, Ehmann, Downie, "Evaluation of multiple-F0 estimation and tracking systems", ISMIR 2009.
    """
    if not len(played) or not len(target):
        alike = float(len(played) == len(target))
        return alike, alike, alike
    tables = [_table(target), _table(played)]
    ratio = 0.2 if offsets else None
    scores = mir_eval.transcription.precision_recall_f1_overlap(*tables[0], *tables[1], offset_ratio=ratio)
    return float(scores[0]), float(scores[1]), float(scores[2])


def coherence(output: Audio, content: Audio) -> float:
    """Return how far the output is the content's own waveform, only filtered, 0..1: the median over octave bands.

    Source: see `restyle.dsp.coherence`.
    """
    common.check_all(output, content, "the content")
    if common.silent(output) or common.silent(content):
        return float(common.silent(output) == common.silent(content))
    if output.rate != content.rate:
        output, content = common.mono_16k(output), common.mono_16k(content)
    return float(np.median(band_coherence(output, content)))


def evaluate(
    output: Audio,
    reference: Audio | None = None,
    notes: Notes | None = None,
    *,
    content: Audio | None = None,
    only: Collection[str] = NAMES,
) -> dict[str, float | None]:
    """Return all scores of content.

    Args:
        output: the transfer's result.
        reference: a recording of what should be played.
        notes: what should be played; else the reference is transcribed.
        content: what the output was made of, for ``coherence``.
        only: names of the metrics to compute.

    Returns:
        All metrics by name; None for those not in ``only``, those that lack an input, and where no note should sound.

    Raises:
        RestyleError: if a sound is shorter than half a second or holds NaN, or a note's times or pitch are not finite.
    """
    common.check_all(output, reference)
    if notes is not None and not all(np.isfinite(x).all() for x in (notes.onset, notes.offset, notes.pitch)):
        raise RestyleError("the notes hold times or pitches that are not finite: repair the MIDI file")
    scores: dict[str, float | None] = dict.fromkeys(NAMES)
    if reference is not None:
        for metric in (melody, beat_chroma, pitch, chroma, onset_f1):
            if metric.__name__ in only:
                scores[metric.__name__] = metric(output, reference)
    if content is not None and "coherence" in only:
        scores["coherence"] = coherence(output, content)
    return scores | _note_table(output, reference, notes, only)


def _note_table(
    output: Audio, reference: Audio | None, notes: Notes | None, only: Collection[str]
) -> dict[str, float | None]:
    if set(only).isdisjoint(NOTES) or (reference is None and notes is None):
        return {}
    found, other = common.pair(output, output if reference is None else reference)
    target = notes.pitched() if notes is not None else _transcribe(other)
    if not len(target) and (notes is not None or not common.silent(other)):
        return {}
    both = (note_scores(_transcribe(found), target, offsets=offsets) for offsets in (False, True))
    values = [score for scores in both for score in scores]
    return {name: value for name, value in zip(NOTES, values, strict=True) if name in only}


@remembered
def _transcribe(sound: Audio) -> Notes:
    return transcription.transcribe(sound).notes


@remembered
def _tuning(sound: Audio) -> float:
    return estimate_tuning(sound).offset


def _multipitch(sound: Audio, tuning: float) -> multipitch.MultiPitch:
    known = _multipitches(sound)
    if tuning not in known:
        known[tuning] = multipitch.multipitch(sound, tuning=tuning)
    return known[tuning]


@remembered
def _multipitches(sound: Audio) -> dict[float, multipitch.MultiPitch]:
    return {}


@remembered
def _melody(sound: Audio) -> np.ndarray:
    return multipitch.melody(sound)


@remembered
def _beats(sound: Audio) -> beats.Beats:
    return beats.track(common.onset_curve(sound))


@remembered
def _constant_q(sound: Audio) -> np.ndarray:
    """Magnitudes ``[252, L]``, as librosa's chroma take them."""
    with warnings.catch_warnings():  # librosa warns of sounds shorter than its longest filter, and of pure noise
        warnings.simplefilter("ignore", UserWarning)
        y = sound.mono() + np.float32(TINY)
        return np.abs(librosa.cqt(y, sr=sound.rate, hop_length=HOP, n_bins=7 * BINS, bins_per_octave=BINS, tuning=None))


@remembered
def _chroma(sound: Audio) -> np.ndarray:
    return np.asarray(librosa.feature.chroma_cens(C=_constant_q(sound), bins_per_octave=BINS), np.float64)


@remembered
def _onsets(sound: Audio) -> np.ndarray:
    return np.sort(beats.onsets(common.onset_curve(sound), apart=APART))


def _table(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    """Intervals ``[N, 2]`` in s and pitches ``[N]`` in Hz, as mir_eval takes them."""
    return np.stack([notes.onset, notes.offset], axis=1), librosa.midi_to_hz(notes.pitch)
