"""Is a score a good arrangement of the content in the style? Metrics of notes as they are written. Floor 4.

Conventions:

* All is counted in steps of a beat, which is a quarter note; tempo, velocity and, but for `style_similarity`,
  instruments do not matter. Scores are held against each other from the first bar line on.
* Metrics of likeness are 1 for equal scores and 0 at worst. They are None where there is nothing to compare, and 0
  where only one of the two has notes, but for the style's profiles, which leave out what the output lacks.
* What plays the content's melody is no part of the accompaniment, which is what style and structure are about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from restyle.analysis.symbolic_genre.infer import classify
from restyle.evaluation import Metric
from restyle.evaluation.symbolic_harmony import chord_accuracy, degree_of_arrangement
from restyle.evaluation.symbolic_style import groove_similarity, style_similarity
from restyle.score import STEPS, Score

SIXTEENTH = STEPS // 4
OCTAVES = 11  # that hold the MIDI pitches

METRICS = {
    "symbolic.content_chroma": Metric("higher", "", "mean cosine of the chroma of two beats, the content's and these"),
    "symbolic.melody_f1": Metric("higher", "", "notes of the melody in one track, right pitch and onset"),
    "symbolic.chord_accuracy": Metric("higher", "", "beats on which the wanted chord is recognised"),
    "symbolic.time_pitch": Metric("higher", "", "cosine of differences in time and pitch, mean over instruments"),
    "symbolic.onset_duration": Metric("higher", "", "cosine of onsets in the bar by duration, mean over instruments"),
    "symbolic.onset_drum": Metric("higher", "", "cosine of onsets in the bar by drum"),
    "symbolic.style": Metric("higher", "", "mean of the three cosines with the style"),
    "symbolic.groove": Metric("higher", "", "onsets of each bar as in the likest of the style, 1 - Hamming distance"),
    "symbolic.genre": Metric("higher", "", "likeness of the probabilities of genres with the style's"),
    "symbolic.degree": Metric("higher", "nats", "how much the tracks differ in pitch classes"),
    "symbolic.structure": Metric("higher", "", "likeness of sections of one kind over that of any"),
}


def content_chroma(output: Score, content: Score) -> float | None:
    """Return how much the harmony is the content's, 0..1: mean cosine of chroma in windows of two beats, beat by beat.

    Chroma count the notes that sound at each step, all octaves and tracks added; drums do not count. The first window
    ends with the first beat, the last begins with the last beat of the longer score: before and after is silence, as
    in the authors' convolution. Windows without a note in either score are left out; those without one in only one
    score count 0.

    Returns:
        None if neither has a note with pitch.

    Example:
        >>> chord = Score.of([(0, 48, 60, 0.8, 0, 0), (0, 48, 64, 0.8, 0, 0)], bars=[0, 48])
        >>> note = Score.of([(0, 48, 72, 0.8, 0, 0)], bars=[0, 48])
        >>> round(content_chroma(note, chord), 3)
        0.707

    Source: Lu, Su, "Transferring the style of homophonic music using recurrent neural networks and autoregressive
    models", ISMIR 2018, as Cífka, Şimşekli, Richard, "Groove2Groove", IEEE/ACM TASLP 28, 2020, have it (12 frames a
    beat, ``window_size`` 24, ``stride`` 12).
    """
    beats = max(-(-int(score.pitched().end.max(initial=0)) // STEPS) for score in (output, content))
    ours, theirs = _windows(output, beats), _windows(content, beats)
    heard = ours.any(axis=1) | theirs.any(axis=1)
    if not heard.any():
        return None
    energy = np.sum(ours**2, axis=1) * np.sum(theirs**2, axis=1)
    cosine = np.sum(ours * theirs, axis=1) / np.sqrt(np.maximum(energy, 1))
    return float(np.mean(cosine[heard]))


def melody_f1(output: Score, melody: Score) -> float | None:
    """Return the F-measure of the melody's notes in the track that has it best, 0..1.

    A note is right if it begins at the same step and has the same pitch; lengths do not count, nor what other tracks
    play. Drums do not count.

    Args:
        output: the whole arrangement.
        melody: the content's melody alone.

    Returns:
        None if the melody has no notes.

    Example:
        >>> melody = Score.of([(0, 12, 60, 0.8, 0, 0), (12, 12, 62, 0.8, 0, 0)], bars=[0, 48])
        >>> played = Score.of([(0, 6, 60, 0.8, 73, 1), (12, 6, 50, 0.8, 73, 1), (0, 48, 36, 0.8, 32, 2)], bars=[0, 48])
        >>> melody_f1(played, melody)
        0.5
    """
    if not len(melody.pitched()):
        return None
    return max(_melody_scores(output, melody).values(), default=0.0)


def accompaniment(output: Score, melody: Score | None) -> Score:
    """Return the output without the track that has the melody best, if one has any of its notes.

    Example:
        >>> melody = Score.of([(0, 12, 60, 0.8, 0, 0)], bars=[0, 48])
        >>> whole = Score.of([(0, 12, 60, 0.8, 73, 1), (0, 48, 36, 0.8, 32, 2)], bars=[0, 48])
        >>> accompaniment(whole, melody).track.tolist()
        [2]
    """
    scores = {} if melody is None else _melody_scores(output, melody)
    best = max(scores, key=scores.__getitem__, default=None)
    if best is None or not scores[best]:
        return output
    return output.select(output.track != best)


def genre_similarity(output: Score, style: Score) -> float | None:
    """Return how much the probabilities of genres are the style's, 0..1: what both have in common.

    The genres are those of `restyle.analysis.symbolic_genre.infer.classify`: key, tempo and instruments do not count.

    Args:
        output: the accompaniment.
        style: the style's.

    Returns:
        None if neither has notes, 0 if one has none.

    Example:
        >>> score = Score.of([(12 * beat, 6, 40, 0.8, 32, 0) for beat in range(4)], bars=[0, 48])
        >>> round(genre_similarity(score, score), 6)
        1.0
    """
    if not len(output) or not len(style):
        return None if len(output) == len(style) else 0.0
    return float(np.minimum(classify(output).mean, classify(style).mean).sum())


def structure(output: Score, sections: Sequence[tuple[str, int]]) -> float | None:
    """Return how much more like each other sections of one kind are than any two parts of the piece: 1 without form.

    The piece is cut into pairs of bars, from the start of each section; an odd section's last bar is doubled. The mean
    similarity of two pairs in sections of one kind is divided by that of any two. The authors take the cosine of a
    trained network's latent texture (Poly-Dis); here it is that of plain counts: onsets in each sixteenth and octave,
    which tell rhythm and register and nearly nothing of harmony. Values are not comparable with theirs.

    Args:
        output: the accompaniment; drums do not count.
        sections: kind and number of bars of each section, from the first bar on; the output is cut, or goes on in
            silence, to their length.

    Returns:
        None if no two pairs of bars are of one kind, or none is like another.

    Example:
        >>> low, high = [(0, 6, 40, 0.8, 0, 0)], [(192, 6, 80, 0.8, 0, 0)]
        >>> rows = [(step + shift, *rest) for step, *rest in low + high for shift in (0, 96)]
        >>> round(structure(Score.of(rows, bars=range(0, 385, 48)), [("A", 4), ("B", 4)]), 9)
        3.0

    Source: Wang, Min, Xia, "Whole-song hierarchical generation of symbolic music using cascaded diffusion models", ICLR
    2024 (inter-phrase latent similarity); Zhao, Xia, Wang, Wang, "Structured multi-track accompaniment arrangement via
    style prior modelling" (AccoMontage-3), NeurIPS 2024, for the pairs of bars.
    """
    textures = _textures(output, sum(bars for _, bars in sections))
    taken: list[int] = []  # bars, two and two
    kinds: list[str] = []
    for kind, bars in sections:
        first = taken[-1] + 1 if taken else 0
        taken += [*range(first, first + bars), *[first + bars - 1] * (bars % 2)]
        kinds += [kind] * (-(-bars // 2))
    pairs = textures[taken].reshape(len(kinds), 2 * textures.shape[1])
    unit = pairs / np.maximum(np.linalg.norm(pairs, axis=1, keepdims=True), 1e-9)
    similarity, other = unit @ unit.T, ~np.eye(len(kinds), dtype=bool)
    alike = other & (np.array(kinds)[:, None] == np.array(kinds))
    if not alike.any() or not similarity[other].any():
        return None
    return float(similarity[alike].mean() / similarity[other].mean())


def evaluate(
    output: Score,
    *,
    content: Score | None = None,
    style: Score | None = None,
    melody: Score | None = None,
    chords: np.ndarray | None = None,
    sections: Sequence[tuple[str, int]] | None = None,
) -> dict[str, float | None]:
    """Return all metrics of an arrangement.

    Args:
        output: the arrangement.
        content: what it is an arrangement of.
        style: how it should go.
        melody: the content's melody alone; the track that plays it is no accompaniment.
        chords: as `chord_accuracy` takes them.
        sections: as `structure` takes them.

    Returns:
        All metrics by name, without ``symbolic.``; None where an input is lacking or there is nothing to compare.

    Example:
        >>> score = Score.of([(0, 48, 60, 0.8, 0, 0), (0, 48, 64, 0.8, 0, 0)], bars=[0, 48])
        >>> {name: value for name, value in evaluate(score, content=score).items() if value is not None}
        {'content_chroma': 1.0, 'degree': 0.0}
    """
    scores: dict[str, float | None] = {name.partition(".")[2]: None for name in METRICS}
    band = accompaniment(output, melody)
    if content is not None:
        scores["content_chroma"] = content_chroma(output, content)
    if melody is not None:
        scores["melody_f1"] = melody_f1(output, melody)
    if chords is not None:
        scores["chord_accuracy"] = chord_accuracy(output, chords)
    if style is not None:
        scores |= style_similarity(band, style) | {"groove": groove_similarity(band, style)}
        scores["genre"] = genre_similarity(band, style)
    scores["degree"] = degree_of_arrangement(band)
    if sections is not None:
        scores["structure"] = structure(band, sections)
    return scores


def _windows(score: Score, beats: int) -> np.ndarray:
    """Chroma added up over two beats, from each beat on and from the one before the first, ``[beats + 1, 12]``."""
    notes = score.pitched()
    change = np.zeros((beats * STEPS + 1, 12))
    np.add.at(change, (notes.start, notes.pitch % 12), 1)
    np.add.at(change, (notes.end, notes.pitch % 12), -1)
    by_beat = np.cumsum(change[:-1], axis=0).reshape(beats, STEPS, 12).sum(axis=1)
    padded = np.pad(by_beat, ((1, 1), (0, 0)))
    return np.asarray(padded[:-1] + padded[1:])


def _melody_scores(output: Score, melody: Score) -> dict[int, float]:
    """The F-measure of the melody in each track with pitch."""
    target, notes, scores = _notes(melody.pitched()), output.pitched(), {}
    for track in np.unique(notes.track).tolist():
        played = _notes(notes.select(notes.track == track))
        scores[track] = 2 * (played & target).total() / (played.total() + target.total())
    return scores


def _notes(score: Score) -> Counter[tuple[int, int]]:
    return Counter(zip(score.start.tolist(), score.pitch.tolist(), strict=True))


def _textures(score: Score, bars: int) -> np.ndarray:
    """How many notes begin in each sixteenth and octave of the first bars, ``[bars, sixteenths * 11]``."""
    notes = score.pitched()
    bar = notes.bar_of(notes.start)
    sixteenth = (notes.start - notes.bars[bar]) // SIXTEENTH
    counts = np.zeros((max(bars, score.bar_count), int(sixteenth.max(initial=0)) + 1, OCTAVES))
    np.add.at(counts, (bar, sixteenth, notes.pitch // 12), 1)
    return counts.reshape(len(counts), -1)[:bars]
