"""How many recordings two banks of instruments share: SoundFonts (.sf2, .sf3) or folders of sounds.

    python benchmarks/independence.py ONE OTHER

A model trained on a bank knows every bank that shares its recordings: what is chosen there says nothing new.
Recordings count as the same where their samples are, bit for bit, silence at either end aside. An .sf3 holds them in a
lossy coding: it can be compared to another .sf3, but shares nothing with an .sf2 made of the same recordings.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

LEAST = 256  # samples; shorter ones are loops of one wave that anybody may have
HEADER = struct.Struct("<20sIIIIIBbHH")  # of a sample: name, start, end, loop, rate, pitch, link, kind
VORBIS = 0x10  # flag of a sample's kind in .sf3


def chunks(data: memoryview, start: int = 0) -> Iterator[tuple[bytes, memoryview]]:
    """Yield all chunks of a RIFF file, those inside lists too."""
    while start + 8 <= len(data):
        name, size = bytes(data[start : start + 4]), int.from_bytes(data[start + 4 : start + 8], "little")
        body = data[start + 8 : start + 8 + size]
        if name in (b"RIFF", b"LIST"):
            yield from chunks(body, 4)
        else:
            yield name, body
        start += 8 + size + size % 2


def soundfont(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the samples of each recording in a SoundFont."""
    parts = dict(chunks(memoryview(path.read_bytes())))
    if b"smpl" not in parts or b"shdr" not in parts:
        raise SystemExit(f"{path} is no SoundFont; give an .sf2 or .sf3 file, or a folder of sounds")
    for name, start, end, *_, kind in HEADER.iter_unpack(
        parts[b"shdr"][: len(parts[b"shdr"]) // HEADER.size * HEADER.size]
    ):
        text = name.split(b"\0")[0].decode("latin-1")
        if end > start:
            yield text, bytes(parts[b"smpl"][start:end] if kind & VORBIS else parts[b"smpl"][2 * start : 2 * end])


def folder(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the samples of each sound below a folder."""
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() in {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"}:
            yield file.relative_to(path).as_posix(), soundfile.read(file, dtype="int16", always_2d=True)[0].tobytes()


def digests(path: Path) -> dict[str, str]:
    """Return digest -> name of the recordings of a bank."""
    found = {}
    for name, data in folder(path) if path.is_dir() else soundfont(path):
        samples = np.frombuffer(data[: len(data) // 2 * 2], np.int16)
        sounding = np.flatnonzero(samples)
        if len(sounding) >= LEAST:
            trimmed = samples[sounding[0] : sounding[-1] + 1]
            found[hashlib.sha256(trimmed.tobytes()).hexdigest()] = name
    return found


def shared(one: Path, other: Path) -> list[tuple[str, str]]:
    """Return the names, in both, of the recordings that two banks share."""
    first, second = digests(one), digests(other)
    return sorted((first[key], second[key]) for key in first.keys() & second.keys())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    arguments = parser.parse_args()
    both = shared(arguments.one, arguments.other)
    for one, other in both[:20]:
        print(f"{one} = {other}")
    of = [f"{len(digests(path))} in {path.name}" for path in (arguments.one, arguments.other)]
    print(f"{len(both)} recordings are in both: of {' and '.join(of)}")


if __name__ == "__main__":
    main()
