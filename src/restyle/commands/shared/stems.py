"""``restyle data stems``: songs whose stems are known to a store. Floor 6."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from restyle.commands.shared import cluster, outputs
from restyle.commands.shared.tally import Report, Tally, tally
from restyle.data.stems import StemSong, frames, read_stems, stem_songs
from restyle.data.store import StoreWriter
from restyle.errors import RestyleError
from restyle.threads import single

HOP = 1024  # samples of a frame
GROUP = 8  # songs that one process takes at a time


@dataclass(frozen=True)
class Group:
    """Songs that one process reads and writes as a shard."""

    items: tuple[StemSong, ...]
    stamps: tuple[str, ...]
    rate: int
    out: Path


def stems(
    folder: Path,
    out: Path,
    *,
    rate: int = 44100,
    jobs: int = 1,
    address: str | None = None,
    report: Report | None = None,
) -> Tally:
    """Put the stems of all songs of a folder in a store; those that are there and unchanged are kept.

    Args:
        folder: of the songs, as `data.stems.stem_songs` finds them; pieces of one song, which must not be on two sides
            of a split, are named SONG-00, SONG-01 ...
        out: the store's folder, made if missing. An entry's frames hold all stems and channels, 16-bit floats.
        rate: of the store, Hz.
        jobs: processes at a time.
        address: of a Ray or Dask cluster that does the work instead; it must see both folders.
        report: called with a song's name, how many are done, and of how many.

    Returns:
        How many songs are new or were there, and which were skipped and why.

    Raises:
        RestyleError: if the folder is missing or holds no stems, or the store cannot be written to.
    """
    if not 8000 <= rate <= 96000:
        raise RestyleError(f"the rate cannot be {rate} Hz; give 8000 to 96000")
    songs, made = stem_songs(folder), Tally()
    settings = {"kind": "stems", "rate": rate, "hop": HOP, "log1p": False}
    with outputs.folder(out):
        writer = StoreWriter(out, settings)
        left = [(song, stamp) for song in songs if writer.done.get(song.name) != (stamp := _stamp(song))]
        made.kept = len(songs) - len(left)
        cuts = [left[at : at + GROUP] for at in range(0, len(left), GROUP)]
        groups = [Group(tuple(song for song, _ in cut), tuple(stamp for _, stamp in cut), rate, out) for cut in cuts]
        outcomes = cluster.each(_write, groups, jobs, address)
        tally(made, outcomes, len(songs), report)
        if not made.new + made.kept:
            raise RestyleError(f"{folder}: none of its stems could be read; choose another folder")
        writer.close(keep={song.name for song in songs} - {name for name, _ in made.skipped})
    return made


def _stamp(song: StemSong) -> str:
    states = [(name, path.stat().st_size, path.stat().st_mtime_ns) for name, path in sorted(song.files.items())]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()[:16]


@single()
def _write(group: Group) -> dict[str, str]:
    """Write the stems of some songs; return the names of those that have none, and why."""
    writer = StoreWriter(group.out, {"kind": "stems", "rate": group.rate, "hop": HOP, "log1p": False})
    reasons = {}
    for song, stamp in zip(group.items, group.stamps, strict=True):
        try:
            source = re.sub(r"-\d+$", "", song.name)
            array = frames(read_stems(song.files, rate=group.rate), HOP)
            writer.add(song.name, (), source, "", array, stamp=stamp)
        except RestyleError as error:
            reasons[song.name] = str(error)
        except Exception as error:
            reasons[song.name] = f"{type(error).__name__}: {error}"
    writer.flush()
    return reasons
