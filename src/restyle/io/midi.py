"""MIDI files to `Notes` and back. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from restyle.errors import warn
from restyle.io.atomic import writing
from restyle.io.midi_events import (
    END_OF_TRACK,
    HEADER,
    META,
    SET_TEMPO,
    TEMPO,
    TIME_SIGNATURE,
    TRACK,
    damaged,
    read_events,
)
from restyle.notes import CROWDED, DRUM_CHANNEL, DRUMS, Notes, assign_channels

MIDI = (".mid", ".midi")  # endings of what is written
MIDI_READ = (*MIDI, ".rmi")

WHEEL = 8192  # steps of the pitch wheel to either side
RANGE = 2.0  # semitones that it reaches, unless a file says otherwise
SLIDE = 0.5  # semitones by which the pitch moves within a note before that is worth a word
SHORTEST = 0.01  # s that FluidSynth plays a note without length
UNENDED = 1.0  # s, at least, of a note that never ends
RESOLUTION = 960  # ticks a quarter note of what is written, at 120 of them a minute
TICKS = RESOLUTION * 1_000_000 / TEMPO  # a second

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 0x8, 0x9, 0xB, 0xC, 0xE
ORDER = (META >> 4, CONTROL, NOTE_OFF, PROGRAM, BEND, NOTE_ON)  # of messages of one time
SUSTAIN, SOSTENUTO, SOUND_OFF, RESET, NOTES_OFF = 64, 66, 120, 121, 123  # controls
DATA, DATA_FINE, PARAMETERS = 6, 38, {98: "none", 99: "none", 100: "fine", 101: "coarse"}


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
    played = _play(Path(path))
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
    played = _play(Path(path))
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
    programmes = sorted(set(notes.programme.tolist())) or [0]
    tracks: dict[int, list[tuple[float, bytes]]] = {programme: [] for programme in programmes}
    for span in channels.spans:
        if span.programme != DRUMS:
            tracks[span.programme].append((span.start, bytes([PROGRAM << 4 | span.channel, span.programme])))
    for time, span, semitones in channels.moves(bends or {}):
        value = min(WHEEL - 1, max(-WHEEL, round(semitones / RANGE * WHEEL))) + WHEEL
        tracks[span.programme].append((time, bytes([BEND << 4 | span.channel, value & 0x7F, value >> 7])))
    tuning = np.where(notes.programme == DRUMS, 0, _tuning(notes.pitched().pitch))
    keys = np.clip(np.round(notes.pitch - tuning), 0, 127).astype(int).tolist()
    for i, offset in _apart(notes, keys):
        channel, key, onset = int(channels.of[i]), keys[i], float(notes.onset[i])
        velocity, track = min(127, max(1, round(float(notes.velocity[i]) * 127))), tracks[int(notes.programme[i])]
        track.append((onset, bytes([NOTE_ON << 4 | channel, key, velocity])))
        track.append((max(offset, onset + 1 / TICKS), bytes([NOTE_OFF << 4 | channel, key, 0])))
    for down, up in pedal:
        for programme, channel in sorted({(span.programme, span.channel) for span in channels.spans}):
            if programme != DRUMS:
                for time, value in ((down, 127), (up, 0)):
                    tracks[programme].append((time, bytes([CONTROL << 4 | channel, SUSTAIN, value])))
    clock = _Clock.of(beats)
    tempo = clock.tempo()
    if beats is not None:
        for time, quarters in ((0.0, pickup), (float(beats[pickup]), bar)):
            if quarters:
                tempo.append((time, bytes([META, TIME_SIGNATURE, 4, quarters, 2, 24, 8])))
    header = HEADER + (6).to_bytes(4) + b"".join(n.to_bytes(2) for n in (1, 1 + len(tracks), RESOLUTION))
    with writing(path) as beside:
        beside.write_bytes(header + b"".join(_track(messages, clock) for messages in (tempo, *tracks.values())))


def _tuning(pitch: np.ndarray) -> float:
    """How far pitches lie from whole ones, -0.5..0.5 semitones: the mean of angles, since it goes round."""
    return float(np.angle(np.exp(2j * np.pi * pitch).sum()) / (2 * np.pi))


def _apart(notes: Notes, keys: Sequence[int]) -> Iterator[tuple[int, float]]:
    """(number, offset) of the notes; none sounds on when its key is struck again: MIDI has one end for a key."""
    following: dict[tuple[int, int], float] = {}  # onset of the next note of a programme's key
    for i in np.lexsort((notes.offset, notes.onset))[::-1].tolist():
        lane, onset = (int(notes.programme[i]), keys[i]), float(notes.onset[i])
        begins = following.get(lane, np.inf)
        if onset < begins:
            following[lane] = onset
            yield i, min(float(notes.offset[i]), begins)


@dataclass(frozen=True, eq=False)
class _Clock:
    """Which tick a time is: beats of 960 ticks, each with the tempo in whole microseconds that a file can hold."""

    times: np.ndarray
    ticks: np.ndarray
    lengths: np.ndarray  # microseconds of a quarter note from each time on

    @classmethod
    def of(cls, beats: np.ndarray | None) -> _Clock:
        if beats is None:
            return cls(np.zeros(1), np.zeros(1), np.array([TEMPO]))
        lengths = np.clip(np.round(np.diff(beats) * 1e6), 1, 2**24 - 1).astype(int)
        # what a reader adds up, so that rounding does not add up
        times = np.concatenate([[0], np.cumsum(lengths[:-1])]) / 1e6
        return cls(times, RESOLUTION * np.arange(len(times)), lengths)

    def tick(self, time: float) -> int:
        piece = max(0, int(np.searchsorted(self.times, time, side="right")) - 1)
        return round(self.ticks[piece] + (time - self.times[piece]) * 1e6 / self.lengths[piece] * RESOLUTION)

    def tempo(self) -> list[tuple[float, bytes]]:
        changes = np.flatnonzero(np.diff(self.lengths, prepend=0))
        return [(float(self.times[k]), bytes([META, SET_TEMPO, 3]) + int(self.lengths[k]).to_bytes(3)) for k in changes]


def _track(messages: list[tuple[float, bytes]], clock: _Clock) -> bytes:
    """A track of (time in s, message); of one time notes end before a programme, bend or note begins."""
    timed = [(clock.tick(time), message) for time, message in messages]
    data, last = bytearray(), 0
    for tick, message in sorted(timed, key=lambda m: (m[0], ORDER.index(m[1][0] >> 4), m[1])):
        data += _number(tick - last) + message
        last = tick
    data += bytes([0, META, END_OF_TRACK, 0])
    return TRACK + len(data).to_bytes(4) + bytes(data)


def _number(value: int) -> bytes:
    """Seven bits a byte, all but the last with the highest bit set."""
    data = [value & 0x7F]
    while value := value >> 7:
        data.append(value & 0x7F | 0x80)
    return bytes(reversed(data))


@dataclass
class _Note:
    onset: float
    pitch: int
    velocity: int
    programme: int
    channel: int
    offset: float = np.inf
    again: bool = False  # whether it began by ending one of the same key
    doubled: bool = False  # whether another one began with it
    down: bool = True  # the key
    held: bool = False  # by the sostenuto pedal


@dataclass
class _Channel:
    """The state of a channel, and what sounds on it."""

    number: int
    programme: int = 0
    sustain: bool = False
    sounding: dict[int, _Note] = field(default_factory=dict)
    moves: list[tuple[float, float]] = field(default_factory=list)  # of the pitch wheel: s, semitones
    wheel: float = 0.0
    range: float = RANGE
    parameter: dict[str, int] = field(default_factory=dict)

    def on(self, time: float, pitch: int, velocity: int) -> _Note:
        before = self.sounding.get(pitch)
        if before:
            before.offset, before.doubled = time, before.onset == time
        programme = DRUMS if self.number == DRUM_CHANNEL else self.programme
        note = _Note(time, pitch, velocity, programme, self.number, again=before is not None)
        self.sounding[pitch] = note
        return note

    def off(self, time: float, pitch: int) -> None:
        note = self.sounding.get(pitch)
        if note and not (note.again and note.onset == time):  # else it is the end of the one before
            note.down = False
            self.release(time)

    def release(self, time: float) -> None:
        """End what neither a key nor a pedal holds."""
        for pitch, note in list(self.sounding.items()):
            if not (note.down or note.held or self.sustain):
                note.offset = time
                del self.sounding[pitch]

    def control(self, time: float, number: int, value: int) -> None:
        if number == SUSTAIN:
            self.sustain = value >= 64
        elif number == SOSTENUTO:
            for note in self.sounding.values():
                note.held = value >= 64 and (note.held or note.down)
        elif number == RESET:
            self.sustain, self.wheel = False, 0.0
            self.parameter.clear()
            for note in self.sounding.values():
                note.held = False
            self.move(time)
        elif number == SOUND_OFF:
            for note in self.sounding.values():
                note.offset = time
            self.sounding.clear()
        elif number >= NOTES_OFF:
            for note in self.sounding.values():
                note.down = False
        elif number in PARAMETERS:
            self.parameter[PARAMETERS[number]] = value
            if PARAMETERS[number] != "none":
                self.parameter.pop("none", None)
        elif number in (DATA, DATA_FINE) and self.parameter == {"coarse": 0, "fine": 0}:
            whole, cents = (value, self.range % 1) if number == DATA else (int(self.range), value / 100)
            self.range = whole + cents
            self.move(time)
        self.release(time)

    def move(self, time: float) -> None:
        semitones = self.wheel * self.range
        if semitones != (self.moves[-1][1] if self.moves else None):
            self.moves.append((time, semitones))

    def bend(self, onset: float, offset: float) -> tuple[float, float]:
        """The semitones that the wheel holds longest in that time, and how far it moves in it."""
        if self.number == DRUM_CHANNEL or not self.moves:
            return 0.0, 0.0
        times, semitones = np.array(self.moves).T
        first, last = np.searchsorted(times, onset, side="right"), np.searchsorted(times, offset)
        values = np.concatenate([[semitones[first - 1] if first else 0.0], semitones[first:last]])
        lasting = np.diff(np.concatenate([[onset], times[first:last], [offset]]))
        order = np.argsort(values)
        middle = np.searchsorted(np.cumsum(lasting[order]), lasting.sum() / 2)
        return float(values[order][min(middle, len(values) - 1)]), float(np.ptp(values))


@dataclass(frozen=True)
class _Played:
    notes: list[_Note]
    channels: list[_Channel]
    mended: list[str]


def _play(path: Path) -> _Played:
    """Follow the events of a file as a synthesiser does."""
    found = read_events(path)
    channels = [_Channel(number) for number in range(16)]
    notes: list[_Note] = []
    for time, status, first, second in found.events:
        kind, channel = status >> 4, channels[status & 0xF]
        if kind == NOTE_ON and second:
            notes.append(channel.on(time, first, second))
        elif kind in (NOTE_ON, NOTE_OFF):
            channel.off(time, first)
        elif kind == CONTROL:
            channel.control(time, first, second)
        elif kind == PROGRAM:
            channel.programme = first
        elif kind == BEND:
            channel.wheel = ((second << 7 | first) - WHEEL) / WHEEL
            channel.move(time)
    if found.incomplete and not notes:
        raise damaged(path)
    return _Played(notes, channels, [*found.mended, *_end(notes, found.end)])


def _end(notes: list[_Note], end: float) -> Iterator[str]:
    """End what still sounds, and give a length to what has none."""
    unended = [note for note in notes if note.offset == np.inf]
    for note in unended:
        note.offset = max(end, note.onset + UNENDED) if note.down else end
    if count := sum(note.down for note in unended):
        yield f"{count} of its notes never end: they last to the end of the file, and at least {UNENDED:g} s"
    notes[:] = [note for note in notes if not note.doubled]
    empty = [note for note in notes if note.offset <= note.onset]
    for note in empty:
        note.offset = note.onset + SHORTEST
    if empty:
        yield f"{len(empty)} of its notes have no length: they last {1000 * SHORTEST:g} ms"
