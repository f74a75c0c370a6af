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

SPLITS = {"nsynth-train": "train", "nsynth-valid": "validation", "nsynth-test": "test"}
LICENCE = "CC BY 4.0"


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
        patterns = ["examples.json", *(f"{part}/examples.json" for part in SPLITS)]
        first = find(root, patterns, "NSynth's nsynth-train, nsynth-valid or nsynth-test")
        parts = [first.parent]
        if first.parent != self.root:
            parts = [part for name in SPLITS if ((part := self.root / name) / "examples.json").is_file()]
        items = [item for part in parts for item in self._part(part)]
        self.items = self.present(items)

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
        sound = folder / "audio" / f"{name}.wav"
        return Item(sound, labels, str(example["instrument_str"]), LICENCE, split=SPLITS.get(folder.name, ""))


def _slim(example: dict[str, Any]) -> dict[str, Any]:
    """Drop what is not used as it is read: nsynth-train's 289,205 examples are large."""
    unused = ("qualities", "note", "note_str", "instrument", "instrument_family", "instrument_source", "sample_rate")
    for key in unused:
        example.pop(key, None)
    return example
