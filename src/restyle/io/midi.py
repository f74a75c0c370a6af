"""MIDI files to `Notes` and back. Floor 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from restyle.errors import warn
from restyle.io.midi_playing import BEND, CONTROL, RANGE, SUSTAIN, WHEEL, play
from restyle.io.midi_writing import Beats, Message, apart, programme_change, struck, time_signature, write_tracks
from restyle.notes import CROWDED, DRUMS, Notes, assign_channels

MIDI = (".mid", ".midi")  # endings of what is written
MIDI_READ = (*MIDI, ".rmi")

SLIDE = 0.5  # semitones by which the pitch moves within a note before that is worth a word


def read_midi(path: str | Path, *, bent: bool = True) -> Notes:
    """Read the notes of a standard MIDI file as FluidSynth plays them: with tempi, pedals and pitch wheel.

    A note of no length lasts 10 ms, one that never ends lasts to the end of the file. What is damaged is mended with a
    warning, as far as it can be.

    Args:
        path: a ``.mid``, ``.midi`` or ``.rmi`` file.
        bent: whether pitches are those to which the pitch wheel bends the notes, of each the one that it holds
            longest, or those of their keys.

    Returns:
        The notes with their programmes (``DRUMS`` on channel 10).

    Raises:
        RestyleError: if the file is missing, or is no readable MIDI file.
    """
    played = play(path)
    rows, slides = [], 0
    for note in played.notes:
        bend, slide = played.channels[note.channel].bend(note.onset, note.offset) if bent else (0.0, 0.0)
        slides += slide > SLIDE
        rows.append((note.onset, note.offset, note.pitch + bend, note.velocity / 127, note.programme))
    notices = [*played.mended]
    if slides:
        notices.append(f"{slides} of its notes slide in pitch: each keeps the pitch that it holds longest")
    if notices:
        warn(f"{path}: {'; '.join(notices)}")
    return Notes.of(rows)


def read_bends(path: str | Path) -> dict[int, np.ndarray]:
    """Read how the pitch wheel moves in a MIDI file.

    Args:
        path: a ``.mid``, ``.midi`` or ``.rmi`` file.

    Returns:
        Programme -> (times in s, semitones from then on) ``[2, K]``, for programmes that are bent.

    Raises:
        RestyleError: if the file is missing, or is no readable MIDI file.
    """
    played = play(path)
    found: dict[int, list[tuple[float, float]]] = {}
    for channel, programme in sorted({(note.channel, note.programme) for note in played.notes}):
        if any(semitones for _, semitones in played.channels[channel].moves):
            found.setdefault(programme, []).extend(played.channels[channel].moves)
    return {programme: np.array(sorted(moves)).T for programme, moves in found.items()}


def write_midi(
    path: str | Path,
    notes: Notes,
    bends: Mapping[int, np.ndarray] | None = None,
    *,
    beats: np.ndarray | None = None,
    bar: int = 4,
    pickup: int = 0,
    pedal: Sequence[tuple[float, float]] = (),
) -> None:
    """Write notes as a standard MIDI file, one track a programme; the nearest whole pitches are written.

    The tuning that the notes share, as those of a recording do, is left out: intervals stay what they are.

    Args:
        path: the file to write; it appears whole or not at all.
        notes: the notes; with more than 15 programmes beside drums, a channel is given on when it is silent. Of two
            that overlap on one key, the first ends where the second begins; of two that begin at once, one is written.
        bends: programme -> (times in s, semitones) ``[2, K]``, of its pitch wheel.
        beats: times in s of quarter notes, the first of them 0; they become the file's tempo map. By default all is at
            120 a minute, without bars.
        bar: quarter notes of a bar.
        pickup: quarter notes before the first bar.
        pedal: when the sustain pedal is down, as (from, to) in s; of all programmes but drums.

    Raises:
        RestyleError: if the file cannot be written.
    """
    channels = assign_channels(notes)
    if channels.displaced:
        warn(f"{path}: {CROWDED.format(channels.displaced)}")
    clock = Beats.of(beats)
    programmes = sorted(set(notes.programme.tolist())) or [0]
    tracks: dict[int, list[Message]] = {programme: [] for programme in programmes}
    for span in channels.spans:
        if span.programme != DRUMS:
            change = programme_change(span.channel, span.programme, clock.tick(span.start))
            tracks[span.programme].append(change)
    for time, span, semitones in channels.moves(bends or {}):
        value = min(WHEEL - 1, max(-WHEEL, round(semitones / RANGE * WHEEL))) + WHEEL
        bend = bytes([BEND << 4 | span.channel, value & 0x7F, value >> 7])
        tracks[span.programme].append((clock.tick(time), bend))
    tuning = np.where(notes.programme == DRUMS, 0, _tuning(notes.pitched().pitch))
    keys = np.clip(np.round(notes.pitch - tuning), 0, 127).astype(int).tolist()
    lanes = list(zip(notes.programme.tolist(), keys, strict=True))
    for i, offset in apart(lanes, notes.onset, notes.offset):
        onset = clock.tick(float(notes.onset[i]))
        ticks = onset, max(clock.tick(offset), onset + 1)
        tracks[lanes[i][0]] += struck(int(channels.of[i]), keys[i], float(notes.velocity[i]), *ticks)
    for down, up in pedal:
        for programme, channel in sorted({(span.programme, span.channel) for span in channels.spans}):
            if programme != DRUMS:
                for time, value in ((down, 127), (up, 0)):
                    tracks[programme].append((clock.tick(time), bytes([CONTROL << 4 | channel, SUSTAIN, value])))
    tempo = clock.tempo()
    if beats is not None:
        tempo += [time_signature(pickup, 2, 0)] if pickup else []
        tempo += [time_signature(bar, 2, clock.tick(float(beats[pickup])))] if bar else []
    write_tracks(path, [tempo, *tracks.values()])


def _tuning(pitch: np.ndarray) -> float:
    """How far pitches lie from whole ones, -0.5..0.5 semitones: the mean of angles, since it goes round."""
    return float(np.angle(np.exp(2j * np.pi * pitch).sum()) / (2 * np.pi))
