"""NSynth: 305,979 single notes of 1,006 instruments, 4 s each, 16 kHz mono. Floor 3.

Source: Engel et al. 2017, Neural audio synthesis of musical notes with WaveNet autoencoders, arXiv 1704.01279;
https://magenta.tensorflow.org/datasets/nsynth (the json/wav files).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from restyle.data.clip import Item, SoundFiles
from restyle.data.tables import find
from restyle.errors import RestyleError
from restyle.notes import Notes

SPLITS = {"nsynth-train": "train", "nsynth-valid": "validation", "nsynth-test": "test"}
HELD = 3.0  # seconds; the rest of the 4 s is the release
LICENCE = "CC BY 4.0"
PROGRAMMES = {  # of General MIDI, near each family
    "bass": 33,
    "brass": 61,
    "flute": 73,
    "guitar": 25,
    "keyboard": 0,
    "mallet": 12,
    "organ": 16,
    "reed": 65,
    "string": 48,
    "synth_lead": 80,
    "vocal": 52,
}


class Nsynth(SoundFiles):
    """The notes of the parts that are there, of nsynth-train, nsynth-valid and nsynth-test.

    Labels: the family (bass, brass ...), how it sounds (acoustic, electronic, synthetic), then its qualities (bright,
    dark, reverb ...). Source: the instrument. The own split keeps the instruments of train apart from the others;
    validation and test share theirs.

    Args:
        root: the folder with the parts, or one of them; each holds ``examples.json`` and ``audio/NAME.wav``.

    Raises:
        RestyleError: if there is no part, an examples.json is damaged, or no sound is there.

    Example:
        >>> Nsynth("nsynth").labels  # doctest: +SKIP
        ('bass', 'brass', 'flute', 'guitar', 'keyboard', 'mallet', 'organ', 'reed', 'string', 'synth_lead', 'vocal')
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__("nsynth", root)
        self._played: dict[str, tuple[int, float, int]] = {}  # pitch, velocity, programme by name
        patterns = ["examples.json", *(f"{part}/examples.json" for part in SPLITS)]
        first = find(root, patterns, "NSynth's nsynth-train, nsynth-valid or nsynth-test")
        parts = [first.parent]
        if first.parent != self.root:
            parts = [part for name in SPLITS if ((part := self.root / name) / "examples.json").is_file()]
        items = [item for part in parts for item in self._part(part)]
        self.items = self.present(items)

    def notes(self, item: Item) -> Notes:
        """Return the one note of an item, held for 3 s."""
        pitch, velocity, programme = self._played[item.path.stem]
        return Notes.of([(0.0, HELD, pitch, velocity, programme)])

    def _part(self, folder: Path) -> list[Item]:
        path = folder / "examples.json"
        try:
            with path.open(encoding="utf-8") as file:
                examples = json.load(file, object_hook=_slim)
            return [self._item(folder, name, example) for name, example in examples.items()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RestyleError(f"{path} is damaged or not NSynth's; unpack it again") from error

    def _item(self, folder: Path, name: str, example: dict[str, Any]) -> Item:
        family = str(example["instrument_family_str"])
        labels = (family, str(example["instrument_source_str"]), *map(str, example["qualities_str"]))
        self._played[name] = int(example["pitch"]), int(example["velocity"]) / 127, PROGRAMMES.get(family, 0)
        sound = folder / "audio" / f"{name}.wav"
        return Item(sound, labels, str(example["instrument_str"]), LICENCE, split=SPLITS.get(folder.name, ""))


def _slim(example: dict[str, Any]) -> dict[str, Any]:
    """Drop what is not used as it is read: nsynth-train's 289,205 examples are large."""
    unused = ("qualities", "note", "note_str", "instrument", "instrument_family", "instrument_source", "sample_rate")
    for key in unused:
        example.pop(key, None)
    return example
