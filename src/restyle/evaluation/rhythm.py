"""Does it go like what it should go like? Floor 4.

Conventions:

* The output is held against the content or the style, as asked. Tempo is that of the whole output. Beats and onset
  curves are compared up to the reference's end, at the same time: the two must start together. All else as in
  `restyle.evaluation.common`.
* Tempo and beats come from `restyle.analysis.beats`. Where it finds no steady beat in a sound, that sound's tempo is
  None, and so is what would be compared with it.
* Trackers differ by octaves on the same music, so the ratio of two tempi is folded to the nearest power of two:
  ratios lie within 0.71..1.41, and the error within 0..41.4 %.
* Beats are right within 70 ms, as in ``mir_eval.beat.f_measure``. The first five seconds are not left out as
  mir_eval's own ``evaluate`` does: clips are often hardly longer.
"""

from __future__ import annotations

from collections.abc import Collection

import librosa
import mir_eval
import numpy as np

from restyle.analysis.beats import Beats, track
from restyle.audio import Audio
from restyle.evaluation import common
from restyle.evaluation.common import compares, remembered

WINDOW = 0.07  # seconds within which a beat is right
HOP = 256  # samples between two values of the onset curves that are correlated
LAGS = 3  # such values, 48 ms
WORST = 100 * (2**0.5 - 1)  # % of a tempo that is lost

NAMES = ("tempo", "tempo_wanted", "tempo_ratio", "tempo_error", "beat_f1", "onset")


def tempo(audio: Audio) -> float | None:
    """Return the tempo in BPM; None where there is no steady beat."""
    common.check(audio)
    found = _beats(common.mono_16k(audio))
    return found.tempo if found.steady else None


def tempo_ratio(output: Audio, reference: Audio) -> float | None:
    """Return the output's tempo over the reference's, times the power of two that brings it nearest to 1.

    Source: the octave tolerance is that of "accuracy 2" in Gouyon et al., "An experimental comparison of audio tempo
    induction algorithms", IEEE TASLP 2006, without its factor of three.
    """
    own, target = tempo(output), tempo(reference)
    return None if own is None or target is None else fold(own / target)


def fold(ratio: float) -> float:
    """Return a positive ratio times the power of two that brings it nearest to 1.

    Example:
        >>> fold(1.9), fold(0.5), fold(1.1)
        (0.95, 1.0, 1.1)
    """
    return float(ratio / 2 ** np.round(np.log2(ratio)))


def tempo_error(output: Audio, reference: Audio) -> float | None:
    """Return the distance of the folded ratio from 1 in %, 0..41.4; the worst where a silent output has lost it."""
    ratio = tempo_ratio(output, reference)
    if ratio is not None:
        return 100 * abs(ratio - 1)
    lost = tempo(reference) is not None and common.silent(common.mono_16k(output))
    return WORST if lost else None


def beat_f1(output: Audio, reference: Audio) -> float | None:
    """Return the F-measure of the beats, 0..1; None where the reference has no steady beat.

    Source: Dixon, "Evaluation of the audio beat tracking system BeatRoot", Journal of New Music Research 36, 2007.
    """
    common.check(output, "the output")
    common.check(reference, "the reference")
    own, target = (_beats(sound) for sound in common.pair(output, reference))
    if not target.steady:
        return None
    if not len(own.times):
        return 0.0
    return float(mir_eval.beat.f_measure(target.times, np.sort(own.times), f_measure_threshold=WINDOW))


@compares(perfect=0.0, silence=1.0)
def onset(output: Audio, reference: Audio) -> float:
    """Return 1 - correlation of the onset-strength curves, the best within 48 ms of each other, 0..1.

    Source: the curves are those of Böck, Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013
    (``librosa.onset.onset_strength``).
    """
    own, target = _strength(output), _strength(reference)
    best = 0.0
    for lag in range(-LAGS, LAGS + 1):
        early, late = own[max(0, -lag) :], target[max(0, lag) :]
        length = min(len(early), len(late))
        best = max(best, _correlation(late[:length], early[:length]))
    return max(0.0, 1 - best)


def evaluate(
    output: Audio, reference: Audio | None = None, *, only: Collection[str] = NAMES
) -> dict[str, float | None]:
    """Return all scores of rhythm.

    Args:
        output: the transfer's result.
        reference: whose tempo, beats and onsets it should have.
        only: names of the metrics to compute.

    Returns:
        All metrics by name; None for those not in ``only``, and where there is no reference or no steady beat.

    Raises:
        RestyleError: if a sound is shorter than half a second or holds NaN.
    """
    common.check_all(output, reference)
    scores: dict[str, float | None] = dict.fromkeys(NAMES)
    if "tempo" in only:
        scores["tempo"] = tempo(output)
    if reference is not None:
        if "tempo_wanted" in only:
            scores["tempo_wanted"] = tempo(reference)
        for metric in (tempo_ratio, tempo_error, beat_f1, onset):
            if metric.__name__ in only:
                scores[metric.__name__] = metric(output, reference)
    return scores


@remembered
def _beats(sound: Audio) -> Beats:
    return track(common.onset_curve(sound))


@remembered
def _strength(sound: Audio) -> np.ndarray:
    curve = librosa.onset.onset_strength(y=sound.mono(), sr=sound.rate, hop_length=HOP)
    return np.asarray(curve, np.float64)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; of curves without any variation 1 where neither has any, else 0."""
    one, other = one - one.mean(), other - other.mean()
    norms = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    if not all(norms):
        return float(norms[0] == norms[1])
    return float(one @ other) / (norms[0] * norms[1])
