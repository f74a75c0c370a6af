"""Standard MIDI files byte by byte: tracks of messages, and beats as a tempo map. Floor 2.

Source: The MIDI Association, Standard MIDI Files 1.0 (RP-001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restyle.io.atomic import writing
from restyle.io.midi_clock import TEMPO
from restyle.io.midi_events import END_OF_TRACK, HEADER, META, SET_TEMPO, TIME_SIGNATURE, TRACK
from restyle.io.midi_playing import BEND, CONTROL, NOTE_OFF, NOTE_ON, PROGRAM

RESOLUTION = 960  # ticks a quarter note
ORDER = (META >> 4, CONTROL, NOTE_OFF, PROGRAM, BEND, NOTE_ON)  # of messages of one time

Message = tuple[int, bytes]  # the tick at which it is sent, its bytes


def write_tracks(path: str | Path, tracks: Sequence[Sequence[Message]]) -> None:
    """Write a file of format 1 with 960 ticks a quarter note; of one time notes end before others begin.

    Args:
        path: the file to write; it appears whole or not at all.
        tracks: the messages of each track in any order, the first track that of tempi and time signatures.

    Raises:
        RestyleError: if the file cannot be written.
    """
    header = HEADER + (6).to_bytes(4) + b"".join(n.to_bytes(2) for n in (1, len(tracks), RESOLUTION))
    with writing(path) as beside:
        beside.write_bytes(header + b"".join(_track(messages) for messages in tracks))


def struck(channel: int, key: int, velocity: float, onset: int, offset: int) -> tuple[Message, Message]:
    """Return the messages with which a note begins and ends, at those ticks; velocities are 0..1."""
    loud = min(127, max(1, round(velocity * 127)))
    return (onset, bytes([NOTE_ON << 4 | channel, key, loud])), (offset, bytes([NOTE_OFF << 4 | channel, key, 0]))


def programme_change(channel: int, programme: int, tick: int) -> Message:
    """Return the message that gives a channel a programme."""
    return tick, bytes([PROGRAM << 4 | channel, programme])


def time_signature(beats: int, power: int, tick: int) -> Message:
    """Return the message for bars of so many beats from a tick on, each a 2 ** power-th of a whole note."""
    return tick, bytes([META, TIME_SIGNATURE, 4, beats, power, 24, 8])


def apart(lanes: Sequence[object], onset: np.ndarray, offset: np.ndarray) -> Iterator[tuple[int, float]]:
    """Yield (number, end) of the notes that can be written: MIDI has one end for a key.

    Of two notes of one lane that overlap, the first ends where the second begins; of two that begin at once, the longer
    stays.

    Args:
        lanes: what each note is played on, as (channel, key).
        onset: when it begins.
        offset: when it ends.

    Example:
        >>> sorted(apart("aab", np.array([0, 2, 1]), np.array([3, 4, 5])))
        [(0, 2), (1, 4), (2, 5)]
    """
    following: dict[object, float] = {}  # when the next note of a lane begins
    for i in np.lexsort((offset, onset))[::-1].tolist():
        begins = following.get(lanes[i], np.inf)
        if onset[i] < begins:
            following[lanes[i]] = onset[i].item()
            yield i, min(offset[i].item(), begins)


@dataclass(frozen=True, eq=False)
class Beats:
    """Which tick a time is: beats of 960 ticks, each with the tempo in whole microseconds that a file can hold.

    Args:
        times: of the beats in s as a reader adds them up, shape ``[N]``; the last one's length goes on after it.
        lengths: microseconds of each, shape ``[N]``.

    Example:
        >>> Beats.of(np.array([0.0, 0.5, 1.5])).tick(1.0)
        1440
    """

    times: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, beats: np.ndarray | None) -> Beats:
        """Make it of the times of beats in s, the first of them 0; of 120 a minute where None."""
        if beats is None:
            return cls(np.zeros(1), np.array([TEMPO]))
        lengths = np.clip(np.round(np.diff(beats) * 1e6), 1, 2**24 - 1).astype(int)
        return cls(np.concatenate([[0], np.cumsum(lengths[:-1])]) / 1e6, lengths)

    def tick(self, time: float) -> int:
        """Return the tick nearest to a time in s."""
        beat = max(0, int(np.searchsorted(self.times, time, side="right")) - 1)
        return round(RESOLUTION * beat + (time - self.times[beat]) * 1e6 / self.lengths[beat] * RESOLUTION)

    def tempo(self) -> list[Message]:
        """Return the messages of its changes of tempo."""
        changes = np.flatnonzero(np.diff(self.lengths, prepend=0)).tolist()
        return [(RESOLUTION * k, bytes([META, SET_TEMPO, 3]) + int(self.lengths[k]).to_bytes(3)) for k in changes]


def _track(messages: Sequence[Message]) -> bytes:
    data, last = bytearray(), 0
    for tick, message in sorted(messages, key=lambda m: (m[0], ORDER.index(m[1][0] >> 4), m[1])):
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
