"""Patterns: bars of a style's drums and bass, laid onto the beats and chords of a content. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restyle.analysis.bass import TOGETHER, bass_of
from restyle.analysis.chords import NONE
from restyle.analysis.drums.infer import find_hits
from restyle.analysis.facts import Analysis
from restyle.analysis.meter import Meter, estimate_meter
from restyle.audio import Audio
from restyle.notes import DRUMS, Notes

LONGEST = 4  # bars of a pattern
STEPS = 4  # of a beat, by which bars are compared
FEWEST = 4  # notes or hits of a pattern
EARLY = 0.125  # beats before a bar in which a note belongs to it
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MINOR = (0, 3, 7, 10)  # semitones of the tones that a bass may play above the root of a minor chord,
MAJOR = (0, 4, 7, 9)  # and of another
FINGERED = 33  # General MIDI's electric bass

Profile = dict[str, np.ndarray]


def fit(clips: Sequence[Audio], drums: Sequence[Audio | None]) -> Profile:
    """Learn the bars that a style repeats.

    Args:
        clips: of the style; the first with a steady beat is taken.
        drums: of each clip, its drums; None where it has none.

    Returns:
        ``drums`` ``[N, 3]``, places in beats from the pattern's start, pitches and velocities; ``bass`` ``[N, 4]``,
        places, lengths in beats, semitones above the chord's root, velocities; ``drums_bars`` and ``bass_bars``, how
        many bars that is and of how many beats; ``bass_register``, the median pitch. What the style has not is missing.
    """
    for clip, struck in zip(clips, drums, strict=True):
        known = Analysis.of(clip)
        meter = estimate_meter(known.beats, known.notes)
        if meter is None:
            continue
        profile: Profile = {}
        if struck is not None:
            hits = find_hits(struck)
            kept, bars = _repeated(meter, hits.onset, hits.pitch)
            if len(kept) >= FEWEST:
                place = _place(meter, hits.onset[kept], bars)
                profile["drums"] = np.stack([place, hits.pitch[kept], hits.velocity[kept]], 1)
                profile["drums_bars"] = np.array([len(bars), meter.beats])
        bass = bass_of(known.notes)
        kept, bars = _repeated(meter, bass.onset, bass.pitch)
        labels = [known.chords.at(float(onset) + TOGETHER) for onset in bass.onset[kept]]
        roots = np.array([root(label) for label in labels])
        if len(kept) >= FEWEST and (roots >= 0).sum() >= FEWEST:
            bass, roots = bass.select(kept[roots >= 0]), roots[roots >= 0]
            length = meter.place(bass.offset) - meter.place(bass.onset)
            above = np.round(bass.pitch - roots) % 12
            profile["bass"] = np.stack([_place(meter, bass.onset, bars), length, above, bass.velocity], 1)
            profile["bass_bars"] = np.array([len(bars), meter.beats])
            profile["bass_register"] = np.array([np.median(bass.pitch)])
        return profile
    return {}


def root(label: str) -> int:
    """Return the pitch class of a chord's root, 0 for C to 11; -1 of no chord.

    Example:
        >>> root("Bb:maj7"), root("F#:min"), root("N")
        (10, 6, -1)
    """
    if label == NONE:
        return -1
    name = label.partition(":")[0]
    return (ROOTS[name[0]] + name.count("#") - name.count("b")) % 12


def _bars(meter: Meter, times: np.ndarray) -> np.ndarray:
    """Numbers of the bars in which times lie; negative before the first whole bar."""
    return np.floor((meter.place(times) + EARLY - meter.first) / meter.beats).astype(int)


def _place(meter: Meter, times: np.ndarray, bars: range) -> np.ndarray:
    """Beats from the start of the first of some bars."""
    return np.asarray(meter.place(times) - meter.first - meter.beats * bars.start)


def _repeated(meter: Meter, onset: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, range]:
    """The stretch of whole bars that is most like all others: the notes in it, and which bars they are."""
    count = (len(meter.times) - 1 - meter.first) // meter.beats
    bar = _bars(meter, onset)
    inside = np.flatnonzero((bar >= 0) & (bar < count))
    if count < 1 or not len(inside):
        return np.array([], int), range(0)
    step = np.round((meter.place(onset[inside]) - meter.first - meter.beats * bar[inside]) * STEPS).astype(int)
    rolls = np.zeros((count, meter.beats * STEPS + 1, 128))
    np.add.at(rolls, (bar[inside], step.clip(0, meter.beats * STEPS), pitch[inside].round().astype(int)), 1)
    flat = rolls.reshape(count, -1)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    alike = (flat @ flat.T).mean(1)
    length = min(LONGEST, count)
    length = 1 if length < 2 else 2 if length < 4 else 4
    scores = np.convolve(alike, np.ones(length), "valid")
    first = int(np.argmax(scores.round(6)))
    bars = range(first, first + length)
    return inside[(bar[inside] >= bars.start) & (bar[inside] < bars.stop)], bars


def _laid(profile: Profile, name: str, meter: Meter, start: float, stop: float) -> np.ndarray:
    """Where a pattern's notes fall in a content: rows (which of them, place in beats), ``[M, 2]``.

    Longer bars than the style's begin again, shorter ones end early.
    """
    place, (bars, beats) = profile[name][:, 0], profile[f"{name}_bars"].tolist()
    rows = []
    count = int(np.ceil((len(meter.times) - meter.first) / meter.beats))
    bar = np.floor((place + EARLY) / beats).astype(int)
    inside = place - bar * beats
    for number in range(-1, count):
        for again in range(0, meter.beats, beats):
            which = np.flatnonzero((bar == number % bars) & (inside + again < meter.beats - EARLY))
            rows += [(i, meter.first + number * meter.beats + again + inside[i]) for i in which]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    times = meter.time(table[:, 1])
    return table[(table[:, 1] >= 0) & (times >= start - TOGETHER) & (times < stop)]


def drums(profile: Profile, meter: Meter, start: float, stop: float) -> Notes:
    """Return a style's hits as they fall on a content's beats.

    Args:
        profile: what :func:`fit` learnt, with ``drums``.
        meter: of the content.
        start: in s, from where on they play.
        stop: in s, where they end.
    """
    pattern = profile["drums"]
    laid = _laid(profile, "drums", meter, start, stop)
    which = laid[:, 0].astype(int)
    onset = np.maximum(meter.time(laid[:, 1]), 0)
    return Notes(onset, onset + 0.1, pattern[which, 1], pattern[which, 2], np.full(len(which), DRUMS))


def bass(profile: Profile, meter: Meter, content: Analysis, start: float, stop: float) -> Notes:
    """Return a style's bass line as it goes with a content's beats and chords; silent where there is no chord.

    Args:
        profile: what :func:`fit` learnt, with ``bass``.
        meter: of the content.
        content: with its chords.
        start: in s, from where on it plays.
        stop: in s, where it ends.
    """
    pattern, middle = profile["bass"], float(profile["bass_register"][0])
    rows = []
    for i, place in _laid(profile, "bass", meter, start, stop):
        _, length, above, velocity = pattern[int(i)]
        onset = max(0.0, float(meter.time(np.array(place))))
        label = content.chords.at(onset + TOGETHER)
        if root(label) < 0:
            continue
        tones = np.array(MINOR if ":min" in label else MAJOR)
        distance = np.abs((tones - above + 6) % 12 - 6)
        low = root(label) + int(tones[np.argmin(distance)])
        pitch = low + 12 * round((middle - low) / 12)
        rows.append((onset, max(onset + 0.05, float(meter.time(np.array(place + length)))), pitch, velocity, FINGERED))
    return Notes.of(rows)
