"""The events of standard MIDI files, read as players read them: what is damaged is mended where it can be. Floor 2.

Source: The MIDI Association, Standard MIDI Files 1.0 (RP-001); for RIFF around it, RP-029.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from restyle.errors import RestyleError
from restyle.io.midi_clock import Clock

HEADER, TRACK = b"MThd", b"MTrk"
FOREIGN = 256  # bytes that may stand before the header, as RIFF's
META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7  # statuses
END_OF_TRACK, SET_TEMPO, TIME_SIGNATURE = 0x2F, 0x51, 0x58  # meta events
TEXTS = (0x01, 0x05, 0x06, 0x07)  # meta events of words that belong to a place: text, lyrics, markers, cues
FINEST = 6  # the power of two of the shortest beat: a sixty-fourth note


class Event(NamedTuple):
    """A message to a channel.

    Args:
        time: s.
        status: kind of message times 16, and the channel 0..15.
        first: data byte 0..127.
        second: data byte 0..127, 0 where the kind has one alone.
        track: number of the track that sends it.
    """

    time: float
    status: int
    first: int
    second: int
    track: int


class Signature(NamedTuple):
    """A time signature.

    Args:
        quarter: quarter notes from the start of the file.
        bar: quarter notes of a bar from there on.
    """

    quarter: float
    bar: float


class Text(NamedTuple):
    """Words at a place of a file.

    Args:
        quarter: quarter notes from the start of the file.
        lane: number of the track, and of the kind of event: what belongs together.
        text: the words.
    """

    quarter: float
    lane: tuple[int, int]
    text: str


@dataclass(frozen=True)
class Events:
    """What a file holds.

    Args:
        events: of all tracks, in the order of time.
        end: time in s at which the longest track ends.
        mended: what was wrong with the file and was mended, a phrase each.
        incomplete: whether a part of it could not be read.
        signatures: time signatures of all tracks, in the order of time.
        clock: its quarter notes in seconds.
        texts: words of all tracks, a track after the other.
    """

    events: list[Event]
    end: float
    mended: list[str]
    incomplete: bool
    signatures: list[Signature]
    clock: Clock
    texts: list[Text]


def read_events(path: Path) -> Events:
    """Read a MIDI file of format 0, 1 or 2 (whose tracks are played at once), in RIFF or not; tempi are followed.

    Raises:
        RestyleError: if the file is missing, or is no MIDI file.
    """
    if not path.is_file():
        raise RestyleError(f"{path}: there is no such MIDI file; check the name")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RestyleError(f"{path} cannot be read ({error.strerror or error}); check its permissions") from error
    start = data.find(HEADER, 0, FOREIGN)
    if start < 0 or len(data) < start + 14:
        raise damaged(path)
    size, _, count, division = struct.unpack(">IHHH", data[start + 4 : start + 14])
    if division in (0, 0x8000):
        raise damaged(path)
    reader = _Reader(data, start + 8 + size)
    tracks = reader.tracks()
    if not tracks:
        raise damaged(path)
    if len(tracks) < count:
        reader.mend(f"{count - len(tracks)} of its {count} tracks are missing", incomplete=True)
    clock = Clock.of([tempo for track in tracks for tempo in track.tempi], division)
    messages = sorted(
        ((*m, number) for number, track in enumerate(tracks) for m in track.messages), key=lambda message: message[0]
    )
    signatures = [Signature(tick / clock.quarter, bar) for track in tracks for tick, bar in track.signatures]
    times = clock.seconds(np.array([message[0] for message in messages], dtype=np.float64))
    events = [Event(time, *message[1:]) for time, message in zip(times.tolist(), messages, strict=True)]
    end = float(clock.seconds(np.array([max(track.length for track in tracks)]))[0])
    texts = [
        Text(tick / clock.quarter, (number, kind), text)
        for number, track in enumerate(tracks)
        for tick, kind, text in track.texts
    ]
    return Events(events, end, list(reader.mended), reader.incomplete, sorted(signatures), clock, texts)


def damaged(path: Path) -> RestyleError:
    """Return the error for a file in which nothing can be read."""
    return RestyleError(f"{path} is damaged or no MIDI file; export it again from the program that made it")


@dataclass
class _Track:
    messages: list[tuple[int, int, int, int]] = field(default_factory=list)  # tick, status, first, second
    tempi: list[tuple[int, int]] = field(default_factory=list)  # tick, microseconds a quarter note
    signatures: list[tuple[int, float]] = field(default_factory=list)  # tick, quarter notes a bar
    texts: list[tuple[int, int, str]] = field(default_factory=list)  # tick, kind, words
    length: int = 0  # ticks


class _DamagedError(Exception):
    """A byte that cannot stand where it does."""


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at, self.limit = data, at, len(data)
        self.mended: dict[str, None] = {}  # each once, in order
        self.incomplete = False

    def mend(self, what: str, *, incomplete: bool = False) -> None:
        self.mended[what] = None
        self.incomplete |= incomplete

    def tracks(self) -> list[_Track]:
        found = []
        while self.at + 8 <= len(self.data):
            name, stop = self._take(4), int.from_bytes(self._take(4)) + self.at
            if name == TRACK:
                found.append(self._track(stop))
                self.at = self._next(stop)
            else:
                self.at = stop if name.isalpha() else self._search()
        return found

    def _track(self, stop: int) -> _Track:
        track = _Track()
        self.limit = self._search()  # a track that is cut off must not take the next one for notes
        try:
            self._fill(track, stop)
        except EOFError:
            self.mend("a track is cut off: the rest of it is missing", incomplete=True)
        except _DamagedError:
            self.mend("a track is damaged: the rest of it is left out", incomplete=True)
            self.at = self._search()
        else:
            if self.at != stop and not self._chunk(stop):
                self.mend("the length of a track is wrong")
        finally:
            self.limit = len(self.data)
        return track

    def _fill(self, track: _Track, stop: int) -> None:
        running = 0
        while self.at < stop or not self._chunk(self.at):
            track.length += self._number()
            status = self._byte()
            if status < 0x80:
                self.at -= 1
                status = running
            if status == META:
                kind, body = self._byte(), self._take(self._number())
                if kind == END_OF_TRACK:
                    return
                if kind == SET_TEMPO:
                    self._tempo(track, body)
                elif kind == TIME_SIGNATURE:
                    _sign(track, body)
                elif kind in TEXTS:
                    track.texts.append((track.length, kind, body.decode("latin-1")))
            elif status in (SYSEX, ESCAPE):
                self._take(self._number())
            elif 0x80 <= status < SYSEX:
                running = status
                track.messages.append((track.length, status, *self._bytes(status)))
            else:
                raise _DamagedError

    def _tempo(self, track: _Track, body: bytes) -> None:
        if len(body) == 3 and any(body):
            track.tempi.append((track.length, int.from_bytes(body)))
        else:
            self.mend("a tempo that cannot be is left out")

    def _bytes(self, status: int) -> tuple[int, int]:
        """The data of a message; programmes and pressures of a channel have one byte."""
        single = status >> 4 in (0xC, 0xD)
        first, second = self._byte(), 0 if single else self._byte()
        if first > 127 and not single:  # no key or control: the bytes are out of step
            raise _DamagedError
        if max(first, second) > 127:
            self.mend("values above 127 are read as 127")
        return min(first, 127), min(second, 127)

    def _number(self) -> int:
        number = 0
        while True:
            byte = self._byte()
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                return number

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        if self.at + count > self.limit:
            self.at = self.limit
            raise EOFError
        self.at += count
        return self.data[self.at - count : self.at]

    def _chunk(self, at: int) -> bool:
        """Whether a track begins there, another chunk (four letters), or nothing."""
        return at == len(self.data) or self.data[at : at + 4] == TRACK or self.data[at : at + 4].isalpha()

    def _next(self, stop: int) -> int:
        """Where the next chunk begins: where the last one says, or where it was found to end, or further on."""
        return next((at for at in (stop, self.at) if at >= self.at and self._chunk(at)), self._search())

    def _search(self) -> int:
        found = self.data.find(TRACK, self.at)
        return len(self.data) if found < 0 else found


def _sign(track: _Track, body: bytes) -> None:
    if len(body) >= 2 and body[0] and body[1] <= FINEST:  # one that cannot be changes no sound: no word of it
        track.signatures.append((track.length, 4 * body[0] / 2 ** body[1]))
