"""MIDI files to `Score` and back, on their own beats and bars. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from restyle.errors import RestyleError, warn
from restyle.io.midi_events import Signature
from restyle.io.midi_playing import PlayedNote, play
from restyle.io.midi_writing import (
    RESOLUTION,
    Beats,
    Message,
    apart,
    programme_change,
    struck,
    time_signature,
    write_tracks,
)
from restyle.notes import CROWDED, DRUMS, Channels, Notes, assign_channels
from restyle.score import COLUMNS, STEPS, Score

BAR = 4.0  # quarter notes, where a file says nothing
LONGEST = 100_000  # quarter notes of a piece, half a day: more is damage, and would fill the memory with beats
TICKS = RESOLUTION // STEPS  # a step
POWERS = ((2, 12), (3, 6), (4, 3))  # of two, of the beats in which bars are told, and the steps of such a beat
NUDGE = 1e-6  # of a step: what lies in the middle of two goes to the later one, however it was computed
NUMERATOR = 255  # beats of a bar, at most
TAIL = 1 / 8  # of a bar: what rings on for no longer makes no bar of its own


def read_score(path: str | Path) -> Score:
    """Read a standard MIDI file on its own beats and bars, rounded to twelve steps a quarter note.

    Pedals, damage and notes without an end are treated as `restyle.io.midi.read_midi` does; the pitch wheel is left
    out. Bars are those of the time signatures, of which each begins a bar, and of 4/4 without; the last bar is that in
    which the last note ends, but for an eighth of a bar. Files that count frames have 120 quarter notes a minute.

    Args:
        path: a ``.mid``, ``.midi`` or ``.rmi`` file.

    Returns:
        The score. Each channel of each track of the file that has notes is a track, numbered in the order of the file.
        Of notes of one track that begin on one step of a key, the longest is kept.

    Raises:
        RestyleError: if the file is missing, is no readable MIDI file, or is longer than 100,000 quarter notes.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/a.mid"
        >>> write_score(path, Score.of([(12, 6, 64, 0.5, 40, 0)], bars=[0, 36], tempo=90))
        >>> score = read_score(path)
        >>> score.start.tolist(), score.bars.tolist(), score.times.round(3).tolist()
        ([12], [0, 36], [0.0, 0.667, 1.333, 2.0])
    """
    played = play(path, apart=True)
    clock = played.found.clock
    times = np.array([(note.onset, note.offset) for note in played.notes]).reshape(-1, 2)
    steps = _steps(clock.quarters(times))
    end = int(steps.max(initial=1))
    if end > LONGEST * STEPS:
        raise RestyleError(
            f"{path} lasts {end // STEPS:,} quarter notes, more than the {LONGEST:,} that a piece may; cut it in parts"
        )
    if played.mended:
        warn(f"{path}: {'; '.join(played.mended)}")
    bars = _bars(played.found.signatures, int(steps[:, 0].max(initial=0)), end)
    quarters = np.arange(-(-int(bars[-1]) // STEPS) + 1)
    rows = np.array(list(_rows(played.notes, steps)), dtype=np.float64).reshape(-1, 6)
    columns = dict(zip(COLUMNS, rows.T, strict=True))
    return Score(**columns, bars=bars, times=clock.seconds(quarters * clock.quarter))


def _steps(quarters: np.ndarray) -> np.ndarray:
    return np.floor(quarters * STEPS + 0.5 + NUDGE).astype(np.int64)


def _rows(notes: Sequence[PlayedNote], steps: np.ndarray) -> Iterator[tuple[float, ...]]:
    """The columns of a score for each note; of those of one key and step, the longest comes last and is kept."""
    in_file = sorted(notes, key=lambda note: note.track)
    tracks = {lane: k for k, lane in enumerate(dict.fromkeys((note.track, note.channel) for note in in_file))}
    kept = {}
    for k in np.argsort(steps[:, 1], kind="stable").tolist():
        note, (start, end) = notes[k], steps[k].tolist()
        track = tracks[note.track, note.channel]
        length = max(1, end - start)
        kept[track, note.pitch, start] = (start, length, note.pitch, note.velocity / 127, note.programme, track)
    yield from kept.values()


def _bars(signatures: Sequence[Signature], begun: int, end: int) -> np.ndarray:
    """The steps at which bars begin and the last one ends, for notes of which the last begins and ends there."""
    lengths = {0: BAR * STEPS} | {int(_steps(np.array(s.quarter))): max(1.0, s.bar * STEPS) for s in signatures}
    edges, starts = [np.zeros(1)], sorted(lengths)
    for start, stop in zip(starts, [*starts[1:], np.inf], strict=True):
        if start < end:
            ended = (stop - start if stop < end else end - start) / lengths[start]
            count = max(np.ceil(ended - (TAIL if stop >= end else 0)), (begun - start) // lengths[start] + 1)
            edges.append(np.minimum(start + lengths[start] * np.arange(1, count + 1), stop))
    return np.unique(_steps(np.concatenate(edges) / STEPS))


def write_score(path: str | Path, score: Score) -> None:
    """Write a score as a standard MIDI file of format 1: a track each of its tracks, tempi and time signatures.

    Read back, it has the same steps. Of two notes of a track that overlap on one key, the first ends where the second
    begins. A track that has drums and other notes comes back as two.

    Args:
        path: the file to write; it appears whole or not at all.
        score: tracks of one programme share a channel; where more programmes than 15 beside drums sound at once, a
            warning says how many notes get another one.

    Raises:
        RestyleError: if the file cannot be written.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> write_score(folder + "/a.mid", Score.of([(0, 12, 60, 0.5, 0, 0)], bars=[0, 48]))
        >>> read_score(folder + "/a.mid").length.tolist()
        [12]
    """
    lanes, channels = _channels(score)
    if channels.displaced:
        warn(f"{path}: {CROWDED.format(channels.displaced)}")
    tracks: dict[int, list[Message]] = {track: [] for track in sorted(set(score.track.tolist()))}
    for track, message in _programmes(score, lanes, channels):
        tracks[track].append(message)
    keys = list(zip(score.track.tolist(), channels.of.tolist(), score.pitch.clip(0, 127).tolist(), strict=True))
    for i, end in apart(keys, score.start, score.end):
        track, channel, key = keys[i]
        tracks[track] += struck(channel, key, float(score.velocity[i]), TICKS * int(score.start[i]), TICKS * int(end))
    tempo = Beats.of(score.times - score.times[0]).tempo()
    write_tracks(path, [tempo + list(_signatures(score.bars)), *tracks.values()])


def _channels(score: Score) -> tuple[np.ndarray, Channels]:
    """What shares a channel, a programme or a track that has several, and the channels of the notes, in their order."""
    lanes = score.programme.copy()
    for track in np.unique(score.track):
        own = (score.track == track) & (score.programme != DRUMS)
        if len(np.unique(score.programme[own])) > 1:
            lanes[own] = DRUMS + 1 + track
    channels = assign_channels(Notes(score.start, score.end, score.pitch, score.velocity, lanes))
    of = np.empty_like(channels.of)
    of[np.lexsort((score.pitch, score.start))] = channels.of  # a table of notes has an order of its own
    return lanes, Channels(of, channels.spans, channels.displaced)


def _programmes(score: Score, lanes: np.ndarray, channels: Channels) -> Iterator[tuple[int, Message]]:
    """The tracks and messages that give channels their programmes."""
    for span in channels.spans:
        if span.programme != DRUMS:
            inside = (score.start >= span.start) & (score.start < span.stop)
            chosen = np.flatnonzero(inside & (channels.of == span.channel) & (lanes == span.programme))
            at = np.append(span.start, score.start[chosen[1:]]).astype(int)
            for k in np.flatnonzero(np.diff(score.programme[chosen], prepend=-1)).tolist():
                programme, track = int(score.programme[chosen[k]]), int(score.track[chosen[k]])
                yield track, programme_change(span.channel, programme, TICKS * int(at[k]))
            tracks, first = np.unique(score.track[chosen], return_index=True)
            for k in first[tracks != score.track[chosen[0]]].tolist() if len(chosen) else ():  # readers ask each track
                programme, track = int(score.programme[chosen[k]]), int(score.track[chosen[k]])
                yield track, programme_change(span.channel, programme, TICKS * int(at[k]))


def _signatures(bars: np.ndarray) -> Iterator[Message]:
    """A time signature for each bar of another length than the one before it.

    Where none says the length, that of a longer bar stands, which the next signature ends.
    """
    told = 0
    for start, length in zip(bars[:-1].tolist(), np.diff(bars).tolist(), strict=True):
        if length != told:
            power, beat = next((pair for pair in POWERS if length % pair[1] == 0), POWERS[-1])
            beats = min(NUMERATOR, -(-length // beat))
            yield time_signature(beats, power, TICKS * start)
            told = length if beats * beat == length else 0
    if not told:
        yield time_signature(4, 2, TICKS * int(bars[-1]))
