"""Files that hold more than libsndfile reads of them: streams one after the other, headers without sizes. Floor 2."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

BLOCK = 2**20  # bytes
LEAST = 4096  # bytes after a stream that count as more of it; less is a tag
TAGS = (b"TAG", b"APE", b"LYR", b"\0\0\0")  # what else follows the sound of an mp3


def goes_on(path: Path, form: str) -> bool:
    """Return whether a file holds sound that libsndfile passes over without a word.

    Args:
        path: an existing file.
        form: what libsndfile takes it for: MP3, OGG, FLAC, WAV ...

    Example:
        >>> import tempfile, numpy, soundfile
        >>> one, both = (Path(tempfile.mkdtemp(), name) for name in ("one.flac", "both.flac"))
        >>> soundfile.write(one, numpy.zeros(8000), 8000)
        >>> both.write_bytes(2 * one.read_bytes()) == 2 * one.stat().st_size
        True
        >>> goes_on(one, "FLAC"), goes_on(both, "FLAC")
        (False, True)
    """
    tests = {"MP3": _mp3, "OGG": _ogg, "FLAC": _flac, "WAV": _wav, "WAVEX": _wav}
    if form not in tests or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        return tests[form](file)


def begins_again(path: Path) -> bool:
    """Return whether another wav follows the first one in a file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8)[4:], "little")
        file.seek(8 + size)
        return file.read(4) == b"RIFF"


def _mp3(file: BinaryIO) -> bool:
    """No header that tells the length, which libsndfile guesses then, or more sound after the length that it tells."""
    tag = file.read(10)
    size = sum(byte << 7 * place for place, byte in enumerate(reversed(tag[6:10])))
    start = 10 + size if tag[:3] == b"ID3" else 0
    file.seek(start)
    head = file.read(2048)
    length = _mp3_bytes(head)
    if length is None:
        return True
    file.seek(start + length)
    rest = file.read(LEAST)
    return length > 0 and len(rest) == LEAST and not rest.startswith(TAGS)


def _mp3_bytes(head: bytes) -> int | None:
    """The bytes of an mp3 as its Xing, Info or VBRI header tells them, 0 if it does not; None without a header."""
    for name in (b"Xing", b"Info", b"VBRI"):
        at = head.find(name)
        if at >= 0 and name == b"VBRI":
            return int.from_bytes(head[at + 10 : at + 14], "big")
        if at >= 0:
            frames, size = (head[at + 7] >> bit & 1 for bit in (0, 1))
            return int.from_bytes(head[at + 8 + 4 * frames :][:4], "big") if size else 0
    return None


def _ogg(file: BinaryIO) -> bool:
    """A stream that begins after others: all that play at the same time begin before the first of them goes on."""
    begun, at = False, 0
    while True:
        file.seek(at)
        head = file.read(27)
        if len(head) < 27 or head[:4] != b"OggS":
            return False
        begins, segments = head[5] & 2, head[26]
        if begins and begun:
            return True
        begun |= not begins
        at += 27 + segments + sum(file.read(segments))


def _flac(file: BinaryIO) -> bool:
    """A second beginning, with its first block of metadata."""
    seen, rest = 0, b""
    while block := file.read(BLOCK):
        block = rest + block
        seen += block.count(b"fLaC\0\0\0\x22") + block.count(b"fLaC\x80\0\0\x22")
        rest = block[-7:]  # too short for another one to be counted twice
    return seen > 1


def _wav(file: BinaryIO) -> bool:
    """Sound beyond the size that the header tells, as a recorder leaves it that could not finish the file."""
    end = file.seek(0, 2)
    at = 12
    while at + 8 <= end:
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        if not name.isascii() or not name.decode("ascii").isprintable():
            return end - at > LEAST  # no chunk: it is sound
        if name == b"data" and size == 0:
            return end - at > LEAST
        at += 8 + size + size % 2
    return False
