"""What a player does with the events of a MIDI file: notes from keys and pedals, and how channels are bent. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from restyle.io.midi_events import Events, damaged, read_events
from restyle.notes import DRUM_CHANNEL, DRUMS

WHEEL = 8192  # steps of the pitch wheel to either side
RANGE = 2.0  # semitones that it reaches, unless a file says otherwise
SHORTEST = 0.01  # s that FluidSynth plays a note without length
UNENDED = 1.0  # s, at least, of a note that never ends

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 0x8, 0x9, 0xB, 0xC, 0xE
SUSTAIN, SOSTENUTO, SOUND_OFF, RESET, NOTES_OFF = 64, 66, 120, 121, 123  # controls
DATA, DATA_FINE, PARAMETERS = 6, 38, {98: "none", 99: "none", 100: "fine", 101: "coarse"}


@dataclass
class PlayedNote:
    """A note in seconds, with the key that is struck, a velocity of 1..127, and the track that strikes it."""

    onset: float
    pitch: int
    velocity: int
    programme: int
    channel: int
    track: int
    offset: float = np.inf
    again: bool = False  # whether it began by ending one of the same key
    doubled: bool = False  # whether another one began with it
    down: bool = True  # the key
    held: bool = False  # by the sostenuto pedal


@dataclass
class Channel:
    """The state of a channel, and what sounds on it."""

    number: int
    programme: int = 0
    sustain: bool = False
    sounding: dict[tuple[int, int], PlayedNote] = field(default_factory=dict)
    moves: list[tuple[float, float]] = field(default_factory=list)  # of the pitch wheel: s, semitones
    wheel: float = 0.0
    range: float = RANGE
    parameter: dict[str, int] = field(default_factory=dict)

    def on(self, time: float, track: int, pitch: int, velocity: int) -> PlayedNote:
        """Begin a note; one that sounds on its key ends."""
        before = self.sounding.get((track, pitch))
        if before:
            before.offset, before.doubled = time, before.onset == time
        programme = DRUMS if self.number == DRUM_CHANNEL else self.programme
        note = PlayedNote(time, pitch, velocity, programme, self.number, track, again=before is not None)
        self.sounding[track, pitch] = note
        return note

    def off(self, time: float, track: int, pitch: int) -> None:
        """Let a key go."""
        note = self.sounding.get((track, pitch))
        if note and not (note.again and note.onset == time):  # else it is the end of the one before
            note.down = False
            self.release(time)

    def release(self, time: float) -> None:
        """End what neither a key nor a pedal holds."""
        for key, note in list(self.sounding.items()):
            if not (note.down or note.held or self.sustain):
                note.offset = time
                del self.sounding[key]

    def control(self, time: float, number: int, value: int) -> None:
        """Follow a pedal, a reset, or the parts of a message that sets the wheel's range."""
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
        """Note how far the wheel bends from now on."""
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
class Played:
    """The notes of a file, its 16 channels, what was mended, and the events themselves."""

    notes: list[PlayedNote]
    channels: list[Channel]
    mended: list[str]
    found: Events


def play(path: str | Path, *, apart: bool = False) -> Played:
    """Follow the events of a file as a synthesiser does.

    Args:
        path: of the file.
        apart: whether a note of one track sounds on when another track strikes its key on the same channel; a
            synthesiser plays it once.

    Raises:
        RestyleError: if the file is missing, or is no readable MIDI file.
    """
    found = read_events(Path(path))
    channels = [Channel(number) for number in range(16)]
    notes: list[PlayedNote] = []
    for time, status, first, second, of in found.events:
        kind, channel, track = status >> 4, channels[status & 0xF], of if apart else 0
        if kind == NOTE_ON and second:
            notes.append(channel.on(time, track, first, second))
        elif kind in (NOTE_ON, NOTE_OFF):
            channel.off(time, track, first)
        elif kind == CONTROL:
            channel.control(time, first, second)
        elif kind == PROGRAM:
            channel.programme = first
        elif kind == BEND:
            channel.wheel = ((second << 7 | first) - WHEEL) / WHEEL
            channel.move(time)
    if found.incomplete and not notes:
        raise damaged(Path(path))
    return Played(notes, channels, [*found.mended, *_end(notes, found.end)], found)


def _end(notes: list[PlayedNote], end: float) -> Iterator[str]:
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
