"""Tempo and groove: the content at the speed, and with the beat timing, of the style. Floor 4.

A profile holds ``tempo`` (BPM, 0 where the style has no steady beat), ``swing`` (where the off-beat falls within half a
beat, a beat and two beats of the style) and ``looseness`` (how far beats stray from an even pulse, root mean square in
beats).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter1d

from restyle.analysis.beats import Beats, note_curve, onsets, swing, track
from restyle.analysis.facts import Analysis
from restyle.audio import Audio
from restyle.dsp.blocks import Progress
from restyle.dsp.pianoroll import distance
from restyle.errors import RestyleError
from restyle.notes import Notes
from restyle.stages.warp import TimeMap, warp, warp_notes

Profile = dict[str, np.ndarray]

SLOWEST, FASTEST = 20.0, 400.0  # BPM that may be asked for
HOLD = (0.02, 0.04)  # seconds before and after an attack that are not stretched
BEND = 1.25  # a groove changes the speed within a beat by this factor at most


def fit(style: Sequence[Audio | Notes]) -> Profile:
    """Learn tempo and groove; of several clips the longest with the clearest beat speaks for all.

    Args:
        style: clips of any rate and channels.

    Returns:
        ``tempo`` ``[1]``, ``swing`` ``[3]``, ``looseness`` ``[1]``. Without a steady beat the tempo is 0 (no error yet:
        the tempo may not be needed).
    """
    tracked = [_track(clip) for clip in style]
    steady = [(found.confidence * len(curve), i) for i, (curve, found) in enumerate(tracked) if found.steady]
    if not steady:
        return {"tempo": np.zeros(1), "swing": np.full(3, 0.5), "looseness": np.zeros(1)}
    curve, found = tracked[max(steady)[1]]
    times = found.times
    halves = np.sort(np.concatenate([times, (times[1:] + times[:-1]) / 2]))
    swings = [swing(curve, halves), swing(curve, times), swing(curve, times[::2])]
    loose = np.sqrt(np.mean(_strays(times) ** 2)) * found.tempo / 60
    return {"tempo": np.array([found.tempo]), "swing": np.array(swings), "looseness": np.array([loose])}


def apply(
    content: Audio | Notes,
    profile: Profile,
    *,
    bpm: float | None = None,
    groove: bool = False,
    progress: Progress | None = None,
) -> Audio | Notes:
    """Bring content to the style's tempo, pitch kept.

    Args:
        content: a recording or notes.
        profile: what :func:`fit` returned.
        bpm: go to this tempo instead of the style's.
        groove: also move the content's beats and off-beats to the style's timing.
        progress: called with the fraction done.

    Returns:
        A recording of the same rate and channels, of ``round(length * ratio)`` samples (with ``groove`` a little
        more or less); or the notes at their new times.

    Raises:
        RestyleError: if the content has no steady beat, or the style has none and no ``bpm`` is given.
    """
    times = plan(content, profile, bpm=bpm, groove=groove)
    if isinstance(content, Notes):
        return warp_notes(content, times)
    return warp(content, times, progress=progress)


def plan(content: Audio | Notes, profile: Profile, *, bpm: float | None = None, groove: bool = False) -> TimeMap:
    """Return where every moment of the content goes; arguments and errors as for :func:`apply`."""
    if bpm is not None and not SLOWEST <= bpm <= FASTEST:
        raise RestyleError(f"a tempo of {bpm:g} BPM is out of range; give a number from {SLOWEST:g} to {FASTEST:g}")
    if bpm is None and not profile["tempo"][0] > 0:
        raise RestyleError("the style has no steady beat; give a number with --tempo")
    if groove and not (profile and profile["tempo"][0] > 0):
        raise RestyleError("the style has no steady beat, so no groove to take over; leave out --groove")
    curve, found = _track(content)
    if not found.steady:
        raise RestyleError("the content has no steady beat; use --tempo content without --groove")
    ratio = stretch_ratio(found.tempo, bpm if bpm is not None else float(profile["tempo"][0]))
    times = _groove(found, swing(curve, found.times), profile, ratio) if groove else TimeMap.scale(ratio)
    return times if isinstance(content, Notes) else _hold_attacks(times, onsets(curve))


def stretch_ratio(tempo: float, target: float) -> float:
    """Return how much longer the content becomes; tempi an octave apart count as equal, so it is 0.71..1.41.

    Example:
        >>> stretch_ratio(100, 125), stretch_ratio(80, 160), round(stretch_ratio(70, 170), 3)
        (0.8, 1.0, 0.824)
    """
    ratio = tempo / target
    return float(ratio / 2.0 ** np.round(np.log2(ratio)))


def own(content: Audio | Notes) -> float | None:
    """Return the content's own tempo in BPM; None where it has no beat, which `apply` then says."""
    return _track(content)[1].tempo or None


