"""Any folder of sounds: its sub-folders are the labels. Floor 3."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from restyle.data.clip import Item, SoundFiles
from restyle.data.triplets import SOUNDS
from restyle.errors import RestyleError
from restyle.io.midi import MIDI


class Folder(SoundFiles):
    """Sounds of any format in sub-folders named after their labels; deeper folders only keep order.

    ``jazz/live/take.flac`` has the label jazz; ``jazz/live/take.mid`` beside it gives its notes. Files whose names
    differ only in the ending are one source. Hidden files are passed over.

    Args:
        root: the folder.
        labels: how many different labels are needed at least: 2 to teach a classifier; 0 also takes sounds that lie in
            the folder itself, without a label.
        licence: of all the sounds.

    Raises:
        RestyleError: if the folder is missing or holds no sounds, or fewer labels than needed.

    Example:
        >>> Folder("music", labels=2).labels  # doctest: +SKIP
        ('jazz', 'rock')
    """

    def __init__(self, root: str | Path, *, labels: int = 0, licence: str = "") -> None:
        super().__init__("folder", root)
        if not self.root.is_dir():
            raise RestyleError(f"{root}: there is no such folder; check the name")
        for path in _sounds(self.root):
            inside = path.relative_to(self.root)
            if labels and len(inside.parts) == 1:
                self.skip(path, "it lies in no sub-folder, so it has no label")
                continue
            source = inside.with_suffix("").as_posix()
            self.items.append(Item(path, inside.parts[:-1][:1], source, licence, _midi(path)))
        self._check(labels)

    def _check(self, labels: int) -> None:
        if not self.items and not self.skipped:
            known = ", ".join(sorted(SOUNDS))
            raise RestyleError(f"{self.root} holds no sounds ({known}); choose another folder")
        if len(self.labels) < labels:
            found = f"only '{self.labels[0]}'" if len(self.labels) == 1 else f"{len(self.labels) or 'no'} labels"
            raise RestyleError(
                f"{self.root} holds {found} where {labels} labels are needed; give a sub-folder of sounds a label"
            )


def _sounds(root: Path) -> Iterator[Path]:
    """Sound files in a folder and all below, sorted; links to folders are followed, each folder once."""
    seen: set[Path] = set()
    for parent, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if (real := Path(parent).resolve()) in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix.lower() in SOUNDS and not name.startswith("."):
                yield path


def _midi(sound: Path) -> Path | None:
    """The MIDI file beside a sound; an ending may be written in capitals."""
    endings = [form for ending in MIDI for form in (ending, ending.upper())]
    return next((path for ending in endings if (path := sound.with_suffix(ending)).is_file()), None)