def _track(content: Audio | Notes) -> tuple[np.ndarray, Beats]:
    if isinstance(content, Notes):
        curve = note_curve(content)
        return curve, track(curve)
    found = Analysis.of(content)
    return found.onset_curve, found.beats


def _strays(times: np.ndarray) -> np.ndarray:
    """Return how late every beat is in seconds, beside an even pulse through the four beats on either side."""
    around = np.pad(times, 4, mode="reflect", reflect_type="odd") if len(times) > 4 else times
    return np.asarray((around - uniform_filter1d(around, 9))[4:-4] if len(times) > 4 else np.zeros(len(times)))


def _groove(found: Beats, own_swing: float, profile: Profile, ratio: float) -> TimeMap:
    """Map the content's beats to an even pulse with the style's looseness, and its off-beats to the style's swing."""
    pulse = ratio * 60 / found.tempo
    level = round(float(np.log2(pulse * profile["tempo"][0] / 60)))  # which of the style's metrical levels this beat is
    style_swing = float(profile["swing"][np.clip(level + 1, 0, 2)])
    strays = _strays(found.times)
    own_looseness = np.sqrt(np.mean(strays**2)) * found.tempo / 60
    keep = min(2.0, float(profile["looseness"][0]) / max(own_looseness, 1e-6))
    spaces = ratio * np.diff(found.times)
    gaps = np.clip(pulse + keep * ratio * np.diff(strays), spaces / BEND, spaces * BEND)
    moved = (found.times[0] + keep * strays[0]) * ratio + np.concatenate([[0.0], np.cumsum(gaps)])
    old = _with_off_beats(found.times, own_swing)
    new = _with_off_beats(moved, style_swing)
    # before the first and after the last beat the tempo is the new one
    old = np.concatenate([[old[0] - 1], old, [old[-1] + 1]])
    new = np.concatenate([[new[0] - ratio], new, [new[-1] + ratio]])
    return TimeMap(old, new)


def _hold_attacks(times: TimeMap, attacks: np.ndarray) -> TimeMap:
    """Let the sound around attacks (seconds) pass at its own speed, so that they stay sharp and land exactly."""
    near = np.minimum(np.diff(attacks), np.diff(times(attacks)))
    attacks = attacks[np.concatenate([[True], near > sum(HOLD) + 0.04])[: len(attacks)]]
    knots = np.unique(np.concatenate([times.old, [-1.0], attacks[-1:] + 1]))
    knots = knots[np.minimum(distance(knots, attacks), distance(times(knots), times(attacks))) > HOLD[1] + 0.02]
    span = np.array([-HOLD[0], HOLD[1]])
    old = np.concatenate([(attacks[:, None] + span).ravel(), knots])
    new = np.concatenate([(times(attacks)[:, None] + span).ravel(), times(knots)])
    order = np.argsort(old)
    return TimeMap(old[order], new[order])


def _with_off_beats(times: np.ndarray, fraction: float) -> np.ndarray:
    between = times[:-1] + fraction * np.diff(times)
    return np.sort(np.concatenate([times, between]))
